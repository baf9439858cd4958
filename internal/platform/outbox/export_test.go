package outbox

import "context"

// Turns does what Run does, one turn at a time.
type Turns struct{ publisher }

// NewTurns takes the place of Run.
func NewTurns(o *Outbox) *Turns { return &Turns{publisher{Outbox: o}} }

// Turn publishes all that is committed.
func (t *Turns) Turn(ctx context.Context) error { return t.turn(ctx) }

// Page is how many events are read at once.
const Page = page

// MaxReaders is how many replays read at once.
const MaxReaders = maxReaders

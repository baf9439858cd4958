package tickets

import (
	"context"
	"fmt"
)

// turns lets only so many do something at a time. Whoever waits for a turn holds no connection of the database: those who
// would wait there for one another's rows would leave none to read with, or to announce what happens.
type turns chan struct{}

func newTurns(most int) turns { return make(turns, most) }

// take waits for a turn, and runs do in it. The error is do's, or that of ctx if it ends before.
func (t turns) take(ctx context.Context, do func() error) error {
	select {
	case t <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("waiting for a turn: %w", ctx.Err())
	}
	defer func() { <-t }()
	return do()
}

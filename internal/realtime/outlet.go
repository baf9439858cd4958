package realtime

import (
	"context"
	"errors"
)

// Outlet is a wire's end of one peer. Deliver and Close never wait; any goroutine may call them.
type Outlet interface {
	// Deliver encodes m, once for all peers of the same format (Message.Frame), and queues it by m.Queue. The room
	// tells messages of QueueLatest apart; it is empty for a message to this peer alone. It reports whether the message
	// will be written.
	Deliver(m *Message, room string) bool
	// Wait returns once at most half of the peer's queue is used: a replay is not faster than its reader. The error is
	// ErrClosed or the context's.
	Wait(ctx context.Context) error
	// Close ends the connection soon: an answer that is being made is still sent, except for ReasonSlow. The wire then
	// calls Gateway.Closed as for any other end. Later calls do nothing.
	Close(reason Reason)
}

// Reason is why a connection is ended by the server.
type Reason uint8

// The reasons, with the close codes of RFC 6455 that the WebSocket wire says them with.
const (
	ReasonNormal    Reason = iota // 1000: the conversation is over
	ReasonGoingAway               // 1001: the server stops
	ReasonProtocol                // 1002: not what the wire's protocol allows
	ReasonInvalid                 // 1003 for binary data, 1007 for text that is none
	ReasonPolicy                  // 1008: the system wants this peer gone, or it sent too much that means nothing
	ReasonTooBig                  // 1009: a message over the limit
	ReasonFailure                 // 1011: the server could not serve the connection
	ReasonSlow                    // 1013: the peer does not read as fast as it is written to
)

var reasons = [...]string{"closed", "going away", "protocol error", "invalid data", "refused", "too big", "failure", "too slow"}

// String is a word for logs and close frames.
func (r Reason) String() string { return reasons[r] }

// What realtime and the systems tell wires.
var (
	// ErrUnauthenticated is wrapped by Lifecycle.Authenticate's error for a credential that is missing or not valid.
	ErrUnauthenticated = errors.New("realtime: not authenticated")
	// ErrTooOld is wrapped by History.Replay's error when what was missed cannot be replayed.
	ErrTooOld = errors.New("realtime: too old to be replayed")
	// ErrDraining is returned for a peer that comes after Hub.Drain was called.
	ErrDraining = errors.New("realtime: the server stops")
	// ErrNotReady is what OutboundConfig.Write returns when nothing can be written now.
	ErrNotReady = errors.New("realtime: not ready to be written to")
	// ErrClosed is returned for a connection that has ended.
	ErrClosed = errors.New("realtime: the connection is closed")
)

// Meter counts what a system's live side does. It is safe for concurrent use and never waits.
type Meter interface {
	Connected(wire Wire, delta int)   // a peer came (1) or went (-1)
	Received(wire Wire, event string) // from a peer; event is "unknown" for what the contract does not have
	Sent(event string, peers int)     // queued for so many peers, as an event or as an answer
	Queued(bytes int)                 // change of what all queues hold, as OutboundConfig.Limit counts it
	Dropped(event string)             // lost or replaced because of a full queue (QueueDrop, QueueLatest), or with a slow peer (QueueClose)
}

// noMeter is the Meter of who needs none.
type noMeter struct{}

func (noMeter) Connected(Wire, int)   {}
func (noMeter) Received(Wire, string) {}
func (noMeter) Sent(string, int)      {}
func (noMeter) Queued(int)            {}
func (noMeter) Dropped(string)        {}

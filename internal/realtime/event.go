package realtime

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
)

// Incoming is one message from a peer, cut out of its frame and not validated yet.
type Incoming struct {
	Event      string   // the wire's name for it
	Args       [][]byte // the arguments, each one JSON value; none for an event without payload
	WantsReply bool     // the peer waits for an ack or an answer
}

// Dispatcher validates an incoming message, calls the handler and encodes its reply. Generated code implements it; it is
// safe for concurrent use.
type Dispatcher interface {
	// Dispatch returns what the peer is answered, nil for nothing. An error is one that the contract gives no wire form
	// (no x-errors): *UnknownEvent, a refusal, or a failure of the handler. The wire decides what becomes of the
	// connection. The arguments are not kept after the return.
	Dispatch(ctx context.Context, peer *Peer, in *Incoming) (*Message, error)
}

// UnknownEvent is an event that the contract does not have.
type UnknownEvent struct{ Event string }

func (e *UnknownEvent) Error() string { return "unknown event " + e.Event }

// Panic is the error of a handler that panicked: one message must not end the process for all peers.
type Panic struct {
	Value any
	Stack []byte
}

func (e *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Recover turns a panic into *err. Generated code defers it around handlers.
func Recover(err *error) {
	if value := recover(); value != nil {
		*err = &Panic{Value: value, Stack: debug.Stack()}
	}
}

// Handle dispatches a message, gives its reply to answer (also nil, for wires that answer in order), and then runs what
// the handler left for After. Gateway.Receive calls it; so does what takes the Gateway's place where this file was copied to
// (Runtime).
func Handle(ctx context.Context, d Dispatcher, peer *Peer, in *Incoming, answer func(*Message)) error {
	after := &afterReply{Context: ctx}
	reply, err := d.Dispatch(after, peer, in)
	answer(reply)
	for _, fn := range after.list {
		fn()
	}
	return err
}

// After runs fn once the reply of the message that ctx belongs to has been queued: an event that must not overtake the
// ack is emitted there. Outside of Handle it runs at once. It must be called by the handler's own goroutine.
func After(ctx context.Context, fn func()) {
	if after, ok := ctx.Value(afterKey{}).(*afterReply); ok {
		after.list = append(after.list, fn)
		return
	}
	fn()
}

type afterKey struct{}

// afterReply is a context that carries what follows the reply.
type afterReply struct {
	context.Context
	list []func()
}

// Value answers afterKey itself and leaves the rest to the parent.
func (a *afterReply) Value(key any) any {
	if _, ok := key.(afterKey); ok {
		return a
	}
	return a.Context.Value(key)
}

// Queue says what happens to a message for a peer whose queue is full (x-queue).
type Queue uint8

// The policies of full queues.
const (
	QueueClose  Queue = iota // the peer is closed: it would miss something
	QueueLatest              // one of the same event and room that still waits is replaced
	QueueDrop                // the message is dropped for this peer
)

// Message is one message to peers. It is immutable once it has been given away, and encoded once per wire however many
// peers it goes to.
type Message struct {
	Event   string // the message's name; acks of Socket.IO and answers of commands do not write it
	Payload []byte // JSON; nil for an event without payload
	Spread  bool   // Payload is an array whose items are the arguments
	ID      string // of durable messages: <epoch>:<n>; empty otherwise
	Seq     uint64 // the n of ID; 0: not durable
	Status  string // first line on the key-value wire, like "200/OK"; empty elsewhere
	Queue   Queue
	Shape   *Shape // how the key-value and command wires write the payload; nil: as it is

	mu     sync.Mutex
	frames []frame
}

type frame struct {
	format any
	bytes  []byte
}

// Frame returns the message in a wire's format, calling encode the first time that this format is asked for. The format
// is a comparable value of the wire's choice. The bytes are shared and must not be modified.
func (m *Message) Frame(format any, encode func(*Message) []byte) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.frames {
		if f.format == format {
			return f.bytes
		}
	}
	bytes := encode(m)
	m.frames = append(m.frames, frame{format, bytes})
	return bytes
}

// Sink takes what generated emitters send. The hub implements it; it never waits for a peer.
type Sink interface {
	// Broadcast queues m for every peer in the room but one; except may be nil.
	Broadcast(ctx context.Context, room string, m *Message, except *Peer)
	// Send queues m for one peer.
	Send(ctx context.Context, peer *Peer, m *Message)
}

// Outbox stores durable messages (x-durable) in the transaction that tells of the change: they are published after the
// commit, in commit order, and never if it is rolled back.
type Outbox interface {
	Append(ctx context.Context, entry Entry) error
}

// Entry is one durable message on its way into the outbox.
type Entry struct {
	Room    string
	Event   string
	Payload []byte // JSON; nil for an event without payload
}

// RoomParam writes a channel parameter into a room key, so that no value can name another room: "%" and "/" are escaped.
func RoomParam(value string) string {
	if !strings.ContainsAny(value, "/%") {
		return value
	}
	return strings.ReplaceAll(strings.ReplaceAll(value, "%", "%25"), "/", "%2F")
}

// Argument is what the payload of a command is made of: the only argument, or all of them as a JSON array where the
// contract names several (x-arguments). One that is missing is null.
func (in *Incoming) Argument(several bool) []byte {
	switch {
	case several:
		return append(append([]byte{'['}, bytes.Join(in.Args, []byte{','})...), ']')
	case len(in.Args) == 0:
		return []byte("null")
	}
	return in.Args[0]
}

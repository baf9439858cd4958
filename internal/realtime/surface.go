package realtime

import (
	"slices"
	"time"
)

// Surface is what wires, hub and replay need to know of a contract; generated code declares it.
type Surface struct {
	Servers  []Server
	Commands map[string]*Command // what peers may send, by event name
	Events   map[string]*Event   // what is sent to peers, by event name
	Streams  []Stream
}

// Server is one server entry: where and how the contract is served.
type Server struct {
	Name string // in the contract
	Wire Wire
	Path string // of the URL; empty for TCP

	Anonymous string // role of a connection without credential; empty: none

	// Names of a frame's members, for the envelope and command codecs. Empty ones do not exist.
	EventMember, PayloadMember, IDMember string
}

// Command is a message that peers may send.
type Command struct {
	Event   string
	Replies bool     // it is answered
	Roles   []string // who may send it; nil: everybody
	Shape   *Shape   // of the payload, for wires that cannot write JSON; nil if there is none
}

// Event is a message that is sent to peers.
type Event struct {
	Event   string
	Durable bool
	Queue   Queue
	Spread  bool
}

// Stream is a channel whose durable messages can be replayed (x-stream).
type Stream struct {
	Address   string        // room key; parameters in braces
	Retention time.Duration // how long messages can be replayed
	Resync    string        // the event for a peer that missed more than that
}

// Resyncs are the events that tell a peer to load everything again, each once.
func (s *Surface) Resyncs() []string {
	var events []string
	for _, stream := range s.Streams {
		if stream.Resync != "" && !slices.Contains(events, stream.Resync) {
			events = append(events, stream.Resync)
		}
	}
	return events
}

// Shape lists a payload object's members in the contract's order, for wires that do not write JSON objects.
type Shape struct {
	Fields []Field
	Status string // the member that is the status line on the key-value wire; empty: Message.Status
}

// Field is one member of a payload object.
type Field struct {
	Name     string   // the JSON member
	Keys     []string // on the key-value wire: the key that is written, then others that are read
	Wires    Wire     // where it exists
	Kind     Kind
	Required bool
	Length   string // the member that counts this one's bytes or characters: such a value is raw and stands last
}

// Kind is the JSON type that a text value becomes.
type Kind uint8

// The kinds of text values. Lists have no text form.
const (
	Text    Kind = iota
	Integer      // digits, perhaps with a sign
	Number
	Boolean // true or false
	Nested  // an object or a list, which the key-value wire cannot write
)

// Server finds the first server entry with this wire, nil if the contract has none.
func (s *Surface) Server(wire Wire) *Server {
	for i := range s.Servers {
		if s.Servers[i].Wire == wire {
			return &s.Servers[i]
		}
	}
	return nil
}

package asyncapi

import (
	"time"

	"github.com/guichet-api/guichet/internal/contract"
)

// Document is what the generator knows of a contract.
type Document struct {
	File        string
	Title       string
	Description string
	Lang        string // "fr" or "en"
	Servers     []Server
	Channels    []*Channel   // those that operations use, in the document's order
	Receives    []*Operation // what clients may send
	Sends       []*Operation
	Types       []*Type // named ones, in the order in which operations need them

	errors errorShape // the document's x-errors
}

// Server is one server entry.
type Server struct {
	Name, Codec, Path, Anonymous string // Codec: socketio, envelope, command or keyvalue
	Event, Payload, ID           string // names of a frame's members
}

// Channel is a room, or one connection if Address is empty.
type Channel struct {
	Key         string
	Doc         string
	Address     string
	Parameters  []string
	Retention   time.Duration // 0: no stream
	Resync      string        // wire name
	Description string
}

// Operation is one operation.
type Operation struct {
	Key     string
	Doc     string
	Channel *Channel
	Message *Message
	Replies []*Message // without the one for errors
	Roles   []string
	Durable bool
	Queue   string // close, latest or drop

	ErrorReply, ErrorEvent *Message // nil: none

	at contract.Place
}

// Message is one message.
type Message struct {
	Key       string
	Name      string // on the wire
	Doc       string
	Type      *Type // nil: no payload
	Arguments bool  // the payload is a tuple of arguments
	Wires     []string
	Status    string // first line on the key-value wire
	StatusOf  string // the property that is it
	Examples  [][]byte

	at contract.Place
}

// arity is how many arguments a message has.
func (m *Message) arity() int {
	switch {
	case m.Type == nil:
		return 0
	case m.Arguments:
		return len(m.Type.Fields)
	}
	return 1
}

// Kind is what a type is in code.
type Kind uint8

// The kinds of types.
const (
	Raw    Kind = iota // any JSON
	Bool               // boolean
	Int32              // integer of 32 bits
	Int64              // integer
	Float              // number
	Text               // string
	Time               // string, format date-time
	UUID               // string, format uuid
	Bytes              // string, format byte
	Const              // one value
	Enum               // strings
	List               // array
	Map                // object of members with any name
	Struct             // object
	Tuple              // array with a schema for each place
	Union              // one of several
)

// Type is a payload or a part of one.
type Type struct {
	Kind     Kind
	Name     string // empty for types that have no name of their own
	Doc      string
	Nullable bool
	Elem     *Type // of List and Map; of a Struct: further members
	Fields   []*Field
	Values   []string // of Enum
	Value    []byte   // of Const, JSON
	Branches []Branch
	Property string // of Union: the discriminating property; empty: the JSON type tells

	Schema *contract.Schema
	at     contract.Place
}

// Field is a member of a Struct or a place of a Tuple.
type Field struct {
	Name     string // wire name; the argument's name in a Tuple
	Doc      string
	Type     *Type
	Required bool
	Wires    []string
	Keys     []string // on the key-value wire
	Length   string
}

// Branch is one possibility of a Union.
type Branch struct {
	Name   string   // the Go type of the branch
	Values []string // of the discriminating property
	Type   *Type
}

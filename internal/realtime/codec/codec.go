// Package codec turns frames of JSON into messages and back, for wires that carry one message per frame: the envelope
// {"type":…,"data":…,"id":…} and the command {"command":…, the payload's members}. The members' names are the server
// entry's (x-wire of the contract). The key-value codec of text TCP is beside them. It knows no sockets.
package codec

import (
	"errors"
	"fmt"

	"github.com/guichet-api/guichet/internal/realtime"
)

// ErrMalformed is wrapped by the error of a frame that is not what the codec writes down: no JSON, no object, no event, or
// one of its members twice.
var ErrMalformed = errors.New("malformed frame")

// Codec reads and writes the frames of one server entry. It is immutable.
type Codec interface {
	// Decode cuts a frame. Members that the codec does not know are left out. The arguments point into the frame where
	// they can, and are not validated beyond being JSON.
	Decode(frame []byte) (*realtime.Incoming, error)
	// AppendEvent appends the frame of a message that the server sends.
	AppendEvent(dst []byte, m *realtime.Message) []byte
	// AppendAnswer appends the frame of the answer to a message.
	AppendAnswer(dst []byte, in *realtime.Incoming, m *realtime.Message) []byte
}

// New returns the codec of a server entry whose wire is WireEnvelope or WireCommand.
func New(server realtime.Server) (Codec, error) {
	switch {
	case server.EventMember == "":
		return nil, fmt.Errorf("codec: server %s names no member for the event", server.Name)
	case server.Wire == realtime.WireEnvelope && server.PayloadMember != "":
		return newEnvelope(server), nil
	case server.Wire == realtime.WireCommand:
		return newCommand(server), nil
	}
	return nil, fmt.Errorf("codec: server %s has no frames of JSON", server.Name)
}

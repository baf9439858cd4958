package codec

import (
	"fmt"

	"github.com/guichet-api/guichet/internal/realtime"
)

// command is {"command":…} with the members of the payload, an object, beside it. An answer repeats the command.
type command struct {
	event string // name of the member
	head  []byte // what stands before the command
}

func newCommand(server realtime.Server) *command {
	return &command{server.EventMember, append(append([]byte{'{'}, quote(server.EventMember)...), ':')}
}

// Decode implements Codec. The payload is a copy of the frame without the command.
func (c *command) Decode(frame []byte) (*realtime.Incoming, error) {
	if err := valid(frame); err != nil {
		return nil, err
	}
	in := &realtime.Incoming{WantsReply: true}
	payload := append(make([]byte, 0, len(frame)), '{')
	events := 0
	members(frame, func(name, value []byte, start, end int) {
		if is(name, c.event) {
			s, ok := text(value)
			if in.Event = s; !ok {
				events++
			}
			events++
			return
		}
		if len(payload) > 1 {
			payload = append(payload, ',')
		}
		payload = append(payload, frame[start:end]...)
	})
	if events != 1 {
		return nil, fmt.Errorf("%w: it must have one %s, a text", ErrMalformed, c.event)
	}
	in.Args = [][]byte{append(payload, '}')}
	return in, nil
}

// AppendEvent implements Codec.
func (c *command) AppendEvent(dst []byte, m *realtime.Message) []byte {
	return c.append(dst, m.Event, m)
}

// AppendAnswer implements Codec.
func (c *command) AppendAnswer(dst []byte, in *realtime.Incoming, m *realtime.Message) []byte {
	return c.append(dst, in.Event, m)
}

func (c *command) append(dst []byte, event string, m *realtime.Message) []byte {
	dst = append(dst, c.head...)
	dst = appendQuoted(dst, event)
	members(m.Payload, func(name, value []byte, start, end int) {
		if is(name, c.event) || m.Shape != nil && !exists(m.Shape, name) {
			return
		}
		dst = append(dst, ',')
		dst = append(dst, m.Payload[start:end]...)
	})
	return append(dst, '}')
}

// exists reports whether a payload's member is written on this wire (x-wires).
func exists(shape *realtime.Shape, name []byte) bool {
	for i := range shape.Fields {
		if field := &shape.Fields[i]; is(name, field.Name) {
			return field.Wires&realtime.WireCommand != 0
		}
	}
	return true
}

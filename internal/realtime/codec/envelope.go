package codec

import (
	"fmt"

	"github.com/guichet-api/guichet/internal/realtime"
)

// envelope is {"type":…,"data":…,"id":…}; a message without payload has no data, one that is not durable no id.
type envelope struct {
	event, payload    string // names of the members
	head, middle, end []byte // what stands before the event, the payload and the id
}

func newEnvelope(server realtime.Server) *envelope {
	e := &envelope{event: server.EventMember, payload: server.PayloadMember}
	e.head = append(append([]byte{'{'}, quote(server.EventMember)...), ':')
	e.middle = append(append([]byte{','}, quote(server.PayloadMember)...), ':')
	if server.IDMember != "" {
		e.end = append(append([]byte{','}, quote(server.IDMember)...), ':')
	}
	return e
}

// Decode implements Codec.
func (e *envelope) Decode(frame []byte) (*realtime.Incoming, error) {
	if err := valid(frame); err != nil {
		return nil, err
	}
	in := &realtime.Incoming{WantsReply: true}
	events, payloads := 0, 0
	members(frame, func(name, value []byte, _, _ int) {
		switch {
		case is(name, e.event):
			s, ok := text(value)
			if in.Event = s; !ok {
				events++
			}
			events++
		case is(name, e.payload):
			in.Args = [][]byte{value}
			payloads++
		}
	})
	if events != 1 || payloads > 1 {
		return nil, fmt.Errorf("%w: it must have one %s, a text, and at most one %s", ErrMalformed, e.event, e.payload)
	}
	return in, nil
}

// AppendEvent implements Codec.
func (e *envelope) AppendEvent(dst []byte, m *realtime.Message) []byte {
	dst = append(dst, e.head...)
	dst = appendQuoted(dst, m.Event)
	if m.Payload != nil {
		dst = append(dst, e.middle...)
		dst = append(dst, m.Payload...)
	}
	if m.ID != "" && e.end != nil {
		dst = append(dst, e.end...)
		dst = appendQuoted(dst, m.ID)
	}
	return append(dst, '}')
}

// AppendAnswer implements Codec: an answer is known by its own name.
func (e *envelope) AppendAnswer(dst []byte, _ *realtime.Incoming, m *realtime.Message) []byte {
	return e.AppendEvent(dst, m)
}

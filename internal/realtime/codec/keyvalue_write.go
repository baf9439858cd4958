package codec

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/guichet-api/guichet/internal/realtime"
)

// KeyValueFormat is the text form among the formats of realtime.Message.Frame.
type KeyValueFormat struct{}

// Answer is a message as the text form writes it: the status line, then a line for each member of the shape that exists on
// this wire, in the contract's order. An empty value is never written, and only the last one may hold line ends.
func (*KeyValue) Answer(m *realtime.Message) ([]byte, error) {
	text := make([]byte, 0, len(m.Payload)+len(m.Status)+32)
	text = append(append(text, m.Status...), '\n')
	if m.Payload == nil || m.Shape == nil {
		return text, nil
	}
	values, err := textValues(m.Shape, m.Payload)
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", m.Event, err)
	}
	last := -1
	for i, field := range m.Shape.Fields {
		if field.Name == m.Shape.Status {
			text = append(append(text[:0], values[i]...), '\n')
		}
		if field.Wires&realtime.WireKeyValue != 0 {
			last = i
		}
	}
	for i, field := range m.Shape.Fields {
		if field.Name != m.Shape.Status && field.Wires&realtime.WireKeyValue != 0 {
			text = appendLine(text, field, values[i], i == last)
		}
	}
	return text, nil
}

// appendLine appends a key with its value, which it leaves out if it is empty.
func appendLine(text []byte, field realtime.Field, value []byte, last bool) []byte {
	if len(value) == 0 {
		return text
	}
	text = append(append(text, field.Keys[0]...), ':')
	start := len(text)
	text = append(text, value...)
	for i := start; i < len(text) && !last; i++ {
		if text[i] == '\n' || text[i] == '\r' {
			text[i] = ' '
		}
	}
	return append(text, '\n')
}

// Request is a command as a client writes it; a raw value with the count of its bytes before it.
func (k *KeyValue) Request(in *realtime.Incoming) ([]byte, error) {
	command, known := k.commands[in.Event]
	if !known {
		return nil, &realtime.UnknownEvent{Event: in.Event}
	}
	text := append([]byte(in.Event), '\n')
	if command.Shape == nil || len(in.Args) == 0 {
		return text, nil
	}
	shape := &realtime.Shape{Fields: command.fields}
	values, err := textValues(shape, in.Args[0])
	if err != nil {
		return nil, fmt.Errorf("codec: %s: %w", in.Event, err)
	}
	for i, field := range command.fields {
		value := values[i]
		if value == nil {
			continue
		}
		if field.Length != "" {
			text = append(append(text, field.Length...), ':')
			text = append(strconv.AppendInt(text, int64(len(value)), 10), '\n')
		} else if bytes.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("codec: %s: the value of %s has a line end", in.Event, field.Name)
		}
		text = append(append(text, field.Keys[0]...), ':')
		text = append(append(text, value...), '\n')
	}
	return text, nil
}

// textValues are the members of a payload as text, by their places in the shape; nil for one that is missing or null.
func textValues(shape *realtime.Shape, payload []byte) ([][]byte, error) {
	values := make([][]byte, len(shape.Fields))
	ok := members(payload, func(name, value []byte, _, _ int) {
		for i := range shape.Fields {
			field := &shape.Fields[i]
			if field.Wires&realtime.WireKeyValue == 0 || !is(name, field.Name) || string(value) == "null" {
				continue
			}
			if values[i] = value; value[0] == '"' {
				values[i] = plain(value)
			}
		}
	})
	if !ok {
		return nil, fmt.Errorf("the payload %.40q is no object", payload)
	}
	return values, nil
}

// plain is the text of a JSON string. It may point into it.
func plain(value []byte) []byte {
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	s, _ := text(value)
	return []byte(s)
}

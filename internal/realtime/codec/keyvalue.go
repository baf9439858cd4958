package codec

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/realtime"
)

// KeyValue is the text form of a contract: a command is
//
//	NAME LF (key:value LF)*
//
// and its answer CODE/TAG LF (key:value LF)*. Neither has an end mark. It is safe for concurrent use.
type KeyValue struct {
	commands map[string]*keyed
}

// keyed is a command as the text form writes it.
type keyed struct {
	*realtime.Command
	fields   []realtime.Field
	keys     map[string]int // positions in fields, by every key that is read; lengthKey for the counting key
	required uint64         // bits of the fields without which the command is incomplete
	all      uint64         // bits of all fields: behind the last one no further key can come
}

// lengthKey stands in keyed.keys for the key that counts the raw value.
const lengthKey = -1

// maxFields is how many members a command may have on this wire: one bit each.
const maxFields = 64

// NewKeyValue returns the text form of a contract. It fails on a command whose members have no text form.
func NewKeyValue(surface *realtime.Surface) (*KeyValue, error) {
	k := &KeyValue{commands: map[string]*keyed{}}
	var mistakes []error
	for name, command := range surface.Commands {
		one, err := newKeyed(command)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("codec.NewKeyValue: %s: %w", name, err))
		}
		k.commands[name] = one
	}
	return k, errors.Join(mistakes...)
}

func newKeyed(command *realtime.Command) (*keyed, error) {
	k := &keyed{Command: command, keys: map[string]int{}}
	if command.Shape == nil {
		return k, nil
	}
	for _, field := range command.Shape.Fields {
		if field.Wires&realtime.WireKeyValue == 0 || field.Kind == realtime.Nested {
			continue // a command with a required one of these is no command of this wire: the dispatcher says so
		}
		at := len(k.fields)
		if at == maxFields {
			return nil, fmt.Errorf("more than %d members", maxFields)
		}
		k.fields = append(k.fields, field)
		k.all |= 1 << at
		if field.Required {
			k.required |= 1 << at
		}
		for _, key := range field.Keys {
			k.keys[key] = at
		}
		if field.Length != "" {
			k.keys[field.Length] = lengthKey
		}
	}
	raw := slices.IndexFunc(k.fields, func(f realtime.Field) bool { return f.Length != "" })
	if raw >= 0 && raw != len(k.fields)-1 {
		return nil, fmt.Errorf("the raw member %s is not the last one", k.fields[raw].Name)
	}
	for key := range k.keys {
		if key == "" || strings.ContainsAny(key, ":\r\n") {
			return nil, fmt.Errorf("the key %q cannot be written", key)
		}
	}
	return k, nil
}

// incoming is a command with the values that were found: a member for each, in the contract's order.
func (k *keyed) incoming(found uint64, values []string) *realtime.Incoming {
	in := &realtime.Incoming{Event: k.Event, WantsReply: k.Replies}
	if k.Shape == nil {
		return in
	}
	size := 2
	for at := range values {
		size += len(k.fields[at].Name) + len(values[at]) + len(`"":"",`)
	}
	payload := append(make([]byte, 0, size), '{')
	for at, field := range k.fields {
		if found&(1<<at) == 0 {
			continue
		}
		if len(payload) > 1 {
			payload = append(payload, ',')
		}
		payload = append(appendText(payload, field.Name), ':')
		payload = appendValue(payload, field.Kind, values[at])
	}
	in.Args = [][]byte{append(payload, '}')}
	return in
}

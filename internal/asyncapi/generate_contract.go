package asyncapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/contract"
)

// contract writes the surface for wires and hub, and the schemas that the programs are compiled from.
func (w *goWriter) contract() {
	w.surface()
	for _, m := range w.messages() {
		if w.shaped(m) {
			w.shape(m)
		}
	}
	w.compile()
}

// messages are all messages, each once: commands, answers, events.
func (w *goWriter) messages() []*Message {
	var list []*Message
	add := func(messages ...*Message) {
		for _, m := range messages {
			if m != nil && !slices.Contains(list, m) {
				list = append(list, m)
			}
		}
	}
	for _, op := range w.doc.Receives {
		add(op.Message)
		add(op.Replies...)
		add(op.ErrorReply, op.ErrorEvent)
	}
	for _, op := range w.doc.Sends {
		add(op.Message)
	}
	return list
}

// shaped reports whether wires need to know the members of a message.
func (w *goWriter) shaped(m *Message) bool {
	return m.Type != nil && m.Type.Kind == Struct &&
		slices.ContainsFunc(w.doc.Servers, func(s Server) bool { return s.Codec == "keyvalue" || s.Codec == "command" })
}

func shapeName(m *Message) string { return lowerFirst(goName(m.Key)) + "Shape" }

func (w *goWriter) surface() {
	w.use("realtime")
	w.about("Surface", "returns what wires and hub need to know of the contract", "")
	w.p("func Surface() *realtime.Surface {\nreturn &realtime.Surface{\nServers: []realtime.Server{")
	for _, s := range w.doc.Servers {
		w.p("{Name: %q, Wire: %s%s},", s.Name, wireConst(s.Codec),
			members("Path", s.Path, "Anonymous", s.Anonymous, "EventMember", s.Event, "PayloadMember", s.Payload, "IDMember", s.ID))
	}
	w.p("},\nCommands: map[string]*realtime.Command{")
	for _, op := range w.doc.Receives {
		text := fmt.Sprintf("%q: {Event: %q", op.Message.Name, op.Message.Name)
		if len(op.Replies) > 0 {
			text += ", Replies: true"
		}
		if len(op.Roles) > 0 {
			text += ", Roles: []string{" + quoted(op.Roles) + "}"
		}
		if w.shaped(op.Message) {
			text += ", Shape: " + shapeName(op.Message)
		}
		w.p("%s},", text)
	}
	w.p("},\nEvents: map[string]*realtime.Event{")
	seen := map[string]bool{}
	for _, op := range w.doc.Sends {
		if seen[op.Message.Name] {
			continue
		}
		seen[op.Message.Name] = true
		text := fmt.Sprintf("%q: {Event: %q", op.Message.Name, op.Message.Name)
		if op.Durable {
			text += ", Durable: true"
		}
		if op.Queue != "close" {
			text += ", Queue: realtime.Queue" + goName(op.Queue)
		}
		if op.Message.Arguments {
			text += ", Spread: true"
		}
		w.p("%s},", text)
	}
	w.p("},")
	if slices.ContainsFunc(w.doc.Channels, func(c *Channel) bool { return c.Retention > 0 }) {
		w.p("Streams: []realtime.Stream{")
		for _, c := range w.doc.Channels {
			if c.Retention > 0 {
				w.p("{Address: %q, Retention: %d * %s.Second, Resync: %q},", c.Address, int(c.Retention.Seconds()), w.use("time"), c.Resync)
			}
		}
		w.p("},")
	}
	w.p("}\n}\n")
}

// members are the fields of a literal that are not empty.
func members(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, ", %s: %q", pairs[i], pairs[i+1])
		}
	}
	return b.String()
}

// shape writes the members of a message for wires that do not write JSON objects.
func (w *goWriter) shape(m *Message) {
	w.p("// %s is how text wires write %s.\nvar %s = &realtime.Shape{", shapeName(m), m.Key, shapeName(m))
	if m.StatusOf != "" {
		w.p("Status: %q,", m.StatusOf)
	}
	w.p("Fields: []realtime.Field{")
	for _, f := range m.Type.Fields {
		keys := f.Keys
		if len(keys) == 0 {
			keys = []string{f.Name}
		}
		where := "realtime.AllWires"
		if f.Wires != nil {
			where = strings.Trim(wires(f.Wires), "()")
		}
		text := fmt.Sprintf("{Name: %q, Keys: []string{%s}, Wires: %s, Kind: realtime.%s", f.Name, quoted(keys), where, textKind(f.Type))
		if f.Required {
			text += ", Required: true"
		}
		w.p("%s%s},", text, members("Length", f.Length))
	}
	w.p("},\n}\n")
}

// textKind is what text becomes for a type.
func textKind(t *Type) string {
	switch t.Kind {
	case Int32, Int64:
		return "Integer"
	case Float:
		return "Number"
	case Bool:
		return "Boolean"
	case Raw, List, Map, Struct, Tuple, Union:
		return "Nested"
	case Const:
		return map[string]string{"string": "Text", "bool": "Boolean", "float64": "Number"}[constType(t)]
	}
	return "Text"
}

// compile writes the schemas as the intermediate form's literals, and the function that compiles them.
func (w *goWriter) compile() {
	w.use("contract")
	s := &schemaWriter{names: map[*contract.Schema]string{}, taken: map[string]bool{}}
	var payloads []*Message
	for _, m := range w.messages() {
		if m.Type != nil {
			payloads = append(payloads, m)
			s.collect(m.Type.Schema, nil)
		}
	}
	w.about("programs", "are the compiled payloads, by message", "")
	w.p("type programs struct {")
	for _, m := range payloads {
		w.p("%s *contract.Program", w.programName(m))
	}
	w.p("}\n")
	w.about("compile", "compiles what the contract says of payloads", "The schemas are the contract's own, in the validator's form.")
	w.p("func compile() (p programs, err error) {")
	if len(s.order) > 0 {
		w.p("var (")
		for _, named := range s.order {
			w.p("%s contract.Schema", s.names[named])
		}
		w.p(")\n")
	}
	for _, named := range s.order {
		w.p("%s = contract.Schema%s\n", s.names[named], s.literal(named))
	}
	w.p("c := contract.NewCompiler(contract.CompilerConfig{File: %q, Lang: %q, UnknownFields: contract.IgnoreUnknown})", w.doc.File, w.doc.Lang)
	w.p("for _, payload := range []struct {\nprogram **contract.Program\nschema *contract.Schema\n}{")
	for _, m := range payloads {
		w.p("{&p.%s, %s},", w.programName(m), s.reference(m.Type.Schema))
	}
	w.p("} {\nif *payload.program, err = c.Compile(payload.schema); err != nil {\nreturn programs{}, err\n}\n}\nreturn p, nil\n}\n")
}

// programName is the field for a message: a command's is its operation's.
func (w *goWriter) programName(m *Message) string {
	for _, op := range w.doc.Receives {
		if op.Message == m {
			return lowerFirst(goName(op.Key))
		}
	}
	return lowerFirst(goName(m.Key)) + "Message"
}

package asyncapi

import (
	"fmt"
	"slices"
	"strings"
)

// emitter writes rooms and Emitter.
func (w *goWriter) emitter() {
	for _, c := range w.doc.Channels {
		if c.Address != "" {
			w.room(c)
		}
	}
	if len(w.doc.Sends) == 0 {
		return
	}
	w.use("context")
	w.use("realtime")
	w.about("Emitter", "sends what the contract lets the server send", "It is immutable and safe for concurrent use. "+
		"An error is a payload that cannot be written as JSON, or the outbox's.")
	w.p("type Emitter struct {\nsink realtime.Sink\nonly, except *realtime.Peer\n}\n")
	w.about("NewEmitter", "returns an emitter that sends to everybody in a room", "")
	w.p("func NewEmitter(sink realtime.Sink) *Emitter { return &Emitter{sink: sink} }\n")
	w.about("To", "returns an emitter that sends events of rooms to this peer alone", "")
	w.p("func (e *Emitter) To(peer *realtime.Peer) *Emitter { return &Emitter{sink: e.sink, only: peer} }\n")
	w.about("Except", "returns an emitter that leaves this peer out", "")
	w.p("func (e *Emitter) Except(peer *realtime.Peer) *Emitter { return &Emitter{sink: e.sink, except: peer} }\n")
	for _, op := range w.doc.Sends {
		w.emit(op)
	}
	if slices.ContainsFunc(w.doc.Sends, func(op *Operation) bool { return op.Channel.Address != "" && !op.Durable }) {
		w.p("// send gives a message to the room, or to the one peer that the emitter is for.")
		w.p("func (e *Emitter) send(ctx context.Context, room string, m *realtime.Message) {")
		w.p("if e.only != nil {\ne.sink.Send(ctx, e.only, m)\nreturn\n}\ne.sink.Broadcast(ctx, room, m, e.except)\n}\n")
	}
}

func (w *goWriter) room(c *Channel) {
	var parameters []string
	expression, rest := "", c.Address
	add := func(part string) {
		if expression != "" {
			expression += " + "
		}
		expression += part
	}
	for _, name := range c.Parameters {
		before, after, _ := strings.Cut(rest, "{"+name+"}")
		if before != "" {
			add(fmt.Sprintf("%q", before))
		}
		add(w.use("realtime") + ".RoomParam(" + lowerFirst(goName(name)) + ")")
		parameters = append(parameters, lowerFirst(goName(name)))
		rest = after
	}
	if rest != "" {
		add(fmt.Sprintf("%q", rest))
	}
	w.about(goName(c.Key)+"Room", fmt.Sprintf("is the key of the room %q", c.Address), c.Doc)
	w.p("func %sRoom(%s) string { return %s }\n", goName(c.Key), arguments(parameters), expression)
}

// arguments are parameters of type string.
func arguments(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(names, ", ") + " string"
}

func (w *goWriter) emit(op *Operation) {
	about := fmt.Sprintf("sends %q", op.Message.Name)
	if op.Durable {
		about = fmt.Sprintf("puts %q into the outbox, in the transaction of the change that it tells of", op.Message.Name)
	}
	w.about(goName(op.Key), about, op.Doc)
	var names []string
	for _, name := range op.Channel.Parameters {
		names = append(names, lowerFirst(goName(name)))
	}
	parameters := "ctx context.Context"
	if op.Durable {
		parameters += ", tx realtime.Outbox"
	}
	if op.Channel.Address == "" {
		parameters += ", peer *realtime.Peer"
	} else if len(names) > 0 {
		parameters += ", " + arguments(names)
	}
	if op.Message.Type != nil {
		parameters += ", payload " + w.element(op.Message.Type)
	}
	w.p("func (e *Emitter) %s(%s) error {", goName(op.Key), parameters)
	room := goName(op.Channel.Key) + "Room(" + strings.Join(names, ", ") + ")"
	literal := strings.TrimSuffix(w.message(op.Message), "}")
	if op.Queue != "close" {
		literal += ", Queue: realtime.Queue" + goName(op.Queue)
	}
	literal = "&" + literal + "}"
	m := "m"
	if op.Message.Type != nil {
		w.p("m, err := encode(%s, payload)\nif err != nil {\nreturn err\n}", literal)
	} else {
		m = literal
	}
	switch {
	case op.Durable && op.Message.Type == nil:
		w.p("return tx.Append(ctx, realtime.Entry{Room: %s, Event: %q})\n}\n", room, op.Message.Name)
	case op.Durable:
		w.p("return tx.Append(ctx, realtime.Entry{Room: %s, Event: m.Event, Payload: m.Payload})\n}\n", room)
	case op.Channel.Address == "":
		w.p("e.sink.Send(ctx, peer, %s)\nreturn nil\n}\n", m)
	default:
		w.p("e.send(ctx, %s, %s)\nreturn nil\n}\n", room, m)
	}
}

package asyncapi

import (
	"fmt"
	"slices"
	"strings"
)

// server writes Handler, Errors, replies and Dispatcher.
func (w *goWriter) server() {
	w.handler()
	for _, op := range w.doc.Receives {
		if sealed(op) {
			w.replies(op)
		}
	}
	w.errorMethods()
	w.dispatcher()
	for _, op := range w.doc.Receives {
		w.dispatch(op)
	}
	for _, shape := range w.errorShapes() {
		w.refusing(shape)
	}
}

// sealed reports whether an operation's replies need an interface.
func sealed(op *Operation) bool { return len(op.Replies) > 1 }

// replyType is what a handler returns beside the error; empty for nothing.
func (w *goWriter) replyType(op *Operation) string {
	switch {
	case sealed(op):
		return goName(op.Key) + "Reply"
	case len(op.Replies) == 0 || op.Replies[0].Type == nil:
		return ""
	}
	return w.goType(op.Replies[0].Type)
}

// branchType is the Go type of one of several replies.
func branchType(m *Message) string {
	if m.Type != nil && (m.Type.Kind == Struct || m.Type.Kind == Tuple) {
		return m.Type.Name
	}
	return goName(m.Key)
}

func (w *goWriter) handler() {
	w.about("Handler", "handles what peers send, after the contract has accepted it", "Messages of one peer come one after the other. "+
		"An error goes to Errors, or to the wire where the contract has no form for it.")
	w.p("type Handler interface {")
	w.use("context")
	w.use("realtime")
	for _, op := range w.doc.Receives {
		text := fmt.Sprintf("%s handles %q.", goName(op.Key), op.Message.Name)
		if op.Doc != "" {
			text += " " + sentence(op.Doc)
		}
		if len(op.Roles) > 0 {
			text += " Roles: " + strings.Join(op.Roles, ", ") + "."
		}
		w.text.WriteString(comment("\t", text))
		in := ""
		if op.Message.Type != nil {
			in = ", in " + w.element(op.Message.Type)
		}
		out := "error"
		if reply := w.replyType(op); reply != "" {
			out = "(" + reply + ", error)"
		}
		w.p("%s(ctx context.Context, peer *realtime.Peer%s) %s", goName(op.Key), in, out)
	}
	w.p("}\n")
}

func (w *goWriter) replies(op *Operation) {
	name := goName(op.Key) + "Reply"
	var list []string
	for _, m := range op.Replies {
		list = append(list, branchType(m))
	}
	w.about(name, "is one of "+strings.Join(list, ", "), "")
	w.p("type %s interface{ is%s() }\n", name, name)
	for _, m := range op.Replies {
		w.p("func (%s) is%s() {}", branchType(m), name)
	}
	w.p("")
	for _, m := range op.Replies {
		if branchType(m) == goName(m.Key) && (m.Type == nil || m.Type.Kind != Struct && m.Type.Kind != Tuple) && w.firstReply(op, m) {
			underlying := "struct{}"
			if m.Type != nil {
				underlying = w.goType(m.Type)
			}
			w.about(goName(m.Key), "is a reply", m.Doc)
			w.p("type %s %s\n", goName(m.Key), underlying)
		}
	}
}

// firstReply reports whether no operation in front of this one has declared the reply's type.
func (w *goWriter) firstReply(op *Operation, m *Message) bool {
	for _, other := range w.doc.Receives {
		if other == op {
			return true
		}
		if sealed(other) && slices.Contains(other.Replies, m) {
			return false
		}
	}
	return true
}

// errorShapes are the distinct combinations of answer and event for errors.
func (w *goWriter) errorShapes() []errorShape {
	var shapes []errorShape
	for _, op := range w.doc.Receives {
		if s := (errorShape{op.ErrorReply, op.ErrorEvent}); s != (errorShape{}) && !slices.Contains(shapes, s) {
			shapes = append(shapes, s)
		}
	}
	return shapes
}

func (s errorShape) messages() []*Message {
	return slices.DeleteFunc([]*Message{s.reply, s.event}, func(m *Message) bool { return m == nil })
}

func (s errorShape) method() string {
	name := "refuse"
	for _, m := range s.messages() {
		name += goName(m.Key)
	}
	return name
}

func (w *goWriter) errorMethods() {
	var messages []*Message
	for _, s := range w.errorShapes() {
		for _, m := range s.messages() {
			if !slices.Contains(messages, m) {
				messages = append(messages, m)
			}
		}
	}
	if len(messages) == 0 {
		return
	}
	w.about("Errors", "says a refusal in the contract's words", "The error is a handler's, a *contract.Error (400 with its violations, "+
		"401, 403), a *realtime.UnknownEvent or a *realtime.Panic; event is the wire's name of what was refused.")
	w.p("type Errors interface {")
	for _, m := range messages {
		w.p("%s(ctx context.Context, peer *realtime.Peer, event string, err error) %s", goName(m.Key), w.goType(m.Type))
	}
	w.p("}\n")
}

func (w *goWriter) dispatcher() {
	errors := len(w.errorShapes()) > 0
	w.about("Config", "is what a Dispatcher needs", "All fields are required.")
	w.p("type Config struct {\nHandler Handler")
	if errors {
		w.p("Errors Errors")
	}
	if slices.ContainsFunc(w.errorShapes(), func(s errorShape) bool { return s.event != nil }) {
		w.p("Sink realtime.Sink // takes the events that tell of errors")
	}
	w.p("}\n")
	w.about("Dispatcher", "validates messages by the contract, decodes them, calls the handler and encodes its reply", "It is safe for concurrent use.")
	w.p("type Dispatcher struct {\nConfig\nprograms programs\n}\n")
	w.about("New", "compiles the contract", "")
	w.p("func New(cfg Config) (*Dispatcher, error) {\nprograms, err := compile()\nif err != nil {\nreturn nil, err\n}\nreturn &Dispatcher{cfg, programs}, nil\n}\n")
	w.p("var _ realtime.Dispatcher = (*Dispatcher)(nil)\n")
	w.about("Dispatch", "implements realtime.Dispatcher", "")
	if errors {
		w.p("func (d *Dispatcher) Dispatch(ctx context.Context, peer *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {")
		w.p("reply, err := d.dispatch(ctx, peer, in)\nif err == nil {\nreturn reply, nil\n}")
		w.refuse()
		w.p("// dispatch calls the operation of an event.")
		w.p("func (d *Dispatcher) dispatch(ctx context.Context, peer *realtime.Peer, in *realtime.Incoming) (_ *realtime.Message, err error) {")
	} else {
		w.p("func (d *Dispatcher) Dispatch(ctx context.Context, peer *realtime.Peer, in *realtime.Incoming) (_ *realtime.Message, err error) {")
	}
	w.p("defer realtime.Recover(&err)\nswitch in.Event {")
	for _, op := range w.doc.Receives {
		w.p("case %q:\nreturn d.%s(ctx, peer, in)", op.Message.Name, lowerFirst(goName(op.Key)))
	}
	w.p("}\nreturn nil, &realtime.UnknownEvent{Event: in.Event}\n}\n")
}

// refuse writes which operation's errors take which shape; the document's is for all others.
func (w *goWriter) refuse() {
	otherwise := w.documentShape()
	events := map[errorShape][]string{}
	for _, op := range w.doc.Receives {
		if s := (errorShape{op.ErrorReply, op.ErrorEvent}); s != otherwise {
			events[s] = append(events[s], op.Message.Name)
		}
	}
	if len(events) > 0 {
		w.p("switch in.Event {")
	}
	for _, s := range append(w.errorShapes(), errorShape{}) {
		switch {
		case len(events[s]) == 0:
		case s == errorShape{}:
			w.p("case %s:\nreturn nil, err", quoted(events[s]))
		default:
			w.p("case %s:\nreturn d.%s(ctx, peer, in, err)", quoted(events[s]), s.method())
		}
	}
	if len(events) > 0 {
		w.p("}")
	}
	if otherwise == (errorShape{}) {
		w.p("return nil, err\n}\n")
		return
	}
	w.p("return d.%s(ctx, peer, in, err)\n}\n", otherwise.method())
}

// documentShape is the x-errors of the whole document: what an unknown event is answered. A document that has none for
// all operations answers nothing.
func (w *goWriter) documentShape() errorShape {
	if w.doc.errors != (errorShape{}) && slices.Contains(w.errorShapes(), w.doc.errors) {
		return w.doc.errors
	}
	return errorShape{}
}

// dispatch writes the method for one operation.
func (w *goWriter) dispatch(op *Operation) {
	name := goName(op.Key)
	w.p("func (d *Dispatcher) %s(ctx context.Context, peer *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {", lowerFirst(name))
	if op.Message.Wires != nil {
		w.p("if peer.Wire()&%s == 0 {\nreturn nil, &realtime.UnknownEvent{Event: in.Event}\n}", wires(op.Message.Wires))
	}
	if len(op.Roles) > 0 {
		w.p("if err := %s.Allow(peer.Role(), %q, %s); err != nil {\nreturn nil, err\n}", w.use("contract"), w.doc.Lang, quoted(op.Roles))
	}
	argument := ""
	if op.Message.Type != nil {
		argument = ", payload"
		w.p("var payload %s\nif err := accept(d.programs.%s, in.Argument(%t), &payload); err != nil {\nreturn nil, err\n}",
			w.element(op.Message.Type), lowerFirst(name), op.Message.Arguments)
	}
	call := fmt.Sprintf("d.Handler.%s(ctx, peer%s)", name, argument)
	switch {
	case w.replyType(op) != "" && !sealed(op) && alwaysSame(op.Replies[0].Type):
		w.p("if _, err := %s; err != nil {\nreturn nil, err\n}", call)
		w.p("return &%s, Payload: []byte(%s)}, nil\n}\n", strings.TrimSuffix(w.message(op.Replies[0]), "}"), raw(fixedObject(op.Replies[0].Type)))
	case w.replyType(op) != "":
		w.p("reply, err := %s\nif err != nil {\nreturn nil, err\n}", call)
		w.answer(op)
	case len(op.Replies) == 1:
		w.p("if err := %s; err != nil {\nreturn nil, err\n}\nreturn &%s, nil\n}\n", call, w.message(op.Replies[0]))
	default:
		w.p("return nil, %s\n}\n", call)
	}
}

// answer writes how a reply becomes a message.
func (w *goWriter) answer(op *Operation) {
	if !sealed(op) {
		w.p("return encode(&%s, reply)\n}\n", w.message(op.Replies[0]))
		return
	}
	w.p("switch reply := reply.(type) {")
	for _, m := range op.Replies {
		w.p("case %s:", branchType(m))
		if m.Wires != nil {
			w.p("if peer.Wire()&%s == 0 {\nreturn nil, %s.New(\"%s: the contract has no %s on this wire\")\n}", wires(m.Wires), w.use("errors"), op.Key, branchType(m))
		}
		if m.Type == nil {
			w.p("return &%s, nil", w.message(m))
		} else {
			w.p("return encode(&%s, reply)", w.message(m))
		}
	}
	w.p("}\nreturn nil, %s.New(\"%s: the handler returned no reply\")\n}\n", w.use("errors"), op.Key)
}

// message is a message's literal, without payload.
func (w *goWriter) message(m *Message) string {
	text := fmt.Sprintf("%s.Message{Event: %q", w.use("realtime"), m.Name)
	if m.Arguments {
		text += ", Spread: true"
	}
	if m.Status != "" {
		text += fmt.Sprintf(", Status: %q", m.Status)
	}
	if w.shaped(m) {
		text += ", Shape: " + shapeName(m)
	}
	return text + "}"
}

// refusing writes the method that answers errors in one of the contract's shapes.
func (w *goWriter) refusing(s errorShape) {
	var what []string
	if s.event != nil {
		what = append(what, fmt.Sprintf("sends %q to the peer", s.event.Name))
	}
	if s.reply != nil {
		what = append(what, "answers "+goName(s.reply.Key)+" to a peer that waits for an answer")
	}
	w.about(s.method(), strings.Join(what, " and "), "")
	w.p("func (d *Dispatcher) %s(ctx context.Context, peer *realtime.Peer, in *realtime.Incoming, err error) (*realtime.Message, error) {", s.method())
	if s.event != nil {
		w.p("event, failed := encode(&%s, d.Errors.%s(ctx, peer, in.Event, err))\nif failed != nil {\nreturn nil, failed\n}", w.message(s.event), goName(s.event.Key))
		w.p("realtime.After(ctx, func() { d.Sink.Send(ctx, peer, event) })")
	}
	if s.reply == nil {
		w.p("return nil, nil\n}\n")
		return
	}
	w.p("refusal := d.Errors.%s(ctx, peer, in.Event, err)\nif !in.WantsReply {\nreturn nil, nil\n}\nreturn encode(&%s, refusal)\n}\n", goName(s.reply.Key), w.message(s.reply))
}

// wires is a bit set of wires.
func wires(names []string) string {
	var list []string
	for _, name := range names {
		list = append(list, wireConst(name))
	}
	text := strings.Join(list, "|")
	if len(list) > 1 {
		return "(" + text + ")"
	}
	return text
}

func wireConst(name string) string {
	return map[string]string{
		"socketio": "realtime.WireSocketIO", "envelope": "realtime.WireEnvelope", "command": "realtime.WireCommand",
		"keyvalue": "realtime.WireKeyValue",
	}[name]
}

func quoted(list []string) string {
	var b strings.Builder
	for i, item := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", item)
	}
	return b.String()
}

package asyncapi

import (
	"fmt"
	"slices"
	"strings"
)

// client writes the Go client, Connection: the roles reversed.
func (w *goWriter) client() {
	w.use("context")
	w.use("realtime")
	events := w.events()
	w.about("Listener", "hears what the server sends", "Events come one after the other; a listener that makes a request does it in another goroutine.")
	w.p("type Listener interface {")
	for _, op := range events {
		w.text.WriteString(comment("\t", fmt.Sprintf("On%s hears %q. %s", goName(op.Key), op.Message.Name, sentence(op.Doc))))
		w.p("On%s(ctx context.Context%s)", goName(op.Key), payloadParameter(w, op))
	}
	w.p("}\n")
	w.about("ConnectionConfig", "is what a Connection needs", "Dial and Listener are required.")
	w.p("type ConnectionConfig struct {\nDial realtime.Dial\nListener Listener\nDown func(error) // a link could not be opened or broke; may be nil")
	w.p("Bad func(event string, err error) // an event that breaks the contract; may be nil\n}\n")
	w.about("Connection", "talks to the server, reconnects, and asks for the durable events that it missed", "It is safe for concurrent use while Run runs.")
	w.p("type Connection struct {\nlink *realtime.Client\nlistener Listener\nbad func(string, error)\nprograms programs\n}\n")
	w.about("NewConnection", "compiles the contract; Run connects", "")
	w.p("func NewConnection(cfg ConnectionConfig) (*Connection, error) {\nprograms, err := compile()\nif err != nil {\nreturn nil, err\n}")
	w.p("if cfg.Bad == nil {\ncfg.Bad = func(string, error) {}\n}\nc := &Connection{listener: cfg.Listener, bad: cfg.Bad, programs: programs}")
	var durable []string
	for _, op := range events {
		if op.Durable {
			durable = append(durable, fmt.Sprintf("%q: %d", op.Message.Name, op.Message.arity()))
		}
	}
	w.p("c.link = realtime.NewClient(realtime.ClientConfig{\nDial: cfg.Dial, Event: c.event, Down: cfg.Down,")
	if len(durable) > 0 {
		w.p("Arity: map[string]int{%s},", strings.Join(durable, ", "))
	}
	w.p("})\nreturn c, nil\n}\n")
	w.about("Run", "keeps the client connected until ctx ends, and returns its error", "")
	w.p("func (c *Connection) Run(ctx context.Context) error { return c.link.Run(ctx) }\n")
	w.listening(events)
	for _, op := range w.doc.Receives {
		w.call(op)
	}
	if slices.ContainsFunc(w.doc.Receives, func(op *Operation) bool { return op.Message.Type != nil }) {
		w.p("// arguments writes a payload as the arguments of a message.\nfunc arguments(payload any, several bool) ([][]byte, error) {")
		w.p("b, err := %s.Marshal(payload)\nreturn realtime.Arguments(b, several), err\n}\n", w.use("stdjson"))
	}
}

// events are the send operations, one for each event.
func (w *goWriter) events() []*Operation {
	var list []*Operation
	for _, op := range w.doc.Sends {
		if !slices.ContainsFunc(list, func(o *Operation) bool { return o.Message.Name == op.Message.Name }) {
			list = append(list, op)
		}
	}
	return list
}

func payloadParameter(w *goWriter, op *Operation) string {
	if op.Message.Type == nil {
		return ""
	}
	return ", payload " + w.element(op.Message.Type)
}

func (w *goWriter) listening(events []*Operation) {
	w.p("// event validates and decodes what the server sent. Events that this connection does not know are skipped.")
	w.p("func (c *Connection) event(ctx context.Context, in *realtime.Incoming) {")
	if len(events) > 0 {
		w.p("switch in.Event {")
	}
	for _, op := range events {
		w.p("case %q:", op.Message.Name)
		if op.Message.Type == nil {
			w.p("c.listener.On%s(ctx)", goName(op.Key))
			continue
		}
		w.p("var payload %s\nif err := accept(c.programs.%s, in.Argument(%t), &payload); err != nil {\nc.bad(in.Event, err)\nreturn\n}",
			w.element(op.Message.Type), w.programName(op.Message), op.Message.Arguments)
		w.p("c.listener.On%s(ctx, payload)", goName(op.Key))
	}
	if len(events) > 0 {
		w.p("}")
	}
	w.p("}\n")
}

// call writes the client's method for what it may send.
func (w *goWriter) call(op *Operation) {
	answered := len(op.Replies) > 0 || op.ErrorReply != nil && len(op.Replies) > 0
	about := fmt.Sprintf("sends %q", op.Message.Name)
	if answered {
		about += " and waits for the answer"
	}
	w.about(goName(op.Key), about, op.Doc)
	reply := ""
	if answered {
		reply = w.replyType(op)
	}
	result := "error"
	if reply != "" {
		result = fmt.Sprintf("(reply %s, err error)", reply)
	}
	w.p("func (c *Connection) %s(ctx context.Context%s) %s {", goName(op.Key), payloadParameter(w, op), result)
	fail := "return err"
	if reply != "" {
		fail = "return reply, err"
	}
	args := ""
	if op.Message.Type != nil {
		w.p("args, err := arguments(payload, %t)\nif err != nil {\n%s\n}", op.Message.Arguments, fail)
		args = ", args..."
	}
	if !answered {
		w.p("return c.link.Emit(ctx, %q%s)\n}\n", op.Message.Name, args)
		return
	}
	var names []string
	for _, m := range append(slices.Clone(op.Replies), op.ErrorReply) {
		if m != nil {
			names = append(names, m.Name)
		}
	}
	needed := slices.ContainsFunc(op.Replies, func(m *Message) bool { return m.Type != nil }) || op.ErrorReply != nil
	request := fmt.Sprintf("c.link.Request(ctx, %q, []string{%s}%s)", op.Message.Name, quoted(names), args)
	switch {
	case needed:
		w.p("answer, err := %s\nif err != nil {\n%s\n}", request, fail)
		w.answers(op, reply)
	case args == "":
		w.p("_, err := %s\nreturn err\n}\n", request)
	default:
		w.p("_, err = %s\nreturn err\n}\n", request)
	}
}

// answers writes how the client finds out which of the replies an answer is.
func (w *goWriter) answers(op *Operation, reply string) {
	zero := ""
	if reply != "" {
		zero = "reply, "
	}
	if m := op.ErrorReply; m != nil {
		w.p("var refusal %s\nif accept(c.programs.%s, answer.Argument(%t), &refusal) == nil {", w.goType(m.Type), w.programName(m), m.Arguments)
		w.p("return %s&realtime.Refused{Event: %q, Reply: refusal}\n}", zero, op.Message.Name)
	}
	if !sealed(op) {
		m := op.Replies[0]
		if m.Type == nil {
			w.p("return nil\n}\n")
			return
		}
		w.p("err = accept(c.programs.%s, answer.Argument(%t), &reply)\nreturn reply, err\n}\n", w.programName(m), m.Arguments)
		return
	}
	for _, m := range op.Replies {
		if m.Type == nil {
			w.p("if len(answer.Args) == 0 {\nreturn %s{}, nil\n}", branchType(m))
			continue
		}
		name := lowerFirst(goName(m.Key))
		w.p("var %s %s\nif accept(c.programs.%s, answer.Argument(%t), &%s) == nil {\nreturn %s, nil\n}", name, branchType(m), w.programName(m), m.Arguments, name, name)
	}
	w.p("return nil, %s.New(\"%s: the answer is none that the contract lists\")\n}\n", w.use("errors"), strings.ReplaceAll(op.Message.Name, `"`, `\"`))
}

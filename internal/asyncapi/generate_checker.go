package asyncapi

import (
	"fmt"
	"slices"
	"strings"
)

// checker writes Checker, for tests that see raw messages: whatever a server sends is held against the contract.
func (w *goWriter) checker() {
	w.use("realtime")
	w.about("Checker", "holds what a server sent against the contract, for tests that see raw messages", "It is safe for concurrent use.")
	w.p("type Checker struct{ programs programs }\n")
	w.about("NewChecker", "compiles the contract", "")
	w.p("func NewChecker() (*Checker, error) {\nprograms, err := compile()\nreturn &Checker{programs}, err\n}\n")
	w.about("Event", "returns nil for an event that the contract has, with the arguments that it has", "")
	w.p("func (c *Checker) Event(in *realtime.Incoming) error {\nswitch in.Event {")
	var names []string
	for _, m := range w.serverEvents() {
		if slices.Contains(names, m.Name) {
			continue
		}
		names = append(names, m.Name)
		w.p("case %q:\nreturn %s", m.Name, w.check(m, "in"))
	}
	w.p("}\nreturn &realtime.UnknownEvent{Event: in.Event}\n}\n")
	w.about("Reply", "returns nil for an answer that the contract lists for a command", "")
	w.p("func (c *Checker) Reply(command string, answer *realtime.Incoming) error {\nswitch command {")
	for _, op := range w.doc.Receives {
		replies := slices.Clone(op.Replies)
		if op.ErrorReply != nil {
			replies = append(replies, op.ErrorReply)
		}
		if len(replies) == 0 {
			continue
		}
		var checks []string
		for _, m := range replies {
			checks = append(checks, w.check(m, "answer"))
		}
		if len(checks) == 1 {
			w.p("case %q:\nreturn %s", op.Message.Name, checks[0])
		} else {
			w.p("case %q:\nreturn oneOf(%s)", op.Message.Name, strings.Join(checks, ", "))
		}
	}
	w.p("}\nreturn &realtime.UnknownEvent{Event: command}\n}\n")
	if strings.Contains(w.text.String(), "oneOf(") {
		w.p("// oneOf is nil if one of the checks is.\nfunc oneOf(checks ...error) error {\nfor _, err := range checks {\nif err == nil {\nreturn nil\n}\n}\nreturn %s.Join(checks...)\n}\n", w.use("errors"))
	}
	if strings.Contains(w.text.String(), "nothing(") {
		w.p("// nothing refuses arguments where the contract has none.\nfunc nothing(in *realtime.Incoming) error {\nif len(in.Args) > 0 {\nreturn %s.New(\"there are arguments, and the contract has none\")\n}\nreturn nil\n}\n", w.use("errors"))
	}
}

// serverEvents are the messages that servers send by themselves: those of send operations, and those that tell of errors.
func (w *goWriter) serverEvents() []*Message {
	var list []*Message
	for _, op := range w.doc.Sends {
		list = append(list, op.Message)
	}
	for _, op := range w.doc.Receives {
		if op.ErrorEvent != nil {
			list = append(list, op.ErrorEvent)
		}
	}
	return list
}

func (w *goWriter) check(m *Message, in string) string {
	if m.Type == nil {
		return "nothing(" + in + ")"
	}
	return fmt.Sprintf("c.programs.%s.Check(%s.Argument(%t), \"\")", w.programName(m), in, m.Arguments)
}

package asyncapi

import (
	"slices"

	"github.com/guichet-api/guichet/internal/contract"
)

func (r *reader) operations() {
	operations, _ := r.root.Member("operations")
	names, values := operations.Members()
	if len(names) == 0 {
		r.refuse(r.root, "there are no operations")
	}
	for i, name := range names {
		at, ok := r.follow(values[i])
		if ok && (!r.isPlanned(at) || r.ahead) {
			r.operation(name, at)
		}
	}
	r.distinct(r.doc.Receives)
	r.distinct(r.doc.Sends)
}

// isPlanned reads x-planned, the mark of an operation that is published ahead of its server.
func (r *reader) isPlanned(at contract.Place) bool {
	mark, ok := at.Member("x-planned")
	if !ok {
		return false
	}
	if mark.Node.Value != "true" {
		r.refuse(mark, "x-planned must be true: leave it out once the operation is served")
	}
	r.planned++
	return true
}

// distinct refuses two operations of one direction with the same wire name: nothing could tell them apart.
func (r *reader) distinct(operations []*Operation) {
	first := map[string]*Operation{}
	for _, op := range operations {
		other := first[op.Message.Name]
		if other == nil {
			first[op.Message.Name] = op
		} else if op.Message.Type != other.Message.Type || op.Queue != other.Queue || op.Durable != other.Durable || slices.Contains(r.doc.Receives, op) {
			r.refuse(op.at, "operation %s has the wire name %q of operation %s", op.Key, op.Message.Name, other.Key)
		}
	}
}

func (r *reader) operation(key string, at contract.Place) {
	op := &Operation{Key: key, Doc: r.words(at), at: at, Queue: "close"}
	channel, ok := at.Member("channel")
	if !ok {
		r.refuse(at, "operation %s has no channel", key)
		return
	}
	op.Channel = r.channel(channel)
	messages, ok := at.Member("messages")
	if !ok {
		place, _ := r.follow(channel)
		messages, _ = place.Member("messages")
		_, list := messages.Members()
		op.Message = r.one(at, key, list)
	} else {
		op.Message = r.one(at, key, messages.Items())
	}
	if op.Message == nil {
		return
	}
	switch action := r.text(at, "action"); action {
	case "receive":
		r.receive(op, at)
	case "send":
		r.send(op, at)
	default:
		r.refuse(at, "action is receive or send, not %q", action)
	}
}

func (r *reader) one(at contract.Place, key string, list []contract.Place) *Message {
	if len(list) != 1 {
		r.refuse(at, "operation %s has %d messages: one each, so that its name says which", key, len(list))
		return nil
	}
	return r.message(list[0])
}

func (r *reader) receive(op *Operation, at contract.Place) {
	r.known(at, "action", "channel", "title", "summary", "description", "messages", "reply", "tags", "externalDocs", "security",
		"x-roles", "x-errors", "x-planned")
	r.doc.Receives = append(r.doc.Receives, op)
	op.Roles = r.texts(at, "x-roles")
	shape := r.errorShape(at, r.doc.errors)
	op.ErrorReply, op.ErrorEvent = shape.reply, shape.event
	if op.Message.Status != "" || op.Message.StatusOf != "" {
		r.refuse(op.Message.at, "x-status is for answers")
	}
	reply, ok := at.Member("reply")
	if !ok {
		return
	}
	r.known(reply, "channel", "messages", "address")
	list, _ := reply.Member("messages")
	types := map[*Type]*Message{}
	for _, item := range list.Items() {
		m := r.message(item)
		if m == op.ErrorReply {
			continue
		}
		if m.Type != nil && types[m.Type] != nil {
			r.refuse(item, "the replies %s and %s have the same payload, so that nothing tells them apart", types[m.Type].Key, m.Key)
		}
		types[m.Type] = m
		op.Replies = append(op.Replies, m)
	}
	if len(list.Items()) == 0 {
		r.refuse(reply, "a reply lists its messages")
	}
	for _, m := range op.Replies {
		if len(op.Replies) > 1 && m.Type != nil && m.Type.Kind == Union {
			r.refuse(m.at, "reply %s is a union: list its branches as replies", m.Key)
		}
	}
}

func (r *reader) send(op *Operation, at contract.Place) {
	r.known(at, "action", "channel", "title", "summary", "description", "messages", "tags", "externalDocs", "security",
		"x-durable", "x-queue", "x-planned")
	r.doc.Sends = append(r.doc.Sends, op)
	if durable, ok := at.Member("x-durable"); ok {
		op.Durable = durable.Node.Value == "true"
		if op.Durable && op.Channel.Retention == 0 {
			r.refuse(durable, "x-durable needs a channel with x-stream")
		}
		if !op.Durable && durable.Node.Value != "false" {
			r.refuse(durable, "x-durable is true or false")
		}
	}
	if queue := r.text(at, "x-queue"); queue != "" {
		op.Queue = queue
	}
	if !slices.Contains([]string{"close", "latest", "drop"}, op.Queue) {
		r.refuse(at, "x-queue is close, latest or drop, not %q", op.Queue)
	}
	if op.Durable && op.Queue != "close" {
		r.refuse(at, "a durable event cannot be left out: x-queue is close")
	}
}

// checkExamples refuses examples that their own payload refuses.
func (r *reader) checkExamples() {
	for _, m := range r.messages {
		list, ok := m.at.Member("examples")
		if !ok {
			continue
		}
		for _, item := range list.Items() {
			payload, ok := item.Member("payload")
			if !ok || m.Type == nil {
				r.refuse(item, "an example shows a payload")
				continue
			}
			value, err := contract.ValueOf(payload)
			if err != nil {
				r.refuse(payload, "%v", err)
				continue
			}
			m.Examples = append(m.Examples, value)
			report := contract.NewReport(contract.InBody, "", "en")
			if !r.types.program(m.Type).Validate(value, report) {
				for _, v := range report.Violations() {
					r.refuse(payload, "the example breaks its contract: %s %s", v.Pointer, v.Message)
				}
			}
		}
	}
}

package asyncapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/meeting/events"
	reunion "github.com/guichet-api/guichet/gen/reunion/events"
	tchatator "github.com/guichet-api/guichet/gen/tchatator/events"
	tickets "github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/realtime"
)

// sink records what is sent.
type sink struct{ sent []string }

func (s *sink) Broadcast(_ context.Context, room string, m *realtime.Message, except *realtime.Peer) {
	text := room + " " + m.Event + string(m.Payload)
	if except != nil {
		text += " except " + except.ID()
	}
	s.sent = append(s.sent, text)
}

func (s *sink) Send(_ context.Context, peer *realtime.Peer, m *realtime.Message) {
	s.sent = append(s.sent, "peer "+peer.ID()+" "+m.Event+string(m.Payload))
}

// exchange dispatches a message as a wire does and writes down the answer, then the events.
func exchange(t *testing.T, d realtime.Dispatcher, s *sink, peer *realtime.Peer, event string, args ...string) (answer *realtime.Message, err error) {
	t.Helper()
	in := &realtime.Incoming{Event: event, WantsReply: true}
	for _, arg := range args {
		in.Args = append(in.Args, []byte(arg))
	}
	err = realtime.Handle(t.Context(), d, peer, in, func(m *realtime.Message) {
		answer = m
		if len(s.sent) > 0 && m != nil {
			t.Errorf("%s: %v was sent before the answer", event, s.sent)
		}
	})
	return answer, err
}

type reunionDesk struct {
	reunion.Handler
	got any
}

func (h *reunionDesk) JoinReunionHost(_ context.Context, _ *realtime.Peer, in reunion.ReunionRef) (reunion.Done, error) {
	h.got = in
	return reunion.Done{}, nil
}

func (h *reunionDesk) ValidateCart(_ context.Context, _ *realtime.Peer, in reunion.ValidateCart) (reunion.Done, error) {
	h.got = in
	return reunion.Done{}, errors.New("no cart")
}

func (*reunionDesk) Refusal(_ context.Context, _ *realtime.Peer, event string, err error) reunion.Refusal {
	return reunion.Refusal{Message: event + ": " + err.Error()}
}

func (*reunionDesk) ReunionError(_ context.Context, _ *realtime.Peer, _ string, err error) reunion.ReunionError {
	return reunion.ReunionError{Message: err.Error()}
}

func TestDispatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, role, event string
		args              []string
		got               any
		answer, sent      string
	}{
		{"a bare string", "seller", "join-reunion-host", []string{`"r-1"`}, reunion.ReunionID("r-1"), `{"success":true}`, ""},
		{"an object, with a field too many", "seller", "join-reunion-host", []string{`{"reunionId":"r-1","x":1}`}, reunion.ReunionObject{ReunionID: "r-1"}, `{"success":true}`, ""},
		{"an argument too many", "seller", "join-reunion-host", []string{`"r-1"`, `{}`}, reunion.ReunionID("r-1"), `{"success":true}`, ""},
		{"another role", "client", "join-reunion-host", []string{`"r-1"`}, nil, `{"success":false,"message":"join-reunion-host: Accès refusé"}`, `{"message":"Accès refusé"}`},
		{"no role", "", "join-reunion-host", []string{`"r-1"`}, nil, `{"success":false,"message":"join-reunion-host: Authentification requise"}`, `{"message":"Authentification requise"}`},
		{"a refused payload", "seller", "join-reunion-host", []string{`"no spaces"`}, nil, "", ""},
		{"no argument", "seller", "join-reunion-host", nil, nil, "", ""},
		{"an unknown event", "seller", "dance", nil, nil, `{"success":false,"message":"dance: unknown event dance"}`, `{"message":"unknown event dance"}`},
		{"the handler's error", "client", "validate-cart", []string{`{}`}, reunion.ValidateCart{}, `{"success":false,"message":"validate-cart: no cart"}`, `{"message":"no cart"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, h := &sink{}, &reunionDesk{}
			d, err := reunion.New(reunion.Config{Handler: h, Errors: h, Sink: s})
			if err != nil {
				t.Fatal(err)
			}
			peer := realtime.NewPeer("p1", realtime.WireSocketIO, "127.0.0.1")
			peer.Identify(c.role, nil)
			answer, err := exchange(t, d, s, peer, c.event, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if h.got != c.got {
				t.Errorf("the handler got %#v, not %#v", h.got, c.got)
			}
			if c.answer == "" { // refused by the contract, in words that are the contract's matter
				if len(s.sent) != 1 || string(answer.Payload[:16]) != `{"success":false` {
					t.Errorf("%s, %v", answer.Payload, s.sent)
				}
				return
			}
			if string(answer.Payload) != c.answer {
				t.Errorf("answered %s", answer.Payload)
			}
			if c.sent != "" && (len(s.sent) != 1 || s.sent[0] != "peer p1 reunion-error"+c.sent) || c.sent == "" && s.sent != nil {
				t.Errorf("sent %v", s.sent)
			}
		})
	}
}

type meetingDesk struct {
	events.Handler
	reply   events.JoinRoomReply
	emitter *events.Emitter
}

func (h *meetingDesk) JoinRoom(ctx context.Context, peer *realtime.Peer, in events.JoinRoom) (events.JoinRoomReply, error) {
	if h.reply == nil {
		return nil, errors.New("Salon non trouvé")
	}
	realtime.After(ctx, func() {
		if err := h.emitter.Except(peer).UserLeft(ctx, in.RoomID, events.Member{UserName: in.UserName, UserID: "u"}); err != nil {
			panic(err)
		}
	})
	return h.reply, nil
}

func (h *meetingDesk) Ping(context.Context, *realtime.Peer) error { return nil }

func (*meetingDesk) RoomError(context.Context, *realtime.Peer, string, error) events.RoomError {
	return events.RoomError{Error: events.RoomErrorErrorInvalid}
}

func (*meetingDesk) NotJoined(_ context.Context, _ *realtime.Peer, _ string, err error) events.NotJoined {
	return events.NotJoined{Result: events.Explanation{Message: err.Error()}}
}

func (*meetingDesk) Failure(_ context.Context, _ *realtime.Peer, _ string, err error) events.Failure {
	return events.Failure{Error: err.Error()}
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, event, arg, want string
		reply                  events.JoinRoomReply
		sent                   []string
	}{
		{"several arguments", "joinRoom", `{"roomId":"a","userName":"B"}`, `[true,{"isCreator":true}]`,
			events.Joined{Result: events.JoinResult{IsCreator: true}}, []string{`rooms/a userLeft{"userName":"B","userId":"u"} except p1`}},
		{"another reply", "joinRoom", `{"roomId":"a","userName":"B"}`, `[false,{"error":"NAME_ALREADY_TAKEN"}]`,
			events.NameTaken{}, []string{`rooms/a userLeft{"userName":"B","userId":"u"} except p1`}},
		{"the operation's own error", "joinRoom", `{"roomId":"a","userName":"B"}`, `[false,{"message":"Salon non trouvé"}]`, nil, nil},
		{"without argument", "ping", "", "", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &sink{}
			h := &meetingDesk{reply: c.reply, emitter: events.NewEmitter(s)}
			d, err := events.New(events.Config{Handler: h, Errors: h, Sink: s})
			if err != nil {
				t.Fatal(err)
			}
			var args []string
			if c.arg != "" {
				args = []string{c.arg}
			}
			answer, err := exchange(t, d, s, realtime.NewPeer("p1", realtime.WireSocketIO, ""), c.event, args...)
			if err != nil || answer == nil {
				t.Fatalf("%v, %v", answer, err)
			}
			if string(answer.Payload) != c.want || answer.Spread != (c.want != "") {
				t.Errorf("answered %s, spread %t", answer.Payload, answer.Spread)
			}
			if len(s.sent) != len(c.sent) || len(c.sent) > 0 && s.sent[0] != c.sent[0] {
				t.Errorf("sent %v", s.sent)
			}
		})
	}
}

type chat struct {
	tchatator.Handler
	reply tchatator.NewChgAvailableReply
}

func (c *chat) NewChgAvailable(context.Context, *realtime.Peer, tchatator.NewChgAvailable) (tchatator.NewChgAvailableReply, error) {
	return c.reply, nil
}

func (*chat) Refusal(_ context.Context, _ *realtime.Peer, _ string, err error) tchatator.Refusal {
	var unknown *realtime.UnknownEvent
	var refused *contract.Error
	if errors.As(err, &unknown) || errors.As(err, &refused) && refused.Status == 400 {
		return tchatator.Refusal{Error: tchatator.Code416Misfmt, Message: "Message mal formaté"}
	}
	return tchatator.Refusal{Error: tchatator.Code403Denied, Message: err.Error()}
}

// TestWires: what exists on one wire only is refused on the others, in either direction.
func TestWires(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		wire   realtime.Wire
		event  string
		reply  tchatator.NewChgAvailableReply
		answer string
		status string
	}{
		{"flat over TCP", realtime.WireKeyValue, "NEW_CHG_AVAILABLE", tchatator.MessageDeleted{MessageID: 3}, `{"type":"message_deleted","message_id":3}`, "200/OK"},
		{"nested over WebSocket", realtime.WireCommand, "NEW_CHG_AVAILABLE", tchatator.Changes{Changes: []tchatator.Change{tchatator.MessageDeletedChange{MessageID: 3}}}, `{"changes":[{"type":"message_deleted","message_id":3}]}`, ""},
		{"nested over TCP", realtime.WireKeyValue, "NEW_CHG_AVAILABLE", tchatator.Changes{}, `{"error":"403/DENIED","message":"newChgAvailable: the contract has no Changes on this wire"}`, ""},
		{"a command of the other wire", realtime.WireKeyValue, "USER_INFO", nil, `{"error":"416/MISFMT","message":"Message mal formaté"}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := &chat{reply: c.reply}
			d, err := tchatator.New(tchatator.Config{Handler: h, Errors: h})
			if err != nil {
				t.Fatal(err)
			}
			peer := realtime.NewPeer("p1", c.wire, "")
			peer.Identify("member", nil)
			answer, err := exchange(t, d, &sink{}, peer, c.event, `{"token":"t","user_id":1}`)
			if err != nil || string(answer.Payload) != c.answer || answer.Status != c.status || answer.Shape == nil {
				t.Errorf("%+v %s, %v", answer, answer.Payload, err)
			}
		})
	}
}

// TestChecker: what a server may not send is found out.
func TestChecker(t *testing.T) {
	t.Parallel()
	checker, err := events.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	message := func(event string, args ...string) *realtime.Incoming {
		in := &realtime.Incoming{Event: event}
		for _, arg := range args {
			in.Args = append(in.Args, []byte(arg))
		}
		return in
	}
	for _, c := range []struct {
		name string
		err  error
		ok   bool
	}{
		{"event", checker.Event(message("roomsList", `[]`)), true},
		{"event of another shape", checker.Event(message("roomsList", `[{"id":"a"}]`)), false},
		{"event nobody knows", checker.Event(message("dance")), false},
		{"reply of two arguments", checker.Reply("joinRoom", message("", `true`, `{"isCreator":true}`)), true},
		{"refusal", checker.Reply("joinRoom", message("", `false`, `{"message":"non"}`)), true},
		{"reply of one argument", checker.Reply("joinRoom", message("", `true`)), false},
		{"reply without argument", checker.Reply("ping", message("")), true},
		{"reply with one too many", checker.Reply("ping", message("", `1`)), false},
		{"reply to nothing", checker.Reply("dance", message("")), false},
	} {
		if (c.err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
}

// TestPanic: a handler that panics is refused like one that fails.
func TestPanic(t *testing.T) {
	t.Parallel()
	h := &chat{} // whose Login is nobody's
	d, err := tchatator.New(tchatator.Config{Handler: h, Errors: h})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := exchange(t, d, &sink{}, realtime.NewPeer("p1", realtime.WireCommand, ""), "LOGIN", `{"token":"t"}`)
	if err != nil || !strings.Contains(string(answer.Payload), "panic: ") || !strings.Contains(string(answer.Payload), "dispatch_test.go") {
		t.Errorf("%s, %v", answer.Payload, err)
	}
}

type outbox struct{ entries []realtime.Entry }

func (o *outbox) Append(_ context.Context, e realtime.Entry) error {
	o.entries = append(o.entries, e)
	return nil
}

// TestDurable: a durable event goes into the outbox and nowhere else.
func TestDurable(t *testing.T) {
	t.Parallel()
	s, o := &sink{}, &outbox{}
	if err := tickets.NewEmitter(s).TicketCreated(t.Context(), o, tickets.TicketCreated{ID: uuid.Nil}); err != nil {
		t.Fatal(err)
	}
	if len(o.entries) != 1 || o.entries[0].Room != "desk" || o.entries[0].Event != "ticket_created" || s.sent != nil {
		t.Errorf("%+v, %v", o.entries, s.sent)
	}
	streams := tickets.Surface().Streams
	if room := reunion.EverybodyRoom("a/b"); room != "reunions/a%2Fb" {
		t.Errorf("the room of a/b is %s", room)
	}
	if len(streams) != 1 || streams[0].Resync != "resync" || streams[0].Retention.Hours() != 24 {
		t.Errorf("%+v", streams)
	}
}

// TestUnknownWithoutErrors: a contract without x-errors leaves refusals to the wire.
func TestUnknownWithoutErrors(t *testing.T) {
	t.Parallel()
	d, err := tickets.New(tickets.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = exchange(t, d, &sink{}, realtime.NewPeer("p", realtime.WireEnvelope, ""), "dance")
	var unknown *realtime.UnknownEvent
	if !errors.As(err, &unknown) || unknown.Event != "dance" {
		t.Errorf("%v", err)
	}
}

package reunion_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/reunion"
)

// actor is a socket without a wire: what it emits is handled by the time that emit returns, and what it was sent is there.
type actor struct {
	t       testing.TB
	gateway *realtime.Gateway
	peer    *realtime.Peer
	wait    func(context.Context) error // nil: it reads at once

	mu     sync.Mutex
	inbox  []message
	closed []realtime.Reason
}

// message is an event that was sent to an actor.
type message struct{ event, payload string }

func (m message) String() string { return m.event + " " + m.payload }

var actors atomic.Int64

// connect opens a socket to a process; the token may be empty.
func (p *process) connect(t testing.TB, token string) *actor {
	t.Helper()
	a, err := p.dial(t, token)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *process) dial(t testing.TB, token string) (*actor, error) {
	gateway := p.Gateway()
	a := &actor{t: t, gateway: gateway}
	a.peer = realtime.NewPeer(fmt.Sprintf("actor-%d", actors.Add(1)), realtime.WireSocketIO, "127.0.0.1")
	if err := gateway.Identify(context.WithoutCancel(t.Context()), a.peer, gateway.Surface.Server(realtime.WireSocketIO), token); err != nil {
		return nil, err
	}
	return a, gateway.Open(context.WithoutCancel(t.Context()), a.peer, a, "")
}

// Deliver implements realtime.Outlet. What does not fit the contract fails the test.
func (a *actor) Deliver(m *realtime.Message, _ string) bool {
	in := &realtime.Incoming{Event: m.Event}
	if m.Payload != nil {
		in.Args = [][]byte{m.Payload}
	}
	if err := sharedChecker().Event(in); err != nil {
		a.t.Errorf("%s %s: %v", m.Event, m.Payload, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inbox = append(a.inbox, message{m.Event, string(m.Payload)})
	return true
}

var sharedChecker = sync.OnceValue(func() *events.Checker {
	checker, err := events.NewChecker()
	if err != nil {
		panic(err)
	}
	return checker
})

// Wait implements realtime.Outlet.
func (a *actor) Wait(ctx context.Context) error {
	if a.wait != nil {
		return a.wait(ctx)
	}
	return nil
}

// Close implements realtime.Outlet.
func (a *actor) Close(reason realtime.Reason) {
	a.mu.Lock()
	a.closed = append(a.closed, reason)
	first := len(a.closed) == 1
	a.mu.Unlock()
	if first {
		go a.gateway.Closed(a.peer)
	}
}

// leave ends the socket.
func (a *actor) leave() { a.gateway.Closed(a.peer) }

// emit sends an event and answers its ack. An empty payload is none.
func (a *actor) emit(event, payload string) string {
	in := &realtime.Incoming{Event: event, WantsReply: true}
	if payload != "" {
		in.Args = [][]byte{[]byte(payload)}
	}
	return a.send(in)
}

func (a *actor) send(in *realtime.Incoming) (ack string) {
	err := a.gateway.Receive(context.WithoutCancel(a.t.Context()), a.peer, in, func(m *realtime.Message) {
		if m != nil {
			ack = string(m.Payload)
		}
	})
	if err != nil {
		a.t.Errorf("%s: %v", in.Event, err)
	}
	return ack
}

// must sends an event that succeeds.
func (a *actor) must(event, payload string) {
	a.t.Helper()
	if ack := a.emit(event, payload); ack != `{"success":true}` {
		a.t.Fatalf("%s %s: %s", event, payload, ack)
	}
}

// refused sends an event that is refused with a message, in the ack and as an event.
func (a *actor) refused(event, payload, text string) {
	a.t.Helper()
	if ack, want := a.emit(event, payload), fmt.Sprintf(`{"success":false,"message":%q}`, text); ack != want {
		a.t.Fatalf("%s %s: %s, not %s", event, payload, ack, want)
	}
	a.expect("reunion-error", fmt.Sprintf(`{"message":%q}`, text))
}

// take empties the inbox.
func (a *actor) take() []message {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := a.inbox
	a.inbox = nil
	return taken
}

// expect takes the next message, which must be this one; what a process does by itself may still be on its way. A payload that
// ends in … is only compared so far.
func (a *actor) expect(event, payload string) {
	a.t.Helper()
	eventually(a.t, event, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.inbox) > 0
	})
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.inbox[0]
	a.inbox = a.inbox[1:]
	start, open := strings.CutSuffix(payload, "…")
	if next.event != event || next.payload != payload && (!open || !strings.HasPrefix(next.payload, start)) {
		a.t.Fatalf("what was sent is %s, not %s %s", next, event, payload)
	}
}

// nothing fails if there is a message.
func (a *actor) nothing() {
	a.t.Helper()
	if left := a.take(); len(left) > 0 {
		a.t.Fatalf("there is %v", left)
	}
}

// joined is what the ack of a client tells.
type joined struct {
	Success     bool
	Message     string
	ClientID    string `json:"clientId"`
	ResumeToken string `json:"resumeToken"`
}

// join makes a socket a client of a réunion.
func (a *actor) join(id, name string) joined {
	a.t.Helper()
	return a.joinWith(fmt.Sprintf(`{"reunionId": %q, "clientInfo": {"name": %q}}`, id, name))
}

// resume makes a socket a client again.
func (a *actor) resume(id string, as joined) joined {
	a.t.Helper()
	return a.joinWith(fmt.Sprintf(`{"reunionId": %q, "clientInfo": {"clientId": %q, "resumeToken": %q}}`, id, as.ClientID, as.ResumeToken))
}

func (a *actor) joinWith(payload string) (ack joined) {
	a.t.Helper()
	if err := json.Unmarshal([]byte(a.emit("join-reunion-client", payload)), &ack); err != nil {
		a.t.Fatal(err)
	}
	return ack
}

// client is a socket that has joined the demo réunion.
func (d *demo) client(name string) (*actor, joined) {
	d.t.Helper()
	a := d.connect(d.t, "")
	as := a.join(reunion.DemoReunion, name)
	if !as.Success {
		d.t.Fatal(as)
	}
	a.expect("reunion-status", `"active"`)
	return a, as
}

// host is a socket of the seller that hosts the demo réunion, and has seen it.
func (d *demo) host() *actor {
	d.t.Helper()
	a := d.connect(d.t, d.token(0))
	a.must("join-reunion-host", `"`+reunion.DemoReunion+`"`)
	a.expect("reunion-data", `{…`)
	return a
}

// token is one of a demo seller.
func (d *demo) token(seller int) string {
	d.t.Helper()
	token, err := d.Operator().IssueToken(d.t.Context(), reunion.DemoAccounts()[seller].Email)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// isClosed reports whether the server ended the socket.
func (a *actor) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.closed) > 0
}

// survey submits one to the demo réunion.
func (d *demo) survey() {
	d.t.Helper()
	_, err := d.SubmitSurvey(d.t.Context(), api.SubmitSurveyRequestObject{
		ID: reunion.DemoReunion, Body: &api.SurveyRequest{OverallRating: 5, RecommendationScore: 10},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// eventually waits for something that happens in the background.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(10 * time.Second)
	for !done() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s did not come", what)
		}
	}
}

//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/guichet-api/guichet/gen/reunion/client"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/dial"
	"github.com/guichet-api/guichet/internal/reunion"
)

// meetingLoad is how many acks clients get before everything is killed, twice, and then in the end.
const meetingLoad = 300

// TestReunionCrash kills program and PostgreSQL while clients join a réunion, change their carts and validate them: what was
// acknowledged is there, carts and validations alike, and the host hears of every validation that is.
func TestReunionCrash(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	env := []string{"GUICHET_LOG_LEVEL=info"}
	ear := &hostEar{heard: map[string]int{}}
	buyers := make([]*buyer, 6)
	var all buyerLog
	for i := range buyers {
		buyers[i] = all.add(fmt.Sprintf("Acheteur %d", i))
	}
	var acknowledged atomic.Int64
	for round := range 3 {
		s := serve(t, stateDir, env, "--only", reunion.Name)
		before := acknowledged.Load()
		ctx, cancel := context.WithCancel(t.Context())
		ear.attend(ctx, t, s)
		all.verify(t, s)
		var group sync.WaitGroup
		for i := range buyers {
			group.Go(func() { buyers[i] = buyers[i].shop(ctx, t, s, &all, &acknowledged) })
		}
		eventually(t, "acks", func() bool { return acknowledged.Load() >= before+meetingLoad })
		kill(t, s, "both")
		cancel()
		group.Wait()
		s.wait()
		t.Logf("round %d: killed after %d acks, with %d clients", round+1, acknowledged.Load(), len(all.list))
	}
	s := serve(t, stateDir, env, "--only", reunion.Name)
	ear.attend(t.Context(), t, s)
	stored := all.verify(t, s)
	if len(stored) == 0 {
		t.Error("nobody validated a cart")
	}
	eventually(t, "all validations at the host", func() bool { return ear.knows(stored) })
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d in the end", code)
	}
}

// buyer is a client, and what it knows was stored.
type buyer struct {
	name          string
	is            events.Joined // once joined
	sent, acked   int           // number of its last cart
	tried, signed bool          // its validation: sent, acknowledged
}

// buyerLog is all buyers that there were.
type buyerLog struct {
	mu   sync.Mutex
	list []*buyer
}

func (l *buyerLog) add(name string) *buyer {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := &buyer{name: name}
	l.list = append(l.list, b)
	return b
}

// shop buys until the server dies, one client after the other, each with a socket of its own. It answers the last one, which
// goes on after the crash.
func (b *buyer) shop(ctx context.Context, t *testing.T, s *server, all *buyerLog, acknowledged *atomic.Int64) *buyer {
	for {
		leave, cancel := context.WithCancel(ctx)
		err := b.buy(leave, t, connectReunion(leave, t, s, "", deaf{}), acknowledged)
		cancel()
		if err != nil {
			return b
		}
		b = all.add(b.name)
	}
}

// buy joins, changes the cart and validates it. An error is the server's end.
func (b *buyer) buy(ctx context.Context, t *testing.T, conn *events.Connection, acknowledged *atomic.Int64) error {
	info := events.JoinInfo{Name: stdjson.Some(b.name)}
	if b.is.ClientID != "" {
		info.ClientID, info.ResumeToken = stdjson.Some(b.is.ClientID), stdjson.Some(b.is.ResumeToken)
	}
	is, err := conn.JoinReunionClient(ctx, events.JoinReunionClient{ReunionID: reunion.DemoReunion, ClientInfo: info})
	if err != nil {
		return err
	}
	if b.is.ClientID != "" && is != b.is {
		t.Errorf("%s came back as %s", b.is.ClientID, is.ClientID)
	}
	b.is = is
	for range 10 {
		if b.tried {
			break // the cart may be frozen
		}
		b.sent++
		cart := []events.CartLine{{ProductID: fmt.Sprintf("prod-%d", b.sent), Quantity: 1}}
		if _, err := conn.UpdateCart(ctx, events.UpdateCart{Cart: cart}); err != nil {
			return err
		}
		b.acked = b.sent
		acknowledged.Add(1)
	}
	again := b.tried
	b.tried = true
	_, err = conn.ValidateCart(ctx, events.ValidateCart{Comment: stdjson.Some("Merci")})
	var refused *realtime.Refused
	if again && errors.As(err, &refused) { // it was stored before the crash
		err = nil
	}
	b.signed = err == nil
	return err
}

// verify compares what is stored with what was acknowledged, and answers the clients whose validation is stored.
func (l *buyerLog) verify(t *testing.T, s *server) (validated []string) {
	t.Helper()
	account := reunion.DemoAccounts()[0]
	a := call(t, "GET", s.at[reunion.Name]+"/api/reunions/"+reunion.DemoReunion, tokenOf(t, s.at[reunion.Name], account.Email, account.Password), "")
	var stored client.Reunion
	if err := stdjson.Unmarshal([]byte(a.text), &stored); err != nil || a.status != 200 {
		t.Fatalf("%d %v %s", a.status, err, a.text)
	}
	found := map[string]client.Client{}
	for _, c := range stored.Clients {
		found[c.ID] = c
		if c.Status == client.ClientStatusValide {
			validated = append(validated, c.ID)
		}
	}
	for _, b := range l.list {
		if b.is.ClientID == "" {
			continue // its join was never acknowledged
		}
		c, there := found[b.is.ClientID]
		cart := 0
		if len(c.Cart) == 1 {
			_, _ = fmt.Sscanf(c.Cart[0].ProductID, "prod-%d", &cart)
		}
		switch valid := c.Status == client.ClientStatusValide; {
		case !there:
			t.Errorf("%s is not there", b.is.ClientID)
		case cart != b.acked && cart != b.sent:
			t.Errorf("%s has cart %d; %d was acknowledged, %d sent", c.ID, cart, b.acked, b.sent)
		case b.signed && !valid || valid && !b.tried:
			t.Errorf("%s is %s; tried %t, acknowledged %t", c.ID, c.Status, b.tried, b.signed)
		}
		b.acked = cart // what was in doubt is known now
		b.sent = cart
	}
	return validated
}

// connectReunion opens a socket that lives until ctx ends.
func connectReunion(ctx context.Context, t *testing.T, s *server, token string, hears events.Listener) *events.Connection {
	t.Helper()
	link, err := dial.To(*events.Surface().Server(realtime.WireSocketIO), dial.Options{
		URL: s.at[reunion.Name], Token: func(context.Context) (string, error) { return token, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := events.NewConnection(events.ConnectionConfig{Dial: link, Listener: hears})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = conn.Run(ctx) }() // it only ever ends with ctx
	return conn
}

// deaf hears nothing.
type deaf struct{}

func (deaf) OnReunionData(context.Context, events.Reunion)                   {}
func (deaf) OnClientJoined(context.Context, events.Client)                   {}
func (deaf) OnCartUpdated(context.Context, events.CartUpdated)               {}
func (deaf) OnCartValidated(context.Context, events.CartValidated)           {}
func (deaf) OnClientDisconnected(context.Context, events.ClientDisconnected) {}
func (deaf) OnSurveySubmitted(context.Context, events.SurveySubmitted)       {}
func (deaf) OnReunionClosed(context.Context)                                 {}
func (deaf) OnReunionStatus(context.Context, events.ReunionStatus)           {}
func (deaf) OnReunionError(context.Context, events.ReunionError)             {}

// hostEar is the host: it hears of validations.
type hostEar struct {
	deaf
	mu    sync.Mutex
	heard map[string]int
}

// OnCartValidated implements events.Listener.
func (e *hostEar) OnCartValidated(_ context.Context, v events.CartValidated) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard[v.ClientID]++
}

// attend makes it the host of a server that has just started, until ctx ends.
func (e *hostEar) attend(ctx context.Context, t *testing.T, s *server) {
	t.Helper()
	account := reunion.DemoAccounts()[0]
	conn := connectReunion(ctx, t, s, tokenOf(t, s.at[reunion.Name], account.Email, account.Password), e)
	if _, err := conn.JoinReunionHost(ctx, events.ReunionID(reunion.DemoReunion)); err != nil {
		t.Fatal(err)
	}
}

// knows reports whether it has heard of all these clients.
func (e *hostEar) knows(clients []string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range clients {
		if e.heard[id] == 0 {
			return false
		}
	}
	return true
}

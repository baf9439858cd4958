package tickets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean := d.account(demoNom)
	role, caller, err := d.live.Authenticate(t.Context(), jean.token)
	p := realtime.NewPeer("p", realtime.WireEnvelope, "")
	p.Identify(role, caller)
	if err != nil || role != "agent" || callerOf(p).ID != jean.id || callerOf(p).Name != demoNom {
		t.Errorf("%q, %+v, %v", role, caller, err)
	}
	for _, token := range []string{"", "garbage", jean.token + "x"} {
		_, _, err := d.live.Authenticate(t.Context(), token)
		if !errors.Is(err, realtime.ErrUnauthenticated) || !problem.Is(err, problem.Unauthenticated) {
			t.Errorf("the token %q: %v", token, err)
		}
	}
	d.db.Pool.Close()
	if _, _, err := d.live.Authenticate(t.Context(), jean.token); err == nil || errors.Is(err, realtime.ErrUnauthenticated) {
		t.Errorf("without a database: %v", err)
	}
}

// TestRooms: everybody hears the desk, on every connection, and in a replay too.
func TestRooms(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean, marie := d.account(demoNom), d.account("Marie Martin")
	ears := []*ear{d.listen(jean.token, ""), d.listen(jean.token, ""), d.listen(marie.token, "")}
	d.create(marie.token, api.PriorityBasse)
	epoch, _, _ := strings.Cut(d.announced()[0].ID, ":")
	for i, e := range append(ears, d.listen(jean.token, epoch+":0")) {
		if got := e.take(1); got[0].Type != "ticket_created" || got[0].seq() != 1 {
			t.Errorf("connection %d hears %s %s", i, got[0].Type, got[0].ID)
		}
		e.ping()
	}
}

// announced is what was announced so far, oldest first, as the database keeps it.
func (d *desk) announced() (frames []frame) {
	d.t.Helper()
	d.must(d.settle(d.t.Context()))
	rows, err := d.db.Pool.Query(d.t.Context(), `SELECT l.event, l.payload::text, h.epoch || ':' || l.n
		FROM platform.outbox_log l JOIN platform.outbox_heads h USING (system) WHERE system = $1 ORDER BY l.n`, Name)
	d.must(err)
	defer rows.Close()
	for rows.Next() {
		var f frame
		var payload string
		d.must(rows.Scan(&f.Type, &payload, &f.ID))
		f.Data = []byte(payload)
		frames = append(frames, f)
	}
	d.must(rows.Err())
	return frames
}

// TestConnectionsEndWithTheirSession: by a new password or by age, and only those of that session.
func TestConnectionsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	d.clock.Advance(24 * time.Hour)
	marie := d.account("Marie Martin")
	young := d.token(jean.email)
	old, other, newer := d.listen(jean.token, ""), d.listen(marie.token, ""), d.listen(young, "")
	check := func() { t.Helper(); d.must(d.live.endWithSessions(t.Context())) }

	check()
	old.ping()
	d.clock.Advance(sessionLifetime - 24*time.Hour)
	check()
	if code := old.ends(); code != websocket.StatusPolicyViolation {
		t.Errorf("an expired session ends with %d", code)
	}
	newer.ping()
	d.must(d.Operator().SetPassword(t.Context(), jean.email, "password456"))
	newer.ping() // until somebody looks
	check()
	if code := newer.ends(); code != websocket.StatusPolicyViolation {
		t.Errorf("a new password ends with %d", code)
	}
	other.ping()
	d.db.Pool.Close()
	if err := d.live.endWithSessions(t.Context()); err == nil {
		t.Error("without a database nobody can tell")
	}
	other.ping()
}

// TestRun: it looks at sessions and thresholds at their intervals, goes on when that fails, and ends with its context.
func TestRun(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true, outage: true})
	d.pace = intervals{sessions: 5 * time.Millisecond, thresholds: 5 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	jean, marie := d.account(demoNom), d.account("Marie Martin")
	d.await("the outbox is ready", func() bool { return d.outbox.Ready(ctx) == nil })
	leaves, stays := d.listen(jean.token, ""), d.listen(marie.token, "")
	look := func(status events.SLAStatus) {
		t.Helper()
		var e events.TicketUpdated
		d.must(json.Unmarshal(stays.take(1)[0].Data, &e))
		if e.Changes.SLAStatus == nil || *e.Changes.SLAStatus != status {
			t.Errorf("%+v, want %s", e.Changes, status)
		}
	}

	d.create(marie.token, api.PriorityCritique)
	stays.take(1)
	d.clock.Advance(3 * time.Hour)
	look(events.SLAStatusWarning)
	d.outage.Set(true)
	d.await("nothing works without a database", func() bool { return d.watch(ctx) != nil })
	d.outage.Set(false)
	d.await("the database is back", func() bool { return d.watch(ctx) == nil })
	d.clock.Advance(time.Hour)
	look(events.SLAStatusBreach)
	d.must(d.Operator().SetPassword(t.Context(), jean.email, "password456"))
	if code := leaves.ends(); code != websocket.StatusPolicyViolation {
		t.Errorf("ended with %d", code)
	}
	stays.ping()
	if err := d.Run(ctx); err == nil {
		t.Error("it runs twice")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestDrain: everybody is sent away (1001), nobody else gets in.
func TestDrain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	ears := []*ear{d.listen(jean.token, ""), d.listen(jean.token, "")}
	d.must(d.Drain(t.Context()))
	for _, e := range ears {
		if code := e.ends(); code != websocket.StatusGoingAway {
			t.Errorf("ended with %d", code)
		}
	}
	conn, err := d.dial(t.Context(), jean.token, "")
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a connection after that: %v, %v", conn, err)
	}
	d.create(jean.token, api.PriorityBasse) // requests are still answered
}

// TestSlowReader: who does not read is closed with 1013, nobody waits for it, and it can ask for the rest later.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	fast := d.listen(jean.token, "")
	ticket := d.create(jean.token, api.PriorityBasse)
	fast.take(1)
	slow := d.dialSlow(jean.token)
	defer func() { _ = slow.CloseNow() }()

	// More than all buffers between here and there hold.
	const messages, size = 100, 100_000
	contenu, began := strings.Repeat("x", size), time.Now()
	for range messages / 10 {
		d.must(d.inTx(t.Context(), func(_ *db.Queries, out realtime.Outbox) error {
			for range 10 {
				m := events.MessageAdded{TicketID: ticket.ID, Message: events.AddedMessage{Auteur: demoNom, Contenu: contenu}}
				if err := d.emitter.MessageAdded(t.Context(), out, m); err != nil {
					return err
				}
			}
			return nil
		}))
		fast.take(10)
	}
	fast.ping()
	if n := len(d.hub.Peers(events.DeskRoom())); n > 2 {
		t.Errorf("%d peers", n)
	}
	written := time.Since(began)
	last := ""
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		_, text, err := slow.Read(ctx)
		if err != nil {
			switch code := websocket.CloseStatus(err); {
			case code == websocket.StatusTryAgainLater:
			case code < 0 && written > time.Second: // the wire gives it two seconds to read why
				t.Logf("after %s of writing the slow reader was cut off: %v", written, err)
			default:
				t.Errorf("the slow reader was closed with %d: %v", code, err)
			}
			break
		}
		f, err := checkFrame(d.checker, text)
		d.must(err)
		last = f.ID
	}
	read := frame{ID: last}.seq() - 1 // without the ticket's creation
	if read >= messages {
		t.Fatal("the slow reader has read everything")
	}
	t.Logf("the slow reader was closed after %d of %d events", read, messages)
	rest := d.listen(jean.token, last).take(messages - int(read))
	if rest[0].seq() != read+2 || rest[len(rest)-1].seq() != messages+1 {
		t.Errorf("the rest goes from %s to %s", rest[0].ID, rest[len(rest)-1].ID)
	}
}

// dialSlow opens a connection with small buffers that nobody reads yet.
func (d *desk) dialSlow(token string) *websocket.Conn {
	d.t.Helper()
	dialer := net.Dialer{}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}}}
	conn, _, err := websocket.Dial(d.t.Context(), fmt.Sprintf("%s/ws/tickets-client?token=%s", d.url, token), &websocket.DialOptions{HTTPClient: client})
	d.must(err)
	conn.SetReadLimit(1 << 20)
	return conn
}

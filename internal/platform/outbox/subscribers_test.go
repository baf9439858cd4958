package outbox_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
)

// scenario is writers who change things through several processes on one database, while subscribers lose their
// connections and the database perhaps goes away.
type scenario struct {
	nodes             []*node
	writers, changes  int // all writers together commit so many changes
	subscribers, cuts int // all subscribers together are cut so often
	outages           int
	away, back        func() // what an outage is; nil without outages

	seed                          uint64
	committed, refused, uncertain atomic.Int64
}

const last = "the last"

// play runs the scenario and holds what every subscriber saw to what is stored.
func (s *scenario) play(t *testing.T) {
	t.Helper()
	s.seed = uint64(time.Now().UnixNano())
	t.Logf("seed %d", s.seed)
	subscribers := make([]*subscriber, s.subscribers)
	for i := range subscribers {
		subscribers[i] = s.subscribe(t, i)
	}
	for _, n := range s.nodes {
		n.run(t)
	}
	var writing, reading sync.WaitGroup
	for _, r := range subscribers {
		reading.Go(func() { r.read(t) })
	}
	for i := range s.writers {
		writing.Go(func() { s.write(t, i) })
	}
	writing.Wait()
	for err := errors.New(""); err != nil && !pg.Violates(err, "changes_pkey"); err = s.nodes[0].change(t.Context(), last) {
		if t.Context().Err() != nil {
			return
		}
	}
	reading.Wait()
	s.verify(t, subscribers)
}

// random is a source of its own for one of the players.
func (s *scenario) random(player int) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed, uint64(player)))
}

// write makes changes until all writers together have committed enough. Some are refused by the rules. A writer that
// reaches the time for it takes the database away.
func (s *scenario) write(t *testing.T, writer int) {
	random := s.random(writer)
	for i := 0; s.committed.Load() < int64(s.changes) && t.Context().Err() == nil; i++ {
		name := fmt.Sprintf("%d/%d", writer, i)
		if random.IntN(8) == 0 {
			name += "!"
		}
		switch err := s.nodes[random.IntN(len(s.nodes))].change(t.Context(), name); {
		case err == nil:
			if n := s.committed.Add(1); s.outages > 0 && n%int64(s.changes/(s.outages+1)) == 0 && n < int64(s.changes) {
				s.outage(t, name)
			}
		case errors.Is(err, errRefused):
			s.refused.Add(1)
		case pg.IsUnavailable(err): // it may be stored all the same
			s.uncertain.Add(1)
		default:
			t.Errorf("a change: %v", err)
			return
		}
	}
}

// outage takes the database away, tries a few changes, and brings it back.
func (s *scenario) outage(t *testing.T, name string) {
	s.away()
	defer s.back()
	for i := range 5 {
		if err := s.nodes[0].change(t.Context(), fmt.Sprint(name, " ", i)); err != nil {
			s.uncertain.Add(1)
			return
		}
	}
}

// subscriber is a client that reconnects, to any of the processes.
type subscriber struct {
	*scenario
	random *rand.Rand
	at     []int // after how many messages it is cut
	conn   *connection
	seen   []*realtime.Message // over all its connections
}

func (s *scenario) subscribe(t *testing.T, i int) *subscriber {
	t.Helper()
	r := &subscriber{scenario: s, random: s.random(1000 + i), conn: s.nodes[i%len(s.nodes)].mustConnect(t, "ann", "")}
	for range (s.cuts + i) / s.subscribers {
		r.at = append(r.at, r.random.IntN(s.changes))
	}
	slices.Sort(r.at)
	return r
}

// read receives until the last change. What was still under way to it when it is cut is lost.
func (r *subscriber) read(t *testing.T) {
	ended := func(got []*realtime.Message) bool { return len(got) > 0 && said(got[len(got)-1]) == last }
	for _, at := range r.at {
		err := r.conn.await(t.Context(), func(got []*realtime.Message) bool { return len(r.seen)+len(got) > at || ended(got) })
		if err != nil {
			t.Errorf("a subscriber waits: %v", err)
			return
		}
		r.conn.node.gateway.Closed(r.conn.peer)
		got := r.conn.messages()
		if n := min(len(got), 20); n > 0 {
			got = got[:len(got)-r.random.IntN(n)]
		}
		r.seen = append(r.seen, got...)
		if !r.reconnect(t) {
			return
		}
	}
	if err := r.conn.await(t.Context(), func(got []*realtime.Message) bool { return ended(got) || ended(r.seen) }); err != nil {
		t.Errorf("a subscriber waits for the last change: %v", err)
	}
	r.seen = append(r.seen, r.conn.messages()...)
}

// reconnect connects again, since the last message that it has seen. While the database is away nothing can be replayed.
func (r *subscriber) reconnect(t *testing.T) (ok bool) {
	for t.Context().Err() == nil {
		conn, err := r.nodes[r.random.IntN(len(r.nodes))].connect(t.Context(), "ann", r.seen[len(r.seen)-1].ID)
		switch {
		case err == nil:
			r.conn = conn
			return true
		case !pg.IsUnavailable(err):
			t.Errorf("reconnecting: %v", err)
			return false
		}
	}
	return false
}

func said(m *realtime.Message) string { return strings.Trim(string(m.Payload), `"`) }

// verify holds what was seen to what is stored: each committed change once, no other, numbered without a gap, and in one
// order for all.
func (s *scenario) verify(t *testing.T, subscribers []*subscriber) {
	t.Helper()
	var stored []string
	if err := s.nodes[0].pool.QueryRow(t.Context(), "SELECT array_agg(name) FROM changes").Scan(&stored); err != nil {
		t.Fatal(err)
	}
	slices.Sort(stored)
	t.Logf("%d changes stored, %d refused, %d without an answer", len(stored), s.refused.Load(), s.uncertain.Load())
	if s.outages > 0 && s.uncertain.Load() == 0 {
		t.Error("nobody noticed an outage")
	}
	for i, r := range subscribers {
		names := make([]string, len(r.seen))
		for j, m := range r.seen {
			names[j] = said(m)
			if m.Seq != uint64(j+1) {
				t.Fatalf("subscriber %d: message %d is %s %q", i, j+1, m.ID, names[j])
			}
			if first := subscribers[0].seen; j < len(first) && (first[j].ID != m.ID || said(first[j]) != names[j]) {
				t.Fatalf("subscriber %d: message %d is %s %q, to another one it is %s %q", i, j+1, m.ID, names[j], first[j].ID, said(first[j]))
			}
		}
		slices.Sort(names)
		if !slices.Equal(names, stored) {
			t.Errorf("subscriber %d saw %d changes, stored are %d", i, len(names), len(stored))
		}
	}
}

// Two processes, eight writers, subscribers whose connections are cut: none misses a change, none sees one twice.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	db := database(t)
	s := &scenario{writers: 8, changes: 2000, subscribers: 8, cuts: 40}
	s.nodes = []*node{newNode(t, db.Pool), newNode(t, poolOf(t, db.URL))}
	s.play(t)
}

// The same while the way to the database is cut again and again: what a commit came to is then unknown.
func TestSubscribersThroughOutages(t *testing.T) {
	t.Parallel()
	db := database(t)
	outage := testkit.NewOutage(t, db)
	s := &scenario{writers: 4, changes: 400, subscribers: 4, cuts: 12, outages: 3}
	s.away, s.back = func() { outage.Set(true) }, func() { outage.Set(false) }
	s.nodes = []*node{newNode(t, poolOf(t, outage.URL)), newNode(t, poolOf(t, outage.URL))}
	s.play(t)
}

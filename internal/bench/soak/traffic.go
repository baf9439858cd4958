package soak

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/guichet-api/guichet/internal/bench/contest"
	"github.com/guichet-api/guichet/internal/bench/load"
)

// kind is one kind of request of the mix.
type kind struct {
	share  int // of 1000 requests
	method string
	path   func(p *contest.Player, n int) string
	body   func(t *traffic, p *contest.Player) string // nil: none
	open   bool                                       // no token is sent
	want   int
	play   bool // an answer 200 acknowledges a ticket
}

func at(path string) func(*contest.Player, int) string {
	return func(*contest.Player, int) string { return path }
}

// mix is what players do, and what goes wrong among them. It adds up to 1000.
func mix() []kind {
	return []kind{
		{share: 380, method: http.MethodGet, path: oneTicket, want: http.StatusOK},
		{share: 240, method: http.MethodGet, path: at("/api/game/my-tickets?page=1&limit=20"), want: http.StatusOK},
		{share: 150, method: http.MethodPost, path: at("/api/game/play"), body: freshCode, want: http.StatusOK, play: true},
		{share: 100, method: http.MethodGet, path: at("/api/auth/me"), want: http.StatusOK},
		{share: 20, method: http.MethodGet, path: at("/db-check"), open: true, want: http.StatusOK},
		{share: 1, method: http.MethodPost, path: at("/api/auth/login"), body: credentials, open: true, want: http.StatusOK},
		{share: 29, method: http.MethodPost, path: at("/api/game/play"), body: wrongField, want: http.StatusBadRequest},
		{share: 30, method: http.MethodGet, path: at("/api/game/my-tickets/not-a-uuid"), want: http.StatusBadRequest},
		{share: 20, method: http.MethodGet, path: at("/api/admin/statistics"), want: http.StatusForbidden},
		{share: 10, method: http.MethodGet, path: at("/api/auth/me"), open: true, want: http.StatusUnauthorized},
		{share: 10, method: http.MethodGet, path: at("/api/nowhere"), open: true, want: http.StatusNotFound},
		{share: 10, method: http.MethodDelete, path: at("/api/game/play"), open: true, want: http.StatusMethodNotAllowed},
	}
}

func oneTicket(p *contest.Player, n int) string {
	return "/api/game/my-tickets/" + p.Tickets[n%len(p.Tickets)]
}

func freshCode(t *traffic, _ *contest.Player) string {
	n := int(t.played.Add(1)) - 1
	if n >= len(t.codes) {
		return "" // none left: the sender asks for something else
	}
	return `{"ticketCode":"` + t.codes[n] + `"}`
}

func credentials(_ *traffic, p *contest.Player) string {
	return `{"email":"` + p.Email + `","password":"` + contest.Password + `"}`
}

func wrongField(*traffic, *contest.Player) string { return `{"ticketcode":42,"extra":null}` }

// schedule is the mix in the order in which it is sent: every kind spread evenly over a thousand requests.
func schedule(kinds []kind) []kind {
	const all = 1000
	order := make([]kind, 0, all)
	owed := make([]int, len(kinds))
	for range all {
		next := 0
		for i, k := range kinds {
			owed[i] += k.share
			if owed[i] > owed[next] {
				next = i
			}
		}
		owed[next] -= all
		order = append(order, kinds[next])
	}
	return order
}

// traffic is the load, and what came of it so far.
type traffic struct {
	url     string
	players []contest.Player
	codes   []string
	order   []kind

	played       atomic.Int64 // codes sent
	acknowledged atomic.Int64 // tickets

	mu      sync.Mutex
	times   []time.Duration
	killed  time.Time // when the database was killed; zero before
	back    time.Time // when the last request was refused for it
	refused int       // requests since then that were told that the database is away
	wrong   int       // answers that nothing excuses
	first   error     // the first of them
}

// Limits of what a killed database excuses.
const (
	outage  = 30 * time.Second // 503 is an answer so long after the kill
	hanging = 6 * time.Second  // no request takes longer, ever; the product's own limit is 5 s
)

// request makes the n-th request. One in fifty brings its own connection.
func (t *traffic) request(ctx context.Context, worker, n int) (*http.Request, error) {
	k := t.order[n%len(t.order)]
	p := &t.players[worker]
	body := ""
	if k.body != nil {
		if body = k.body(t, p); body == "" {
			k = t.order[0]
		}
	}
	r, err := http.NewRequestWithContext(ctx, k.method, t.url+k.path(p, n), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if !k.open {
		r.Header.Set("Authorization", "Bearer "+p.Token)
	}
	r.Close = n%50 == 7
	return r, nil
}

// seen judges an answer.
func (t *traffic) seen(a load.Answer) error {
	k := t.order[a.N%len(t.order)]
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, a.Took)
	now := time.Now()
	switch {
	case a.Err != nil:
		t.fail(fmt.Errorf("%s: %w", k.method, a.Err))
	case a.Took > hanging:
		t.fail(fmt.Errorf("%s took %s", k.method, a.Took))
	case a.Status == k.want || k.play && a.Status == http.StatusOK:
		if k.play && bytes.Contains(a.Body, []byte(`"played_at"`)) {
			t.acknowledged.Add(1)
		}
	case a.Status == http.StatusServiceUnavailable && t.excused(now) && bytes.Contains(a.Body, []byte(`"success":false`)):
		t.refused++
		t.back = now
	default:
		t.fail(fmt.Errorf("%s %s: status %d, want %d: %s", k.method, k.path(&t.players[a.Worker], a.N), a.Status, k.want, a.Body))
	}
	return nil
}

func (t *traffic) excused(now time.Time) bool {
	return !t.killed.IsZero() && now.Sub(t.killed) < outage
}

func (t *traffic) fail(err error) {
	if t.wrong++; t.first == nil {
		t.first = err
	}
}

// window is what happened since the last one.
type window struct {
	times          []time.Duration // unsorted
	refused, wrong int             // since the start
}

func (t *traffic) window() window {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := window{times: t.times, refused: t.refused, wrong: t.wrong}
	t.times = nil
	return w
}

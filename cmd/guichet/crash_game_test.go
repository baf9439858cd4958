//go:build unix

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// What a client knows of a play, or of what the desk did with its ticket.
const (
	doubtful     = "sent, no answer"
	refused      = "refused"
	acknowledged = "acknowledged"
)

// play is the client's own log of one code.
type play struct {
	state  string
	ticket string // id
	prize  string // id
	status string // what the desk was last told
	desk   string // status that the desk asked for and got no answer about
}

// players is how many clients play at a time.
const players = 8

// game is the clients of The Tip Top: they play, and the desk hands prizes over.
type game struct {
	t     *testing.T
	codes []string

	mu     sync.Mutex
	next   int
	log    map[string]*play // by code
	acked  []string         // codes of tickets that the desk may take
	random *rand.Rand
	client string // tokens
	desk   string
}

func newGame(t *testing.T, codes []string, seed uint64) *game {
	return &game{t: t, codes: codes, log: map[string]*play{}, random: rand.New(rand.NewPCG(seed, 1))}
}

// prepare logs everybody in and makes sure that prizes last.
func (g *game) prepare(s *server) {
	g.client = tokenOf(g.t, s.tiptop, "test-client@test.com", "Test1234")
	g.desk = tokenOf(g.t, s.tiptop, "employee@test.com", "Employee1234")
	admin := tokenOf(g.t, s.tiptop, "admin@test.com", "Admin1234")
	prizes := call(g.t, "GET", s.tiptop+"/api/admin/prizes", admin, "")
	data, _ := prizes.at("data").([]any)
	if prizes.status != 200 || len(data) == 0 {
		g.t.Fatalf("prizes: %d %s", prizes.status, prizes.text)
	}
	for _, item := range data {
		prize, _ := item.(map[string]any)
		a := call(g.t, "PUT", fmt.Sprintf("%s/api/admin/prizes/%s", s.tiptop, prize["id"]), admin, `{"stock":20000}`)
		if a.status != 200 {
			g.t.Fatalf("stock: %d %s", a.status, a.text)
		}
	}
}

// run lets everybody play.
func (g *game) run(ctx context.Context, s *server) {
	var group sync.WaitGroup
	for range players {
		group.Go(func() {
			for ctx.Err() == nil && g.playOne(ctx, s) {
			}
		})
	}
	group.Go(func() {
		for ctx.Err() == nil {
			g.handOver(ctx, s)
		}
	})
	group.Wait()
}

// playOne plays the next code and logs what came of it; false when there are none left.
func (g *game) playOne(ctx context.Context, s *server) bool {
	g.mu.Lock()
	if g.next == len(g.codes) {
		g.mu.Unlock()
		return false
	}
	code := g.codes[g.next]
	g.next++
	p := &play{state: doubtful}
	g.log[code] = p
	g.mu.Unlock()
	if !g.send(ctx, s, code, p) {
		pause(ctx)
	}
	return true
}

// send plays a code and logs the answer, if there is one. A 503 is none: it may follow a commit whose confirmation was lost.
func (g *game) send(ctx context.Context, s *server, code string, p *play) (answered bool) {
	a, err := tryCall(ctx, "POST", s.tiptop+"/api/game/play", g.client, fmt.Sprintf(`{"ticketCode":%q}`, code))
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case err != nil || a.status == 503:
		return false
	case a.status == 200:
		p.state, p.ticket, p.prize, p.status = acknowledged, a.str("data", "ticket", "id"), a.str("data", "prize", "id"), "PENDING"
		g.acked = append(g.acked, code)
	default:
		p.state = refused
		g.t.Errorf("playing %s: %d %s", code, a.status, a.text)
	}
	return true
}

// handOver takes a ticket and validates or rejects it.
func (g *game) handOver(ctx context.Context, s *server) {
	g.mu.Lock()
	if len(g.acked) == 0 {
		g.mu.Unlock()
		return
	}
	i := g.random.IntN(len(g.acked))
	p := g.log[g.acked[i]]
	g.acked[i] = g.acked[len(g.acked)-1]
	g.acked = g.acked[:len(g.acked)-1]
	body := fmt.Sprintf(`{"ticketId":%q,"action":"validate"}`, p.ticket)
	p.desk = "VALIDATED"
	if g.random.IntN(2) == 0 {
		body = fmt.Sprintf(`{"ticketId":%q,"action":"reject","rejectionReason":"Ticket non conforme"}`, p.ticket)
		p.desk = "REJECTED"
	}
	g.mu.Unlock()
	a, err := tryCall(ctx, "POST", s.tiptop+"/api/employee/validate-ticket", g.desk, body)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil && a.status == 200 {
		p.status, p.desk = p.desk, ""
	}
}

// count counts plays.
func (g *game) count(which func(*play) bool) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.log {
		if which(p) {
			n++
		}
	}
	return n
}

func (g *game) acknowledged() int {
	return g.count(func(p *play) bool { return p.state == acknowledged })
}

func (g *game) summary() string {
	in := func(state string) int { return g.count(func(p *play) bool { return p.state == state }) }
	return fmt.Sprintf("%d plays acknowledged, %d without an answer, %d handed over", in(acknowledged), in(doubtful),
		g.count(func(p *play) bool { return p.status != "" && p.status != "PENDING" }))
}

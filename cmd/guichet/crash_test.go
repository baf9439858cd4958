//go:build unix

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var crashSeed = flag.Uint64("crash-seed", 0, "repeat a run of TestCrash: its seed")

// victims are who is killed, round by round. A program that loses its PostgreSQL starts it again; a PostgreSQL that loses its
// program ends.
var victims = []string{"both", "program", "postgres", "both", "program"}

// players is how many clients play at a time.
const players = 8

// TestCrash kills the program and PostgreSQL at random moments while clients play and the desk hands prizes over. What was
// acknowledged must be there afterwards, what was not may be, and everything that is derived must agree with it.
func TestCrash(t *testing.T) {
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -crash-seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	stateDir := newStateDir(t)
	env := []string{"GUICHET_RATE_LIMITS=off", "GUICHET_LOG_LEVEL=warn"}
	list := strings.Fields(issueCodes(t, stateDir, 20_000))[1:]
	g := &game{t: t, codes: list, log: map[string]*play{}, random: rand.New(rand.NewPCG(seed, 1))}
	for round, victim := range victims {
		s := serveQuietly(t, stateDir, env)
		if round == 0 {
			g.stockUp(s)
		}
		g.verify(s)
		plays, delay := 30+random.IntN(200), time.Duration(random.Int64N(int64(20*time.Millisecond)))
		done := g.playUntil(s)
		g.awaitMore(plays)
		<-time.After(delay) // at this random point everybody is in the middle of something
		kill(t, s, victim)
		if victim == "postgres" {
			eventually(t, "PostgreSQL after its death", func() bool {
				a, err := tryCall(t.Context(), "GET", s.portal+"/readyz", "", "")
				return err == nil && a.status == 200
			})
			g.awaitMore(20) // and players go on
		}
		done()
		if victim == "postgres" {
			g.verify(s)
			kill(t, s, "both")
		}
		s.wait()
		t.Logf("round %d: killed %s %v after %d plays; %s", round+1, victim, delay.Round(time.Microsecond), plays, g.summary())
	}
	s := serveQuietly(t, stateDir, env)
	g.verify(s)
	g.replayDoubtful(s)
	g.verify(s)
	t.Logf("in the end: %s", g.summary())
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d in the end", code)
	}
}

// issueCodes makes the state directory and codes in it, with nobody serving.
func issueCodes(t *testing.T, stateDir string, n int) string {
	t.Helper()
	code, out, errs := finish(t, command(t, baseEnv(stateDir), "tiptop", "codes", "issue", "--count", strconv.Itoa(n)))
	if code != 0 {
		t.Fatalf("codes issue exits %d: %s", code, errs)
	}
	return out
}

// serveQuietly starts a server whose log tells only what is wrong: it is known to serve by asking the state directory's lock.
func serveQuietly(t *testing.T, stateDir string, env []string) *server {
	t.Helper()
	s := &server{process: start(t, command(t, baseEnv(stateDir, env...), "serve")), stateDir: stateDir}
	eventually(t, "the server", func() bool {
		select {
		case <-s.ended:
			t.Fatalf("the server ended: %s", s.stderr.String())
		default:
		}
		held := readLock(stateDir)
		s.portal = held.Serving
		return held.PID == s.cmd.Process.Pid && held.Serving != ""
	})
	s.tiptop = s.portal + "/tiptop"
	return s
}

// lock is what the lock file of a state directory tells.
type lock struct {
	PID      int    `json:"pid"`
	Database string `json:"database"`
	Serving  string `json:"serving"`
}

func readLock(stateDir string) (l lock) {
	content, err := os.ReadFile(filepath.Join(stateDir, "guichet.lock"))
	if err == nil && json.Unmarshal(content, &l) != nil { // read while it is written
		return lock{}
	}
	return l
}

// kill ends processes as a power cut would: nothing of theirs runs any more.
func kill(t *testing.T, s *server, victim string) {
	t.Helper()
	if victim != "program" {
		pid := postmaster(t, s.stateDir)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if victim != "postgres" {
		s.signal(syscall.SIGKILL)
	}
}

// postmaster is the process id of a state directory's PostgreSQL.
func postmaster(t *testing.T, stateDir string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(stateDir, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Fatalf("postmaster.pid: %v %v", found, err)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

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

// game is the clients.
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

// stockUp logs everybody in and makes sure that prizes last.
func (g *game) stockUp(s *server) {
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

// playUntil lets everybody play until done is called.
func (g *game) playUntil(s *server) (done func()) {
	ctx, cancel := context.WithCancel(g.t.Context())
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
	return func() {
		cancel()
		group.Wait()
	}
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
	if g.send(ctx, s, code, p) {
		return true
	}
	select { // nobody serves for the moment
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
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

// awaitMore waits until so many more plays were acknowledged.
func (g *game) awaitMore(n int) {
	isAcked := func(p *play) bool { return p.state == acknowledged }
	before := g.count(isAcked)
	eventually(g.t, "more plays", func() bool { return g.count(isAcked) >= before+n })
}

func (g *game) summary() string {
	in := func(state string) int { return g.count(func(p *play) bool { return p.state == state }) }
	return fmt.Sprintf("%d plays acknowledged, %d without an answer, %d handed over", in(acknowledged), in(doubtful),
		g.count(func(p *play) bool { return p.status != "" && p.status != "PENDING" }))
}

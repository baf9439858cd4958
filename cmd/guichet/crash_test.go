//go:build unix

package main

import (
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

var crashSeed = flag.Uint64("crash-seed", 0, "repeat a run of TestCrash: its seed")

// victims are who is killed, round by round. A program that loses its PostgreSQL starts it again; a PostgreSQL that loses its
// program ends.
var victims = []string{"both", "program", "postgres", "both", "program"}

// load is what clients of one system do while processes are killed, and what they know of it.
type load interface {
	prepare(s *server)                  // once, before anything else
	run(ctx context.Context, s *server) // until ctx ends; s may be killed meanwhile
	acknowledged() int                  // how much was answered so far
	verify(s *server)                   // what was acknowledged is there, and what derives from it agrees; nothing runs now
	settle(s *server)                   // in the end: what was left open is closed
	summary() string
}

// TestCrash kills the program and PostgreSQL at random moments while clients of several systems work. What was acknowledged must
// be there afterwards, what was not may be, and everything that is derived must agree with it.
func TestCrash(t *testing.T) {
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -crash-seed=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))

	stateDir := newStateDir(t)
	env := []string{"GUICHET_RATE_LIMITS=off", "GUICHET_LOG_LEVEL=warn", "GUICHET_CHECK=false"}
	codes := strings.Fields(issueCodes(t, stateDir, 20_000))[1:]
	loads := loads{newGame(t, codes, seed), newDesk(t, seed)}
	for round, victim := range victims {
		s := serveQuietly(t, stateDir, env)
		if round == 0 {
			loads.each(func(l load) { l.prepare(s) })
		}
		loads.each(func(l load) { l.verify(s) })
		more, delay := 20+random.IntN(120), time.Duration(random.Int64N(int64(20*time.Millisecond)))
		done := loads.run(t, s)
		loads.awaitMore(t, more)
		<-time.After(delay) // at this random point everybody is in the middle of something
		kill(t, s, victim)
		if victim == "postgres" {
			eventually(t, "PostgreSQL after its death", func() bool {
				a, err := tryCall(t.Context(), "GET", s.portal+"/readyz", "", "")
				return err == nil && a.status == 200
			})
			loads.awaitMore(t, 20) // and everybody goes on
		}
		done()
		if victim == "postgres" {
			loads.each(func(l load) { l.verify(s) })
			kill(t, s, "both")
		}
		s.wait()
		loads.each(func(l load) {
			t.Logf("round %d: killed %s %v after %d more; %s", round+1, victim, delay.Round(time.Microsecond), more, l.summary())
		})
	}
	s := serveQuietly(t, stateDir, env)
	for _, step := range []func(load){func(l load) { l.verify(s) }, func(l load) { l.settle(s) }, func(l load) { l.verify(s) }} {
		loads.each(step)
	}
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d in the end", code)
	}
}

// loads are all who work at the same time.
type loads []load

func (l loads) each(do func(load)) {
	for _, one := range l {
		do(one)
	}
}

// run lets everybody work until done is called.
func (l loads) run(t *testing.T, s *server) (done func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for _, one := range l {
		group.Go(func() { one.run(ctx, s) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

// awaitMore waits until each has so many more answers.
func (l loads) awaitMore(t *testing.T, n int) {
	for _, one := range l {
		before := one.acknowledged()
		eventually(t, "more answers", func() bool { return one.acknowledged() >= before+n })
	}
}

// pause waits a moment, while nobody serves.
func pause(ctx context.Context) {
	select {
	case <-time.After(50 * time.Millisecond):
	case <-ctx.Done():
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
	s := &server{process: start(t, command(t, baseEnv(stateDir, env...), "serve", "--only", "tiptop,tickets")), stateDir: stateDir}
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
	s.tiptop, s.tickets = s.portal+"/tiptop", s.portal+"/tickets"
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

// connect opens a connection to the server's database, with a system's schema in front, until the test ends.
func connect(t *testing.T, s *server, schema string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), readLock(s.stateDir).Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "SET search_path = "+schema); err != nil {
		t.Fatal(err)
	}
	return conn
}

// holdTo runs queries that find what must not be.
func holdTo(t *testing.T, conn *pgx.Conn, invariants map[string]string) {
	t.Helper()
	for what, sql := range invariants {
		if wrong := collect(t, conn, sql); len(wrong) > 0 {
			t.Errorf("%s: %v", what, wrong)
		}
	}
}

// collect runs a query of one text column.
func collect(t *testing.T, conn *pgx.Conn, sql string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

//go:build linux || darwin

package pg_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/testkit"
)

// Variables that make the test binary play another part.
const (
	writerDir = "GUICHET_PG_TEST_WRITER" // be a writer on this state directory, see writeForever
	asUser    = "GUICHET_PG_TEST_USER"   // set in the run that TestAsUser starts
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		if err := writeForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// writeForever opens the database in dir and commits rows; it prints the number of each one after its commit.
func writeForever(dir string) error {
	ctx := context.Background()
	server, err := pg.Open(ctx, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, server.URL())
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS acknowledged (n bigint PRIMARY KEY)"); err != nil {
		return err
	}
	var n int
	if err := conn.QueryRow(ctx, "SELECT coalesce(max(n), 0) FROM acknowledged").Scan(&n); err != nil {
		return err
	}
	for {
		n++
		if _, err := conn.Exec(ctx, "INSERT INTO acknowledged VALUES ($1)", n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// writer is a process that runs writeForever.
type writer struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	last  int // the last commit it told of
}

func startWriter(t *testing.T, dir string) *writer {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &writer{cmd: cmd, lines: bufio.NewScanner(out)}
	t.Cleanup(func() { w.kill() })
	return w
}

// read reads n acknowledgements.
func (w *writer) read(t *testing.T, n int) {
	t.Helper()
	for range n {
		if !w.lines.Scan() {
			t.Fatal("the writer ended")
		}
		w.note(t)
	}
}

func (w *writer) note(t *testing.T) {
	n, err := strconv.Atoi(w.lines.Text())
	if err != nil {
		t.Fatal(err)
	}
	w.last = n
}

// kill ends the process as a loss of power would; what it had printed can still be read.
func (w *writer) kill() { w.cmd.Process.Kill() }

// drain reads what the killed process had still acknowledged.
func (w *writer) drain(t *testing.T) {
	t.Helper()
	for w.lines.Scan() {
		w.note(t)
	}
	w.cmd.Wait()
}

// stateDir is a directory that PostgreSQL's user can reach also when the test runs as root, which that of t.TempDir is not.
func stateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "guichet-pgtest-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "state")
}

// open opens an embedded database; it is closed at the end of the test if it has not been before.
func open(t *testing.T, o pg.Options) *pg.Server {
	t.Helper()
	if o.Path == "" {
		o.Path = os.Getenv("PATH")
	}
	server, err := pg.Open(t.Context(), o)
	if err != nil {
		t.Fatalf("pg.Open: %v", err)
	}
	t.Cleanup(func() { shut(t, server) })
	return server
}

func shut(t *testing.T, server *pg.Server) {
	t.Helper()
	if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func pool(t *testing.T, c pg.PoolConfig) *pgxpool.Pool {
	t.Helper()
	p, err := pg.Pool(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// value asks a database for one value.
func value[T any](t *testing.T, url, query string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var v T
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// exec runs statements in a database.
func execute(t *testing.T, url string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// dataDir is the only data directory below dir.
func dataDir(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "postgres", "[0-9]*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("data directories in %s: %v %v", dir, found, err)
	}
	return found[0]
}

// postmaster is the process of the server on the state directory dir.
func postmaster(t *testing.T, dir string) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dataDir(t, dir), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func sigkill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill -9 %d: %v", pid, err)
	}
}

// eventually repeats check until it returns nil.
func eventually(t *testing.T, within time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %v", within, err)
		}
	}
}

// textLog returns a logger and what it has logged so far.
func textLog() (*slog.Logger, *lockedBuffer) {
	buf := &lockedBuffer{}
	return slog.New(slog.NewTextHandler(buf, &slog.HandlerOptions{Level: slog.LevelDebug})), buf
}

// npmOnly is a search path with npm and nothing of PostgreSQL's.
func npmOnly(t *testing.T) string {
	t.Helper()
	dir := filepath.Dir(stateDir(t))
	for _, name := range []string{"npm", "node"} {
		exe, err := exec.LookPath(name)
		if err != nil {
			testkit.Skip(t, name+" is not installed")
		}
		if exe, err = filepath.EvalSymlinks(exe); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(exe, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// script writes a program.
func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// fakePostgres writes programs that claim a version.
func fakePostgres(t *testing.T, dir, version string) {
	t.Helper()
	script(t, filepath.Join(dir, "postgres"), "echo 'postgres (PostgreSQL) "+version+"'")
	script(t, filepath.Join(dir, "initdb"), "exit 1")
}

//go:build linux || darwin

package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	begin := time.Now()
	server := open(t, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	t.Logf("cold start: %v, PostgreSQL %s", time.Since(begin).Round(time.Millisecond), server.Version())
	if !server.Embedded() {
		t.Error("Embedded is false")
	}
	if got := value[string](t, server.URL(), "SELECT lower('ÉÇÀ')"); got != "éçà" {
		t.Errorf("lower: %q", got)
	}
	sorted := "SELECT string_agg(w, ' ' ORDER BY w) FROM unnest(ARRAY['zéro', 'été', 'Eté', 'eau', 'école']) w"
	if got := value[string](t, server.URL(), sorted); got != "eau école Eté été zéro" && got != "eau école été Eté zéro" {
		t.Errorf("words sort as %q", got)
	}
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "",
		"unix_socket_permissions": "0700", "TimeZone": "UTC", "server_encoding": "UTF8",
	} {
		if got := value[string](t, server.URL(), "SELECT current_setting($1)", setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	execute(t, server.URL(), "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
	checkPrivate(t, dir, server)

	shut(t, server)
	shut(t, server) // again: nothing
	if _, err := os.Stat(socketDir(t, server)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket directory is left: %v", err)
	}
	begin = time.Now()
	server = open(t, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	t.Logf("warm start: %v", time.Since(begin).Round(time.Millisecond))
	if got := value[int](t, server.URL(), "SELECT n FROM kept"); got != 42 {
		t.Errorf("kept %d", got)
	}
}

func socketDir(t *testing.T, server *pg.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

// checkPrivate checks that no other user can reach the socket or the data.
func checkPrivate(t *testing.T, dir string, server *pg.Server) {
	t.Helper()
	for _, path := range []string{socketDir(t, server), dataDir(t, dir), filepath.Dir(dataDir(t, dir))} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if perm := info.Mode().Perm(); perm&0o077 != 0 {
			t.Errorf("%s has mode %v", path, perm)
		}
		if uid := info.Sys().(*syscall.Stat_t).Uid; uid == 0 {
			t.Errorf("%s belongs to root, whom PostgreSQL must not run as", path)
		}
	}
	pid := postmaster(t, dir)
	group, err := syscall.Getpgid(pid)
	if err != nil || group == syscall.Getpgrp() {
		t.Errorf("PostgreSQL shares our process group (%d, %v): Ctrl-C would stop it before us", group, err)
	}
}

// A clean Close writes a checkpoint; the next start must have nothing to recover.
func TestCloseIsClean(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	shut(t, open(t, pg.Options{StateDir: dir, FsyncOff: true}))
	log, text := textLog()
	open(t, pg.Options{StateDir: dir, Logger: log, FsyncOff: true})
	if !strings.Contains(text.String(), "database system was shut down at") || strings.Contains(text.String(), "recovery") {
		t.Errorf("not a clean start:\n%s", text)
	}
}

func TestKillEverything(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	for round := range 3 {
		w := startWriter(t, dir)
		w.read(t, 50)
		server := postmaster(t, dir)
		if round%2 == 0 {
			sigkill(t, server) // else the kernel tells it of our end
		}
		w.kill()
		w.drain(t)
		reopened := open(t, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
		// One more than acknowledged may be there: committed, and killed before it could say so.
		got := value[int](t, reopened.URL(), "SELECT count(*) FROM acknowledged")
		if newest := value[int](t, reopened.URL(), "SELECT max(n) FROM acknowledged"); got < w.last || newest != got {
			t.Errorf("round %d: %d rows up to %d, acknowledged %d", round, got, newest, w.last)
		}
		shut(t, reopened)
	}
}

// The server must not outlive a process that is killed.
func TestServerDiesWithParent(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	w := startWriter(t, dir)
	w.read(t, 1)
	pid := postmaster(t, dir)
	w.kill()
	w.drain(t)
	if _, err := os.Stat("/proc/self"); err == nil { // macOS has no such signal: there the next start does it
		eventually(t, 10*time.Second, func() error {
			if command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && len(command) > 0 {
				return fmt.Errorf("PostgreSQL (process %d) still runs", pid)
			}
			return nil
		})
	}
	open(t, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
}

func TestKillPostgres(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	log, text := textLog()
	server := open(t, pg.Options{StateDir: dir, Logger: log})
	p := pool(t, pg.PoolConfig{URL: server.URL(), MaxConns: 4})
	ctx := t.Context()
	if _, err := p.Exec(ctx, "CREATE TABLE kept (n int)"); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		// The pool still holds connections to the server that was killed last: it must not hand one out.
		if _, err := p.Exec(ctx, "INSERT INTO kept VALUES ($1)", n); err != nil {
			t.Fatal(err)
		}
		sigkill(t, postmaster(t, dir))
		eventually(t, 20*time.Second, func() error {
			var rows int
			err := p.QueryRow(ctx, "SELECT count(*) FROM kept").Scan(&rows)
			if err != nil && !pg.IsUnavailable(err) {
				t.Fatalf("an error that is no absence: %v", err)
			}
			if err == nil && rows != n+1 {
				t.Fatalf("%d rows, committed %d", rows, n+1)
			}
			return err
		})
		// An orphan of the old server may have given that answer: wait for the new server.
		eventually(t, 20*time.Second, func() error {
			if started := strings.Count(text.String(), `msg="LOG:  database system is ready`); started < n+2 {
				return fmt.Errorf("started %d times", started)
			}
			return nil
		})
	}
	if !strings.Contains(text.String(), "PostgreSQL died, starting it again") {
		t.Errorf("nothing in the log tells of it:\n%s", text)
	}
}

func TestInterruptedInitdb(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	left := filepath.Join(dir, "postgres", "new-123")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "PG_VERSION"), []byte("15"), 0o600); err != nil {
		t.Fatal(err)
	}
	// And a real one: the context ends while initdb runs.
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := make(chan error, 1)
	go func() {
		_, err := pg.Open(ctx, pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
		interrupted <- err
	}()
	eventually(t, 20*time.Second, func() error {
		found, _ := filepath.Glob(filepath.Join(dir, "postgres", "new-*", "PG_VERSION"))
		if len(found) == 1 && found[0] != filepath.Join(left, "PG_VERSION") {
			return nil
		}
		return fmt.Errorf("initdb has not begun: %v", found)
	})
	cancel()
	if err := <-interrupted; err == nil {
		t.Fatal("it went on")
	}
	open(t, pg.Options{StateDir: dir, FsyncOff: true})
	if found, _ := filepath.Glob(filepath.Join(dir, "postgres", "new-*")); len(found) > 0 {
		t.Errorf("left: %v", found)
	}
}

// A crash can leave a process number in postmaster.pid that the system gave to somebody else since.
func TestForeignPID(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	shut(t, open(t, pg.Options{StateDir: dir, FsyncOff: true}))
	pid, wait, err := pg.RunAs("/", "/bin/sleep", "1000")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(pid, syscall.SIGKILL)
		wait()
	}()
	data := dataDir(t, dir)
	content := fmt.Sprintf("%d\n%s\n1700000000\n5432\n/tmp\n\n  5432001    131074\nready\n", pid, data)
	if err := os.WriteFile(filepath.Join(data, "postmaster.pid"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(data); err != nil {
		t.Fatal(err)
	} else if st := info.Sys().(*syscall.Stat_t); os.Chown(filepath.Join(data, "postmaster.pid"), int(st.Uid), int(st.Gid)) != nil {
		t.Fatal("chown")
	}
	open(t, pg.Options{StateDir: dir, FsyncOff: true})
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("the stranger was harmed: %v", err)
	}
}

// A server that an earlier run left behind (on macOS, where no signal tells it) is stopped first.
func TestOrphanedServer(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	server := open(t, pg.Options{StateDir: dir, FsyncOff: true})
	shut(t, server)
	bin, _, err := pg.Find(t.Context(), pg.Options{StateDir: dir, Path: os.Getenv("PATH"), Progress: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	data := dataDir(t, dir)
	pid, wait, err := pg.RunAs(data, filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories="+data)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, func() error {
		conn, err := pgx.Connect(t.Context(), "postgres://guichet@/guichet?host="+url.QueryEscape(data))
		if err != nil {
			return err
		}
		return conn.Close(t.Context())
	})
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	open(t, pg.Options{StateDir: dir, FsyncOff: true})
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Errorf("the old server (process %d) still runs", pid)
	}
}

// Binaries of one major version can bring different versions of ICU, which sort differently.
func TestChangedCollation(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	server := open(t, pg.Options{StateDir: dir, FsyncOff: true})
	execute(t, server.URL(), "UPDATE pg_database SET datcollversion = '1.2.3' WHERE datname = current_database()")
	shut(t, server)
	log, text := textLog()
	server = open(t, pg.Options{StateDir: dir, FsyncOff: true, Logger: log})
	if got := value[string](t, server.URL(), "SELECT datcollversion FROM pg_database WHERE datname = current_database()"); got == "1.2.3" {
		t.Error("the old version is still recorded")
	}
	if !strings.Contains(text.String(), "rebuilding all indexes") {
		t.Errorf("log:\n%s", text)
	}
}

// A database that cannot start says why, with the server's own words, and leaves nothing running.
func TestBrokenData(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	shut(t, open(t, pg.Options{StateDir: dir, FsyncOff: true}))
	if err := os.Remove(filepath.Join(dataDir(t, dir), "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	if err == nil || !strings.Contains(err.Error(), "pg_control") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dataDir(t, dir), "postmaster.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("postmaster.pid: %v", err)
	}
}

// A state directory that is a file is refused with a way out, and the file keeps its mode.
func TestStateDirectoryIsAFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Open(t.Context(), pg.Options{StateDir: name})
	if err == nil || !strings.Contains(err.Error(), "is not a directory") || !strings.Contains(err.Error(), "GUICHET_STATE_DIR") {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o600 {
		t.Errorf("the file is now %v (%v)", info.Mode(), err)
	}
}

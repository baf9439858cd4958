//go:build linux || darwin

package outbox_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// The same while PostgreSQL is killed, and recovers.
func TestSubscribersThroughKills(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "outbox-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // for the user that PostgreSQL runs as
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	server, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Bin: os.Getenv("PG_BIN"), Path: os.Getenv("PATH"), MaxConns: 40, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	files := tables(t)
	for _, schema := range []string{"platform", system} {
		own, err := fs.Sub(files, schema)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pg.Migrate(t.Context(), server.URL(), schema, own, log); err != nil {
			t.Fatal(err)
		}
	}
	s := &scenario{writers: 4, changes: 400, subscribers: 4, cuts: 12, outages: 2}
	s.away, s.back = func() { kill(t, dir) }, func() {}
	s.nodes = []*node{newNode(t, poolOf(t, server.URL()))}
	s.play(t)
}

// kill kills the PostgreSQL of a state directory.
func kill(t *testing.T, dir string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "postgres", "*", "postmaster.pid"))
	if err != nil || len(found) != 1 {
		t.Errorf("%d servers, %v", len(found), err)
		return
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Error(err)
		return
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	pid, err := strconv.Atoi(string(line))
	if err != nil {
		t.Error(err)
		return
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// startedServer returns the PostgreSQL of this test process and starts it the first time. It needs no TestMain and no
// shutdown: it dies with the process, and undertaker clears up behind it.
var startedServer = sync.OnceValues(startServer)

func startServer() (*testServer, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "guichet-test-")
	if err != nil {
		return nil, err
	}
	if err := undertaker(dir); err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // PostgreSQL's own user must get through
		if err := os.Chmod(dir, 0o711); err != nil {
			return nil, err
		}
	}
	server, err := pg.Open(ctx, pg.Options{StateDir: dir, Bin: os.Getenv("PG_BIN"), Path: os.Getenv("PATH"), MaxConns: 400, FsyncOff: true})
	if err != nil {
		return nil, err
	}
	// Not connected to the original: PostgreSQL copies only a database without users.
	address, original, err := inDatabase(server.URL(), "postgres")
	if err != nil {
		return nil, err
	}
	admin, err := pg.Pool(ctx, pg.PoolConfig{URL: address, MaxConns: 4, AppName: "testkit", QueryTimeout: -1})
	if err != nil {
		return nil, err
	}
	return &testServer{pg: server, admin: admin, original: original, templates: map[string]*template{}}, nil
}

// last is what the undertaker runs: it waits for the end of its standard input, which is the end of the test process however
// that came about, stops what is left of the server (nothing on Linux, where the kernel does) and removes its files.
const last = `trap '' HUP INT TERM
cat >/dev/null
pid=$(cat "$1"/postgres/*/postmaster.pid 2>/dev/null | head -n 1)
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  i=0
  while kill -0 "$pid" 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done
fi
socket=$(sed -n 's/.*"socketDir":"\([^"]*\)".*/\1/p' "$1"/guichet.lock 2>/dev/null)
[ -n "$socket" ] && rm -rf "$socket"
rm -rf "$1"`

// undertaker starts a process that outlives this one and removes dir after it.
func undertaker(dir string) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.Command("/bin/sh", "-c", last, "sh", dir)
	cmd.Stdin = read
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("watching over %s: %w", dir, err)
	}
	lifeline = write
	return cmd.Process.Release()
}

// lifeline is the writing end of the undertaker's standard input. It is never closed: the kernel does that at the end.
//
//lint:ignore U1000 nobody reads it: it keeps the garbage collector from closing the file
var lifeline *os.File

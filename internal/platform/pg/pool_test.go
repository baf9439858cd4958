//go:build linux || darwin

package pg_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// patience is what a request may take at most when the database is away.
const patience = 5 * time.Second

// awayWithin checks that a request is told in time that the database is away.
func awayWithin(t *testing.T, what string, request func() error) {
	t.Helper()
	begin := time.Now()
	err := request()
	if took := time.Since(begin); took > patience {
		t.Errorf("%s took %v", what, took)
	}
	if !pg.IsUnavailable(err) {
		t.Errorf("%s: %v, which does not count as unavailable", what, err)
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	server := open(t, pg.Options{StateDir: stateDir(t), FsyncOff: true})
	t.Run("settings", func(t *testing.T) {
		t.Parallel()
		execute(t, server.URL(), `CREATE SCHEMA "Ours"`, `CREATE TABLE "Ours".here (n int)`)
		p := pool(t, pg.PoolConfig{URL: server.URL(), Schema: "Ours", AppName: "tests"})
		var path, app, zone string
		err := p.QueryRow(t.Context(), "SELECT current_setting('search_path'), current_setting('application_name'), current_setting('timezone') FROM here RIGHT JOIN (SELECT) one ON true").
			Scan(&path, &app, &zone)
		if err != nil || path != `"Ours", public` || app != "tests" || zone != "UTC" {
			t.Errorf("%q %q %q %v", path, app, zone, err)
		}
		if mode := p.Config().ConnConfig.DefaultQueryExecMode; mode != pgx.QueryExecModeCacheStatement {
			t.Errorf("statements run in mode %v", mode)
		}
	})
	t.Run("database away", func(t *testing.T) { t.Parallel(); testAway(t, server, "refuse") })
	t.Run("database frozen", func(t *testing.T) { t.Parallel(); testAway(t, server, "freeze") })
	t.Run("pool exhausted", func(t *testing.T) {
		t.Parallel()
		p := pool(t, pg.PoolConfig{URL: server.URL(), MaxConns: 1})
		conn, err := p.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		awayWithin(t, "waiting for a connection", func() error { return p.Ping(t.Context()) })
		conn.Release()
		if err := p.Ping(t.Context()); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("time limits", func(t *testing.T) { t.Parallel(); testLimits(t, server) })
	t.Run("a client that leaves", func(t *testing.T) {
		t.Parallel()
		p := pool(t, pg.PoolConfig{URL: server.URL()})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := p.Exec(ctx, "SELECT pg_sleep(10)"); !errors.Is(err, context.Canceled) || pg.IsUnavailable(err) {
			t.Errorf("%v", err)
		}
	})
	t.Run("a wrong address", func(t *testing.T) {
		t.Parallel()
		if _, err := pg.Pool(t.Context(), pg.PoolConfig{URL: "postgres://user:hunter2@host:port/db"}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	})
	t.Run("transactions", func(t *testing.T) { t.Parallel(); testInTx(t, server) })
}

// testAway takes the database away, in either of two ways, and gives it back.
func testAway(t *testing.T, server *pg.Server, how string) {
	through := startProxy(t, server)
	log, text := textLog()
	p := pool(t, pg.PoolConfig{URL: through.url, MaxConns: 3, AppName: how, Logger: log})
	ctx := t.Context()
	if err := p.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	tx, err := p.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	through.set(how)
	awayWithin(t, "a statement in a transaction", func() error { _, err := tx.Exec(ctx, "SELECT 1"); return err })
	awayWithin(t, "a second statement of it", func() error { _, err := tx.Exec(ctx, "SELECT 1"); return err })
	awayWithin(t, "rolling back", func() error { return tx.Rollback(ctx) })
	requests := make(chan error)
	begin := time.Now()
	for range 10 { // more than the pool has connections
		go func() { _, err := p.Exec(ctx, "SELECT 1"); requests <- err }()
	}
	for range 10 {
		awayWithin(t, "one of many requests", func() error { return <-requests })
	}
	if took := time.Since(begin); took > patience {
		t.Errorf("ten requests took %v", took)
	}
	through.set("through")
	eventually(t, patience, func() error { return p.Ping(ctx) })
	for _, want := range []string{"no database connection", "to be had again", "pool=" + how} {
		if strings.Count(text.String(), want) == 0 {
			t.Errorf("the log does not say %q:\n%s", want, text)
		}
	}
}

func testLimits(t *testing.T, server *pg.Server) {
	p := pool(t, pg.PoolConfig{URL: server.URL(), QueryTimeout: 100 * time.Millisecond})
	const slow = "SELECT pg_sleep(0.3)"
	ctx := t.Context()
	batch := func(ctx context.Context) error {
		b := &pgx.Batch{}
		b.Queue(slow)
		return p.SendBatch(ctx, b).Close()
	}
	awayWithin(t, "a slow statement", func() error { _, err := p.Exec(ctx, slow); return err })
	awayWithin(t, "a slow query", func() error { return p.QueryRow(ctx, slow).Scan(nil) })
	awayWithin(t, "a slow batch", func() error { return batch(ctx) })
	patient := pg.WithQueryTimeout(ctx, 0)
	if _, err := p.Exec(patient, slow); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	if err := batch(pg.WithQueryTimeout(ctx, 10*time.Second)); err != nil {
		t.Errorf("with a longer limit: %v", err)
	}
	unlimited := pool(t, pg.PoolConfig{URL: server.URL(), QueryTimeout: -1})
	if _, err := unlimited.Exec(ctx, slow); err != nil {
		t.Errorf("a pool without a limit: %v", err)
	}
}

func testInTx(t *testing.T, server *pg.Server) {
	p := pool(t, pg.PoolConfig{URL: server.URL(), MaxConns: 2})
	ctx := t.Context()
	if _, err := p.Exec(ctx, "CREATE TABLE ledger (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"); err != nil {
		t.Fatal(err)
	}
	insert := func(n int, after error) error {
		return pg.InTx(ctx, p, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO ledger VALUES ($1)", n); err != nil {
				return err
			}
			return after
		})
	}
	mine := errors.New("mine")
	if err := insert(1, nil); err != nil {
		t.Error(err)
	}
	if err := insert(2, mine); !errors.Is(err, mine) {
		t.Errorf("fn's error: %v", err)
	}
	if err := insert(1, nil); err == nil || pg.IsUnavailable(err) { // refused by the commit
		t.Errorf("a refused commit: %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = pg.InTx(ctx, p, func(tx pgx.Tx) error {
			_, _ = tx.Exec(ctx, "INSERT INTO ledger VALUES (3)")
			panic("in the middle")
		})
	}()
	for code, want := range map[string]int{"40P01": 5, "40001": 5, "23505": 1} {
		attempts := 0
		err := pg.InTx(ctx, p, func(pgx.Tx) error {
			attempts++
			return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code})
		})
		if attempts != want || err == nil {
			t.Errorf("%s: %d attempts, %v; want %d", code, attempts, err, want)
		}
	}
	if err := insert(1, nil); !pg.Violates(err, "ledger_pkey") || pg.Violates(err, "another") || pg.Violates(mine, "") {
		t.Errorf("a violated constraint: %v", err)
	}
	none := fmt.Errorf("wrapped: %w", p.QueryRow(ctx, "SELECT n FROM ledger WHERE n = 9").Scan(new(int)))
	if got := pg.IfNoRows(none, mine); got != mine { //nolint:errorlint // exactly this one
		t.Errorf("no rows: %v", got)
	}
	if got := pg.IfNoRows(io.EOF, mine); got != io.EOF || pg.IfNoRows(nil, mine) != nil { //nolint:errorlint // exactly this one
		t.Errorf("another error: %v", got)
	}
	if got := value[string](t, server.URL(), "SELECT string_agg(n::text, ' ') FROM ledger"); got != "1" {
		t.Errorf("the ledger holds %q", got)
	}
	if busy := p.Stat().AcquiredConns(); busy != 0 {
		t.Errorf("%d connections were not given back", busy)
	}
}

func TestIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("anything"), false},
		{pgx.ErrNoRows, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, true},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), true},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		{pgconn.ErrConnClosed, true},
		{&pgconn.PgError{Code: "57P01"}, true},  // administrator's shutdown
		{&pgconn.PgError{Code: "57P03"}, true},  // starting up
		{&pgconn.PgError{Code: "08006"}, true},  // connection failure
		{&pgconn.PgError{Code: "53300"}, true},  // too many connections
		{&pgconn.PgError{Code: "53100"}, true},  // disk full
		{&pgconn.PgError{Code: "25006"}, true},  // a replica
		{&pgconn.PgError{Code: "23505"}, false}, // unique violation
		{&pgconn.PgError{Code: "40P01"}, false}, // deadlock
		{&pgconn.PgError{Code: "57014"}, false}, // cancelled by request
		{&pgconn.PgError{Code: "22P02"}, false}, // wrong input
	} {
		if got := pg.IsUnavailable(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
		if got := pg.IsUnavailable(fmt.Errorf("wrapped: %w", tt.err)); tt.err != nil && got != tt.want {
			t.Errorf("wrapped %v: %t", tt.err, got)
		}
	}
}

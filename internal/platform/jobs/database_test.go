package jobs_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/testkit"
)

// Nothing here may NOTIFY: it makes the commits of all writers wait for each other.
func TestInsertDoesNotNotify(t *testing.T) {
	t.Parallel()
	b := bundle{db: database(t), log: &logged{}}
	watch := &statements{}
	pool := poolThat(t, b.db.URL, func(cfg *pgxpool.Config) { cfg.ConnConfig.Tracer = watch })
	b.db.Pool = pool
	ran := make(chan struct{}, 10)
	b.open(t, jobs.Config{Pool: pool}, func(context.Context, *river.Job[greet]) error { ran <- struct{}{}; return nil })
	b.insert(t, "a")
	b.start(t)
	receive(t, "the job", ran)
	b.stop(t)
	inserted := false
	for _, sql := range watch.all() {
		inserted = inserted || strings.Contains(sql, "river_job") && strings.Contains(sql, "INSERT INTO")
		resigns := strings.Contains(sql, "LeaderResign") // once, when a process stops
		if strings.Contains(sql, "LISTEN ") || strings.Contains(sql, "pg_notify") && !resigns {
			t.Errorf("statement: %s", sql)
		}
	}
	if !inserted {
		t.Error("the insert was not seen: the test watches the wrong pool")
	}
}

// statements records what a pool is asked.
type statements struct {
	mu  sync.Mutex
	sql []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sql = append(s.sql, data.SQL)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.sql...)
}

func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	b := bundle{db: database(t), log: &logged{}}
	outage := testkit.NewOutage(t, b.db)
	connects := make(chan struct{}, 10_000)
	pool := poolThat(t, outage.URL, func(cfg *pgxpool.Config) {
		cfg.BeforeConnect = func(context.Context, *pgx.ConnConfig) error { connects <- struct{}{}; return nil }
	})
	ran := make(chan string, 10)
	b.open(t, jobs.Config{Pool: pool}, func(_ context.Context, job *river.Job[greet]) error { ran <- job.Args.Name; return nil })
	b.start(t)
	b.insert(t, "before")
	if name := receive(t, "the first job", ran); name != "before" {
		t.Errorf("ran %s", name)
	}
	outage.Set(true)
	b.insert(t, "meanwhile") // by another process, which still has the database
	for range len(connects) + 8 {
		receive(t, "an attempt to reconnect", connects)
	}
	outage.Set(false)
	if name := receive(t, "the job after the outage", ran); name != "meanwhile" {
		t.Errorf("ran %s", name)
	}
	if n := strings.Count(b.log.String(), "Error fetching jobs"); n != 1 {
		t.Errorf("the outage is reported %d times:\n%s", n, b.log.String())
	}
}

// poolThat is a pool as systems have it, with a change.
func poolThat(t *testing.T, url string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	template, err := pg.Pool(t.Context(), pg.PoolConfig{URL: url, Schema: jobs.Schema, MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer template.Close()
	cfg := template.Config()
	change(cfg)
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestStartWithoutDatabase(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	pool, err := pg.Pool(t.Context(), pg.PoolConfig{URL: "postgres://" + listener.Addr().String() + "/x?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	b := bundle{log: &logged{}}
	b.open(t, jobs.Config{Pool: pool}, nil)
	if err := b.Start(t.Context()); !pg.IsUnavailable(err) {
		t.Errorf("Start: %v", err)
	}
	b.stop(t) // what was never started is stopped
}

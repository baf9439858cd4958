package testkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/migrations"
)

// DB says what a test wants to find in its database.
type DB struct {
	Schemas    []string // migrated in this order; the search_path of the pool begins with the last one
	Migrations fs.FS    // one directory per schema; nil: those of package migrations

	// Seed fills the template, once; SeedName names what it does, and must differ where that differs.
	Seed     func(ctx context.Context, db *TestDB) error
	SeedName string

	MaxConns int // of the pool; 0: 10
}

// TestDB is a database of its own, migrated and seeded, on a real PostgreSQL. It is dropped when the test ends.
type TestDB struct {
	URL     string        // connection string
	Pool    *pgxpool.Pool // closed when the test ends
	Schemas []string
}

// Database returns a fresh database. The first call of a test process starts a PostgreSQL, the first call for a kind of DB
// builds a template, every call clones it: some 30 ms, so that each test, and each parallel subtest, can have its own.
func Database(t testing.TB, d DB) *TestDB {
	t.Helper()
	server, err := startedServer()
	if err != nil {
		t.Fatalf("testkit.Database: %v", err)
	}
	template, err := server.template(t.Context(), d)
	if err != nil {
		t.Fatalf("testkit.Database: template: %v", err)
	}
	name := fmt.Sprintf("test_%d", server.clones.Add(1))
	server.mustExec(t, copyDatabase(name, template))
	t.Cleanup(func() { server.mustExec(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	db, err := server.connect(t.Context(), name, d)
	if err != nil {
		t.Fatalf("testkit.Database: %v", err)
	}
	t.Cleanup(func() { closePool(t, db.Pool) })
	return db
}

// closePool closes a pool, and says so when a test has kept one of its connections: Close would wait for it for ever.
func closePool(t testing.TB, pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() { defer close(closed); pool.Close() }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Errorf("testkit.Database: %d connections were not given back to the pool", pool.Stat().AcquiredConns())
	}
}

// connect opens a pool on a database of the server.
func (s *testServer) connect(ctx context.Context, name string, d DB) (*TestDB, error) {
	address, _, err := inDatabase(s.pg.URL(), name)
	if err != nil {
		return nil, err
	}
	cfg := pg.PoolConfig{URL: address, MaxConns: d.MaxConns, AppName: "test", QueryTimeout: -1}
	if cfg.MaxConns == 0 {
		cfg.MaxConns = 10
	}
	if n := len(d.Schemas); n > 0 {
		cfg.Schema = d.Schemas[n-1]
	}
	pool, err := pg.Pool(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return &TestDB{URL: cfg.URL, Pool: pool, Schemas: d.Schemas}, nil
}

// inDatabase points a connection string to another database, and returns the name of the one it pointed to.
func inDatabase(address, name string) (changed, original string, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "", err
	}
	original = strings.TrimPrefix(u.Path, "/")
	u.Path = "/" + name
	return u.String(), original, nil
}

// testServer is the PostgreSQL of this test process.
type testServer struct {
	pg       *pg.Server
	admin    *pgxpool.Pool // creates and drops databases
	original string        // the empty database, with the locale that production has
	clones   atomic.Int64

	mu        sync.Mutex
	templates map[string]*template
}

// template is a migrated database that others are cloned from.
type template struct {
	once sync.Once
	name string
	err  error
}

// template returns the name of the template for d, and builds it if this is the first call for its kind.
func (s *testServer) template(ctx context.Context, d DB) (string, error) {
	if d.Migrations == nil {
		d.Migrations = migrations.FS()
	}
	key, err := templateKey(d)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	tpl := s.templates[key]
	if tpl == nil {
		tpl = &template{name: fmt.Sprintf("template_%d", len(s.templates))}
		s.templates[key] = tpl
	}
	s.mu.Unlock()
	// Detached: a test that ends early must not spoil the template for the others.
	tpl.once.Do(func() { tpl.err = s.build(context.WithoutCancel(ctx), tpl.name, d) })
	return tpl.name, tpl.err
}

// build creates a template. Nothing may stay connected to it: PostgreSQL copies only a database without users.
func (s *testServer) build(ctx context.Context, name string, d DB) error {
	if _, err := s.admin.Exec(ctx, copyDatabase(name, s.original)); err != nil {
		return err
	}
	db, err := s.connect(ctx, name, d)
	if err != nil {
		return err
	}
	defer db.Pool.Close()
	for _, schema := range d.Schemas {
		files, err := fs.Sub(d.Migrations, schema)
		if err != nil {
			return err
		}
		if _, err := pg.Migrate(ctx, db.URL, schema, files, slog.New(slog.DiscardHandler)); err != nil {
			return err
		}
	}
	if d.Seed != nil {
		if err := d.Seed(ctx, db); err != nil {
			return fmt.Errorf("seed %s: %w", d.SeedName, err)
		}
	}
	return nil
}

// copyDatabase copies a database by its files. Without fsync this takes a quarter of the time of STRATEGY WAL_LOG.
func copyDatabase(name, from string) string {
	return fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY", name, from)
}

// templateKey is the same for all DBs that a template can serve: same schemas, same migrations, same seed.
func templateKey(d DB) (string, error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %t\n", d.Schemas, d.SeedName, d.Seed != nil)
	for _, schema := range d.Schemas {
		err := fs.WalkDir(d.Migrations, schema, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := fs.ReadFile(d.Migrations, path)
			fmt.Fprintf(hash, "%q %q\n", path, content)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("migrations: %w", err)
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// mustExec runs a statement of the administrator; also in a cleanup, when the test's own context has ended.
func (s *testServer) mustExec(t testing.TB, statement string) {
	t.Helper()
	if _, err := s.admin.Exec(context.WithoutCancel(t.Context()), statement); err != nil {
		t.Errorf("testkit.Database: %s: %v", statement, err)
	}
}

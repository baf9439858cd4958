package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// The limits of a pool. Together they keep a request that meets an absent, frozen or unreachable database under five
// seconds: it waits for a connection, or for one statement that will not come back, then it fails with an error that
// IsUnavailable knows.
const (
	connectTimeout = 2 * time.Second
	acquireTimeout = 2 * time.Second
	acquireAway    = time.Second // while the last attempt has failed; a slow connection is still completed behind it
	queryTimeout   = 2500 * time.Millisecond
	poolHealth     = 15 * time.Second // how often idle connections are looked after
)

var (
	errAcquireTimeout = errors.New("no database connection within the time limit")
	errQueryTimeout   = errors.New("the database did not answer within the time limit")
)

// PoolConfig configures a Pool.
type PoolConfig struct {
	URL      string       // connection string, as Server.URL gives it
	Schema   string       // first on the search_path, before public (which holds extensions); empty: the server's default
	MaxConns int          // upper bound of the pool; 0: 4
	AppName  string       // application_name, shown in pg_stat_activity
	Logger   *slog.Logger // told when no connection is to be had, and when that is over; nil: nobody is

	// QueryTimeout bounds each statement and batch (rows read included; CopyFrom is exempt). 0: 2.5 s; negative: none, for
	// pools that serve no requests. WithQueryTimeout changes it for one call.
	QueryTimeout time.Duration
}

// Pool makes a connection pool. It does not connect: a database that is away now is found when it is back. Acquiring a
// connection takes 2 s at most, whatever the caller's context allows.
func Pool(ctx context.Context, c PoolConfig) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("pg.Pool: %w", err)
	}
	if c.QueryTimeout == 0 {
		c.QueryTimeout = queryTimeout
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 4
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.MaxConns = int32(c.MaxConns)
	cfg.HealthCheckPeriod = poolHealth
	cfg.MaxConnLifetime = time.Hour
	cfg.MaxConnLifetimeJitter = 5 * time.Minute
	cfg.PingTimeout = time.Second
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	cfg.PrepareConn = func(_ context.Context, conn *pgx.Conn) (bool, error) { return alive(conn.PgConn().Conn()), nil }
	cfg.ConnConfig.Tracer = &limiter{log: c.Logger.With("pool", c.AppName), query: c.QueryTimeout}
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // pgx alone takes every uuid.UUID through its text
		return nil
	}
	params := cfg.ConnConfig.RuntimeParams
	params["timezone"] = "UTC"
	if c.Schema != "" {
		params["search_path"] = searchPath(c.Schema)
	}
	if c.AppName != "" {
		params["application_name"] = c.AppName
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("pg.Pool: %w", err)
	}
	return pool, nil
}

// parseURL reads a connection string as Pool does, with a limit on connecting.
func parseURL(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	return cfg.ConnConfig, nil
}

// searchPath puts a schema before public, where extensions are installed once for all.
func searchPath(schema string) string { return quote(schema) + ", public" }

type queryTimeoutKey struct{}

// WithQueryTimeout replaces the pool's time limit for the statements run under the returned context; d ≤ 0 lifts it. It is
// for work that is long by nature: exports, reports, batch jobs.
func WithQueryTimeout(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, queryTimeoutKey{}, d)
}

package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/guichet-api/guichet/gen/platform/db"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// migrationLock is the advisory lock under which River's tables are migrated: "river" in ASCII, an arbitrary number.
const migrationLock = 0x7269766572

// Migrate brings River's tables to the version of the library and returns how many steps it took. The schema must exist:
// pg.Migrate of the platform's own tables makes it. Of several processes that migrate at once one works and the others wait.
func Migrate(ctx context.Context, url string, log *slog.Logger) (applied int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("jobs.Migrate: %w", err)
		}
	}()
	// One connection holds the lock while another works; migrations may take longer than requests do.
	pool, err := pg.Pool(ctx, pg.PoolConfig{URL: url, Schema: Schema, MaxConns: 2, AppName: "guichet migrate jobs", QueryTimeout: -1})
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	unlock, err := lock(ctx, pool)
	if err != nil {
		return 0, err
	}
	defer unlock()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: Schema, Logger: slog.New(newSparse(log.Handler()))})
	if err != nil {
		return 0, err
	}
	result, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return 0, err
	}
	for _, v := range result.Versions {
		log.InfoContext(ctx, "migration applied", "schema", Schema, "file", fmt.Sprintf("river %d %s", v.Version, v.Name), "took", v.Duration)
	}
	return len(result.Versions), nil
}

// lock takes the lock, asking again until it gets it: a session that waits inside PostgreSQL holds a snapshot that some
// migrations would wait for in turn.
func lock(ctx context.Context, pool *pgxpool.Pool) (unlock func(), err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(200 * time.Millisecond)
	defer retry.Stop()
	for {
		got, err := db.New(conn).TryLockSession(ctx, migrationLock)
		if err != nil {
			conn.Release()
			return nil, err
		}
		if got {
			// The lock ends with its connection.
			return func() { _ = conn.Hijack().Close(context.WithoutCancel(ctx)) }, nil
		}
		select {
		case <-ctx.Done():
			conn.Release()
			return nil, ctx.Err()
		case <-retry.C:
		}
	}
}

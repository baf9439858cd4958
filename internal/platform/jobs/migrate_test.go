package jobs_test

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/testkit"
)

func TestMigrateInParallel(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t, testkit.DB{Schemas: []string{jobs.Schema}})
	var workers, steps atomic.Int64
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			applied, err := jobs.Migrate(t.Context(), db.URL, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Error(err)
			}
			if applied > 0 {
				workers.Add(1)
			}
			steps.Add(int64(applied))
		})
	}
	wg.Wait()
	var versions int64
	if err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM platform.river_migration`).Scan(&versions); err != nil {
		t.Fatal(err)
	}
	if workers.Load() != 1 || steps.Load() != versions || versions == 0 {
		t.Errorf("%d of 3 migrated, %d steps, %d versions in the table", workers.Load(), steps.Load(), versions)
	}
	var elsewhere int
	err := db.Pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE tablename LIKE 'river%' AND schemaname <> 'platform'`).Scan(&elsewhere)
	if err != nil || elsewhere != 0 {
		t.Errorf("%d tables of River's are outside of its schema (%v)", elsewhere, err)
	}
}

func TestMigrateReportsTheDatabase(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"no URL": "postgres://%", "nobody there": "postgres://127.0.0.1:1/x?sslmode=disable"} {
		if _, err := jobs.Migrate(t.Context(), url, slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

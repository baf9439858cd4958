//go:build linux || darwin

package pg_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// migrations makes goose files of statements, numbered in order.
func migrations(statements ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, s := range statements {
		name := string(rune('1'+i)) + "_step.sql"
		files["000"+name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + s + ";\n")}
	}
	return files
}

func migrate(t *testing.T, url, schema string, files fs.FS) (int, error) {
	t.Helper()
	return pg.Migrate(t.Context(), url, schema, files, slog.New(slog.DiscardHandler))
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	server := open(t, pg.Options{StateDir: stateDir(t), FsyncOff: true})
	t.Run("three at once", func(t *testing.T) {
		t.Parallel()
		files := migrations("CREATE TABLE a (n int)", "CREATE TABLE b (n int); SELECT pg_sleep(0.2)", "ALTER TABLE a ADD m int")
		type result struct {
			applied int
			err     error
		}
		results := make(chan result)
		for range 3 {
			go func() {
				applied, err := pg.Migrate(t.Context(), server.URL(), "busy", files, slog.New(slog.DiscardHandler))
				results <- result{applied, err}
			}()
		}
		var sum int
		for range 3 {
			r := <-results
			if r.err != nil {
				t.Error(r.err)
			}
			if r.applied != 0 && r.applied != 3 {
				t.Errorf("one of them applied %d", r.applied)
			}
			sum += r.applied
		}
		if sum != 3 {
			t.Errorf("applied %d in all", sum)
		}
		tables := "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = $1"
		if got := value[string](t, server.URL(), tables, "busy"); got != "a b goose_db_version" {
			t.Errorf("tables: %q", got)
		}
		if got := value[int](t, server.URL(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); got != 0 {
			t.Errorf("%d tables in public", got)
		}
	})
	t.Run("in steps", func(t *testing.T) {
		t.Parallel()
		one, two := migrations("CREATE TABLE a (n int)"), migrations("CREATE TABLE a (n int)", "CREATE TABLE b (n int)")
		for _, step := range []struct {
			files fs.FS
			want  int
		}{{one, 1}, {one, 0}, {two, 1}, {two, 0}} {
			if got, err := migrate(t, server.URL(), "steps", step.files); err != nil || got != step.want {
				t.Errorf("applied %d, want %d; %v", got, step.want, err)
			}
		}
		if _, err := migrate(t, server.URL(), "steps", one); err == nil || !strings.Contains(err.Error(), "at version 2") {
			t.Errorf("an older program: %v", err)
		}
	})
	t.Run("a failing step", func(t *testing.T) {
		t.Parallel()
		good := migrations("CREATE TABLE a (n int)")
		bad := maps.Clone(good)
		maps.Copy(bad, fstest.MapFS{"0002_bad.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (n int);\nSELECT 1/0;\n")}})
		if _, err := migrate(t, server.URL(), "failing", bad); err == nil || !strings.Contains(err.Error(), "0002_bad.sql") {
			t.Errorf("%v", err)
		}
		if got := value[bool](t, server.URL(), "SELECT to_regclass('failing.b') IS NULL AND to_regclass('failing.a') IS NOT NULL"); !got {
			t.Error("the failed step left something, or the one before is gone")
		}
		// The lock is free again.
		if _, err := migrate(t, server.URL(), "failing", good); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
	t.Run("no files", func(t *testing.T) {
		t.Parallel()
		if _, err := migrate(t, server.URL(), "nothing", fstest.MapFS{}); err == nil {
			t.Error("nothing to migrate is no error")
		}
	})
}

// For each missing right the error names a statement, and with that statement the migration goes through.
func TestMigrateWithoutRights(t *testing.T) {
	t.Parallel()
	server := open(t, pg.Options{StateDir: stateDir(t), FsyncOff: true})
	for _, tt := range []struct {
		name   string
		before []string // by the administrator
		files  fs.FS
		want   string
	}{
		{"schema", nil, migrations("CREATE TABLE a (n int)"),
			`CREATE SCHEMA "x_schema" AUTHORIZATION "app_schema";`},
		{"all", nil, migrations("CREATE TABLE a (n int)"),
			`CREATE SCHEMA "x_all" AUTHORIZATION "app_all";`},
		{"use", []string{`CREATE SCHEMA x_use`}, migrations("CREATE TABLE a (n int)"),
			`GRANT USAGE, CREATE ON SCHEMA "x_use" TO "app_use";`},
		{"extension", []string{`CREATE SCHEMA x_extension AUTHORIZATION app_extension`}, migrations("CREATE EXTENSION IF NOT EXISTS file_fdw SCHEMA public"),
			`CREATE EXTENSION IF NOT EXISTS "file_fdw" SCHEMA public;`},
		{"table", []string{`CREATE SCHEMA x_table AUTHORIZATION app_table`, `CREATE TABLE x_table.old (n int)`}, migrations("ALTER TABLE old ADD m int"),
			`ALTER TABLE "x_table"."old" OWNER TO "app_table";`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			user := "app_" + tt.name
			execute(t, server.URL(), "CREATE ROLE "+user+" LOGIN")
			execute(t, server.URL(), tt.before...)
			as, err := url.Parse(server.URL())
			if err != nil {
				t.Fatal(err)
			}
			as.User = url.User(user)
			_, err = migrate(t, as.String(), "x_"+tt.name, tt.files)
			var rights *pg.RightsError
			if !errors.As(err, &rights) || rights.Statement != tt.want || rights.Database != "guichet" {
				t.Fatalf("%v", err)
			}
			for _, want := range []string{tt.want, "administrator", user} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if tt.name == "all" {
				rights.Statement = rights.Instead
			}
			execute(t, server.URL(), rights.Statement)
			if applied, err := migrate(t, as.String(), "x_"+tt.name, tt.files); err != nil || applied != 1 {
				t.Errorf("with that right: %d, %v", applied, err)
			}
		})
	}
}

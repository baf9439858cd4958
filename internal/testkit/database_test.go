package testkit_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/guichet-api/guichet/internal/testkit"
)

// shop is a small schema of the tests' own.
var shop = fstest.MapFS{
	"shop/0001_items.sql": {Data: []byte("-- +goose Up\nCREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY, name text UNIQUE);\n")},
	"tax/0001_rates.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE rates (name text, percent int);\n")},
}

func TestDatabase(t *testing.T) {
	t.Parallel()
	var seeded atomic.Int64
	d := testkit.DB{
		Schemas: []string{"tax", "shop"}, Migrations: shop, SeedName: "one item",
		Seed: func(ctx context.Context, db *testkit.TestDB) error {
			seeded.Add(1)
			_, err := db.Pool.Exec(ctx, "INSERT INTO items (name) VALUES ('thé')")
			return err
		},
	}
	t.Run("each its own", func(t *testing.T) {
		for i := range 5 {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				db := testkit.Database(t, d)
				name := fmt.Sprintf("item %d", i)
				if _, err := db.Pool.Exec(t.Context(), "INSERT INTO items (name) VALUES ($1)", name); err != nil {
					t.Fatal(err)
				}
				var items string
				var rates int
				err := db.Pool.QueryRow(t.Context(), "SELECT string_agg(name, ',' ORDER BY id), (SELECT count(*) FROM tax.rates) FROM items").Scan(&items, &rates)
				if err != nil || items != "thé,"+name || rates != 0 {
					t.Errorf("%q %d %v", items, rates, err)
				}
			})
		}
	})
	if n := seeded.Load(); n != 1 {
		t.Errorf("the seed ran %d times", n)
	}
	other := d
	other.SeedName, other.Seed = "", nil
	var items int
	if err := testkit.Database(t, other).Pool.QueryRow(t.Context(), "SELECT count(*) FROM items").Scan(&items); err != nil || items != 0 {
		t.Errorf("another kind of database has %d items, %v", items, err)
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var name string
	t.Run("inner", func(t *testing.T) {
		db := testkit.Database(t, testkit.DB{})
		if err := db.Pool.QueryRow(t.Context(), "SELECT current_database()").Scan(&name); err != nil {
			t.Fatal(err)
		}
	})
	var left bool
	db := testkit.Database(t, testkit.DB{})
	if err := db.Pool.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&left); err != nil || left {
		t.Errorf("%s is left: %t, %v", name, left, err)
	}
}

func TestDatabaseLikeProduction(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t, testkit.DB{})
	var lower string
	if err := db.Pool.QueryRow(t.Context(), "SELECT lower('ÉTÉ')").Scan(&lower); err != nil || lower != "été" {
		t.Errorf("%q %v", lower, err)
	}
}

func TestHashTables(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t, testkit.DB{Schemas: []string{"tax", "shop"}, Migrations: shop})
	hash := func(except ...string) string { return testkit.HashTables(t, db, except...) }
	do := func(statement string) {
		t.Helper()
		if _, err := db.Pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	empty := hash()
	if strings.Count(empty, "\n") != 4 || !strings.Contains(empty, "shop.items 0 ") || !strings.Contains(empty, "tax.goose_db_version 2 ") {
		t.Errorf("four tables:\n%s", empty)
	}
	do("INSERT INTO items (name) VALUES ('a'), ('b'), (NULL)")
	full := hash()
	if full == empty || hash("shop.items") != strings.ReplaceAll(full, line(full, "shop.items"), "") || strings.Contains(hash("shop.*"), "shop.") {
		t.Error("an insert, or except, is not seen")
	}
	do("INSERT INTO items (name) VALUES ('a') ON CONFLICT DO NOTHING") // moves only the sequence
	do("UPDATE items SET name = name")                                 // moves only the rows
	if got := hash(); got != full {
		t.Errorf("nothing changed, but\n%s\nbecame\n%s", full, got)
	}
	do("UPDATE items SET name = 'c' WHERE name = 'b'")
	if line(hash(), "shop.items") == line(full, "shop.items") || line(hash(), "tax.rates") != line(full, "tax.rates") {
		t.Error("an update is not seen, or at the wrong table")
	}
}

// line is the line of a hash that tells of one table.
func line(hash, table string) string {
	for l := range strings.Lines(hash) {
		if strings.HasPrefix(l, table+" ") {
			return l
		}
	}
	return ""
}

func TestSkip(t *testing.T) {
	for _, tt := range []struct {
		require string
		want    string
	}{{"", "--- SKIP"}, {"1", "--- FAIL"}} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSkipsForReal$", "-test.v")
		cmd.Env = append(os.Environ(), "GUICHET_TESTKIT_SKIP=1", testkit.RequireAll+"="+tt.require)
		out, _ := cmd.CombinedOutput()
		if !strings.Contains(string(out), tt.want) || !strings.Contains(string(out), "no such tool") {
			t.Errorf("%s=%q: %s", testkit.RequireAll, tt.require, out)
		}
	}
}

// TestSkipsForReal is run by TestSkip in a process of its own.
func TestSkipsForReal(t *testing.T) {
	if os.Getenv("GUICHET_TESTKIT_SKIP") != "" {
		testkit.Skip(t, "no such tool")
	}
}

// A test process that is killed leaves neither a server nor files behind.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	temp, err := os.MkdirTemp("", "guichet-testkit-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledForReal$")
	cmd.Env = append(os.Environ(), "GUICHET_TESTKIT_KILL=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1)
	if _, err := out.Read(buf); err != nil { // it prints once its database is there
		t.Fatal(err)
	}
	pids, _ := filepath.Glob(filepath.Join(temp, "guichet-test-*", "postgres", "*", "postmaster.pid"))
	if len(pids) != 1 {
		t.Fatalf("servers: %v", pids)
	}
	content, err := os.ReadFile(pids[0])
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(30 * time.Second); ; {
		files, err := os.ReadDir(temp)
		if len(files) == 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("left: %v, %v; process %d: %v", names(files), err, pid, syscall.Kill(pid, 0))
		}
	}
}

func names(files []fs.DirEntry) []string {
	var all []string
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

// TestKilledForReal is run, and killed, by TestKilledProcess.
func TestKilledForReal(t *testing.T) {
	if os.Getenv("GUICHET_TESTKIT_KILL") == "" {
		return
	}
	testkit.Database(t, testkit.DB{})
	fmt.Print("x")
	select {}
}

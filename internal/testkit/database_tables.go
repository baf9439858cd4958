package testkit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// HashTables returns one line per table of all schemas of the database: name, number of rows, and a hash over every row.
// Two equal results mean that no row has changed in between; where they differ, the lines say which table has. Sequences
// are not looked at: a refused insert moves them.
// Tables named in except ("tiptop.outbox", or "platform.*") are left out.
func HashTables(t testing.TB, db *TestDB, except ...string) string {
	t.Helper()
	rows, err := db.Pool.Query(t.Context(), `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT c.relispartition
		ORDER BY 1, 2`)
	if err != nil {
		t.Fatalf("testkit.HashTables: %v", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Schema, Name string }])
	if err != nil {
		t.Fatalf("testkit.HashTables: %v", err)
	}
	var out strings.Builder
	for _, table := range tables {
		if slices.Contains(except, table.Schema+".*") || slices.Contains(except, table.Schema+"."+table.Name) {
			continue
		}
		var count int64
		var hash string
		// The sum of the rows' hashes does not depend on their order, and needs no memory for a large table.
		err := db.Pool.QueryRow(t.Context(), fmt.Sprintf(`SELECT count(*), md5(coalesce(sum(('x' || md5(whole_row::text))::bit(64)::bigint::numeric), 0)::text)
			FROM %s whole_row`, pgx.Identifier{table.Schema, table.Name}.Sanitize())).Scan(&count, &hash)
		if err != nil {
			t.Fatalf("testkit.HashTables: %s.%s: %v", table.Schema, table.Name, err)
		}
		fmt.Fprintf(&out, "%s.%s %d %s\n", table.Schema, table.Name, count, hash)
	}
	return out.String()
}

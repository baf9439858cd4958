package tchatator_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/testkit"
)

// explained runs a statement twice: the second time PostgreSQL says how.
type explained struct {
	db.DBTX
	plan string
}

// Query implements db.DBTX.
func (e *explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := e.DBTX.Query(ctx, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) "+sql, args...)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	e.plan = strings.Join(lines, "\n")
	return e.DBTX.Query(ctx, sql, args...)
}

// TestPlans: what LOGIN and the history read does not grow with what is stored.
func TestPlans(t *testing.T) {
	t.Parallel()
	d := testkit.Database(t, demoDB)
	for _, sql := range []string{
		`INSERT INTO tchatator.message (sended_date, sender_id, receiver_id, content)
			SELECT '2025-01-01', 1 + i % 2, 2 - i % 2 + 2 * (i % 100 / 10 % 2), 'x' FROM generate_series(1, 20000) i`,
		"ANALYZE tchatator.message",
	} {
		if _, err := d.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := d.Pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SET search_path = "+tchatator.Name); err != nil {
		t.Fatal(err)
	}
	e := &explained{DBTX: conn}
	q := db.New(e)
	for name, read := range map[string]func() error{
		"ListSendTimes": func() error {
			_, err := q.ListSendTimes(t.Context(), db.ListSendTimesParams{SenderID: 1, After: morning, Rows: 90})
			return err
		},
		"ListMessages": func() error {
			_, err := q.ListMessages(t.Context(), db.ListMessagesParams{UserID: 1, Rows: 20})
			return err
		},
		"ListConversation": func() error {
			_, err := q.ListConversation(t.Context(), db.ListConversationParams{UserID: 1, OtherID: 4, Rows: 20})
			return err
		},
	} {
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, number := range regexp.MustCompile(`(?:rows=|Removed by Filter: )(\d+)`).FindAllStringSubmatch(e.plan, -1) {
			if n, err := strconv.Atoi(number[1]); err != nil || n > 100 {
				t.Errorf("%s reads %s rows\n%s", name, number[1], e.plan)
				break
			}
		}
	}
}

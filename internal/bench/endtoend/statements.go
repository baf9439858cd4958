package endtoend

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/gen/tiptop/db"
)

// errRecorded is how every recorded statement ends: nothing is executed.
var errRecorded = errors.New("recorded")

// recording is a database that only notes what it is asked.
type recording struct{ sql string }

func (r *recording) Exec(_ context.Context, sql string, _ ...any) (pgconn.CommandTag, error) {
	r.sql = sql
	return pgconn.CommandTag{}, errRecorded
}

func (r *recording) Query(_ context.Context, sql string, _ ...any) (pgx.Rows, error) {
	r.sql = sql
	return nil, errRecorded
}

func (r *recording) QueryRow(_ context.Context, sql string, _ ...any) pgx.Row {
	r.sql = sql
	return noRow{}
}

func (r *recording) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errRecorded
}

type noRow struct{}

func (noRow) Scan(...any) error { return errRecorded }

// statements are the texts of the product's queries that the three operations need, by name.
func statements(ctx context.Context) (map[string]string, error) {
	var id uuid.UUID
	var now time.Time
	calls := map[string]func(*db.Queries) error{
		"GetSessionUser":     func(q *db.Queries) error { _, err := q.GetSessionUser(ctx, id, now); return err },
		"GetTicketOfUser":    func(q *db.Queries) error { _, err := q.GetTicketOfUser(ctx, id, id); return err },
		"CountTicketsByUser": func(q *db.Queries) error { _, err := q.CountTicketsByUser(ctx, id); return err },
		"ListTicketsByUser": func(q *db.Queries) error {
			_, err := q.ListTicketsByUser(ctx, db.ListTicketsByUserParams{})
			return err
		},
		"GetGame":            func(q *db.Queries) error { _, err := q.GetGame(ctx); return err },
		"ClaimCode":          func(q *db.Queries) error { _, err := q.ClaimCode(ctx, &now, ""); return err },
		"HasCode":            func(q *db.Queries) error { _, err := q.HasCode(ctx, ""); return err },
		"ListDrawablePrizes": func(q *db.Queries) error { _, err := q.ListDrawablePrizes(ctx); return err },
		"TakeStock":          func(q *db.Queries) error { _, err := q.TakeStock(ctx, id); return err },
		"TakeStockWaiting":   func(q *db.Queries) error { _, err := q.TakeStockWaiting(ctx, id); return err },
		"InsertTicket":       func(q *db.Queries) error { return q.InsertTicket(ctx, db.InsertTicketParams{}) },
	}
	texts := map[string]string{}
	for name, call := range calls {
		r := &recording{}
		if err := call(db.New(r)); !errors.Is(err, errRecorded) || r.sql == "" {
			return nil, fmt.Errorf("endtoend: recording %s: %w", name, err)
		}
		texts[name] = r.sql
	}
	return texts, nil
}

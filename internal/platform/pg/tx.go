package pg

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// InTx runs fn in a transaction (READ COMMITTED) and commits when fn returns nil; any error, and a panic, rolls back and
// is passed on. An error of the commit itself can leave open whether the server committed: IsUnavailable is then true.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, pool, fn)
}

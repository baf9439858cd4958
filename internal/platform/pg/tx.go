package pg

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxAttempts is how often a transaction is run before its deadlock is anybody's concern.
const maxAttempts = 5

// InTx runs fn in a transaction (READ COMMITTED) and commits when fn returns nil; any error, and a panic, rolls back and
// is passed on. An error of the commit itself can leave open whether the server committed: IsUnavailable is then true.
//
// A transaction that PostgreSQL ends for the sake of another one is run again, up to five times in all. What fn does beside
// its transaction it may therefore do several times.
func InTx(ctx context.Context, pool *pgxpool.Pool, fn func(tx pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := pgx.BeginFunc(ctx, pool, fn)
		if attempt == maxAttempts || !hasCode(err, codeDeadlock) && !hasCode(err, codeSerialization) {
			return err
		}
	}
}

// Violates reports whether err is the violation of a constraint: of the one with this name.
func Violates(err error, constraint string) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.ConstraintName == constraint
}

// IfNoRows is err, unless it says that there is no such row: then it is what the caller says instead.
func IfNoRows(err, instead error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return instead
	}
	return err
}

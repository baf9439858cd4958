package tiptop

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TestTallyAnySearchPath: the counters follow what is sent with whatever search_path, such as psql's or a restore's.
func TestTallyAnySearchPath(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	user, prize := uuid.NewString(), uuid.NewString()
	for _, statement := range []string{
		`INSERT INTO tiptop.users (id, email, password_hash, first_name, last_name, role, created_at)
			VALUES ('` + user + `', 'marie@example.com', '-', 'Marie', 'Martin', 'CLIENT', now())`,
		`UPDATE tiptop.users SET is_verified = true`,
		`INSERT INTO tiptop.prizes (id, type, name, value_cents, probability, initial_stock, created_at)
			VALUES ('` + prize + `', 'PHYSICAL', 'Infuseur', 0, 0, 1, now())`,
		`INSERT INTO tiptop.codes (code, issued_at, played_at) VALUES ('ABCDEFGHIJ', '2026-07-01', '2026-07-01')`,
		`INSERT INTO tiptop.tickets (id, code, user_id, prize_id, played_at) VALUES (gen_random_uuid(), 'ABCDEFGHIJ', '` + user + `', '` + prize + `', '2026-07-01')`,
		`UPDATE tiptop.tickets SET status = 'VALIDATED', validated_at = now()`,
		`DELETE FROM tiptop.tickets`,
		`DELETE FROM tiptop.users`,
	} {
		c.must(pgx.BeginFunc(t.Context(), c.db.Pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET LOCAL search_path = ''`); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), statement)
			return err
		}))
		c.consistent()
	}
}

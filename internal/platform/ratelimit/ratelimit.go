// Package ratelimit holds subjects (an account, an address) to a number of charges in a period.
//
// Charges live in PostgreSQL, so that they survive a restart and count across processes. The window slides exactly: at no
// moment does a subject have more than Limit.N charges behind it within Limit.Per, however many callers ask at once. Taking
// is one statement that charges all the subjects or none. What failures alone should count is charged first and refunded on
// success: charging afterwards would let parallel attempts through.
//
// Subjects are stored as keyed hashes; the table names nobody.
package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/platform/db"
	"github.com/guichet-api/guichet/internal/platform/clock"
)

// Schema is where the table of the charges lives: the search_path of the limiter's pool.
const Schema = "platform"

// Limit is N charges in any period of length Per. The zero Limit allows everything.
type Limit struct {
	N   int
	Per time.Duration
}

// Charge asks for one unit of a subject's limit. Subject names the rule and whom it binds, such as "tiptop/login/account/" +
// the account's e-mail; systems share one table. The same subject under two periods is counted twice, apart.
type Charge struct {
	Subject string
	Limit   Limit
}

// Taken is the outcome of a Take.
type Taken struct {
	OK         bool          // every subject had room and was charged
	RetryAfter time.Duration // when not OK: how long until all of them have room

	moment time.Time
	keys   [][]byte
}

// Config is what a Limiter needs.
type Config struct {
	Pool   *pgxpool.Pool // search_path = Schema; nil only when Off
	Clock  clock.Clock
	Secret []byte // keys the hashes of the subjects; the same in every process
	Off    bool   // allow everything and never ask the database
}

// Limiter charges subjects. It is safe for concurrent use.
type Limiter struct {
	queries *db.Queries
	clock   clock.Clock
	secret  []byte
	off     bool
}

// New makes a Limiter.
func New(cfg Config) (*Limiter, error) {
	if cfg.Off {
		return &Limiter{off: true}, nil
	}
	if cfg.Pool == nil || cfg.Clock == nil || len(cfg.Secret) == 0 {
		return nil, errors.New("ratelimit.New: Pool, Clock and Secret are required")
	}
	return &Limiter{queries: db.New(cfg.Pool), clock: cfg.Clock, secret: cfg.Secret}, nil
}

// Take charges every subject now, or none of them when one has no room left: one statement. An error means that the
// database could not be asked; nothing is known then, and the caller should refuse.
func (l *Limiter) Take(ctx context.Context, charges ...Charge) (Taken, error) {
	if l.off {
		return Taken{OK: true}, nil
	}
	params := db.TakeRateParams{Moment: l.clock.Now().Truncate(time.Microsecond)}
	for _, c := range charges {
		if c.Limit.N <= 0 || c.Limit.Per <= 0 {
			continue
		}
		params.Keys = append(params.Keys, l.key(c))
		params.Limits = append(params.Limits, int32(min(c.Limit.N, math.MaxInt32)))
		params.Microseconds = append(params.Microseconds, c.Limit.Per.Microseconds())
	}
	if len(params.Keys) == 0 {
		return Taken{OK: true}, nil
	}
	wait, err := l.queries.TakeRate(ctx, params)
	if err != nil {
		return Taken{}, fmt.Errorf("ratelimit.Take: %w", err)
	}
	if wait > 0 {
		return Taken{RetryAfter: time.Duration(wait) * time.Microsecond}, nil
	}
	return Taken{OK: true, moment: params.Moment, keys: params.Keys}, nil
}

// Refund gives back what was taken: a login that succeeded is no failure. Refunding what was not OK does nothing. A caller
// whose client has gone still refunds: ctx's cancellation is ignored, its values are not.
func (l *Limiter) Refund(ctx context.Context, taken Taken) error {
	if len(taken.keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refundTimeout)
	defer cancel()
	if err := l.queries.RefundRate(ctx, taken.moment, taken.keys); err != nil {
		return fmt.Errorf("ratelimit.Refund: %w", err)
	}
	return nil
}

// refundTimeout bounds a refund, which outlives its request.
const refundTimeout = 5 * time.Second

// Purge deletes the charges that no longer count and says how many subjects were forgotten. Run it every few minutes.
func (l *Limiter) Purge(ctx context.Context) (int64, error) {
	if l.off {
		return 0, nil
	}
	n, err := l.queries.PurgeRates(ctx, l.clock.Now())
	if err != nil {
		return 0, fmt.Errorf("ratelimit.Purge: %w", err)
	}
	return n, nil
}

// key is the row of a charge: 16 bytes of HMAC-SHA256 over the subject and its period.
func (l *Limiter) key(c Charge) []byte {
	mac := hmac.New(sha256.New, l.secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(c.Limit.Per)))
	mac.Write([]byte(c.Subject))
	return mac.Sum(nil)[:16]
}

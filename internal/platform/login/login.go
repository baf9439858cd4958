// Package login is how accounts with a password come in: attempts are limited, a password that fits begins a session, and
// the session's token tells HTTP requests and sockets alike who is calling.
//
// A session is a signed token (see auth.Sessions) and a row in the system's own table "sessions": the token is valid while the
// row exists. Logout deletes one row, a new password all of the account. The rows are the system's to write and read, with its
// own statements; what is told of the account is read with the row, so that a changed role counts at once.
package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
)

// Limits bound how many logins of a system may fail; the zero Limit allows everything. The contracts promise 10 a minute for
// an account and 60 for an address.
type Limits struct {
	PerAccount ratelimit.Limit
	PerAddress ratelimit.Limit
}

// Refusals are the system's own words. All are required.
type Refusals struct {
	Token       *problem.Error // no session has this token
	Credentials *problem.Error // no account has this name and password: never tells which of the two
	TooMany     string         // the sentence of a 429
}

// Config is what Logins are made of. All of it is required but Limits.
type Config struct {
	System    string        // issues the tokens, keys them and names the subjects of the limits
	Secret    []byte        // at least 32 bytes: see auth.Key
	Lifetime  time.Duration // of a session
	Clock     clock.Clock
	Random    io.Reader // makes the ids of sessions: crypto/rand.Reader
	Limiter   *ratelimit.Limiter
	Limits    Limits
	Passwords *auth.Passwords
	Refusals  Refusals
	// Find reads the account of a session that has not expired at now, with its role of today; pgx.ErrNoRows when there is
	// none. Caller.Session need not be filled in.
	Find func(ctx context.Context, session uuid.UUID, now time.Time) (Caller, error)
}

// Logins is the way in to one system. It is safe for concurrent use.
type Logins struct {
	cfg      Config
	sessions *auth.Sessions
}

// New makes the way in to a system.
func New(cfg Config) (*Logins, error) {
	if cfg.Random == nil || cfg.Limiter == nil || cfg.Passwords == nil || cfg.Find == nil {
		return nil, errors.New("login.New: Random, Limiter, Passwords and Find are required")
	}
	if cfg.Refusals.Token == nil || cfg.Refusals.Credentials == nil || cfg.Refusals.TooMany == "" {
		return nil, errors.New("login.New: every refusal needs its words")
	}
	key, err := auth.Key(cfg.Secret, cfg.System+"/session")
	if err != nil {
		return nil, fmt.Errorf("login.New: %w", err)
	}
	sessions, err := auth.NewSessions(auth.SessionsConfig{Issuer: cfg.System, Key: key, Lifetime: cfg.Lifetime, Clock: cfg.Clock})
	if err != nil {
		return nil, fmt.Errorf("login.New: %w", err)
	}
	return &Logins{cfg: cfg, sessions: sessions}, nil
}

// Attempt runs one try at an account's password. It counts as a failure, for the account and for the request's address, until
// try has succeeded, so that tries in parallel gain nothing. Accounts count by their name, whether they exist or not: a limit
// must not tell which do.
func (l *Logins) Attempt(ctx context.Context, account string, try func() error) error {
	taken, err := l.Charge(ctx,
		ratelimit.Charge{Subject: l.cfg.System + "/login/account/" + account, Limit: l.cfg.Limits.PerAccount},
		ratelimit.Charge{Subject: l.cfg.System + "/login/address/" + web.PeerKey(ctx), Limit: l.cfg.Limits.PerAddress},
	)
	if err != nil {
		return err
	}
	if err := try(); err != nil {
		return err
	}
	return l.cfg.Limiter.Refund(ctx, taken)
}

// Charge takes one try from every subject, or refuses the request with a 429. It is for limits that are not a login's own.
func (l *Logins) Charge(ctx context.Context, charges ...ratelimit.Charge) (ratelimit.Taken, error) {
	taken, err := l.cfg.Limiter.Take(ctx, charges...)
	if err == nil && !taken.OK {
		err = problem.TooManyFor(taken.RetryAfter, l.cfg.Refusals.TooMany)
	}
	return taken, err
}

// CheckPassword refuses a password that is not the one behind the hash. An empty hash is that of an account that does not
// exist: refusing it takes as long.
func (l *Logins) CheckPassword(ctx context.Context, password, hash string) error {
	if hash == "" {
		if err := l.cfg.Passwords.VerifyDummy(ctx, password); err != nil {
			return err
		}
		return l.cfg.Refusals.Credentials
	}
	right, err := l.cfg.Passwords.Verify(ctx, password, hash)
	if err == nil && !right {
		err = l.cfg.Refusals.Credentials
	}
	return err
}

// Session is one that begins.
type Session struct {
	ID        uuid.UUID
	ExpiresAt time.Time // to the second
}

// Begin answers the token of a new session of an account. insert writes its row and says how many it wrote: none when the
// account was deleted, or its password changed, after it was read, and then the credentials are refused.
func (l *Logins) Begin(ctx context.Context, account uuid.UUID, insert func(context.Context, Session) (int64, error)) (string, error) {
	id, err := uuid.NewV7FromReader(l.cfg.Random)
	if err != nil {
		return "", fmt.Errorf("login.Begin: %w", err)
	}
	token, claims, err := l.sessions.Sign(id.String(), account.String())
	if err != nil {
		return "", fmt.Errorf("login.Begin: %w", err)
	}
	begun, err := insert(ctx, Session{ID: id, ExpiresAt: claims.ExpiresAt})
	if err == nil && begun == 0 {
		err = l.cfg.Refusals.Credentials
	}
	if err != nil {
		return "", fmt.Errorf("login.Begin: %w", err)
	}
	return token, nil
}

// Who finds who a token belongs to; Refusals.Token when it is nobody.
func (l *Logins) Who(ctx context.Context, token string) (Caller, error) {
	claims, err := l.sessions.Verify(token)
	if err != nil {
		return Caller{}, l.cfg.Refusals.Token
	}
	session, err := uuid.Parse(claims.Session)
	if err != nil {
		return Caller{}, l.cfg.Refusals.Token
	}
	who, err := l.cfg.Find(ctx, session, clock.Now(l.cfg.Clock))
	if errors.Is(err, pgx.ErrNoRows) || err == nil && who.ID.String() != claims.Subject {
		return Caller{}, l.cfg.Refusals.Token
	}
	if err != nil {
		return Caller{}, fmt.Errorf("login.Who: %w", err)
	}
	who.Session = session
	return who, nil
}

// NormalizeEmail is an address as accounts keep it, and as login rate limits count it: upper and lower case are the same.
func NormalizeEmail(email string) string { return strings.ToLower(email) }

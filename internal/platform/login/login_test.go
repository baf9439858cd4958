package login_test

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
)

var (
	errToken       = problem.New(problem.Unauthenticated, "no such session")
	errCredentials = problem.New(problem.Unauthenticated, "no such account and password")
)

// bundle is a way in whose table of sessions is a map.
type bundle struct {
	*login.Logins
	clock     *clock.Fake
	passwords *auth.Passwords

	mu       sync.Mutex
	accounts map[uuid.UUID]login.Caller // by session
	expiry   map[uuid.UUID]time.Time
}

func setup(t *testing.T, change func(*login.Config)) *bundle {
	t.Helper()
	b := &bundle{
		clock:    clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)),
		accounts: map[uuid.UUID]login.Caller{}, expiry: map[uuid.UUID]time.Time{},
	}
	limiter, err := ratelimit.New(ratelimit.Config{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	if b.passwords, err = auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	cfg := login.Config{
		System: "desk", Secret: []byte("a secret of thirty-two characters"), Lifetime: time.Hour, Clock: b.clock, Random: rand.Reader,
		Limiter: limiter, Passwords: b.passwords,
		Refusals: login.Refusals{Token: errToken, Credentials: errCredentials, TooMany: "later"},
		Find:     b.find,
	}
	if change != nil {
		change(&cfg)
	}
	if b.Logins, err = login.New(cfg); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bundle) find(_ context.Context, session uuid.UUID, now time.Time) (login.Caller, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	who, found := b.accounts[session]
	if !found || !b.expiry[session].After(now) {
		return login.Caller{}, pgx.ErrNoRows
	}
	return who, nil
}

// begin begins a session of an account and answers its token and its id.
func (b *bundle) begin(t *testing.T, who login.Caller) (token string, session uuid.UUID) {
	t.Helper()
	token, err := b.Begin(t.Context(), who.ID, func(_ context.Context, s login.Session) (int64, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.accounts[s.ID], b.expiry[s.ID], session = who, s.ExpiresAt, s.ID
		return 1, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return token, session
}

func TestSession(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	account := login.Caller{ID: uuid.New(), Role: "agent", Name: "Jean Dupont"}
	token, session := b.begin(t, account)
	want := account
	want.Session = session

	ctx, role, err := b.Guard(t.Context(), "bearer", token)
	if err != nil || role != "agent" || login.CallerOf(ctx) != want {
		t.Fatalf("guard: %q, %v", role, err)
	}
	if role, caller, err := b.Authenticate(t.Context(), token); err != nil || role != "agent" || caller != any(want) {
		t.Errorf("a socket: %q %+v, %v", role, caller, err)
	}
	b.mu.Lock()
	account.Role = "admin"
	b.accounts[session] = account
	b.mu.Unlock()
	if who, err := b.Who(t.Context(), token); err != nil || who.Role != "admin" {
		t.Errorf("after a promotion: %+v, %v", who, err)
	}
	b.clock.Advance(time.Hour)
	if _, err := b.Who(t.Context(), token); !errors.Is(err, errToken) {
		t.Errorf("after its lifetime: %v", err)
	}
}

func TestWhoRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	account := login.Caller{ID: uuid.New()}
	ended, session := b.begin(t, account)
	delete(b.accounts, session)
	stolen, session := b.begin(t, account)
	b.accounts[session] = login.Caller{ID: uuid.New()} // the row is somebody else's now
	foreign, _ := setup(t, func(cfg *login.Config) { cfg.System = "shop" }).begin(t, account)
	for name, token := range map[string]string{"none": "", "no token": "x.y.z", "ended": ended, "another account's": stolen, "another system's": foreign} {
		if who, err := b.Who(t.Context(), token); !errors.Is(err, errToken) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
		if _, _, err := b.Guard(t.Context(), "bearer", token); !errors.Is(err, errToken) {
			t.Errorf("%s, at the guard: %v", name, err)
		}
		if _, _, err := b.Authenticate(t.Context(), token); !errors.Is(err, errToken) || !errors.Is(err, realtime.ErrUnauthenticated) {
			t.Errorf("%s, at a socket: %v", name, err)
		}
	}
	away := errors.New("the database is away")
	b = setup(t, func(cfg *login.Config) {
		cfg.Find = func(context.Context, uuid.UUID, time.Time) (login.Caller, error) { return login.Caller{}, away }
	})
	token, _ := b.begin(t, account)
	if _, err := b.Who(t.Context(), token); !errors.Is(err, away) || errors.Is(err, errToken) {
		t.Errorf("a failure is no refusal: %v", err)
	}
	if _, _, err := b.Authenticate(t.Context(), token); !errors.Is(err, away) || errors.Is(err, realtime.ErrUnauthenticated) {
		t.Errorf("a failure is no refusal, at a socket: %v", err)
	}
}

func TestBeginRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	away := errors.New("the database is away")
	for name, test := range map[string]struct {
		rows       int64
		err, wants error
	}{
		"the account has changed": {0, nil, errCredentials},
		"a failure":               {0, away, away},
	} {
		token, err := b.Begin(t.Context(), uuid.New(), func(context.Context, login.Session) (int64, error) { return test.rows, test.err })
		if token != "" || !errors.Is(err, test.wants) {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	hash, err := b.passwords.Hash(t.Context(), "Password123")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.CheckPassword(t.Context(), "Password123", hash); err != nil {
		t.Errorf("the right one: %v", err)
	}
	for name, hash := range map[string]string{"a wrong one": hash, "no account": ""} {
		if err := b.CheckPassword(t.Context(), "Password124", hash); !errors.Is(err, errCredentials) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.CheckPassword(t.Context(), "Password123", "no hash"); err == nil || errors.Is(err, errCredentials) {
		t.Errorf("a hash that is none: %v", err)
	}
}

// TestAttemptsAreLimited: of many tries at once only as many run as may fail, and one that succeeds counts for nothing.
func TestAttemptsAreLimited(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t, testkit.DB{Schemas: []string{ratelimit.Schema}, MaxConns: 20})
	b := setup(t, func(cfg *login.Config) {
		var err error
		cfg.Limiter, err = ratelimit.New(ratelimit.Config{Pool: db.Pool, Clock: cfg.Clock, Secret: cfg.Secret})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Limits = login.Limits{PerAccount: ratelimit.Limit{N: 3, Per: time.Minute}, PerAddress: ratelimit.Limit{N: 5, Per: time.Minute}}
	})
	for range 10 {
		if err := b.Attempt(t.Context(), "jean", func() error { return nil }); err != nil {
			t.Fatalf("a success counted: %v", err)
		}
	}
	try := func(account string, times int) (ran int64) {
		var count atomic.Int64
		var all sync.WaitGroup
		for range times {
			all.Go(func() {
				err := b.Attempt(t.Context(), account, func() error { count.Add(1); return errCredentials })
				if !errors.Is(err, errCredentials) && !problem.Is(err, problem.TooMany) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		return count.Load()
	}
	if ran := try("jean", 10); ran != 3 {
		t.Errorf("%d tries ran, 3 may fail for an account", ran)
	}
	if ran := try("marie", 10); ran != 2 {
		t.Errorf("%d tries ran, 2 are left to the address", ran)
	}
	var refused *problem.Error
	err := b.Attempt(t.Context(), "jean", func() error { return nil })
	if !errors.As(err, &refused) || refused.Message != "later" || refused.RetryAfter != time.Minute {
		t.Errorf("one more: %+v", err)
	}
	b.clock.Advance(time.Minute)
	if err := b.Attempt(t.Context(), "jean", func() error { return nil }); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	limiter, err := ratelimit.New(ratelimit.Config{Off: true})
	if err != nil {
		t.Fatal(err)
	}
	good := login.Config{
		System: "desk", Secret: []byte("a secret of thirty-two characters"), Lifetime: time.Hour, Clock: clock.System{}, Random: rand.Reader,
		Limiter: limiter, Passwords: &auth.Passwords{}, Refusals: login.Refusals{Token: errToken, Credentials: errCredentials, TooMany: "later"},
		Find: func(context.Context, uuid.UUID, time.Time) (login.Caller, error) { return login.Caller{}, nil },
	}
	if _, err := login.New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*login.Config){
		"no system":        func(cfg *login.Config) { cfg.System = "" },
		"a short secret":   func(cfg *login.Config) { cfg.Secret = cfg.Secret[:16] },
		"no lifetime":      func(cfg *login.Config) { cfg.Lifetime = 0 },
		"no randomness":    func(cfg *login.Config) { cfg.Random = nil },
		"no limiter":       func(cfg *login.Config) { cfg.Limiter = nil },
		"no rows":          func(cfg *login.Config) { cfg.Find = nil },
		"a silent refusal": func(cfg *login.Config) { cfg.Refusals.TooMany = "" },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := login.New(cfg); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestNormalizeEmail(t *testing.T) {
	t.Parallel()
	if got := login.NormalizeEmail("Jean.DUPONT@Example.COM"); got != "jean.dupont@example.com" {
		t.Errorf("kept as %q", got)
	}
}

package tiptop_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/internal/tiptop"
	"github.com/guichet-api/guichet/spec"
)

// TestVectors replays what the contract's document promises, at the system's own address and under the portal's mount.
func TestVectors(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Tiptop)
	if err != nil {
		t.Fatal(err)
	}
	testkit.RunVectors(t, testkit.Suite{
		Files: os.DirFS("../.."), Dir: "spec/tiptop/vectors", Spec: contract, Mounts: []string{"", "/tiptop"},
		Start: func(t *testing.T, mount string) *testkit.Target { return startDemo(t, mount, true).target() },
	})
}

// morning is when vectors begin: the moment at which the document's own user was created.
var morning = time.Date(2025, 11, 8, 14, 8, 57, 237e6, time.UTC)

// demo is a running system with the demo data.
type demo struct {
	*tiptop.API
	t      *testing.T
	url    string
	db     *testkit.TestDB
	clock  *clock.Fake
	mail   *testkit.Mailbox
	outage *testkit.Outage
	jobs   *jobs.Jobs
}

// demoDB is a database with the demo data.
var demoDB = testkit.DB{Schemas: []string{"platform", tiptop.Name}, SeedName: "demo", Seed: seedDemo}

func seedDemo(ctx context.Context, db *testkit.TestDB) error {
	if _, err := jobs.Migrate(ctx, db.URL, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	api, _, err := newAPI(parts{url: "http://127.0.0.1", clock: clock.NewFake(morning), seed: "demo", pool: db.Pool, platform: db.Pool})
	if err != nil {
		return err
	}
	return api.Operator().LoadDemo(ctx)
}

// startDemo starts the system on a database, a clock, a mailbox and randomness of its own. limits says whether rate limits apply.
func startDemo(t *testing.T, mount string, limits bool) *demo {
	t.Helper()
	server := testkit.NewServer(t)
	d := &demo{t: t, url: server.URL + mount, db: testkit.Database(t, demoDB), clock: clock.NewFake(morning)}
	d.mail = testkit.NewMailbox(t, d.clock, testkit.Random("mail"))
	d.outage = testkit.NewOutage(t, d.db)
	var err error
	d.API, d.jobs, err = newAPI(parts{
		url: d.url, clock: d.clock, seed: t.Name(), limits: limits, mailer: d.mail,
		pool: d.pool(tiptop.Name), platform: d.pool(jobs.Schema),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.jobs.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	server.Serve(d.mounted(mount))
	return d
}

// pool leads to the database through the outage.
func (d *demo) pool(schema string) *pgxpool.Pool {
	pool, err := pg.Pool(d.t.Context(), pg.PoolConfig{URL: d.outage.URL, Schema: schema, MaxConns: 8, AppName: schema})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(pool.Close)
	return pool
}

// mounted is the system at its own address, or the portal that has it under its mount.
func (d *demo) mounted(mount string) http.Handler {
	if mount == "" {
		return d.Handler()
	}
	p, err := portal.New(portal.Config{
		Systems: []portal.System{{
			Name: tiptop.Name, Title: "The Tip Top", URL: d.url, Spec: spec.Tiptop, Handler: d.Handler(), Ready: d.Ready,
		}},
		Metrics: http.NotFoundHandler(),
		Echo:    web.Config{System: "portal", Logger: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// parts is what newAPI builds with.
type parts struct {
	url            string
	clock          clock.Clock
	seed           string
	secret         string // empty: the one of all tests
	limits         bool
	mailer         mail.Mailer
	pool, platform *pgxpool.Pool
}

// newAPI makes the system as cmd/guichet does, but for the clock, the randomness and the price of passwords.
func newAPI(p parts) (*tiptop.API, *jobs.Jobs, error) {
	log := slog.New(slog.DiscardHandler)
	random, secret := testkit.Random(p.seed), []byte(cmp.Or(p.secret, "a secret of thirty-two characters"))
	public, err := url.Parse(p.url)
	if err != nil {
		return nil, nil, err
	}
	place, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, nil, err
	}
	queue, err := jobs.Open(jobs.Config{Pool: p.platform, Logger: log, Poll: 10 * time.Millisecond})
	if err != nil {
		return nil, nil, err
	}
	limiter, err := ratelimit.New(ratelimit.Config{Pool: p.platform, Clock: p.clock, Secret: secret, Off: !p.limits})
	if err != nil {
		return nil, nil, err
	}
	passwords, err := auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: random})
	if err != nil {
		return nil, nil, err
	}
	registry := web.NewRegistry("test")
	perMinute := func(n int) ratelimit.Limit { return ratelimit.Limit{N: n, Per: time.Minute} }
	api, err := tiptop.New(tiptop.Config{
		PublicURL: public, Secret: secret, Place: place,
		Limits: tiptop.Limits{
			Login:              login.Limits{PerAccount: perMinute(10), PerAddress: perMinute(60)},
			RegisterPerAddress: perMinute(30), ForgotPerAccount: perMinute(5),
		},
	}, tiptop.Deps{
		Pool: p.pool, Clock: p.clock, Rand: random, Limiter: limiter, Jobs: queue, Mailer: p.mailer, Passwords: passwords,
		Metrics: registry.System(tiptop.Name), Scrape: registry.Handler(), Web: web.Config{Logger: log},
	})
	return api, queue, err
}

// target is what vectors need of the system. They can "do game open|pause|window FROM TO" and "do database away|back".
func (d *demo) target() *testkit.Target {
	accounts := map[string]testkit.Credentials{}
	for i, word := range []string{"client", "employee", "admin"} {
		account := tiptop.DemoAccounts()[i]
		accounts[word] = testkit.Credentials{Identity: account.Email, Password: account.Password}
	}
	return &testkit.Target{
		URL: d.url, Clock: d.clock, Mail: d.mail, Login: testkit.Login{Path: "/api/auth/login", Accounts: accounts},
		Do:     map[string]func(context.Context, ...string) error{"game": d.game, "database": d.database},
		Settle: d.settle,
	}
}

// game is the operator's command.
func (d *demo) game(ctx context.Context, args ...string) error {
	operator := d.Operator()
	switch {
	case len(args) == 1 && args[0] == "open":
		return operator.OpenGame(ctx)
	case len(args) == 1 && args[0] == "pause":
		return operator.PauseGame(ctx)
	case len(args) == 3 && args[0] == "window":
		from, err := time.Parse(time.RFC3339, args[1])
		if err != nil {
			return err
		}
		to, err := time.Parse(time.RFC3339, args[2])
		if err != nil {
			return err
		}
		return operator.SetWindow(ctx, &from, &to)
	}
	return fmt.Errorf("no such command: game %q", args)
}

func (d *demo) database(_ context.Context, args ...string) error {
	if len(args) != 1 || args[0] != "away" && args[0] != "back" {
		return fmt.Errorf("no such thing can happen: database %q", args)
	}
	d.outage.Set(args[0] == "away")
	return nil
}

// settle waits until no mail is left to be sent.
func (d *demo) settle(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var left int
		err := d.db.Pool.QueryRow(ctx, `SELECT count(*) FROM platform.river_job WHERE kind = 'tiptop.mail' AND finalized_at IS NULL`).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d mails are left: %w", left, ctx.Err())
		}
	}
}

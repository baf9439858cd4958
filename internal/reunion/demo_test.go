package reunion_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// afternoon is when tests begin: the moment at which the document's réunion was created.
var afternoon = time.Date(2023, 4, 1, 14, 0, 0, 0, time.UTC)

// demoDB is a database with the demo data.
var demoDB = testkit.DB{Schemas: []string{"platform", reunion.Name}, SeedName: "demo", Seed: seedDemo}

func seedDemo(ctx context.Context, db *testkit.TestDB) error {
	if _, err := jobs.Migrate(ctx, db.URL, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	api, err := newAPI(parts{clock: clock.NewFake(afternoon), seed: "demo", pool: db.Pool, platform: db.Pool})
	if err != nil {
		return err
	}
	return api.Operator().LoadDemo(ctx)
}

// options say what is special about a test's system.
type options struct {
	mount  string
	limits bool // rate limits apply
	open   bool // sockets without token may host
}

// demo is a running system with the demo data. Its process can be killed and started again; its address stays.
type demo struct {
	*process
	t     *testing.T
	opt   options
	url   string
	db    *testkit.TestDB
	clock *clock.Fake
	runs  int
	front front
}

// process is one run of the system.
type process struct {
	*reunion.API
	outage  *testkit.Outage
	stop    context.CancelFunc // of Run
	stopped chan struct{}
}

// startDemo starts the system on a database, a clock and randomness of its own.
func startDemo(t *testing.T, opt options) *demo {
	t.Helper()
	server := testkit.NewServer(t)
	d := &demo{t: t, opt: opt, url: server.URL + opt.mount, db: testkit.Database(t, demoDB), clock: clock.NewFake(afternoon)}
	d.front.conns = map[net.Conn]bool{}
	d.start()
	server.Serve(&d.front)
	t.Cleanup(func() { d.end() })
	return d
}

// start starts a process.
func (d *demo) start() {
	d.t.Helper()
	d.runs++
	d.process = d.newProcess(fmt.Sprintf("%s %d", d.t.Name(), d.runs))
	d.front.serve(d.mounted())
}

// newProcess makes a process on the test's database; it serves nothing yet.
func (d *demo) newProcess(seed string) *process {
	d.t.Helper()
	p := &process{outage: testkit.NewOutage(d.t, d.db), stopped: make(chan struct{})}
	var err error
	p.API, err = newAPI(parts{
		clock: d.clock, seed: seed, limits: d.opt.limits, open: d.opt.open, pool: d.pool(p, reunion.Name), platform: d.pool(p, jobs.Schema),
	})
	if err != nil {
		d.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(d.t.Context()))
	p.stop = stop
	go func() {
		defer close(p.stopped)
		if err := p.Run(ctx); err != nil {
			d.t.Error(err)
		}
	}()
	return p
}

// pool leads to the database through the outage.
func (d *demo) pool(p *process, schema string) *pgxpool.Pool {
	pool, err := pg.Pool(d.t.Context(), pg.PoolConfig{URL: p.outage.URL, Schema: schema, MaxConns: 8, AppName: schema})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(pool.Close)
	return pool
}

// end ends the process in good order: sockets are told to come again.
func (d *demo) end() {
	d.t.Helper()
	d.process.stop()
	<-d.stopped
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.t.Context()), 10*time.Second)
	defer cancel()
	if err := d.Drain(ctx); err != nil {
		d.t.Error(err)
	}
}

// kill ends the process as SIGKILL does: it writes nothing any more, and its connections break.
func (d *demo) kill() {
	d.process.stop()
	<-d.stopped
	d.outage.Set(true)
	d.front.cut()
}

// mounted is the system at its own address, or the portal that has it under its mount.
func (d *demo) mounted() http.Handler {
	if d.opt.mount == "" {
		return d.Handler()
	}
	p, err := portal.New(portal.Config{
		Systems: []portal.System{{
			Name: reunion.Name, Title: "Texam réunions", URL: d.url, Spec: spec.Reunion, Handler: d.Handler(), Ready: d.Ready,
		}},
		Metrics: http.NotFoundHandler(),
		Echo:    web.Config{System: "portal", Logger: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return p
}

// visits is how often a minute an address may join, and answer a survey.
const visits = 20

// parts is what newAPI builds with.
type parts struct {
	clock          clock.Clock
	seed           string
	secret         string // empty: the one of all tests
	limits, open   bool
	pool, platform *pgxpool.Pool
}

// newAPI makes the system as cmd/guichet does, but for the clock, the randomness and the price of passwords.
func newAPI(p parts) (*reunion.API, error) {
	log := slog.New(slog.DiscardHandler)
	random, secret := testkit.Random(p.seed), []byte(cmp.Or(p.secret, "a secret of thirty-two characters"))
	queue, err := jobs.Open(jobs.Config{Pool: p.platform, Logger: log})
	if err != nil {
		return nil, err
	}
	limiter, err := ratelimit.New(ratelimit.Config{Pool: p.platform, Clock: p.clock, Secret: secret, Off: !p.limits})
	if err != nil {
		return nil, err
	}
	passwords, err := auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: random})
	if err != nil {
		return nil, err
	}
	perMinute := func(n int) ratelimit.Limit { return ratelimit.Limit{N: n, Per: time.Minute} }
	limits := reunion.Limits{Login: login.Limits{PerAccount: perMinute(10), PerAddress: perMinute(60)}, Visits: perMinute(visits)}
	if p.limits {
		limits.Carts = ratelimit.Limit{N: 20, Per: 2 * time.Second}
	}
	return reunion.New(reunion.Config{Secret: secret, Open: p.open, Limits: limits}, reunion.Deps{
		Pool: p.pool, Clock: p.clock, Rand: random, Limiter: limiter, Jobs: queue, Passwords: passwords,
		Metrics: web.NewRegistry("test").System(reunion.Name), Web: web.Config{Logger: log},
	})
}

// target is what vectors need of the system. They can "do server killed|restarted", "do database away|back", "do user add
// EMAIL NOM PASSWORD" and "do user password EMAIL PASSWORD".
func (d *demo) target() *testkit.Target {
	accounts := map[string]testkit.Credentials{}
	for i, word := range []string{"seller", "other"} {
		account := reunion.DemoAccounts()[i]
		accounts[word] = testkit.Credentials{Identity: account.Email, Password: account.Password}
	}
	return &testkit.Target{
		URL: d.url, Clock: d.clock, Login: testkit.Login{Path: "/api/auth/login", Accounts: accounts},
		Do: map[string]func(context.Context, ...string) error{"server": d.server, "database": d.database, "user": d.user},
	}
}

func (d *demo) server(_ context.Context, args ...string) error {
	switch strings.Join(args, " ") {
	case "killed":
		d.kill()
		d.start()
	case "restarted":
		d.end()
		d.start()
	default:
		return fmt.Errorf("no such thing can happen: server %q", args)
	}
	return nil
}

func (d *demo) database(_ context.Context, args ...string) error {
	if len(args) != 1 || args[0] != "away" && args[0] != "back" {
		return fmt.Errorf("no such thing can happen: database %q", args)
	}
	d.outage.Set(args[0] == "away")
	return nil
}

// user is the operator's command.
func (d *demo) user(ctx context.Context, args ...string) error {
	operator := d.Operator()
	switch {
	case len(args) == 4 && args[0] == "add":
		_, err := operator.AddUser(ctx, reunion.NewUser{Email: args[1], Nom: args[2], Password: args[3]})
		return err
	case len(args) == 3 && args[0] == "password":
		return operator.SetPassword(ctx, args[1], args[2])
	}
	return fmt.Errorf("no such command: user %q", args)
}

// front is what clients reach: the process that runs now.
type front struct {
	mu      sync.Mutex
	handler http.Handler
	conns   map[net.Conn]bool // that became sockets
}

func (f *front) serve(handler http.Handler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handler = handler
}

// cut breaks every socket.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn := range f.conns {
		_ = conn.Close()
	}
	clear(f.conns)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	handler := f.handler
	f.mu.Unlock()
	handler.ServeHTTP(&noting{w, f}, r)
}

// noting notes the connections that become sockets.
type noting struct {
	http.ResponseWriter
	front *front
}

// Unwrap lets http.ResponseController through.
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// Hijack implements http.Hijacker.
func (n *noting) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(n.ResponseWriter).Hijack()
	if err == nil {
		n.front.mu.Lock()
		defer n.front.mu.Unlock()
		n.front.conns[conn] = true
	}
	return conn, buffered, err
}

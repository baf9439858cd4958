package tickets

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// desk is the system on a database of its own, called over HTTP and heard over WebSocket.
type desk struct {
	*API
	t       *testing.T
	url     string
	db      *testkit.TestDB
	clock   *clock.Fake
	outage  *testkit.Outage // nil unless asked for
	client  *testkit.Client
	checker *events.Checker
}

// options change how a desk is built.
type options struct {
	demo   bool            // with the demo data
	outage bool            // the database can be taken away
	limits bool            // the contract's rate limits apply
	mount  string          // of the portal that serves it; "": its own address
	conns  int             // of the system to its database; 0: as many as the test has
	tracer pgx.QueryTracer // of the system's statements
	silent bool            // what happens is not announced until the test runs the outbox itself
}

// sunday is when tests begin: the document's ticket has used 83 % of its time.
var sunday = time.Date(2025, 1, 12, 8, 30, 0, 0, time.UTC)

const (
	password  = "password123"
	deskSeed  = "tickets"
	demoNom   = "Jean Dupont"
	demoEmail = "user@example.com"
)

var (
	emptyDB = testkit.DB{Schemas: []string{ratelimit.Schema, Name}, MaxConns: 16}
	demoDB  = testkit.DB{Schemas: []string{ratelimit.Schema, Name}, MaxConns: 16, SeedName: "demo", Seed: seedDemo}
)

func seedDemo(ctx context.Context, db *testkit.TestDB) error {
	a, err := newAPI(parts{clock: clock.NewFake(sunday), pool: db.Pool})
	if err != nil {
		return err
	}
	return a.Operator().LoadDemo(ctx)
}

// contractOnce is the contract as the tests read it. Reading it takes longer than making a database.
var contractOnce = sync.OnceValues(func() (*testkit.Spec, error) { return testkit.LoadSpec(spec.Tickets) })

// newDesk starts the system.
func newDesk(t *testing.T, opts options) *desk {
	t.Helper()
	template := emptyDB
	if opts.demo {
		template = demoDB
	}
	server := testkit.NewServer(t)
	d := &desk{t: t, url: server.URL + opts.mount, db: testkit.Database(t, template), clock: clock.NewFake(sunday)}
	made := parts{clock: d.clock, pool: d.db.Pool, seed: t.Name()}
	if opts.outage {
		d.outage = testkit.NewOutage(t, d.db)
		made.pool = d.pool(d.outage.URL, Name, 16)
	}
	if opts.conns > 0 {
		made.pool = d.pool(d.db.URL, Name, opts.conns)
	}
	if opts.tracer != nil {
		config := d.db.Pool.Config()
		config.ConnConfig.Tracer = opts.tracer
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		d.must(err)
		t.Cleanup(pool.Close)
		made.pool = pool
	}
	if opts.limits {
		made.limits = d.pool(d.db.URL, ratelimit.Schema, 2)
	}
	var err error
	d.API, err = newAPI(made)
	d.must(err)
	if !opts.silent {
		d.start(d.API)
	}
	document, err := contractOnce()
	d.must(err)
	d.checker, err = events.NewChecker()
	d.must(err)
	d.client = testkit.NewClient(t, document, d.url)
	handler, err := mounted(d.API, opts.mount, d.url)
	d.must(err)
	server.Serve(handler)
	return d
}

// pool is one more pool of connections.
func (d *desk) pool(url, schema string, conns int) *pgxpool.Pool {
	d.t.Helper()
	pool, err := pg.Pool(d.t.Context(), pg.PoolConfig{URL: url, Schema: schema, MaxConns: conns, AppName: schema})
	d.must(err)
	d.t.Cleanup(pool.Close)
	return pool
}

// start runs what the system does in the background until the test ends.
func (d *desk) start(a *API) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	d.t.Cleanup(func() {
		draining, enough := context.WithTimeout(ctx, 20*time.Second)
		defer enough()
		if err := a.Drain(draining); err != nil {
			d.t.Error(err)
		}
		cancel()
		if err := <-done; err != nil {
			d.t.Error(err)
		}
	})
	d.await("the outbox is ready", func() bool { return a.outbox.Ready(ctx) == nil })
	d.await("its stream has begun", func() bool { return d.number(`SELECT count(*) FROM platform.outbox_heads`) == 1 })
}

// parts is what newAPI builds with.
type parts struct {
	clock  clock.Clock
	pool   *pgxpool.Pool
	seed   string
	secret string        // empty: the one of all tests
	random io.Reader     // nil: made from the seed
	limits *pgxpool.Pool // of the rate limits; nil: there are none
}

// newAPI makes the system as cmd/guichet does, but for the clock, the randomness and the price of passwords.
func newAPI(p parts) (*API, error) {
	log := slog.New(slog.DiscardHandler)
	if p.random == nil {
		p.random = testkit.Random(deskSeed + p.seed)
	}
	place, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, err
	}
	queue, err := jobs.Open(jobs.Config{Pool: p.pool, Logger: log})
	if err != nil {
		return nil, err
	}
	secret := []byte(cmp.Or(p.secret, "a secret of thirty-two characters"))
	limiter, err := ratelimit.New(ratelimit.Config{Pool: p.limits, Clock: p.clock, Secret: secret, Off: p.limits == nil})
	if err != nil {
		return nil, err
	}
	passwords, err := auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: p.random})
	if err != nil {
		return nil, err
	}
	perMinute := func(n int) ratelimit.Limit { return ratelimit.Limit{N: n, Per: time.Minute} }
	a, err := New(Config{
		Secret: secret, Place: place, SLA: DefaultSLA(),
		Limits: Limits{Login: login.Limits{PerAccount: perMinute(10), PerAddress: perMinute(60)}},
	}, Deps{
		Pool: p.pool, Clock: p.clock, Rand: p.random, Limiter: limiter, Jobs: queue, Passwords: passwords,
		Metrics: web.NewRegistry("test").System(Name), Web: web.Config{Logger: log},
	})
	if err == nil {
		a.pace = intervals{sessions: time.Hour, thresholds: time.Hour} // tests say when
	}
	return a, err
}

// must ends the test on an error. It is for the test's own goroutine.
func (d *desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// account is somebody who works at the desk.
type account struct {
	id         uuid.UUID
	email, nom string
	token      string
}

// account adds an account and logs it in.
func (d *desk) account(nom string) account {
	d.t.Helper()
	email := uuid.NewString() + "@example.com"
	added, err := d.Operator().AddUser(d.t.Context(), NewUser{Email: email, Password: password, Nom: nom, Role: string(api.RoleAgent)})
	d.must(err)
	return account{id: added.ID, email: email, nom: nom, token: d.token(email)}
}

// token logs an account in.
func (d *desk) token(email string) string {
	d.t.Helper()
	token, err := d.Operator().IssueToken(d.t.Context(), email)
	d.must(err)
	return token
}

// answer is what came back.
type answer struct {
	*testkit.Response
	t *testing.T
}

// call sends a request with a token ("" for none) and a body (nil for none). The exchange must keep the contract. It may be
// called from any goroutine.
func (d *desk) call(method, path, token string, body any) answer {
	d.t.Helper()
	request := testkit.Request{Method: method, Path: path, Header: http.Header{}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			d.t.Error(err)
		}
		request.Body = text
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := d.client.Do(context.WithoutCancel(d.t.Context()), request)
	if err != nil {
		d.t.Errorf("%s %s: %v", method, path, err)
		return answer{&testkit.Response{}, d.t}
	}
	if response.Breach != nil {
		d.t.Errorf("%s %s: %d %s: %v", method, path, response.Status, response.Body, response.Breach)
	}
	return answer{response, d.t}
}

// is expects a status, and the text of the message unless text is "".
func (a answer) is(status int, text string) answer {
	a.t.Helper()
	var body struct {
		Message string `json:"message"`
	}
	a.into(&body)
	if a.Status != status || text != "" && body.Message != text {
		a.t.Errorf("answer %d %q, want %d %q; %s", a.Status, body.Message, status, text, a.Body)
	}
	return a
}

// into reads the body.
func (a answer) into(target any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, target); err != nil {
		a.t.Errorf("%s: %v", a.Body, err)
	}
}

// create adds a ticket.
func (d *desk) create(token string, priority api.Priority) (created api.CreateTicketResponse) {
	d.t.Helper()
	d.call("POST", "/api/tickets-client", token, map[string]any{"titre": "Fuite d'eau", "priority": priority, "categorie": "travaux"}).
		is(201, textCreated).into(&created)
	return created
}

// action runs an action on a ticket.
func (d *desk) action(token string, ticket uuid.UUID, action string, data map[string]any) answer {
	d.t.Helper()
	return d.call("POST", "/api/tickets-client/"+ticket.String()+"/action", token, map[string]any{"action": action, "data": data})
}

// ticket reads a ticket.
func (d *desk) ticket(token string, ticket uuid.UUID) (detail api.TicketDetail) {
	d.t.Helper()
	d.call("GET", "/api/tickets-client/"+ticket.String(), token, nil).is(200, "").into(&detail)
	return detail
}

// number asks the database for one number.
func (d *desk) number(sql string, args ...any) (n int64) {
	d.t.Helper()
	d.must(d.db.Pool.QueryRow(d.t.Context(), sql, args...).Scan(&n))
	return n
}

// exec changes the database behind the system's back.
func (d *desk) exec(sql string, args ...any) {
	d.t.Helper()
	_, err := d.db.Pool.Exec(d.t.Context(), sql, args...)
	d.must(err)
}

// settle waits until everything that has happened has its number.
func (d *desk) settle(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		var left int
		err := d.db.Pool.QueryRow(ctx, `SELECT count(*) FROM platform.outbox`).Scan(&left)
		if err != nil || left == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// await waits until something is so.
func (d *desk) await(what string, so func() bool) {
	d.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			d.t.Fatalf("it does not come about that %s", what)
		}
	}
}

// inParallel calls do for 0…n-1 at the same time.
func inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	all.Wait()
}

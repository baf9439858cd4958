package tiptop

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// contest is the system on a database of its own, called over HTTP.
type contest struct {
	*API
	t      *testing.T
	db     *testkit.TestDB
	clock  *clock.Fake
	mail   *testkit.Mailbox
	client *testkit.Client
}

// options change how a contest is built.
type options struct {
	limits bool        // the contract's rate limits apply
	jobs   bool        // jobs run
	mailer mail.Mailer // nil: the mailbox
	random io.Reader   // nil: crypto/rand
	cost   auth.Argon2 // of passwords; zero: next to nothing
	conns  int         // of the system's pool; 0: 16
}

// noon is when tests begin: in Paris, the 1st of July 2026 at 14:00.
var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

const password = "Password123"

func newContest(t *testing.T, opts options) *contest {
	t.Helper()
	if opts.conns == 0 {
		opts.conns = 16
	}
	if opts.cost == (auth.Argon2{}) {
		opts.cost = auth.TestCost
	}
	c := &contest{t: t, clock: clock.NewFake(noon)}
	c.db = testkit.Database(t, testkit.DB{
		Schemas: []string{"platform", Name}, MaxConns: opts.conns, SeedName: "jobs",
		Seed: func(ctx context.Context, db *testkit.TestDB) error {
			_, err := jobs.Migrate(ctx, db.URL, slog.New(slog.DiscardHandler))
			return err
		},
	})
	platform, err := pg.Pool(t.Context(), pg.PoolConfig{URL: c.db.URL, Schema: "platform", MaxConns: 8, AppName: "platform"})
	c.must(err)
	t.Cleanup(platform.Close)
	c.mail = testkit.NewMailbox(t, c.clock, rand.Reader)
	if opts.mailer == nil {
		opts.mailer = c.mail
	}
	if opts.random == nil {
		opts.random = rand.Reader
	}
	c.API = c.build(opts, platform)
	if opts.jobs {
		c.must(c.deps.Jobs.Start(t.Context()))
		t.Cleanup(func() { c.must(c.deps.Jobs.Stop(context.WithoutCancel(t.Context()))) })
	}
	document, err := testkit.LoadSpec(spec.Tiptop)
	c.must(err)
	server := httptest.NewServer(c.Handler())
	t.Cleanup(server.Close)
	c.client = testkit.NewClient(t, document, server.URL)
	return c
}

// build makes the system as cmd does, but for the clock, the price of passwords and, unless asked for, rate limits.
func (c *contest) build(opts options, platform *pgxpool.Pool) *API {
	log := slog.New(slog.DiscardHandler)
	limiter, err := ratelimit.New(ratelimit.Config{Pool: platform, Clock: c.clock, Secret: make([]byte, 32), Off: !opts.limits})
	c.must(err)
	queue, err := jobs.Open(jobs.Config{Pool: platform, Logger: log, Poll: 10 * time.Millisecond})
	c.must(err)
	passwords, err := auth.NewPasswords(auth.PasswordsConfig{Cost: opts.cost, Random: rand.Reader})
	c.must(err)
	place, err := time.LoadLocation("Europe/Paris")
	c.must(err)
	registry := web.NewRegistry("test")
	minute := func(n int) ratelimit.Limit { return ratelimit.Limit{N: n, Per: time.Minute} }
	a, err := New(Config{
		PublicURL: &url.URL{Scheme: "https", Host: "tiptop.example"}, Secret: make([]byte, 32), Place: place,
		Limits: Limits{Login: login.Limits{PerAccount: minute(10), PerAddress: minute(60)}, RegisterPerAddress: minute(30), ForgotPerAccount: minute(5)},
	}, Deps{
		Pool: c.db.Pool, Clock: c.clock, Rand: opts.random, Limiter: limiter, Jobs: queue, Mailer: opts.mailer, Passwords: passwords,
		Metrics: registry.System(Name), Scrape: registry.Handler(), Web: web.Config{Logger: log},
	})
	c.must(err)
	return a
}

// must ends the test on an error. It is for the test's own goroutine.
func (c *contest) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// account is somebody who calls the system.
type account struct {
	id    uuid.UUID
	email string
	token string
}

// account adds an account and logs it in.
func (c *contest) account(role api.Role) account {
	c.t.Helper()
	email := uuid.NewString() + "@example.com"
	user, err := c.Operator().AddUser(c.t.Context(), NewUser{
		Email: email, Password: password, FirstName: "John", LastName: "Doe", Role: string(role),
	})
	c.must(err)
	token, err := c.Operator().IssueToken(c.t.Context(), email)
	c.must(err)
	return account{id: user.ID, email: email, token: token}
}

// prize adds a prize.
func (c *contest) prize(probability float64, stock int) uuid.UUID {
	c.t.Helper()
	id, err := uuid.NewV7()
	c.must(err)
	c.must(c.inTx(c.t.Context(), func(_ pgx.Tx, q *db.Queries) error {
		_, err := q.InsertPrize(c.t.Context(), db.InsertPrizeParams{
			ID: id, Type: "PHYSICAL", Name: "Infuseur à thé", ValueCents: 3900, Probability: probability, InitialStock: int32(stock),
			CreatedAt: c.now(),
		})
		if err != nil {
			return err
		}
		return q.InsertStock(c.t.Context(), id, int32(stock))
	}))
	return id
}

// codes issues codes.
func (c *contest) codes(n int) []string {
	c.t.Helper()
	var all []string
	c.must(c.Operator().IssueCodes(c.t.Context(), n, func(codes []string) error {
		all = append(all, codes...)
		return nil
	}))
	return all
}

// answer is what came back.
type answer struct {
	*testkit.Response
	t *testing.T
}

// call sends a request with a token ("" for none) and a body (nil for none). The exchange must keep the contract. It may be
// called from any goroutine.
func (c *contest) call(method, path, token string, body any) answer {
	c.t.Helper()
	request := testkit.Request{Method: method, Path: path, Header: http.Header{}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Error(err)
		}
		request.Body = text
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.client.Do(context.WithoutCancel(c.t.Context()), request)
	if err != nil {
		c.t.Errorf("%s %s: %v", method, path, err)
		return answer{&testkit.Response{}, c.t}
	}
	if response.Breach != nil {
		c.t.Errorf("%s %s: %d %s: %v", method, path, response.Status, response.Body, response.Breach)
	}
	return answer{response, c.t}
}

// is expects a status, and the text of the message or of the error unless text is "".
func (a answer) is(status int, text string) answer {
	a.t.Helper()
	got := a.text()
	if a.Status != status || text != "" && got != text {
		a.t.Errorf("answer %d %q, want %d %q; %s", a.Status, got, status, text, a.Body)
	}
	return a
}

// text is the answer's message or error.
func (a answer) text() string {
	var body struct {
		Message string `json:"message"`
		Error   string `json:"error"`
	}
	a.into(&body)
	return body.Message + body.Error
}

// into reads the body.
func (a answer) into(target any) {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, target); err != nil {
		a.t.Errorf("%s: %v", a.Body, err)
	}
}

// play plays a code.
func (c *contest) play(who account, code string) answer {
	c.t.Helper()
	return c.call("POST", "/api/game/play", who.token, map[string]any{"ticketCode": code})
}

// won is the ticket that a play has won.
func (a answer) won() api.PlayResult {
	a.t.Helper()
	var body api.PlayResponse
	a.is(200, textWon).into(&body)
	return body.Data
}

// desk moves a ticket on.
func (c *contest) desk(who account, ticket uuid.UUID, action string) answer {
	c.t.Helper()
	body := map[string]any{"ticketId": ticket, "action": action}
	if action == "reject" {
		body["rejectionReason"] = "Ticket non conforme"
	}
	return c.call("POST", "/api/employee/validate-ticket", who.token, body)
}

var tokenInMail = regexp.MustCompile(`[0-9a-f]{64}`)

// mailed awaits a mail to an address and answers the token in it.
func (c *contest) mailed(address string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	letter, err := c.mail.Next(ctx, address)
	c.must(err)
	token := tokenInMail.FindString(letter.Text)
	if token == "" {
		c.t.Fatalf("no token in %q", letter.Text)
	}
	return token
}

// number asks the database for one number.
func (c *contest) number(sql string, args ...any) int64 {
	c.t.Helper()
	var n int64
	c.must(c.db.Pool.QueryRow(c.t.Context(), sql, args...).Scan(&n))
	return n
}

// exec changes the database behind the system's back.
func (c *contest) exec(sql string, args ...any) {
	c.t.Helper()
	_, err := c.db.Pool.Exec(c.t.Context(), sql, args...)
	c.must(err)
}

// consistent compares the counters and the statistics with a full recount.
func (c *contest) consistent() {
	c.t.Helper()
	got, err := c.queries.GetStatistics(c.t.Context())
	c.must(err)
	s := statistics(got)
	for name, pair := range map[string][2]int64{
		"users":       {s.Users.Total, c.number(`SELECT count(*) FROM users`)},
		"clients":     {s.Users.Clients, c.number(`SELECT count(*) FROM users WHERE role = 'CLIENT'`)},
		"employees":   {s.Users.Employees, c.number(`SELECT count(*) FROM users WHERE role = 'EMPLOYEE'`)},
		"admins":      {s.Users.Admins, c.number(`SELECT count(*) FROM users WHERE role = 'ADMIN'`)},
		"verified":    {s.Users.VerifiedEmails, c.number(`SELECT count(*) FROM users WHERE is_verified`)},
		"tickets":     {s.Tickets.Total, c.number(`SELECT count(*) FROM tickets`)},
		"pending":     {s.Tickets.Pending, c.number(`SELECT count(*) FROM tickets WHERE status = 'PENDING'`)},
		"validated":   {s.Tickets.Validated, c.number(`SELECT count(*) FROM tickets WHERE status IN ('VALIDATED', 'CLAIMED')`)},
		"rejected":    {s.Tickets.Rejected, c.number(`SELECT count(*) FROM tickets WHERE status = 'REJECTED'`)},
		"claimed":     {s.Tickets.Claimed, c.number(`SELECT count(*) FROM tickets WHERE status = 'CLAIMED'`)},
		"prizes":      {s.Prizes.Total, c.number(`SELECT count(*) FROM prizes`)},
		"active":      {s.Prizes.Active, c.number(`SELECT count(*) FROM prizes WHERE is_active`)},
		"stock":       {s.Prizes.TotalStock, c.number(`SELECT coalesce(sum(remaining), 0)::bigint FROM prize_stock JOIN prizes ON id = prize_id WHERE is_active`)},
		"distributed": {s.Prizes.Distributed, c.number(`SELECT count(*) FROM tickets WHERE status <> 'REJECTED'`)},
	} {
		if pair[0] != pair[1] {
			c.t.Errorf("statistics say %d %s, the tables %d", pair[0], name, pair[1])
		}
	}
	if n := c.number(`SELECT count(*) FROM tickets t JOIN codes c USING (code) WHERE c.played_at IS DISTINCT FROM t.played_at`); n != 0 {
		c.t.Errorf("%d tickets whose code was not played when they were", n)
	}
}

// halfAPlay does what a play does, up to its commit.
func (c *contest) halfAPlay(tx pgx.Tx, who account, prize uuid.UUID, code string) error {
	q, ctx := c.queries.WithTx(tx), c.t.Context()
	if err := claimCode(ctx, q, code, c.now()); err != nil {
		return err
	}
	if taken, err := takeStock(ctx, q, prize); err != nil || !taken {
		return fmt.Errorf("taken %t: %w", taken, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return insertTicket(ctx, q, db.InsertTicketParams{ID: id, Code: code, UserID: who.id, PrizeID: prize, PlayedAt: c.now()})
}

// loneSession acquires a connection that counts in a row of its own. The pool is full afterwards and opens no others.
func (c *contest) loneSession() *pgxpool.Conn {
	c.t.Helper()
	sessions := make([]*pgxpool.Conn, c.db.Pool.Config().MaxConns)
	sharing := map[uint32]int{}
	for i := range sessions {
		var err error
		sessions[i], err = c.db.Pool.Acquire(c.t.Context())
		c.must(err)
		sharing[sessions[i].Conn().PgConn().PID()%64]++
	}
	var lone *pgxpool.Conn
	for _, session := range sessions {
		if lone == nil && sharing[session.Conn().PgConn().PID()%64] == 1 {
			lone = session
		} else {
			session.Release()
		}
	}
	if lone == nil {
		c.t.Fatal("every session shares its row of the counters")
	}
	return lone
}

// awaitBlocked waits until n sessions wait for a lock.
func (c *contest) awaitBlocked(n int64) {
	c.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for c.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) < n {
		if time.Now().After(deadline) {
			c.t.Fatalf("no %d sessions wait for a lock", n)
		}
	}
}

func lower(code string) string { return strings.ToLower(code) }

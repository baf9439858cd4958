package tickets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/outbox"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
	"github.com/guichet-api/guichet/spec"
)

// Name is the system's name: of its schema, its keys, its metrics and its mount.
const Name = "tickets"

// How long things last.
const (
	sessionLifetime = 7 * 24 * time.Hour
	purgeInterval   = time.Hour
	compactInterval = time.Minute
)

// Config is what an operator decides about the system.
type Config struct {
	Secret []byte         // signs sessions; at least 32 bytes
	Place  *time.Location // whose days and years count
	SLA    SLA            // from a ticket's creation to its deadline
	Limits Limits
}

// Limits bound how often something may be tried; the zero Limit allows everything.
type Limits struct {
	Login login.Limits
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var mistakes []error
	if err := auth.CheckSecret(c.Secret); err != nil {
		mistakes = append(mistakes, fmt.Errorf("field Secret %w", err))
	}
	if c.Place == nil {
		mistakes = append(mistakes, errors.New("field Place is required"))
	}
	return errors.Join(append(mistakes, c.SLA.Validate())...)
}

// Deps is what the system works with; all of it is required but Checker.
type Deps struct {
	Pool      *pgxpool.Pool // search_path = Name
	Clock     clock.Clock
	Rand      io.Reader // crypto/rand.Reader: it makes ids
	Limiter   *ratelimit.Limiter
	Jobs      *jobs.Jobs // New adds the system's tasks: start it later
	Passwords *auth.Passwords
	Metrics   *web.Metrics
	Web       web.Config
	Checker   *contract.Checker // nil: responses are not held to the contract
}

// API is the system: the operations of its contract, and what the command line does beside them.
type API struct {
	cfg      Config
	deps     Deps
	queries  *db.Queries
	logins   *login.Logins
	hub      *realtime.Hub
	outbox   *outbox.Outbox
	emitter  *events.Emitter
	live     *Live
	writers  turns             // transactions that change something: half of the connections at the most
	creates  turns             // one: a numero is held until its ticket is committed
	pace     intervals         // of Run
	gateway  *realtime.Gateway // what every wire serves
	socketio *socketio.Endpoint
	contract *contract.Contract
	echo     *echo.Echo
}

var _ api.StrictServerInterface = (*API)(nil)

// New makes the system. It fails on a wrong Config and on a contract that cannot be enforced; it does not ask the database.
func New(cfg Config, deps Deps) (*API, error) {
	a := &API{
		cfg: cfg, deps: deps, queries: db.New(deps.Pool),
		writers: newTurns(int(max(deps.Pool.Config().MaxConns/2, 1))), creates: newTurns(1),
		pace: intervals{sessions: sessionInterval, thresholds: watchInterval},
	}
	for _, part := range []func() error{cfg.Validate, a.newLogins, a.newLive, a.newRoutes} {
		if err := part(); err != nil {
			return nil, fmt.Errorf("tickets.New: %w", err)
		}
	}
	deps.Jobs.Every(Name+".purge", purgeInterval, a.purge)
	deps.Jobs.Every(Name+".compact", compactInterval, a.compact)
	return a, nil
}

// newLogins makes the way in.
func (a *API) newLogins() error {
	var err error
	a.logins, err = login.New(login.Config{
		System: Name, Secret: a.cfg.Secret, Lifetime: sessionLifetime, Clock: a.deps.Clock, Random: a.deps.Rand,
		Limiter: a.deps.Limiter, Limits: a.cfg.Limits.Login, Passwords: a.deps.Passwords,
		Refusals: login.Refusals{Token: errToken, Credentials: errCredentials, TooMany: textTooMany},
		Find:     a.findCaller,
	})
	return err
}

// newRoutes puts every operation behind its guard, and the sockets beside them.
func (a *API) newRoutes() error {
	var err error
	if a.contract, err = contract.Load(spec.Tickets, "spec/tickets/openapi.yaml"); err != nil {
		return err
	}
	around := a.deps.Web
	around.System, around.Metrics = Name, a.deps.Metrics
	around.QuietRoutes = slices.Concat(around.QuietRoutes, []string{a.gateway.Surface.Server(realtime.WireSocketIO).Path}) // long polls
	e, guard, err := web.NewGuarded(around, web.Guarded{
		Contract: a.contract, Authenticate: a.logins.Guard, Checker: a.deps.Checker, Answer: a.answerError,
	})
	if err != nil {
		return err
	}
	a.echo = e
	api.RegisterHandlersWithOptions(a.echo, api.NewStrictHandler(a, nil), api.RegisterHandlersOptions{OperationMiddlewares: guard.Middlewares()})
	sockets, err := a.newSockets()
	if err != nil {
		return err
	}
	return guard.CheckRoutes(a.echo, sockets...)
}

// Handler serves the contract.
func (a *API) Handler() http.Handler { return a.echo }

// Ready reports why the system cannot serve now: the database is away, or what happens would not be announced yet.
func (a *API) Ready(ctx context.Context) error {
	_, err := a.queries.GetDatabaseTime(ctx)
	if err == nil {
		err = a.outbox.Ready(ctx)
	}
	if err != nil {
		return fmt.Errorf("tickets.Ready: %w", err)
	}
	return nil
}

// now is the current time as answers show it and the database keeps it: in milliseconds.
func (a *API) now() time.Time { return clock.Now(a.deps.Clock) }

// inTx runs fn in a transaction, with the system's statements at hand, and announces what it left in out once that has committed.
// As with pg.InTx, fn may run several times.
func (a *API) inTx(ctx context.Context, fn func(q *db.Queries, out realtime.Outbox) error) error {
	return a.writers.take(ctx, func() error {
		return a.outbox.InTx(ctx, func(tx pgx.Tx, out realtime.Outbox) error { return fn(a.queries.WithTx(tx), out) })
	})
}

// snapshot reads several things as they are at one moment.
func (a *API) snapshot(ctx context.Context, fn func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, a.deps.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

// purge deletes what has expired. It changes nothing that anybody could see.
func (a *API) purge(ctx context.Context) error {
	if _, err := a.queries.DeleteExpiredSessions(ctx, a.now()); err != nil {
		return fmt.Errorf("purge: sessions: %w", err)
	}
	return nil
}

// compact keeps the counters small.
func (a *API) compact(ctx context.Context) error {
	if err := a.queries.CompactTally(ctx); err != nil {
		return fmt.Errorf("compact: tickets: %w", err)
	}
	if err := a.queries.CompactOwnerTally(ctx); err != nil {
		return fmt.Errorf("compact: owners: %w", err)
	}
	return nil
}

package reunion

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

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
	"github.com/guichet-api/guichet/spec"
)

// Name is the system's name: of its schema, its keys, its metrics and its mount.
const Name = "reunion"

// socketPath is where sockets connect.
const socketPath = "/socket.io/"

// How long things last.
const (
	sessionLifetime = 7 * 24 * time.Hour
	purgeInterval   = time.Hour
)

// Config is what an operator decides about the system.
type Config struct {
	Secret []byte // signs sessions; at least 32 bytes
	Limits Limits
	Open   bool // sockets without token may host, and host any réunion: for trusted networks
}

// Validate reports every mistake.
func (c Config) Validate() error {
	if err := auth.CheckSecret(c.Secret); err != nil {
		return fmt.Errorf("field Secret %w", err)
	}
	return nil
}

// Deps is what the system works with; all of it is required but Checker.
type Deps struct {
	Pool      *pgxpool.Pool // search_path = Name
	Clock     clock.Clock
	Rand      io.Reader // crypto/rand.Reader: it makes ids and resume tokens
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
	contract *contract.Contract
	live     *Live
	gateway  *realtime.Gateway
	sockets  *socketio.Endpoint
	echo     *echo.Echo
}

var _ api.StrictServerInterface = (*API)(nil)

// New makes the system. It fails on a wrong Config and on a contract that cannot be enforced; it does not ask the database.
func New(cfg Config, deps Deps) (*API, error) {
	a := &API{cfg: cfg, deps: deps, queries: db.New(deps.Pool)}
	err := cfg.Validate()
	if err == nil {
		err = errors.Join(a.newLogins(), a.newLive())
	}
	if err == nil {
		err = a.newRoutes()
	}
	if err != nil {
		return nil, fmt.Errorf("reunion.New: %w", err)
	}
	deps.Jobs.Every(Name+".purge", purgeInterval, a.purge)
	return a, nil
}

// newLogins makes the way in.
func (a *API) newLogins() (err error) {
	a.logins, err = login.New(login.Config{
		System: Name, Secret: a.cfg.Secret, Lifetime: sessionLifetime, Clock: a.deps.Clock, Random: a.deps.Rand,
		Limiter: a.deps.Limiter, Limits: a.cfg.Limits.Login, Passwords: a.deps.Passwords,
		Refusals: login.Refusals{Token: errToken, Credentials: errCredentials, TooMany: textTooMany},
		Find:     a.findCaller,
	})
	return err
}

// newRoutes puts every operation behind its guard.
func (a *API) newRoutes() error {
	var err error
	if a.contract, err = contract.Load(spec.Reunion, "spec/reunion/openapi.yaml"); err != nil {
		return err
	}
	around := a.deps.Web
	around.System, around.Metrics = Name, a.deps.Metrics
	around.QuietRoutes = slices.Concat(around.QuietRoutes, []string{socketPath}) // long polls
	e, guard, err := web.NewGuarded(around, web.Guarded{
		Contract: a.contract, Authenticate: a.logins.Guard, Checker: a.deps.Checker, Answer: a.answerError,
	})
	if err != nil {
		return err
	}
	a.echo = e
	api.RegisterHandlersWithOptions(a.echo, api.NewStrictHandler(a, nil), api.RegisterHandlersOptions{OperationMiddlewares: guard.Middlewares()})
	if err := a.newSockets(); err != nil {
		return err
	}
	return guard.CheckRoutes(a.echo, "GET "+socketPath, "POST "+socketPath)
}

// newSockets puts the live side on its routes.
func (a *API) newSockets() (err error) {
	a.sockets, err = socketio.Serve(socketio.Config{
		Log: a.deps.Web.Logger, Address: web.PeerAddress, Origin: a.deps.Web.AllowsOrigin,
	}, socketio.Contract{
		Gateway: a.gateway, Server: *a.gateway.Surface.Server(realtime.WireSocketIO), Message: message,
	})
	if err != nil {
		return err
	}
	a.echo.Match([]string{http.MethodGet, http.MethodPost}, socketPath, echo.WrapHandler(a.sockets))
	return nil
}

// Handler serves the contract.
func (a *API) Handler() http.Handler { return a.echo }

// Ready reports why the system cannot serve now.
func (a *API) Ready(ctx context.Context) error {
	if _, err := a.queries.GetDatabaseTime(ctx); err != nil {
		return fmt.Errorf("reunion.Ready: %w", err)
	}
	return nil
}

// now is the current time as answers show it and the database keeps it: in milliseconds.
func (a *API) now() time.Time { return clock.Now(a.deps.Clock) }

// inTx is pg.InTx with the system's statements at hand.
func (a *API) inTx(ctx context.Context, fn func(q *db.Queries) error) error {
	return pg.InTx(ctx, a.deps.Pool, func(tx pgx.Tx) error { return fn(a.queries.WithTx(tx)) })
}

// purge deletes what has expired. It changes nothing that anybody could see.
func (a *API) purge(ctx context.Context) error {
	if _, err := a.queries.DeleteExpiredSessions(ctx, a.now()); err != nil {
		return fmt.Errorf("purge: sessions: %w", err)
	}
	return nil
}

package tiptop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/riverqueue/river"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/spec"
)

// Name is the system's name: of its schema, its keys, its metrics and its mount.
const Name = "tiptop"

// How long things last.
const (
	sessionLifetime = 7 * 24 * time.Hour
	verifyLifetime  = 24 * time.Hour
	resetLifetime   = time.Hour
	purgeInterval   = time.Hour
)

// Config is what an operator decides about the system.
type Config struct {
	PublicURL *url.URL       // where the links in mails lead, without a slash at the end: http://localhost:4000
	Secret    []byte         // signs sessions and mailed tokens; at least 32 bytes
	Place     *time.Location // whose days the desk's statistics count
	Limits    Limits
}

// Limits bound how often something may be tried; the zero Limit allows everything.
type Limits struct {
	Login              login.Limits
	RegisterPerAddress ratelimit.Limit
	ForgotPerAccount   ratelimit.Limit
}

// Validate reports every mistake.
func (c Config) Validate() error {
	var mistakes []error
	if c.PublicURL == nil || c.PublicURL.Host == "" {
		mistakes = append(mistakes, errors.New("field PublicURL must be an absolute URL"))
	}
	if err := auth.CheckSecret(c.Secret); err != nil {
		mistakes = append(mistakes, fmt.Errorf("field Secret %w", err))
	}
	if c.Place == nil {
		mistakes = append(mistakes, errors.New("field Place is required"))
	}
	return errors.Join(mistakes...)
}

// Deps is what the system works with; all of it is required but Checker.
type Deps struct {
	Pool      *pgxpool.Pool // search_path = Name
	Clock     clock.Clock
	Rand      io.Reader // crypto/rand.Reader: it draws prizes, codes and ids
	Limiter   *ratelimit.Limiter
	Jobs      *jobs.Jobs // New adds the system's workers and tasks: start it later
	Mailer    mail.Mailer
	Passwords *auth.Passwords
	Metrics   *web.Metrics
	Scrape    http.Handler // answers GET /metrics
	Web       web.Config
	Checker   *contract.Checker // nil: responses are not held to the contract
}

// API is the system: the operations of its contract, and what the command line does beside them.
type API struct {
	cfg      Config
	deps     Deps
	queries  *db.Queries
	logins   *login.Logins
	tokens   *auth.Tokens
	contract *contract.Contract
	echo     *echo.Echo
}

var _ api.StrictServerInterface = (*API)(nil)

// New makes the system. It fails on a wrong Config and on a contract that cannot be enforced; it does not ask the database.
func New(cfg Config, deps Deps) (*API, error) {
	a := &API{cfg: cfg, deps: deps, queries: db.New(deps.Pool)}
	err := cfg.Validate()
	if err == nil {
		err = errors.Join(a.newLogins(), a.newRoutes())
	}
	if err != nil {
		return nil, fmt.Errorf("tiptop.New: %w", err)
	}
	river.AddWorker(deps.Jobs.Workers, &mailWorker{api: a})
	deps.Jobs.Every(Name+".purge", purgeInterval, a.purge)
	return a, nil
}

// newLogins makes the way in, and the tokens that mails carry.
func (a *API) newLogins() error {
	var err error
	a.logins, err = login.New(login.Config{
		System: Name, Secret: a.cfg.Secret, Lifetime: sessionLifetime, Clock: a.deps.Clock, Random: a.deps.Rand,
		Limiter: a.deps.Limiter, Limits: a.cfg.Limits.Login, Passwords: a.deps.Passwords,
		Refusals: login.Refusals{Token: errToken, Credentials: errCredentials, TooMany: textTooMany},
		Find:     a.findCaller,
	})
	if err != nil {
		return err
	}
	mailKey, err := auth.Key(a.cfg.Secret, Name+"/mail")
	if err != nil {
		return err
	}
	a.tokens, err = auth.NewTokens(mailKey)
	return err
}

// newRoutes puts every operation behind its guard.
func (a *API) newRoutes() error {
	var err error
	if a.contract, err = contract.Load(spec.Tiptop, "spec/tiptop/openapi.yaml"); err != nil {
		return err
	}
	around := a.deps.Web
	around.System, around.Metrics = Name, a.deps.Metrics
	e, guard, err := web.NewGuarded(around, web.Guarded{
		Contract: a.contract, Authenticate: a.logins.Guard, Checker: a.deps.Checker, Answer: a.answerError,
	})
	if err != nil {
		return err
	}
	a.echo = e
	api.RegisterHandlersWithOptions(a.echo, api.NewStrictHandler(a, nil), api.RegisterHandlersOptions{OperationMiddlewares: guard.Middlewares()})
	return guard.CheckRoutes(a.echo)
}

// Handler serves the contract.
func (a *API) Handler() http.Handler { return a.echo }

// Ready reports why the system cannot serve now.
func (a *API) Ready(ctx context.Context) error {
	if _, err := a.queries.GetDatabaseTime(ctx); err != nil {
		return fmt.Errorf("tiptop.Ready: %w", err)
	}
	return nil
}

// now is the current time as answers show it and the database keeps it: in milliseconds.
func (a *API) now() time.Time { return clock.Now(a.deps.Clock) }

// inTx is pg.InTx with the system's statements at hand.
func (a *API) inTx(ctx context.Context, fn func(tx pgx.Tx, q *db.Queries) error) error {
	return pg.InTx(ctx, a.deps.Pool, func(tx pgx.Tx) error { return fn(tx, a.queries.WithTx(tx)) })
}

// purge deletes what has expired. It changes nothing that anybody could see.
func (a *API) purge(ctx context.Context) error {
	now := a.now()
	if _, err := a.queries.DeleteExpiredSessions(ctx, now); err != nil {
		return fmt.Errorf("purge: sessions: %w", err)
	}
	if _, err := a.queries.DeleteExpiredMailTokens(ctx, now); err != nil {
		return fmt.Errorf("purge: mail tokens: %w", err)
	}
	return nil
}

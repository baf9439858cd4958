package tchatator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tchatator/api"
	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/realtime/websocket"
	"github.com/guichet-api/guichet/spec"
)

// Name is the system's name: of its schema, its keys, its metrics and its mount.
const Name = "tchatator"

// socketPath is where WebSockets connect.
const socketPath = "/"

// purgeInterval is how often what has expired is deleted.
const purgeInterval = time.Hour

// Config is what an operator decides about the system; the comments name the document's settings.
type Config struct {
	BlockFor   time.Duration // block-cli-duration: how long a block holds
	PerMinute  int           // max-messages-per-minutes: messages that a user may send in any minute; 0: any number
	PerHour    int           // max-messages-per-hours: the same for an hour
	MaxLength  int           // max-message-length: characters of a message
	PageSize   int           // max-message-reception-block: messages to a page of the history
	AdminToken string        // admin-api-token: of an administrator that the settings make; empty: there is none
	Wire       tcp.Config    // times and sizes of the text wire; its zero values are defaults
}

// Bounds of the settings.
const (
	MinTokenLength   = 32
	MaxTokenLength   = 256
	MaxMessageLength = 100_000
	MaxRate          = 100_000
	MaxPageSize      = 1000
)

// Validate reports every mistake.
func (c Config) Validate() error {
	var mistakes []error
	within := func(name string, value, least, most int) {
		if value < least || value > most {
			mistakes = append(mistakes, fmt.Errorf("%s must be from %d to %d, not %d", name, least, most, value))
		}
	}
	within("max-messages-per-minutes", c.PerMinute, 0, MaxRate)
	within("max-messages-per-hours", c.PerHour, 0, MaxRate)
	within("max-message-length", c.MaxLength, 1, MaxMessageLength)
	within("max-message-reception-block", c.PageSize, 1, MaxPageSize)
	if c.BlockFor < time.Second {
		mistakes = append(mistakes, fmt.Errorf("block-cli-duration must be a second or longer, not %v", c.BlockFor))
	}
	if n := len(c.AdminToken); n > 0 && (n < MinTokenLength || n > MaxTokenLength) {
		mistakes = append(mistakes, fmt.Errorf("admin-api-token must have from %d to %d characters, not %d", MinTokenLength, MaxTokenLength, n))
	}
	return errors.Join(mistakes...)
}

// Deps is what the system works with; all of it is required but Checker.
type Deps struct {
	Pool    *pgxpool.Pool // search_path = Name; one connection is kept by Run
	Clock   clock.Clock
	Rand    io.Reader  // crypto/rand.Reader: it draws tokens and the process's number
	Jobs    *jobs.Jobs // New adds the system's tasks: start it later
	Metrics *web.Metrics
	Web     web.Config
	Checker *contract.Checker // nil: responses are not held to the contract
	Log     *slog.Logger      // of the live side: who comes, goes, is refused and banned
}

// API is the system: the operations of its contract, and what the command line does beside them.
type API struct {
	cfg      Config
	deps     Deps
	queries  *db.Queries
	live     *Live
	text     *tcp.Handler
	contract *contract.Contract
	echo     *echo.Echo
}

var _ api.StrictServerInterface = (*API)(nil)

// New makes the system. It fails on a wrong Config and on a contract that cannot be enforced; it does not ask the database.
func New(cfg Config, deps Deps) (*API, error) {
	a := &API{cfg: cfg, deps: deps, queries: db.New(deps.Pool)}
	err := cfg.Validate()
	if err == nil {
		err = a.newLive()
	}
	if err == nil {
		err = a.newRoutes()
	}
	if err != nil {
		return nil, fmt.Errorf("tchatator.New: %w", err)
	}
	deps.Jobs.Every(Name+".purge", purgeInterval, a.purge)
	return a, nil
}

// newLive makes what both wires serve, and the text wire.
func (a *API) newLive() error {
	var err error
	if a.live, err = newLive(a); err != nil {
		return err
	}
	dispatcher, err := events.New(events.Config{Handler: a.live, Errors: a.live})
	if err != nil {
		return err
	}
	gateway := &realtime.Gateway{
		Surface: events.Surface(), Dispatcher: dispatcher, Hub: a.live.hub, Lifecycle: connections{a.live}, Log: a.deps.Log,
	}
	a.live.gateway = gateway
	wire := a.cfg.Wire
	wire.Gateway, wire.Server = gateway, *gateway.Surface.Server(realtime.WireKeyValue)
	if wire.MaxCommand == 0 {
		wire.MaxCommand = max(16<<10, 8*a.cfg.MaxLength) // a message that is a little too long is refused, not cut off
	}
	a.text, err = tcp.New(wire)
	return err
}

// newRoutes puts every operation behind its guard, and the WebSocket beside them.
func (a *API) newRoutes() error {
	var err error
	if a.contract, err = contract.Load(spec.Tchatator, "spec/tchatator/openapi.yaml"); err != nil {
		return err
	}
	around := a.deps.Web
	around.System, around.Metrics = Name, a.deps.Metrics
	e, guard, err := web.NewGuarded(around, web.Guarded{
		Contract: a.contract, Authenticate: a.authenticate, Checker: a.deps.Checker, Answer: a.answerError,
	})
	if err != nil {
		return err
	}
	a.echo = e
	api.RegisterHandlersWithOptions(a.echo, api.NewStrictHandler(a, nil), api.RegisterHandlersOptions{OperationMiddlewares: guard.Middlewares()})
	socket, err := websocket.New(websocket.Config{
		Gateway: a.live.gateway, Server: *a.live.gateway.Surface.Server(realtime.WireCommand),
		Refuse: web.RefuseHandshake(a.echo, a.contract), Address: web.PeerAddress, Origin: around.AllowsOrigin,
		MaxMessage: max(64<<10, 8*a.cfg.MaxLength),
	})
	if err != nil {
		return err
	}
	a.echo.GET(socketPath, echo.WrapHandler(socket))
	return guard.CheckRoutes(a.echo, "GET "+socketPath)
}

// Handler serves the contracts over HTTP and WebSocket.
func (a *API) Handler() http.Handler { return a.echo }

// ServeText serves a connection of the text wire until it ends, and closes it.
func (a *API) ServeText(ctx context.Context, socket net.Conn) { a.text.ServeConn(ctx, socket) }

// Drain ends all connections, after the commands that are under way, and lets nobody in any more.
func (a *API) Drain(ctx context.Context) error { return a.live.hub.Drain(ctx) }

// Ready reports why the system cannot serve now.
func (a *API) Ready(ctx context.Context) error {
	if _, err := a.queries.GetDatabaseTime(ctx); err != nil {
		return fmt.Errorf("tchatator.Ready: %w", err)
	}
	return nil
}

// now is the current time as the database keeps it: in milliseconds.
func (a *API) now() time.Time { return clock.Now(a.deps.Clock) }

// inTx is pg.InTx with the system's statements at hand.
func (a *API) inTx(ctx context.Context, fn func(q *db.Queries) error) error {
	return pg.InTx(ctx, a.deps.Pool, func(tx pgx.Tx) error { return fn(a.queries.WithTx(tx)) })
}

// purge deletes what has expired. It changes nothing that anybody could see.
func (a *API) purge(ctx context.Context) error {
	if err := a.queries.DeleteExpiredBlocks(ctx, a.now()); err != nil {
		return fmt.Errorf("purge: blocks: %w", err)
	}
	return nil
}

package tickets

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/outbox"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
	"github.com/guichet-api/guichet/internal/realtime/websocket"
)

// sessionInterval is how long a connection may outlive its session: the token was asked for when it connected, and is asked for
// again and again.
const sessionInterval = 30 * time.Second

// errNoToken is what the contract's guard tells a request without credentials.
var errNoToken = problem.New(problem.Unauthenticated, "Authentification requise")

// Live is the system's live side: everybody who is logged in hears what happens at the desk, and what concerns themselves.
type Live struct {
	queries *db.Queries
	logins  *login.Logins
	hub     *realtime.Hub
	clock   clock.Clock
}

var (
	_ events.Handler     = (*Live)(nil)
	_ realtime.Lifecycle = (*Live)(nil)
)

// newLive makes the live side: the hub with its outbox, and the gateway that every wire serves.
func (a *API) newLive() error {
	surface, log := events.Surface(), a.deps.Web.Logger
	a.hub = realtime.NewHub(realtime.HubConfig{Meter: a.deps.Metrics.Live()})
	a.emitter = events.NewEmitter(a.hub)
	a.live = &Live{queries: a.queries, logins: a.logins, hub: a.hub, clock: a.deps.Clock}
	var err error
	a.outbox, err = outbox.New(outbox.Config{
		System: Name, Pool: a.deps.Pool, Surface: surface, Hub: a.hub, Clock: a.deps.Clock, Log: log,
	})
	if err != nil {
		return err
	}
	dispatcher, err := events.New(events.Config{Handler: a.live})
	if err != nil {
		return err
	}
	a.gateway = &realtime.Gateway{
		Surface: surface, Dispatcher: dispatcher, Hub: a.hub, Lifecycle: a.live, History: a.outbox, Log: log,
	}
	return nil
}

// newSockets serves every wire of the contract, and answers their routes.
func (a *API) newSockets() (routes []string, err error) {
	plain, mixed := a.gateway.Surface.Server(realtime.WireEnvelope), a.gateway.Surface.Server(realtime.WireSocketIO)
	wire, err := websocket.New(websocket.Config{
		Gateway: a.gateway, Server: *plain, Refuse: web.RefuseHandshake(a.echo, a.contract), Address: web.PeerAddress,
		Origin: a.deps.Web.AllowsOrigin,
	})
	if err != nil {
		return nil, err
	}
	a.socketio, err = socketio.Serve(socketio.Config{
		Log: a.deps.Web.Logger, Address: web.PeerAddress, Origin: a.deps.Web.AllowsOrigin,
	}, socketio.Contract{Gateway: a.gateway, Server: *mixed, Message: publicMessage})
	if err != nil {
		return nil, err
	}
	a.echo.GET(plain.Path, echo.WrapHandler(wire))
	a.echo.Match([]string{http.MethodGet, http.MethodPost}, mixed.Path, echo.WrapHandler(a.socketio))
	return []string{http.MethodGet + " " + plain.Path, http.MethodGet + " " + mixed.Path, http.MethodPost + " " + mixed.Path}, nil
}

// intervals are how often Run looks at something.
type intervals struct{ sessions, thresholds time.Duration }

// Run publishes what happens, announces thresholds and ends connections with their sessions, until ctx ends. Every process does:
// they share the thresholds (see watch), so that none waits for another one's background work.
func (a *API) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan error, 1)
	go func() { published <- a.outbox.Run(ctx) }()
	sessions, thresholds := time.NewTicker(a.pace.sessions), time.NewTicker(a.pace.thresholds)
	defer sessions.Stop()
	defer thresholds.Stop()
	for {
		var err error
		select {
		case err = <-published:
			return err
		case <-sessions.C:
			err = a.live.endWithSessions(ctx)
		case <-thresholds.C:
			err = a.watch(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.deps.Web.Logger.Warn("background work has failed, and is tried again", "error", err)
		}
	}
}

// Drain ends every connection and takes no new ones. The error is that of ctx.
func (a *API) Drain(ctx context.Context) error {
	if err := errors.Join(a.hub.Drain(ctx), a.socketio.Close(ctx)); err != nil {
		return fmt.Errorf("tickets.Drain: %w", err)
	}
	return nil
}

// Authenticate finds who a token belongs to: sockets need the same sessions as requests.
func (l *Live) Authenticate(ctx context.Context, credential string) (role string, caller any, err error) {
	if credential == "" {
		return "", nil, fmt.Errorf("%w: %w", realtime.ErrUnauthenticated, errNoToken)
	}
	return l.logins.Authenticate(ctx, credential)
}

// Connected lets a peer hear the desk.
func (l *Live) Connected(_ context.Context, p *realtime.Peer) error {
	l.hub.Join(p, events.DeskRoom())
	return nil
}

// Disconnected has nothing to do: the desk keeps nothing about who is there.
func (l *Live) Disconnected(context.Context, *realtime.Peer) {}

// Ping answers with pong.
func (l *Live) Ping(context.Context, *realtime.Peer) error { return nil }

// callerOf is who a peer is; the contract lets nobody in without a token.
func callerOf(p *realtime.Peer) login.Caller { return p.Caller().(login.Caller) }

// endWithSessions ends the connections whose session was revoked or has expired.
func (l *Live) endWithSessions(ctx context.Context) error {
	peers := l.hub.Peers(events.DeskRoom())
	sessions := make([]uuid.UUID, len(peers))
	for i, p := range peers {
		sessions[i] = callerOf(p).Session
	}
	lasting, err := l.queries.ListSessions(ctx, sessions, clock.Now(l.clock))
	if err != nil {
		return fmt.Errorf("endWithSessions: %w", err)
	}
	last := make(map[uuid.UUID]bool, len(lasting))
	for _, id := range lasting {
		last[id] = true
	}
	for i, p := range peers {
		if !last[sessions[i]] {
			l.hub.Close(p, realtime.ReasonPolicy)
		}
	}
	return nil
}

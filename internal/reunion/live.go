package reunion

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// The roles of sockets, as the contract names them.
const (
	roleSeller = "seller"
	roleClient = "client"
)

// Live is the realtime side: the events of the contract, in host.go and client.go, and who is connected, in presence.go.
type Live struct {
	api    *API
	hub    *realtime.Hub
	emit   *events.Emitter
	lanes  lanes
	server uuid.UUID // this process, among those that clients are connected to
	before time.Time // the last moment before this process

	mu       sync.Mutex
	draining bool
	sellers  map[*realtime.Peer]uuid.UUID // the sessions that sockets were opened with
	seats    map[uuid.UUID]*seat
	strays   map[uuid.UUID]*seat // whose leaving could not be stored yet

	lease lease
}

var (
	_ events.Handler     = (*Live)(nil)
	_ realtime.Lifecycle = (*Live)(nil)
)

// newLive makes the realtime side.
func (a *API) newLive() error {
	server, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return err
	}
	hub := realtime.NewHub(realtime.HubConfig{Meter: a.deps.Metrics.Live()})
	a.live = &Live{
		api: a, hub: hub, emit: events.NewEmitter(hub), server: server, before: a.now().Add(-time.Millisecond),
		sellers: map[*realtime.Peer]uuid.UUID{}, seats: map[uuid.UUID]*seat{}, strays: map[uuid.UUID]*seat{},
	}
	dispatcher, err := events.New(events.Config{Handler: a.live, Errors: refusals{a.deps.Web.Logger}, Sink: hub})
	if err != nil {
		return err
	}
	a.gateway = &realtime.Gateway{
		Surface: events.Surface(), Dispatcher: dispatcher, Hub: hub, Lifecycle: a.live, Log: a.deps.Web.Logger,
	}
	return nil
}

// socket is who a peer is. It is never changed: a peer gets a new one.
type socket struct {
	seller  *login.Caller // nil: it came without a token
	hosting string        // the réunion that it hosts; empty: none
	seat    *seat         // the client that it acts for; nil: none
}

// socketOf is who a connected peer is.
func socketOf(p *realtime.Peer) socket { return p.Caller().(socket) }

// rooms are what a socket is in.
func (s socket) rooms() (rooms []string) {
	if s.hosting != "" {
		rooms = append(rooms, events.HostRoom(s.hosting), events.EverybodyRoom(s.hosting))
	}
	if s.seat != nil {
		rooms = append(rooms, events.EverybodyRoom(s.seat.reunion))
	}
	return rooms
}

// become makes a peer another socket, with its rooms.
func (l *Live) become(p *realtime.Peer, next socket) {
	rooms := next.rooms()
	for _, room := range l.hub.Rooms(p) {
		if !slices.Contains(rooms, room) {
			l.hub.Leave(p, room)
		}
	}
	for _, room := range rooms {
		l.hub.Join(p, room)
	}
	p.Identify(p.Role(), next)
}

// Authenticate finds the seller whose token this is.
func (l *Live) Authenticate(ctx context.Context, credential string) (role string, caller any, err error) {
	return l.api.logins.Authenticate(ctx, credential)
}

// Connected says what a socket may be. One without token is a client's, and where the system is open may also be a seller's.
func (l *Live) Connected(_ context.Context, p *realtime.Peer) error {
	who, authenticated := p.Caller().(login.Caller)
	if !authenticated {
		role := roleClient
		if l.api.cfg.Open {
			role = roleSeller
		}
		p.Identify(role, socket{})
		return nil
	}
	p.Identify(roleSeller, socket{seller: &who})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sellers[p] = who.Session
	return nil
}

// Disconnected takes a socket's client away, and lets a host be told again what it was sent on a connection that broke. When the
// server stops, clients have time to return, and hosts have been sent what was theirs.
func (l *Live) Disconnected(ctx context.Context, p *realtime.Peer) {
	l.mu.Lock()
	delete(l.sellers, p)
	draining := l.draining
	l.mu.Unlock()
	if draining {
		return
	}
	me := socketOf(p)
	if me.hosting != "" && p.Lost() {
		if err := l.unheard(ctx, p, me.hosting); err != nil {
			l.log(ctx, "what a lost host was told is not recalled", err)
		}
	}
	if me.seat != nil {
		l.leave(ctx, me.seat)
	}
}

// access says which réunions a socket that the contract lets host may host: the seller's own, or any in an open system.
func (s socket) access() access {
	if s.seller == nil {
		return func(db.Reunion) bool { return true }
	}
	return ownedBy(*s.seller)
}

// checkSession refuses a socket whose session has ended since it was opened.
func (l *Live) checkSession(ctx context.Context, s socket) error {
	if s.seller == nil {
		return nil
	}
	_, err := l.api.findCaller(ctx, s.seller.Session, l.api.now())
	return pg.IfNoRows(err, errToken)
}

// log says that something failed which nobody waits for.
func (l *Live) log(ctx context.Context, what string, err error) {
	l.api.deps.Web.Logger.ErrorContext(ctx, what, "system", Name, "error", err)
}

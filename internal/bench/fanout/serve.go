package fanout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

// The contestants' names, as tables print them.
const (
	namePlain   = "loop over wsjson.Write"
	nameGuichet = "guichet"
)

// client is the payload of the event that is sent: reunion's client-joined, with a full cart.
type client struct {
	ID             string     `json:"id"`
	Info           info       `json:"info"`
	Cart           []line     `json:"cart"`
	Status         string     `json:"status"`
	JoinedAt       time.Time  `json:"joinedAt"`
	ValidatedAt    *time.Time `json:"validatedAt"`
	DisconnectedAt *time.Time `json:"disconnectedAt"`
}

type info struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type line struct {
	ProductID string `json:"productId"`
	Quantity  int    `json:"quantity"`
}

const event = "client-joined"

func payload() client {
	joined := time.Date(2026, 3, 14, 9, 26, 53, 589e6, time.UTC)
	c := client{
		ID: "client-0198c5a2-7d1e-7c3a-9b52-4f0d6e8a1b2c", Info: info{"Alice Müller", "alice@example.com"}, Status: "en_cours", JoinedAt: joined,
	}
	for i := range 10 {
		c.Cart = append(c.Cart, line{fmt.Sprintf("prod-%d", 789+i), 1 + i})
	}
	return c
}

// id is that of the n-th message of a server, from 1.
func id(n int) string { return "bench:" + strconv.Itoa(n) }

// contestant is one way to send to all connections.
type contestant interface {
	http.Handler // takes connections
	Broadcast(ctx context.Context, n int) error
	Connections() int
}

// Serve is the server process of one contestant: it listens until ctx ends.
func Serve(ctx context.Context, name, addr string) error {
	c, err := newContestant(name)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /events", c)
	sent := 0 // broadcasts; the client sends one command at a time
	mux.HandleFunc("POST /broadcast/{count}", func(w http.ResponseWriter, r *http.Request) {
		count, err := strconv.Atoi(r.PathValue("count"))
		for range count {
			sent++
			err = errors.Join(err, c.Broadcast(r.Context(), sent))
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /use", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(used(c)) // the client sees what is missing
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("fanout: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("fanout: %w", err)
	}
	return nil
}

// use is what a server has in use.
type use struct {
	Connections int
	Bytes       uint64 // of heap and stacks
}

func used(c contestant) use {
	runtime.GC() // twice: finalizers free in the second
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return use{Connections: c.Connections(), Bytes: m.HeapAlloc + m.StackInuse}
}

func newContestant(name string) (contestant, error) {
	switch name {
	case namePlain:
		return &plain{conns: map[*websocket.Conn]struct{}{}}, nil
	case nameGuichet:
		return newOurs()
	}
	return nil, fmt.Errorf("fanout: no contestant is called %q", name)
}

// plain is the loop.
type plain struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]struct{}
}

func (p *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.conns[conn] = struct{}{}
	p.mu.Unlock()
	_, _, _ = conn.Read(r.Context()) // until it ends
	p.mu.Lock()
	delete(p.conns, conn)
	p.mu.Unlock()
	_ = conn.CloseNow()
}

func (p *plain) Connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// Broadcast sends a frame to every connection, one after the other.
func (p *plain) Broadcast(ctx context.Context, n int) error {
	frame := struct {
		Type string `json:"type"`
		Data client `json:"data"`
		ID   string `json:"id"`
	}{event, payload(), id(n)}
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if err := wsjson.Write(ctx, conn, frame); err != nil {
			return err
		}
	}
	return nil
}

// ours is the product's hub and wire.
type ours struct {
	http.Handler
	hub *realtime.Hub
}

const room = "desk"

func newOurs() (*ours, error) {
	g := &ours{hub: realtime.NewHub(realtime.HubConfig{})}
	server := realtime.Server{Name: "websocket", Wire: realtime.WireEnvelope, EventMember: "type", PayloadMember: "data", IDMember: "id", Anonymous: "reader"}
	var err error
	g.Handler, err = wire.New(wire.Config{
		Gateway: &realtime.Gateway{
			Surface: &realtime.Surface{Servers: []realtime.Server{server}}, Dispatcher: g, Hub: g.hub, Lifecycle: g, Log: slog.Default(),
		},
		Server: server,
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			http.Error(w, err.Error(), status)
		},
	})
	return g, err
}

func (g *ours) Connections() int { return len(g.hub.Peers(room)) }

// Broadcast gives a message to the hub.
func (g *ours) Broadcast(ctx context.Context, n int) error {
	data, err := json.Marshal(payload())
	if err != nil {
		return err
	}
	g.hub.Broadcast(ctx, room, &realtime.Message{Event: event, Payload: data, ID: id(n)}, nil)
	return nil
}

// Dispatch implements realtime.Dispatcher: nobody sends anything.
func (g *ours) Dispatch(_ context.Context, _ *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	return nil, &realtime.UnknownEvent{Event: in.Event}
}

// Authenticate implements realtime.Lifecycle; it is not called where peers are anonymous.
func (g *ours) Authenticate(context.Context, string) (string, any, error) {
	return "", nil, realtime.ErrUnauthenticated
}

// Connected implements realtime.Lifecycle.
func (g *ours) Connected(_ context.Context, p *realtime.Peer) error {
	g.hub.Join(p, room)
	return nil
}

// Disconnected implements realtime.Lifecycle.
func (g *ours) Disconnected(context.Context, *realtime.Peer) {}

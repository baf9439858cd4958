// Package socketio is a server of Socket.IO, protocol version 5 (socketio/socket.io-protocol), on engineio. It has two
// layers.
//
// Server is what users of Socket.IO know: namespaces with handlers, sockets, rooms, acknowledgements both ways, binary
// arguments, volatile messages, broadcasts, recovery of short interruptions.
//
//	server := socketio.NewServer(socketio.Config{Log: log})
//	chat := server.Of("/")
//	chat.On("message", func(ctx context.Context, e *socketio.Event) {
//		_ = e.Socket.Broadcast().Emit("message", e.Args)
//		_ = e.Ack("sent")
//	})
//	http.Handle("/socket.io/", server)
//
// Serve is the Socket.IO wire of contracts (realtime.Gateway): events are the contract's commands, acknowledgements its
// replies.
//
// A message is encoded and framed once, however many sockets get it. The events of one socket are handled one after the
// other, by a goroutine that lives while there are any; a handler may wait for acknowledgements, also of its own socket:
// MaxEvent bytes of events are read meanwhile.
package socketio

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// Config is what a Server needs. Log is required.
type Config struct {
	Log   *slog.Logger
	Meter realtime.Meter // of the sockets of Of; nil: nothing is counted

	// Accept looks at the request that opens a connection; Socket.Request is what it returns. An error refuses the request
	// (403, with its text). Nil accepts all.
	Accept func(r *http.Request) (any, error)
	// Address is the client's IP address; nil: the connection's.
	Address func(r *http.Request) string
	// Origin reports whether pages of an origin may connect. Nil: all may, without credentials (cookies).
	Origin func(origin string) bool

	PingInterval   time.Duration // default 25 s
	PingTimeout    time.Duration // default 20 s
	UpgradeTimeout time.Duration // from long-polling to WebSocket, default 10 s
	ConnectTimeout time.Duration // for the first CONNECT, default 45 s
	Grace          time.Duration // for a client to hear that its connection ends, default 2 s
	MaxPayload     int           // bytes of a message or of a POST's body, default 1,000,000
	MaxAttachments int           // of one event, default 10
	MaxEvent       int           // bytes of an event with its attachments, and of all that wait for their handler; default 4 × MaxPayload
	MaxQueue       int           // bytes that wait for a client; a slower one is closed; default 1 MiB

	// Rate is how many messages per second are read from one connection, default 1,000; Burst is how many more after a
	// pause, default the same. What a client sends beyond that waits in its own network buffers. Negative: no limit.
	Rate, Burst int

	// Recovery keeps what sockets miss during short interruptions (Connection state recovery). Its zero value keeps nothing.
	Recovery Recovery
}

// Recovery bounds what is kept for sockets whose connection broke.
type Recovery struct {
	Window   time.Duration // how long a socket can come back; 0: never
	MaxBytes int           // of all messages kept, default 16 MiB; a socket that missed older ones starts afresh
}

func (c *Config) setDefaults() {
	if c.PingTimeout <= 0 {
		c.PingTimeout = 20 * time.Second
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 45 * time.Second
	}
	if c.MaxPayload <= 0 {
		c.MaxPayload = 1_000_000
	}
	if c.MaxAttachments <= 0 {
		c.MaxAttachments = 10
	}
	if c.MaxEvent <= 0 {
		c.MaxEvent = 4 * c.MaxPayload
	}
	if c.Rate == 0 {
		c.Rate = 1000
	}
	if c.Burst <= 0 {
		c.Burst = c.Rate
	}
	if c.Recovery.MaxBytes <= 0 {
		c.Recovery.MaxBytes = 16 << 20
	}
}

// Server is the http.Handler of all namespaces. It does not look at the path, and can be mounted anywhere; clients expect
// "/socket.io/" unless told otherwise.
type Server struct {
	cfg    Config
	engine *engineio.Server

	mu         sync.RWMutex
	namespaces map[string]*Namespace

	sockets sync.WaitGroup // that are not closed, or whose handlers still run
}

// NewServer returns a server without namespaces.
func NewServer(cfg Config) *Server {
	cfg.setDefaults()
	s := &Server{cfg: cfg, namespaces: map[string]*Namespace{}}
	s.engine = engineio.NewServer(engineio.Config{
		Open: s.open, Accept: cfg.Accept, Address: cfg.Address, Origin: cfg.Origin, Log: cfg.Log, Meter: cfg.Meter,
		PingInterval: cfg.PingInterval, PingTimeout: cfg.PingTimeout, UpgradeTimeout: cfg.UpgradeTimeout, Grace: cfg.Grace,
		MaxPayload: cfg.MaxPayload, MaxQueue: cfg.MaxQueue,
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Of returns the namespace of this name, which begins with a slash; the main one is "/". It is made when it is first asked
// for: clients can join it from then on.
func (s *Server) Of(name string) *Namespace {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(s, name)
		s.namespaces[name] = n
	}
	return n
}

// namespace finds one that exists.
func (s *Server) namespace(name string) *Namespace {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.namespaces[name]
}

// Close takes no new connections, closes all, and waits until their last handlers have returned. The error is the
// context's. Clients try to connect again.
func (s *Server) Close(ctx context.Context) error {
	if err := s.engine.Close(ctx); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		s.sockets.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

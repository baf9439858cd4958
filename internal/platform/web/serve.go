package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Limits of every server. Answers have no limit here: the instance sets one per request, and sockets need none.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Listener is an address that a system is served at.
type Listener struct {
	Name     string // the system, in logs and messages
	Addr     string // host:port; port 0 takes a free one
	Variable string // the environment variable that changes Addr, for messages
	// Split, if not nil, is called once before the listener is served, with its connections as they are behind TLS. It may wait,
	// until ctx ends. What it returns is served: the connections that speak HTTP, where a port speaks something else as well.
	Split func(ctx context.Context, inner net.Listener) net.Listener
}

// ServerConfig says where to listen.
type ServerConfig struct {
	Listeners []Listener
	TLS       TLS // zero: plain HTTP
	Logger    *slog.Logger
	Drain     time.Duration // how long requests under way may go on when the end has come; 0: 20 s
}

// Server holds the listeners of all systems.
type Server struct {
	cfg       ServerConfig
	tls       *tls.Config
	listeners []net.Listener
}

// Listen opens every address, before anything is served: an error tells all that are not to be had, why, and which variable
// changes each.
func Listen(ctx context.Context, cfg ServerConfig) (*Server, error) {
	if cfg.Drain <= 0 {
		cfg.Drain = 20 * time.Second
	}
	secure, err := cfg.TLS.config(cfg.Logger)
	if err != nil {
		return nil, fmt.Errorf("web.Listen: %w", err)
	}
	s := &Server{cfg: cfg, tls: secure}
	var failed []error
	for _, l := range cfg.Listeners {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.Addr)
		if err != nil {
			failed = append(failed, explainListen(l, err))
			continue
		}
		if secure != nil {
			listener = tls.NewListener(listener, secure)
		}
		s.listeners = append(s.listeners, listener)
	}
	if len(failed) > 0 {
		s.Close()
		return nil, errors.Join(failed...)
	}
	return s, nil
}

func explainListen(l Listener, err error) error {
	remedy := "set " + l.Variable + " to another address"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = "another program has it: stop that one, or " + remedy
	case errors.Is(err, fs.ErrPermission):
		remedy = "ports below 1024 are for privileged programs: grant CAP_NET_BIND_SERVICE, or " + remedy
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		remedy = "no interface of this machine has that address: " + remedy
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) {
		err = op.Err // without the address, which is told already
	}
	return fmt.Errorf("%s cannot listen on %s (%w); %s", l.Name, l.Addr, err, remedy)
}

// Close closes the listeners of a Server that will not serve.
func (s *Server) Close() {
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

// Addr is the address that a listener really has; nil for an unknown name.
func (s *Server) Addr(name string) net.Addr {
	for i, l := range s.cfg.Listeners {
		if l.Name == name {
			return s.listeners[i].Addr()
		}
	}
	return nil
}

// URL is the address of a listener for people on this machine: http://127.0.0.1:4000. With TLS by domain, the domain's.
func (s *Server) URL(name string) string {
	addr, ok := s.Addr(name).(*net.TCPAddr)
	if !ok {
		return ""
	}
	scheme, host := "http", addr.IP.String()
	if addr.IP.IsUnspecified() {
		host = "localhost"
	}
	if s.tls != nil {
		scheme = "https"
	}
	if s.cfg.TLS.Domain != "" {
		host = s.cfg.TLS.Domain
	}
	return scheme + "://" + net.JoinHostPort(host, fmt.Sprint(addr.Port))
}

// Serve serves the handlers, by the names of their listeners, until ctx ends. Then it takes no new connections, lets the
// requests under way finish for Drain, closes what is left, and returns nil when everything is down. It returns an error
// when a listener fails, after stopping the others in the same way. Connections that a handler has taken over (sockets) are not
// its concern any more.
func (s *Server) Serve(ctx context.Context, handlers map[string]http.Handler) error {
	for _, l := range s.cfg.Listeners {
		if handlers[l.Name] == nil {
			s.Close()
			return fmt.Errorf("web.Serve: no handler for %s", l.Name)
		}
	}
	// Requests live on while they are drained; what outlives the drain is told to end.
	base, endAll := context.WithCancel(context.WithoutCancel(ctx))
	defer endAll()
	group, ctx := errgroup.WithContext(ctx)
	for i, l := range s.cfg.Listeners {
		server := s.server(base, l, handlers[l.Name])
		group.Go(func() error {
			s.cfg.Logger.InfoContext(ctx, "listening", "system", l.Name, "url", s.URL(l.Name))
			listener := s.listeners[i]
			if l.Split != nil {
				listener = l.Split(ctx, listener)
			}
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("web.Serve %s: %w", l.Name, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			return s.drain(base, l, server)
		})
	}
	return group.Wait()
}

func (s *Server) server(base context.Context, l Listener, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.cfg.Logger.With("system", l.Name).Handler(), slog.LevelDebug),
	}
}

func (s *Server) drain(base context.Context, l Listener, server *http.Server) error {
	limit, cancel := context.WithTimeout(base, s.cfg.Drain)
	defer cancel()
	err := server.Shutdown(limit)
	if errors.Is(err, context.DeadlineExceeded) {
		s.cfg.Logger.WarnContext(base, "requests under way were cut off", "system", l.Name, "after", s.cfg.Drain)
		return server.Close()
	}
	return err
}

package testkit

import (
	"context"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// Server is a real HTTP server on a loopback port. Its address is known before there is anything to serve: systems want to
// know it when they are made.
type Server struct {
	URL      string // "http://127.0.0.1:40123"
	listener net.Listener
	t        testing.TB
}

// NewServer takes a port. Who connects waits until Serve.
func NewServer(t testing.TB) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testkit.NewServer: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return &Server{URL: "http://" + listener.Addr().String(), listener: listener, t: t}
}

// Wrap puts a listener around the port, before Serve: one that takes connections of other protocols out, say.
func (s *Server) Wrap(around func(net.Listener) net.Listener) { s.listener = around(s.listener) }

// Serve answers with the handler until the test ends; requests that are under way then get ten seconds. Fewer would not do:
// a connection on which a client has not asked anything yet counts as under way for five.
func (s *Server) Serve(handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			s.t.Errorf("testkit.Server: %v", err)
			_ = server.Close()
		}
		<-done
	})
}

// Random is randomness that repeats: the same seed gives the same bytes. It is safe for concurrent use.
func Random(seed string) io.Reader {
	return &random{source: rand.NewChaCha8(sha256.Sum256([]byte(seed)))}
}

type random struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source.Read(p)
}

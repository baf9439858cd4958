// Command conformance is the server that the official test suites of Engine.IO 4 (socketio/engine.io-protocol) and Socket.IO 5
// (socketio/socket.io-protocol) ask for.
//
//	go run ./internal/realtime/socketio/conformance -addr 127.0.0.1:3000
//
// At /engine.io/ every message comes back as it was sent. At /socket.io/ there are the namespaces "/" and "/custom", which
// send the event "auth" with the handshake's auth; on "/", "message" comes back as "message-back", and "message-with-ack" is
// acknowledged with its arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "`HOST:PORT` to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *addr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, addr string) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	engine, sockets := newEngine(log), newSockets(log)
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", engine)
	mux.Handle("/socket.io/", sockets)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(engine.Close(last), sockets.Close(last), server.Shutdown(last))
}

// The settings that the suites ask for.
const (
	pingInterval   = 300 * time.Millisecond
	pingTimeout    = 200 * time.Millisecond
	connectTimeout = time.Second
	maxPayload     = 1_000_000
)

func newEngine(log *slog.Logger) *engineio.Server {
	return engineio.NewServer(engineio.Config{
		Log: log, PingInterval: pingInterval, PingTimeout: pingTimeout, MaxPayload: maxPayload,
		Open: func(s *engineio.Session) engineio.Receiver { return echo{s} },
	})
}

// echo sends every message back.
type echo struct{ session *engineio.Session }

func (e echo) Receive(message []byte, binary bool) error {
	e.session.SendMessage(message, binary)
	return nil
}

func (echo) Closed(engineio.Cause) {}

func newSockets(log *slog.Logger) *socketio.Server {
	server := socketio.NewServer(socketio.Config{
		Log: log, PingInterval: pingInterval, PingTimeout: pingTimeout, ConnectTimeout: connectTimeout, MaxPayload: maxPayload,
	})
	main, custom := server.Of("/"), server.Of("/custom")
	main.OnConnect(sendAuth(log))
	custom.OnConnect(sendAuth(log))
	main.On("message", func(_ context.Context, e *socketio.Event) {
		told(log, e.Socket.Emit("message-back", e.Args))
	})
	main.On("message-with-ack", func(_ context.Context, e *socketio.Event) {
		told(log, e.Ack(e.Args))
	})
	return server
}

// gap lets a client read the answer to its CONNECT before the next frame comes. The suites wait for one frame after the
// other, with a client that reports all frames of one read at once: of two that come together they would see the first.
const gap = 80 * time.Millisecond

// sendAuth sends a socket what its client sent as auth.
func sendAuth(log *slog.Logger) func(context.Context, *socketio.Socket) {
	return func(ctx context.Context, s *socketio.Socket) {
		select {
		case <-time.After(gap):
		case <-ctx.Done():
			return
		}
		auth := map[string]any{}
		if err := s.Auth(&auth); err != nil {
			log.Error("auth", "error", err)
			return
		}
		told(log, s.Emit("auth", auth))
	}
}

func told(log *slog.Logger, err error) {
	if err != nil {
		log.Error("emit", "error", err)
	}
}

package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/socketio"
	"github.com/guichet-api/guichet/internal/testkit"
)

// talk registers what testdata/client.mjs talks to.
func talk(t *testing.T) func(*socketio.Server) {
	return func(server *socketio.Server) {
		main := server.Of("/")
		main.Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct {
				Token string `json:"token"`
			}
			if err := s.Auth(&auth); err != nil || auth.Token == "eve" {
				return &socketio.ConnectError{Message: "not you", Data: map[string]int{"code": 7}}
			}
			if !s.Recovered() {
				s.SetData(auth.Token)
			}
			return nil
		})
		answer := func(_ context.Context, e *socketio.Event) { check(t, e.Ack(e.Args)) }
		main.On("echo", answer)
		server.Of("/admin").On("echo", answer)
		main.On("count", func(_ context.Context, e *socketio.Event) { check(t, e.Socket.Emit("number", e.Args)) })
		main.On("who", func(_ context.Context, e *socketio.Event) { check(t, e.Ack(e.Socket.Data())) })
		main.On("interview", func(ctx context.Context, e *socketio.Event) {
			var question, n int
			var data []byte
			check(t, e.Args.Decode(&question))
			args, err := e.Socket.EmitWithAck(ctx, "question", question)
			check(t, errors.Join(err, args.Decode(&n, &data), e.Ack(fmt.Sprintf("%d with %d bytes", n, len(data)))))
		})
		room := func(e *socketio.Event) (room string) {
			check(t, e.Args.Decode(&room))
			return room
		}
		main.On("join", func(_ context.Context, e *socketio.Event) {
			e.Socket.Join(room(e))
			check(t, e.Ack())
		})
		main.On("tell", func(_ context.Context, e *socketio.Event) {
			var to, text string
			var data []byte
			check(t, errors.Join(e.Args.Decode(&to, &text, &data), e.Socket.To(to).Emit("heard", text, data)))
		})
		main.On("greet", func(_ context.Context, e *socketio.Event) {
			check(t, errors.Join(e.Socket.To(room(e)).Emit("greeting", "good morning"), e.Ack()))
		})
		main.On("leave me", func(_ context.Context, e *socketio.Event) { e.Socket.Disconnect(true) })
	}
}

// TestClient drives the server with npm's socket.io-client, on each transport and from one to the other.
func TestClient(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Abs("../../../node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "socket.io-client")); err != nil {
		testkit.Skip(t, "npm's socket.io-client is not installed: npm ci")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Skip(t, "node is not installed")
	}
	for name, transports := range map[string][]string{
		"websocket only": {"websocket"}, "polling only": {"polling"}, "upgrade": {"polling", "websocket"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := setup(t, socketio.Config{Recovery: socketio.Recovery{Window: time.Minute}}, talk(t))
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
			defer cancel()
			script := exec.CommandContext(ctx, node, append([]string{"testdata/client.mjs", url}, transports...)...)
			script.Env = append(os.Environ(), "NODE_PATH="+modules)
			if out, err := script.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

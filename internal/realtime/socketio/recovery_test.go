package socketio_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// offset is the last argument of an event.
func offset(event string) string {
	i := strings.LastIndex(event, `,"`)
	return strings.TrimSuffix(event[i+2:], `"]`)
}

// TestRecovery: a socket whose connection broke continues with its id, rooms, data and what it missed; one that left, that
// comes too late or that missed too much does not.
func TestRecovery(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	sockets, gone := make(chan *socketio.Socket, 1), make(chan string, 1)
	url := setup(t, socketio.Config{Recovery: socketio.Recovery{Window: time.Minute, MaxBytes: 1000}}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) {
			if !s.Recovered() {
				s.Join("room")
				s.SetData("mine")
			}
			sockets <- s
		})
		n.OnDisconnect(func(s *socketio.Socket, _ engineio.Cause) { gone <- s.ID() })
	})
	c := connect(t, url, "/", "")
	receive(t, sockets)
	check(t, n.Emit("first", 1))
	seen := c.read()
	if !strings.HasPrefix(seen, `42["first",1,"`) {
		t.Fatalf("event %q", seen)
	}
	c.abandon()
	receive(t, gone)
	other := connect(t, url, "/", "")
	receive(t, sockets)
	check(t, n.Emit("to all"))
	check(t, n.To("room").Emit("to room", []byte{1}))
	check(t, n.To("elsewhere").Emit("not for it"))
	check(t, n.Except("room").Emit("not for it"))
	check(t, n.To(c.sid).Emit("to it"))
	check(t, n.Volatile().Emit("volatile"))
	check(t, n.Except(other.sid).Emit("last"))

	claim := func(pid, offset string) string { return `{"pid":"` + pid + `","offset":"` + offset + `"}` }
	back := connect(t, url, "/", claim(c.pid, offset(seen)))
	s := receive(t, sockets)
	if back.sid != c.sid || back.pid != c.pid || !s.Recovered() || s.Data() != "mine" || len(s.Rooms()) != 1 || s.Rooms()[0] != "room" {
		t.Errorf("came back as %s %s, recovered %v with %v in %v", back.sid, back.pid, s.Recovered(), s.Data(), s.Rooms())
	}
	for _, want := range []string{`42["to all","`, `451-["to room",{"_placeholder":true,"num":0},"`, "\x01", `42["to it","`, `42["last","`} {
		if seen = back.read(); !strings.HasPrefix(seen, want) {
			t.Errorf("got %q, want %q…", seen, want)
		}
	}
	check(t, n.To("room").Emit("live"))
	for _, want := range []string{`42["live","`} {
		if got := back.read(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q…", got, want)
		}
	}

	fresh := func(why, auth string) {
		t.Helper()
		c := connect(t, url, "/", auth)
		if s := receive(t, sockets); s.Recovered() || c.sid == back.sid {
			t.Errorf("%s: recovered", why)
		}
		c.send("41")
		receive(t, gone)
	}
	fresh("socket that is connected", claim(back.pid, offset(seen)))
	fresh("nobody", claim("nobody", offset(seen)))
	fresh("other auth", `{"pid":5}`)
	back.abandon()
	receive(t, gone)
	fresh("unknown offset", claim(back.pid, "zz"))
	for range 5 {
		check(t, n.Emit("much", strings.Repeat("x", 300)))
	}
	fresh("too much missed", claim(back.pid, offset(seen)))

	leaver := connect(t, url, "/", "")
	receive(t, sockets)
	check(t, n.Emit("bye"))
	bye := leaver.read()
	leaver.send("41")
	receive(t, gone)
	fresh("a socket that left", claim(leaver.pid, offset(bye)))
}

// TestRecoveryWindow: what is older than the window is forgotten.
func TestRecoveryWindow(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	gone, connected := make(chan struct{}, 1), make(chan bool, 1)
	url := setup(t, socketio.Config{Recovery: socketio.Recovery{Window: time.Nanosecond}}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) { connected <- s.Recovered() })
		n.OnDisconnect(func(*socketio.Socket, engineio.Cause) { gone <- struct{}{} })
	})
	c := connect(t, url, "/", "")
	receive(t, connected)
	check(t, n.Emit("first"))
	seen := c.read()
	c.abandon()
	receive(t, gone)
	connect(t, url, "/", `{"pid":"`+c.pid+`","offset":"`+offset(seen)+`"}`)
	if receive(t, connected) {
		t.Error("recovered after the window")
	}
}

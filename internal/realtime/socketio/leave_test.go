package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// TestLeaveAndReturn: a client that has left a namespace gets nothing from it, though a handler of its socket still runs, and
// comes in again only behind that.
func TestLeaveAndReturn(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	begun, release, came := make(chan struct{}), make(chan struct{}), make(chan string, 3)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(context.Context, *socketio.Socket) { came <- "came" })
		n.OnDisconnect(func(*socketio.Socket, engineio.Cause) { came <- "went" })
		n.On("slow", func(_ context.Context, e *socketio.Event) {
			close(begun)
			<-release
			check(t, e.Ack("too late"))
		})
		server.Of("/b").On("ask", func(_ context.Context, e *socketio.Event) { check(t, e.Ack()) })
	})
	c := connect(t, url, "/", "")
	c.join("/b", "")
	receive(t, came)
	c.send(`421["slow"]`)
	receive(t, begun)
	c.send("41")
	c.send(`42/b,1["ask"]`)
	c.expect(`43/b,1[]`) // the server has heard that it left
	check(t, n.Emit("news"))
	c.send(`42/b,2["ask"]`)
	c.expect(`43/b,2[]`)
	c.send("40")
	select {
	case what := <-came:
		t.Fatalf("it %s before the handler returned", what)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if first, second := receive(t, came), receive(t, came); first != "went" || second != "came" {
		t.Errorf("it %s, and then it %s", first, second)
	}
	check(t, n.Emit("end"))
	if got := c.read(); !strings.HasPrefix(got, `40{"sid":"`) {
		t.Errorf("CONNECT was answered with %q", got)
	}
	c.send(`42/b,3["ask"]`)
	c.expect(`42["end"]`, `43/b,3[]`)
}

// TestLeaveDuringReplay: who leaves ends its replay, and may come again.
func TestLeaveDuringReplay(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	c := connect(t, url, "/", `{"token":"ann","since":"e:slow"}`)
	c.expect(`42["welcome","ann"]`)
	receive(t, d.running)
	c.send("41")
	if who := receive(t, d.ended); who != "ann" {
		t.Errorf("%s went", who)
	}
	c.join("/", `{"token":"ben"}`)
	c.expect(`42["welcome","ben"]`)
}

// TestCloseDuringReplay: a ban does not wait for a replay.
func TestCloseDuringReplay(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	c := connect(t, url, "/", `{"token":"ann","since":"e:slow"}`)
	c.expect(`42["welcome","ann"]`)
	receive(t, d.running)
	for _, p := range d.hub.Peers("desk") {
		d.hub.Close(p, realtime.ReasonPolicy)
	}
	c.expect("41")
	c.expectClose(websocket.StatusPolicyViolation)
	receive(t, d.ended)
}

// TestAcksBehindEvents: handlers get the acknowledgements they wait for, however many events stand before them.
func TestAcksBehindEvents(t *testing.T) {
	t.Parallel()
	const events = 100
	answered := make(chan error, events)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		server.Of("/").On("ask back", func(ctx context.Context, e *socketio.Event) {
			_, err := e.Socket.EmitWithAck(ctx, "question")
			answered <- err
		})
	})
	c := connect(t, url, "/", "")
	for range events {
		c.send(`42["ask back"]`)
	}
	for range events {
		id := strings.TrimSuffix(strings.TrimPrefix(c.read(), "42"), `["question"]`)
		c.send("43" + id + "[]")
		check(t, receive(t, answered))
	}
}

// TestNoAckEver: a client that floods a handler which waits for its acknowledgement is let go.
func TestNoAckEver(t *testing.T) {
	t.Parallel()
	ended := make(chan engineio.Cause, 1)
	url := setup(t, socketio.Config{MaxEvent: 10_000, PingTimeout: 100 * time.Millisecond}, func(server *socketio.Server) {
		n := server.Of("/")
		n.On("ask back", func(ctx context.Context, e *socketio.Event) { _, _ = e.Socket.EmitWithAck(ctx, "question") })
		n.OnDisconnect(func(_ *socketio.Socket, cause engineio.Cause) { ended <- cause })
	})
	c := connect(t, url, "/", "")
	for range 20 {
		c.send(fmt.Sprintf(`42["ask back",%q]`, strings.Repeat("x", 1000)))
	}
	if cause := receive(t, ended); cause != engineio.CauseServerClose {
		t.Errorf("ended with %q", cause)
	}
}

// TestLost: a client is lost unless it has said that it goes.
func TestLost(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	for name, test := range map[string]struct {
		leave func(c *client)
		want  bool
	}{
		"broken":      {(*client).abandon, true},
		"close frame": {func(c *client) { _ = c.conn.Close(websocket.StatusNormalClosure, "") }, false},
		"DISCONNECT":  {func(c *client) { c.send("41") }, false},
	} {
		c := connect(t, url, "/", `{"token":"ann"}`)
		c.expect(`42["welcome","ann"]`)
		test.leave(c)
		if got := receive(t, d.lost); got != test.want {
			t.Errorf("%s: lost %t", name, got)
		}
	}
}

package dial_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	meeting "github.com/guichet-api/guichet/gen/meeting/events"
	tchatator "github.com/guichet-api/guichet/gen/tchatator/events"
	tickets "github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/dial"
)

// serve runs script for every connection; n counts them from 1.
func serve(t *testing.T, script func(ctx context.Context, n int, r *http.Request, conn *websocket.Conn)) string {
	t.Helper()
	var count atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		script(r.Context(), int(count.Add(1)), r, conn)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func write(ctx context.Context, conn *websocket.Conn, lines ...string) {
	for _, line := range lines {
		_ = conn.Write(ctx, websocket.MessageText, []byte(line)) // the test sees what arrives
	}
}

func read(ctx context.Context, conn *websocket.Conn) string {
	_, text, _ := conn.Read(ctx)
	return string(text)
}

type desk struct {
	tickets.Listener
	created chan string
}

func (d *desk) OnTicketCreated(_ context.Context, in tickets.TicketCreated) { d.created <- in.Numero }

const ticket = `{"id":"550e8400-e29b-41d4-a716-446655440000","numero":"TC-%d","titre":"t"}`

// TestReplay cuts the connection: the second one asks for what came after the last id, and repetitions are dropped.
func TestReplay(t *testing.T) {
	t.Parallel()
	for _, wire := range []realtime.Wire{realtime.WireEnvelope, realtime.WireSocketIO} {
		t.Run(wire.String(), func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 8)
			url := serve(t, func(ctx context.Context, n int, r *http.Request, conn *websocket.Conn) {
				frame := `{"type":"ticket_created","data":` + ticket + `,"id":"e:%d"}`
				if wire == realtime.WireSocketIO {
					frame = `42["ticket_created",` + ticket + `,"e:%d"]`
					write(ctx, conn, `0{"sid":"s","pingInterval":25000,"pingTimeout":20000}`)
					asked <- read(ctx, conn)
					write(ctx, conn, `40{"sid":"t"}`, "2")
					if pong := read(ctx, conn); pong != "3" {
						t.Errorf("the ping was answered %q", pong)
					}
				} else {
					asked <- r.Header.Get("Authorization") + " " + r.URL.RawQuery
				}
				write(ctx, conn, fmt.Sprintf(frame, n, n), fmt.Sprintf(frame, n+1, n+1))
				if n > 1 {
					read(ctx, conn)
				}
			})
			to, err := dial.To(*tickets.Surface().Server(wire), dial.Options{URL: url, Token: func(context.Context) (string, error) { return "secret", nil }})
			if err != nil {
				t.Fatal(err)
			}
			d := &desk{created: make(chan string, 8)}
			c, err := tickets.NewConnection(tickets.ConnectionConfig{Dial: to, Listener: d, Bad: func(event string, err error) { t.Errorf("%s: %v", event, err) }})
			if err != nil {
				t.Fatal(err)
			}
			stop := run(t, c.Run)
			for _, want := range []string{"TC-1", "TC-2", "TC-3"} {
				if got := <-d.created; got != want {
					t.Errorf("%s, not %s", got, want)
				}
			}
			stop()
			first, second := <-asked, <-asked
			if !strings.Contains(first, "secret") || strings.Contains(first, "since") || !strings.Contains(strings.ReplaceAll(second, "%3A", ":"), "e:2") {
				t.Errorf("asked %q, then %q", first, second)
			}
		})
	}
}

// run runs a connection until the function returned is called.
func run(t *testing.T, loop func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- loop(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	}
}

type room struct{ meeting.Listener }

// TestAcks: answers find their requests, refusals are errors, and a broken link is told.
func TestAcks(t *testing.T) {
	t.Parallel()
	url := serve(t, func(ctx context.Context, n int, _ *http.Request, conn *websocket.Conn) {
		write(ctx, conn, `0{"sid":"s","pingInterval":25000,"pingTimeout":20000}`)
		read(ctx, conn)
		write(ctx, conn, `40{"sid":"t"}`)
		for {
			packet := read(ctx, conn)
			switch {
			case strings.HasPrefix(packet, "421["):
				write(ctx, conn, `431[true,{"isCreator":true}]`)
			case strings.HasPrefix(packet, "422["):
				write(ctx, conn, `432[false,{"error":"NAME_ALREADY_TAKEN"}]`)
			case strings.HasPrefix(packet, "423["):
				write(ctx, conn, `433[false,{"message":"Salon non trouvé"}]`)
			case strings.HasPrefix(packet, "424["):
				write(ctx, conn, `434[]`)
			default: // the fifth, or the end
				return
			}
		}
	})
	to, err := dial.To(*meeting.Surface().Server(realtime.WireSocketIO), dial.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	c, err := meeting.NewConnection(meeting.ConnectionConfig{Dial: to, Listener: room{}})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, c.Run)
	defer stop()
	ask := meeting.JoinRoom{RoomID: "a", UserName: "B"}
	if reply, err := c.JoinRoom(t.Context(), ask); err != nil || reply != (meeting.Joined{Result: meeting.JoinResult{IsCreator: true}}) {
		t.Errorf("%#v, %v", reply, err)
	}
	if reply, err := c.JoinRoom(t.Context(), ask); err != nil || reply != (meeting.NameTaken{}) {
		t.Errorf("%#v, %v", reply, err)
	}
	_, err = c.JoinRoom(t.Context(), ask)
	var refused *realtime.Refused
	if !errors.As(err, &refused) || refused.Reply != (meeting.NotJoined{Result: meeting.Explanation{Message: "Salon non trouvé"}}) {
		t.Errorf("%v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.CheckRoom(t.Context(), meeting.RoomID("a")); !errors.Is(err, realtime.ErrLinkBroken) {
		t.Errorf("%v", err)
	}
}

// TestCommand: the members of the payload stand beside the command, and answers are known by it.
func TestCommand(t *testing.T) {
	t.Parallel()
	url := serve(t, func(ctx context.Context, _ int, _ *http.Request, conn *websocket.Conn) {
		if got := read(ctx, conn); got != `{"command":"LOGIN","token":"t"}` {
			t.Errorf("sent %s", got)
		}
		write(ctx, conn, `{"command":"LOGIN","status":"200/OK","message":"Accès autorisé"}`)
		read(ctx, conn)
		write(ctx, conn, `{"command":"NEW_CHG_AVAILABLE","changes":[{"type":"message_deleted","message_id":2}]}`)
		read(ctx, conn)
	})
	to, err := dial.To(*tchatator.Surface().Server(realtime.WireCommand), dial.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	c, err := tchatator.NewConnection(tchatator.ConnectionConfig{Dial: to})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, c.Run)
	defer stop()
	if reply, err := c.Login(t.Context(), tchatator.Login{Token: "t"}); err != nil || reply.Message != "Accès autorisé" {
		t.Errorf("%#v, %v", reply, err)
	}
	reply, err := c.NewChgAvailable(t.Context(), tchatator.NewChgAvailable{Token: "t"})
	changes, ok := reply.(tchatator.Changes)
	if err != nil || !ok || len(changes.Changes) != 1 || changes.Changes[0] != (tchatator.MessageDeletedChange{MessageID: 2}) {
		t.Errorf("%#v, %v", reply, err)
	}
}

// TestPatience: a server that says nothing is kept as long as it answers pings. One that does not is given up, and so is one
// that does not even accept the connection.
func TestPatience(t *testing.T) {
	t.Parallel()
	const pings = 3
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/deaf/ws/tickets-client" {
			<-over
			return
		}
		pinged := make(chan struct{}, 100)
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool {
			pinged <- struct{}{}
			return r.URL.Path != "/mute/ws/tickets-client"
		}})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		gone := conn.CloseRead(context.Background())
		if r.URL.Path == "/ws/tickets-client" {
			for range pings {
				<-pinged
			}
			write(gone, conn, `{"type":"alive"}`)
		}
		<-gone.Done()
	}))
	defer server.Close()
	defer close(over)
	open := func(mount string, patience time.Duration) (realtime.Link, error) {
		to, err := dial.To(*tickets.Surface().Server(realtime.WireEnvelope), dial.Options{URL: server.URL + mount, Patience: patience})
		if err != nil {
			t.Fatal(err)
		}
		return to(t.Context(), "")
	}
	alive, err := open("", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := alive.Receive(t.Context()); err != nil || f.Event != "alive" {
		t.Errorf("%v, %v", f, err)
	}
	_ = alive.Close()
	mute, err := open("/mute", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := mute.Receive(t.Context()); err == nil {
		t.Errorf("%v", f)
	}
	if _, err := open("/deaf", 50*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestTogether: a dialer may be used by several at once.
func TestTogether(t *testing.T) {
	t.Parallel()
	to, err := dial.To(*tickets.Surface().Server(realtime.WireEnvelope), dial.Options{
		URL: "http://127.0.0.1:1", Token: func(context.Context) (string, error) { return "t", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if _, err := to(t.Context(), ""); err == nil {
				t.Error("nobody listens there")
			}
		})
	}
	wait.Wait()
}

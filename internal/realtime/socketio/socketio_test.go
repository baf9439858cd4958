package socketio_test

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// wait is for what should come soon, on a slow machine too.
const wait = 20 * time.Second

// closer is what serve ends: a server, or a contract's wire.
type closer interface {
	http.Handler
	Close(ctx context.Context) error
}

// serve serves connections until the test ends.
func serve(t *testing.T, server closer) (url string) {
	t.Helper()
	url = serveHandler(t, server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return url
}

func serveHandler(t *testing.T, handler http.Handler) (url string) {
	t.Helper()
	web := httptest.NewServer(handler)
	t.Cleanup(web.Close)
	return web.URL
}

// setup returns a server; register adds handlers before it serves.
func setup(t *testing.T, cfg socketio.Config, register func(*socketio.Server)) (url string) {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	cfg.Grace = cmp.Or(cfg.Grace, 250*time.Millisecond)
	server := socketio.NewServer(cfg)
	server.Of("/")
	if register != nil {
		register(server)
	}
	return serve(t, server)
}

// client is the raw end of a WebSocket: the packets themselves are what is tested. Pings are not its matter.
type client struct {
	t    *testing.T
	conn *websocket.Conn
	sid  string
	pid  string
}

// open opens a connection that has joined nothing.
func open(t *testing.T, url string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() })
	c := &client{t: t, conn: conn}
	if hello := c.read(); !strings.HasPrefix(hello, "0{") {
		t.Fatalf("hello %q", hello)
	}
	return c
}

// connect joins a namespace; auth may be empty.
func connect(t *testing.T, url, namespace, auth string) *client {
	t.Helper()
	c := open(t, url)
	c.join(namespace, auth)
	return c
}

// join joins a namespace with auth.
func (c *client) join(namespace, auth string) {
	c.t.Helper()
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.send(prefix + auth)
	answer, ok := strings.CutPrefix(c.read(), prefix)
	var greeting struct{ SID, PID string }
	if err := json.Unmarshal([]byte(answer), &greeting); !ok || err != nil {
		c.t.Fatalf("CONNECT was answered with %q (%v)", answer, err)
	}
	c.sid, c.pid = greeting.SID, greeting.PID
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) sendBinary(data string) {
	c.t.Helper()
	if err := c.conn.Write(c.t.Context(), websocket.MessageBinary, []byte(data)); err != nil {
		c.t.Fatal(err)
	}
}

// next reads a frame.
func (c *client) next() (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), wait)
	defer cancel()
	_, text, err := c.conn.Read(ctx)
	return string(text), err
}

func (c *client) read() string {
	c.t.Helper()
	text, err := c.next()
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

// expect reads frames and compares them.
func (c *client) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.read(); got != w {
			c.t.Fatalf("got %.200q, want %.200q", got, w)
		}
	}
}

// expectClose reads until the server closes the connection.
func (c *client) expectClose(code websocket.StatusCode) {
	c.t.Helper()
	for {
		if _, err := c.next(); err != nil {
			if got := websocket.CloseStatus(err); got != code {
				c.t.Fatalf("closed with %v (%v), want %v", got, err, code)
			}
			return
		}
	}
}

// abandon breaks the connection.
func (c *client) abandon() { _ = c.conn.CloseNow() }

// receive waits for something on a channel.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(wait):
		t.Fatal("nothing comes")
		panic("unreachable")
	}
}

// check is for errors that do not happen.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

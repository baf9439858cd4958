package ws_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// hijacker lets a test see the connection that is taken over, and put its own around it.
type hijacker struct {
	http.ResponseWriter
	wrap func(net.Conn) net.Conn
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return h.wrap(conn), buffered, nil
}

// TestTryAfterWrite: the time that a Write was given does not end what is tried after it.
func TestTryAfterWrite(t *testing.T) {
	t.Parallel()
	const timeout = 50 * time.Millisecond
	acceptor := ws.NewAcceptor(ws.Options{MaxMessage: 1000, WriteTimeout: timeout})
	accepted := make(chan *ws.Conn, 1)
	var raw net.Conn
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := acceptor.Accept(&hijacker{w, func(conn net.Conn) net.Conn { raw = conn; return conn }}, r)
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}))
	defer server.Close()
	client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.CloseNow() }()
	conn := <-accepted
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write([][]byte{ws.Frame(ws.Text, []byte("written"))}); err != nil {
		t.Fatal(err)
	}
	if err := raw.SetReadDeadline(time.Now().Add(2 * timeout)); err != nil {
		t.Fatal(err)
	}
	if _, err := raw.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	frame := [][]byte{ws.Frame(ws.Text, []byte("tried"))}
	all, err := conn.Try(frame)
	if err == nil && !all {
		err = conn.Write(frame)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"written", "tried"} {
		if _, got, err := client.Read(t.Context()); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
}

// clocked notes the deadline for writing; the first one takes effect when the test says so.
type clocked struct {
	net.Conn
	entered, release chan struct{}
	begun            atomic.Bool

	mu       sync.Mutex
	deadline time.Time
}

func (c *clocked) SetWriteDeadline(deadline time.Time) error {
	if c.begun.CompareAndSwap(false, true) {
		close(c.entered)
		<-c.release
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = deadline
	return c.Conn.SetWriteDeadline(deadline)
}

// TestHurry: a Write that is given time at the same moment does not undo it.
func TestHurry(t *testing.T) {
	t.Parallel()
	const grace = time.Minute
	acceptor := ws.NewAcceptor(ws.Options{MaxMessage: 1000, WriteTimeout: time.Hour})
	accepted := make(chan *ws.Conn, 1)
	clock := &clocked{entered: make(chan struct{}), release: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := acceptor.Accept(&hijacker{w, func(conn net.Conn) net.Conn { clock.Conn = conn; return clock }}, r)
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}))
	defer server.Close()
	client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.CloseNow() }()
	conn := <-accepted
	defer func() { _ = conn.CloseNow() }()
	written, hurried := make(chan error), make(chan struct{})
	go func() { written <- conn.Write([][]byte{ws.Frame(ws.Text, []byte("written"))}) }()
	<-clock.entered
	go func() { conn.Hurry(grace); close(hurried) }()
	select {
	case <-hurried: // before the Write's own deadline takes effect
	case <-time.After(100 * time.Millisecond): // it waits for that
	}
	close(clock.release)
	<-hurried
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if left := time.Until(clock.deadline); left > grace {
		t.Errorf("%v are left", left)
	}
}

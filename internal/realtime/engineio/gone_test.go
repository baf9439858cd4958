package engineio_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// worker handles a message until its session ends.
type worker struct {
	session *engineio.Session
	begun   chan struct{}
	ends    chan engineio.Cause
}

func (b worker) Receive([]byte, bool) error {
	b.begun <- struct{}{}
	<-b.session.Context().Done()
	return nil
}

func (b worker) Closed(cause engineio.Cause) { b.ends <- cause }

// TestGoneWhileBusy: a client that polls no more is gone, though what it has sent is still being handled.
func TestGoneWhileBusy(t *testing.T) {
	t.Parallel()
	begun, ends := make(chan struct{}, 1), make(chan engineio.Cause, 1)
	b := setup(t, engineio.Config{
		PingInterval: 20 * time.Millisecond, PingTimeout: 50 * time.Millisecond,
		Open: func(s *engineio.Session) engineio.Receiver { return worker{s, begun, ends} },
	})
	sid := b.handshake(t)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = b.post(t, sid, "4work")
	}()
	<-begun
	select {
	case cause := <-ends:
		if cause != engineio.CausePingTimeout {
			t.Errorf("ended with %q", cause)
		}
	case <-time.After(wait):
		t.Fatal("the session lives on")
	}
	<-answered
}

// leaver keeps its session, and tells its end.
type leaver struct {
	echo
	left chan bool
}

func (l leaver) Closed(engineio.Cause) { l.left <- l.session.Left() }

// TestLeft: only a packet or a close frame says that the client ends its session.
func TestLeft(t *testing.T) {
	t.Parallel()
	left := make(chan bool, 1)
	b := setup(t, engineio.Config{Open: func(s *engineio.Session) engineio.Receiver { return leaver{echo{session: s}, left} }})
	for name, test := range map[string]struct {
		leave func(conn *websocket.Conn)
		want  bool
	}{
		"broken":       {func(conn *websocket.Conn) { _ = conn.CloseNow() }, false},
		"close frame":  {func(conn *websocket.Conn) { _ = conn.Close(websocket.StatusGoingAway, "") }, true},
		"close packet": {func(conn *websocket.Conn) { send(t, conn, "1") }, true},
	} {
		conn := b.dial(t, webSocket)
		if _, err := read(t, conn); err != nil {
			t.Fatal(err)
		}
		test.leave(conn)
		if got := <-left; got != test.want {
			t.Errorf("%s: left %t", name, got)
		}
	}
}

// TestCloseWithoutPoll: a client that is not polling holds the end of its session up for no longer than the grace.
func TestCloseWithoutPoll(t *testing.T) {
	t.Parallel()
	const grace = 500 * time.Millisecond
	b := setup(t, engineio.Config{Grace: grace})
	b.handshake(t)
	session := <-b.sessions
	began := time.Now()
	session.Close(realtime.ReasonGoingAway)
	b.ended(t, engineio.CauseServerClose)
	if took := time.Since(began); took >= 2*grace {
		t.Errorf("the end took %v", took)
	}
}

// TestAnswerNotRead: a client that does not read the answer to its GET does not hold it for ever.
func TestAnswerNotRead(t *testing.T) {
	t.Parallel()
	sessions, returned := make(chan *engineio.Session, 1), make(chan struct{}, 10)
	server := engineio.NewServer(engineio.Config{
		Log: slog.New(slog.DiscardHandler), PingInterval: time.Second, PingTimeout: 500 * time.Millisecond, MaxQueue: 64 << 20,
		Open: func(s *engineio.Session) engineio.Receiver {
			sessions <- s
			return echo{s, make(chan engineio.Cause, 1)}
		},
	})
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server.ServeHTTP(w, r)
		returned <- struct{}{}
	}))
	defer web.Close()
	b := &bundle{url: web.URL}
	sid := b.handshake(t)
	<-returned
	(<-sessions).SendMessage([]byte(strings.Repeat("x", 32<<20)), false)
	conn, err := net.Dial("tcp", strings.TrimPrefix(web.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, fmt.Sprintf("GET /?%s&sid=%s HTTP/1.1\r\nHost: x\r\n\r\n", polling, sid)); err != nil {
		t.Fatal(err)
	}
	start := make([]byte, len("HTTP/1.1 200"))
	if _, err := io.ReadFull(conn, start); err != nil || string(start) != "HTTP/1.1 200" {
		t.Fatalf("%q, %v", start, err)
	}
	select {
	case <-returned:
	case <-time.After(wait):
		t.Error("the answer is still being written")
	}
}

package engineio_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// TestWebSocket: messages go both ways, and every way of ending it ends the session.
func TestWebSocket(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{MaxPayload: 1000})
	open := func() *websocket.Conn {
		conn := b.dial(t, webSocket)
		if _, err := read(t, conn); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	conn := open()
	if s := <-b.sessions; s.Transport() != "websocket" {
		t.Errorf("transport %s", s.Transport())
	}
	send(t, conn, "4hello")
	expect(t, conn, "4hello")
	if err := conn.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if kind, data, err := conn.Read(t.Context()); kind != websocket.MessageBinary || string(data) != "\x01\x02\x03" || err != nil {
		t.Fatalf("%v %x %v", kind, data, err)
	}
	if err := conn.Ping(conn.CloseRead(t.Context())); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Errorf("close: %v", err)
	}
	b.ended(t, engineio.CauseTransportClose)

	conn = open()
	send(t, conn, "1")
	b.ended(t, engineio.CauseTransportClose)
	if _, err := read(t, conn); err == nil {
		t.Error("the connection is open")
	}
	for _, invalid := range []string{"abc", "", "4\xff", "2"} {
		conn = open()
		send(t, conn, invalid)
		expectClose(t, conn, websocket.StatusProtocolError)
		b.ended(t, engineio.CauseParseError)
	}
	conn = open()
	send(t, conn, "4"+string(make([]byte, 1000)))
	expectClose(t, conn, websocket.StatusMessageTooBig)
	b.ended(t, engineio.CauseParseError)
	conn = open()
	_ = conn.CloseNow()
	b.ended(t, engineio.CauseTransportClose)
}

// TestUpgrade: the GET that waits ends, the WebSocket carries the session, and what was queued in between goes over it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	answer := make(chan string)
	go func() {
		_, text := b.poll(t, sid)
		answer <- text
	}()
	for !session.Ready() {
		<-time.After(time.Millisecond)
	}
	conn := b.dial(t, webSocket+"&sid="+sid)
	send(t, conn, "2probe")
	expect(t, conn, "3probe")
	if text := <-answer; text != "6" {
		t.Fatalf("the GET that waited was answered with %q, want 6", text)
	}
	b.expectPoll(t, sid, 200, "6") // one more, of a client that did not know yet
	session.SendMessage([]byte("between"), false)
	send(t, conn, "5")
	expect(t, conn, "4between")
	send(t, conn, "4hello")
	expect(t, conn, "4hello")
	if session.Transport() != "websocket" {
		t.Errorf("transport %s", session.Transport())
	}
	b.expectPoll(t, sid, 400, "")
	if status, _ := b.post(t, sid, "4x"); status != 400 {
		t.Errorf("POST after the upgrade: %d", status)
	}
	other := b.dial(t, webSocket+"&sid="+sid)
	expectClose(t, other, websocket.StatusNormalClosure)
	send(t, conn, "4still")
	expect(t, conn, "4still")
}

// TestUpgradeRace: a GET that comes while the client's last word on long-polling is under way is told that it came too late.
func TestUpgradeRace(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	for range 20 {
		sid := b.handshake(t)
		conn := b.dial(t, webSocket+"&sid="+sid)
		send(t, conn, "2probe")
		send(t, conn, "5")
		b.expectPoll(t, sid, 400, "")
		expect(t, conn, "3probe")
		send(t, conn, "4hello")
		expect(t, conn, "4hello")
	}
}

// TestUpgradeFails: a WebSocket that does not do what it should leaves the session where it was, and so does one that never
// speaks; a second one is closed.
func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{UpgradeTimeout: 400 * time.Millisecond})
	sid := b.handshake(t)
	for _, words := range [][]string{{"4hello"}, {"2"}, {"2probe", "4hello"}, {"2probe"}, {"5"}, {}} {
		conn := b.dial(t, webSocket+"&sid="+sid)
		second := b.dial(t, webSocket+"&sid="+sid)
		expectClose(t, second, websocket.StatusNormalClosure)
		for _, word := range words {
			send(t, conn, word)
		}
		for {
			if _, err := read(t, conn); err != nil {
				break
			}
		}
		if status, _ := b.post(t, sid, "4on"); status != 200 {
			t.Fatalf("%q: POST: %d", words, status)
		}
		b.expectPoll(t, sid, 200, "4on")
	}
	b.post(t, sid, "1")
	b.ended(t, engineio.CauseTransportClose)
}

// TestUpgradeOfClosed: the probe of a session that ends, ends.
func TestUpgradeOfClosed(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	conn := b.dial(t, webSocket+"&sid="+sid)
	b.post(t, sid, "1")
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	if _, _, err := conn.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("the probe lives on: %v", err)
	}
}

// TestTLS: through TLS, where bytes cannot be written or looked at as they are, messages come as they do without.
func TestTLS(t *testing.T) {
	t.Parallel()
	causes := make(chan engineio.Cause, 1)
	server := engineio.NewServer(engineio.Config{
		Log:  slog.New(slog.DiscardHandler),
		Open: func(s *engineio.Session) engineio.Receiver { return echo{s, causes} },
	})
	web := httptest.NewTLSServer(server)
	defer web.Close()
	conn, _, err := websocket.Dial(t.Context(), web.URL+"/?"+webSocket, &websocket.DialOptions{HTTPClient: web.Client()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if _, err := read(t, conn); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		send(t, conn, "4a")
		send(t, conn, "4b")
		expect(t, conn, "4a")
		expect(t, conn, "4b")
	}
	go func() { _ = server.Close(context.WithoutCancel(t.Context())) }()
	expectClose(t, conn, websocket.StatusGoingAway)
	if cause := <-causes; cause != engineio.CauseServerClose {
		t.Errorf("ended by %s", cause)
	}
}

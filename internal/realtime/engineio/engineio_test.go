package engineio_test

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// wait is for what should come soon, on a slow machine too.
const wait = 20 * time.Second

// bundle is a server whose sessions send every message back.
type bundle struct {
	url      string
	server   *engineio.Server
	sessions chan *engineio.Session
	causes   chan engineio.Cause
}

// echo sends every message back, and tells why its session ended.
type echo struct {
	session *engineio.Session
	causes  chan engineio.Cause
}

func (e echo) Receive(message []byte, binary bool) error {
	e.session.SendMessage(message, binary)
	return nil
}

func (e echo) Closed(cause engineio.Cause) { e.causes <- cause }

func setup(t *testing.T, cfg engineio.Config) *bundle {
	t.Helper()
	b := &bundle{sessions: make(chan *engineio.Session, 100), causes: make(chan engineio.Cause, 100)}
	cfg.Log = slog.New(slog.DiscardHandler)
	cfg.Grace = cmp.Or(cfg.Grace, 250*time.Millisecond)
	if cfg.Open == nil {
		cfg.Open = func(s *engineio.Session) engineio.Receiver {
			b.sessions <- s
			return echo{s, b.causes}
		}
	}
	b.server = engineio.NewServer(cfg)
	web := httptest.NewServer(b.server)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if err := b.server.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
		web.Close()
	})
	b.url = web.URL
	return b
}

// request asks the server and returns the status and the body.
func (b *bundle) request(t *testing.T, method, query, body string) (int, string) {
	t.Helper()
	status, text, _ := b.ask(t, method, query, body, nil)
	return status, text
}

func (b *bundle) ask(t *testing.T, method, query, body string, header http.Header) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.url+"/any/where/?"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

const (
	polling   = "EIO=4&transport=polling"
	webSocket = "EIO=4&transport=websocket"
)

// handshake opens a session with long-polling.
func (b *bundle) handshake(t *testing.T) (sid string) {
	t.Helper()
	status, text := b.request(t, http.MethodGet, polling, "")
	if status != http.StatusOK || !strings.HasPrefix(text, "0{") {
		t.Fatalf("handshake: %d %s", status, text)
	}
	var greeting struct{ SID string }
	if err := json.Unmarshal([]byte(text[1:]), &greeting); err != nil {
		t.Fatal(err)
	}
	return greeting.SID
}

func (b *bundle) poll(t *testing.T, sid string) (int, string) {
	t.Helper()
	return b.request(t, http.MethodGet, polling+"&sid="+sid, "")
}

func (b *bundle) post(t *testing.T, sid, body string) (int, string) {
	t.Helper()
	return b.request(t, http.MethodPost, polling+"&sid="+sid, body)
}

// expectPoll polls and compares what comes; status 400 has no text to compare.
func (b *bundle) expectPoll(t *testing.T, sid string, status int, text string) {
	t.Helper()
	got, body := b.poll(t, sid)
	if got != status || status == http.StatusOK && body != text {
		t.Fatalf("GET: %d %q, want %d %q", got, body, status, text)
	}
}

func (b *bundle) dial(t *testing.T, query string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, b.url+"/?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func send(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, conn *websocket.Conn) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, text, err := conn.Read(ctx)
	return string(text), err
}

func expect(t *testing.T, conn *websocket.Conn, want string) {
	t.Helper()
	text, err := read(t, conn)
	if err != nil || text != want {
		t.Fatalf("read %q, %v; want %q", text, err, want)
	}
}

// expectClose reads until the connection ends with this code.
func expectClose(t *testing.T, conn *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	for {
		_, err := read(t, conn)
		if err == nil {
			continue
		}
		if got := websocket.CloseStatus(err); got != code {
			t.Fatalf("closed with %v (%v), want %v", got, err, code)
		}
		return
	}
}

// ended waits for the end of a session.
func (b *bundle) ended(t *testing.T, want engineio.Cause) {
	t.Helper()
	select {
	case cause := <-b.causes:
		if cause != want {
			t.Fatalf("ended by %q, want %q", cause, want)
		}
	case <-time.After(wait):
		t.Fatalf("the session does not end; %q was expected", want)
	}
}

// TestHandshake: what opens a session, and what is refused with which status.
func TestHandshake(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second})
	for query, want := range map[string]string{polling: `["websocket"]`, webSocket: `[]`} {
		text := ""
		if query == polling {
			_, text = b.request(t, http.MethodGet, query, "")
		} else if got, err := read(t, b.dial(t, query)); err == nil {
			text = got
		}
		s := <-b.sessions
		wanted := `0{"sid":"` + s.ID() + `","upgrades":` + want + `,"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
		if text != wanted {
			t.Errorf("%s: %s\nwant %s", query, text, wanted)
		}
	}
	for _, refused := range []struct{ method, query, body string }{
		{"GET", "transport=polling", "Unsupported protocol version"},
		{"GET", "EIO=3&transport=polling", "Unsupported protocol version"},
		{"GET", "EIO=4", "Transport unknown"},
		{"GET", "EIO=4&transport=smoke", "Transport unknown"},
		{"POST", polling, "Bad handshake method"},
		{"PUT", polling, "Bad handshake method"},
		{"GET", polling + "&sid=nobody", "Session ID unknown"},
		{"POST", polling + "&sid=nobody", "Session ID unknown"},
		{"GET", webSocket, "Bad request"},
		{"DELETE", polling + "&sid=" + b.handshake(t), "Bad request"},
	} {
		if status, body := b.request(t, refused.method, refused.query, ""); status != 400 || !strings.Contains(body, refused.body) {
			t.Errorf("%s %s: %d %s, want 400 %s", refused.method, refused.query, status, body, refused.body)
		}
	}
}

// TestAccept: who opens a session can be looked at, and refused.
func TestAccept(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{Accept: func(r *http.Request) (any, error) {
		if name := r.URL.Query().Get("name"); name != "" {
			return name, nil
		}
		return nil, io.ErrNoProgress
	}})
	if status, body := b.request(t, http.MethodGet, polling, ""); status != 403 || !strings.Contains(body, io.ErrNoProgress.Error()) {
		t.Errorf("%d %s, want 403", status, body)
	}
	b.request(t, http.MethodGet, polling+"&name=Alice", "")
	if s := <-b.sessions; s.Data() != "Alice" || s.Address() != "127.0.0.1" || s.Transport() != "polling" {
		t.Errorf("session of %v at %s by %s", s.Data(), s.Address(), s.Transport())
	}
}

// TestCORS: pages of any origin may connect without cookies, unless a list says otherwise.
func TestCORS(t *testing.T) {
	t.Parallel()
	from := func(origin string) http.Header {
		return http.Header{"Origin": {origin}, "Access-Control-Request-Headers": {"x-mine"}}
	}
	open := setup(t, engineio.Config{})
	status, _, header := open.ask(t, http.MethodOptions, polling, "", from("https://a.example"))
	if status != 204 || header.Get("Access-Control-Allow-Origin") != "*" || header.Get("Access-Control-Allow-Credentials") != "" ||
		header.Get("Access-Control-Allow-Headers") != "x-mine" || header.Get("Access-Control-Allow-Methods") != "GET, POST" {
		t.Errorf("preflight: %d %v", status, header)
	}
	listed := setup(t, engineio.Config{Origin: func(origin string) bool { return origin == "https://a.example" }})
	status, _, header = listed.ask(t, http.MethodGet, polling, "", from("https://a.example"))
	if status != 200 || header.Get("Access-Control-Allow-Origin") != "https://a.example" || header.Get("Vary") != "Origin" {
		t.Errorf("listed origin: %d %v", status, header)
	}
	if status, _, header = listed.ask(t, http.MethodGet, polling, "", from("https://b.example")); status != 403 || header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("other origin: %d %v", status, header)
	}
	for name, header := range map[string]http.Header{"no page": nil, "own page": from(listed.url)} {
		if status, _, _ = listed.ask(t, http.MethodGet, polling, "", header); status != 200 {
			t.Errorf("%s: %d", name, status)
		}
	}
	_, resp, err := websocket.Dial(t.Context(), listed.url+"/?"+webSocket, &websocket.DialOptions{HTTPHeader: from("https://b.example")})
	if err == nil || resp.StatusCode != 403 {
		t.Errorf("WebSocket of another origin: %v", err)
	}
}

// TestHeartbeat: a client that answers pings stays, one that does not goes, on both transports.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{PingInterval: 60 * time.Millisecond, PingTimeout: time.Second})
	sid, conn := b.handshake(t), b.dial(t, webSocket)
	if _, err := read(t, conn); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		b.expectPoll(t, sid, 200, "2")
		if status, text := b.post(t, sid, "3"); status != 200 || text != "ok" {
			t.Fatalf("pong: %d %s", status, text)
		}
		expect(t, conn, "2")
		send(t, conn, "3")
	}
	b.ended(t, engineio.CausePingTimeout)
	b.ended(t, engineio.CausePingTimeout)
	b.expectPoll(t, sid, 400, "")
	expectClose(t, conn, websocket.StatusProtocolError)
}

// busy keeps its session's messages for itself until it is let go.
type busy struct {
	entered, leave chan struct{}
	causes         chan engineio.Cause
}

func (r busy) Receive([]byte, bool) error {
	close(r.entered)
	<-r.leave
	return nil
}

func (r busy) Closed(cause engineio.Cause) { r.causes <- cause }

// TestHeartbeatOfBusy: a client whose message is being handled is not given up, for its pong cannot be read meanwhile.
func TestHeartbeatOfBusy(t *testing.T) {
	t.Parallel()
	receiver := busy{make(chan struct{}), make(chan struct{}), make(chan engineio.Cause, 1)}
	b := setup(t, engineio.Config{
		PingInterval: 20 * time.Millisecond, PingTimeout: 20 * time.Millisecond,
		Open: func(*engineio.Session) engineio.Receiver { return receiver },
	})
	conn := b.dial(t, webSocket)
	if _, err := read(t, conn); err != nil {
		t.Fatal(err)
	}
	send(t, conn, "4wait")
	<-receiver.entered
	select {
	case cause := <-receiver.causes:
		t.Fatalf("ended by %q", cause)
	case <-time.After(200 * time.Millisecond): // nothing tells that nothing happens
	}
	close(receiver.leave)
	select {
	case cause := <-receiver.causes:
		if cause != engineio.CausePingTimeout {
			t.Fatalf("ended by %q", cause)
		}
	case <-time.After(wait):
		t.Fatal("a client without pong stays")
	}
}

// TestServerCloses: what is queued is sent first, then the client hears it on its transport, and Close of the server waits.
func TestServerCloses(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	sid := b.handshake(t)
	session := <-b.sessions
	session.SendMessage([]byte("last words"), false)
	session.Close(realtime.ReasonNormal)
	b.expectPoll(t, sid, 200, "4last words")
	b.ended(t, engineio.CauseServerClose)
	b.expectPoll(t, sid, 200, "1")
	b.expectPoll(t, sid, 400, "")
	if err := session.Context().Err(); err == nil {
		t.Error("the session's context lives on")
	}

	conn := b.dial(t, webSocket)
	if _, err := read(t, conn); err != nil {
		t.Fatal(err)
	}
	session = <-b.sessions
	session.SendMessage([]byte("last words"), false)
	go func() { _ = b.server.Close(context.WithoutCancel(t.Context())) }()
	expect(t, conn, "4last words")
	expectClose(t, conn, websocket.StatusGoingAway)
	b.ended(t, engineio.CauseServerClose)
	if session.SendMessage([]byte("too late"), false) {
		t.Error("a message for a session that has ended is said to be sent")
	}
	if status, _ := b.request(t, http.MethodGet, polling, ""); status != 503 {
		t.Errorf("a new session of a server that stops: %d", status)
	}
}

// TestSlowReader: a client that does not read is closed, and its queue is bounded.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{MaxQueue: 1 << 16, Grace: 50 * time.Millisecond})
	b.dial(t, webSocket) // and never reads
	session := <-b.sessions
	text := make([]byte, 1<<14)
	for session.SendMessage(text, true) {
		if session.Context().Err() != nil {
			break
		}
	}
	b.ended(t, engineio.CauseServerClose)
}

package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

// chat is a system whose sockets are told what they said, and where they come from.
type chat struct {
	url      string
	log      *logged
	hub      *realtime.Hub
	registry *web.Registry
	contract *contract.Contract
	served   chan struct{} // a value for each request whose handler has returned
}

var errNoToken = problem.New(problem.Unauthenticated, "who are you?")

// Authenticate knows the token "alice", and fails on "broken".
func (chat) Authenticate(_ context.Context, token string) (string, any, error) {
	switch token {
	case "alice":
		return "member", nil, nil
	case "broken":
		return "", nil, errors.New("the database is away")
	}
	return "", nil, fmt.Errorf("%w: %w", realtime.ErrUnauthenticated, errNoToken)
}

func (c chat) Connected(ctx context.Context, p *realtime.Peer) error {
	c.hub.Send(ctx, p, &realtime.Message{Event: "hello", Payload: []byte(`"` + p.Address() + `"`)})
	return nil
}

func (chat) Disconnected(context.Context, *realtime.Peer) {}

// Dispatch answers a message with itself.
func (chat) Dispatch(_ context.Context, _ *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	return &realtime.Message{Event: in.Event, Payload: in.Argument(false)}, nil
}

func newChat(t *testing.T) *chat {
	t.Helper()
	c := &chat{registry: web.NewRegistry(""), served: make(chan struct{}, 1)}
	metrics := c.registry.System("chat")
	b := instance(t, func(cfg *web.Config) {
		cfg.System, cfg.Metrics = "chat", metrics
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		cfg.CORSOrigins = []string{"https://chat.example.com"}
	})
	c.log = b.log
	var err error
	if c.contract, err = contract.Load([]byte("openapi: 3.0.3\ninfo: {title: Chat, version: 1.0.0}\npaths: {}\n"), "chat.yaml"); err != nil {
		t.Fatal(err)
	}
	b.HTTPErrorHandler = func(err error, e echo.Context) {
		var refused *contract.Error
		var public *problem.Error
		switch {
		case errors.As(err, &public):
			web.Refuse(e, public.Kind.Status(), 0, map[string]string{"error": public.Message})
		case errors.As(err, &refused):
			web.Refuse(e, refused.Status, 0, map[string]string{"error": refused.Message})
		default:
			web.Refuse(e, http.StatusInternalServerError, 0, map[string]string{"error": "internal"})
		}
	}
	c.hub = realtime.NewHub(realtime.HubConfig{Meter: metrics.Live()})
	server := realtime.Server{Wire: realtime.WireEnvelope, Path: "/ws", EventMember: "type", PayloadMember: "data"}
	origins := web.Config{CORSOrigins: []string{"https://chat.example.com"}}
	handler, err := wire.New(wire.Config{
		Gateway: &realtime.Gateway{
			Surface:    &realtime.Surface{Servers: []realtime.Server{server}, Commands: map[string]*realtime.Command{"say": {Event: "say", Replies: true}}},
			Dispatcher: c, Hub: c.hub, Lifecycle: c, Log: testLog(c.log),
		},
		Server: server, Refuse: web.RefuseHandshake(b.Echo, c.contract), Address: web.PeerAddress, Origin: origins.AllowsOrigin,
	})
	if err != nil {
		t.Fatal(err)
	}
	b.GET("/ws", echo.WrapHandler(handler))
	mounted := web.Mount("/chat", b)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mounted.ServeHTTP(w, r)
		c.served <- struct{}{}
	}))
	t.Cleanup(outside.Close)
	c.url = outside.URL + "/chat/ws"
	return c
}

// dial opens a socket, or tells how the server refused.
func (c *chat) dial(t *testing.T, header http.Header) (*websocket.Conn, int, string) {
	t.Helper()
	conn, response, err := websocket.Dial(t.Context(), c.url, &websocket.DialOptions{HTTPHeader: header})
	if err == nil {
		t.Cleanup(func() { _ = conn.CloseNow() })
		return conn, response.StatusCode, ""
	}
	if response == nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	return nil, response.StatusCode, string(body)
}

// TestSocketOfAnInstance: a wire on a system's route sees clients as operations do, below a mount too, and its connection is
// counted and logged.
func TestSocketOfAnInstance(t *testing.T) {
	t.Parallel()
	c := newChat(t)
	conn, _, refused := c.dial(t, http.Header{"Authorization": {"Bearer alice"}, "X-Forwarded-For": {"198.51.100.7"}, "Origin": {"https://chat.example.com"}})
	if conn == nil {
		t.Fatal(refused)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"say","data":"hi"}`)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"type":"hello","data":"198.51.100.7"}`, `{"type":"say","data":"hi"}`} {
		_, got, err := conn.Read(t.Context())
		if err != nil || string(got) != want {
			t.Fatalf("read %s, %v; want %s", got, err, want)
		}
	}
	const want = `
# HELP guichet_realtime_connections Peers connected now, by wire.
# TYPE guichet_realtime_connections gauge
guichet_realtime_connections{system="chat",wire="envelope"} 1
# HELP guichet_realtime_events_received_total Messages from peers, by wire and by the contract's name.
# TYPE guichet_realtime_events_received_total counter
guichet_realtime_events_received_total{event="say",system="chat",wire="envelope"} 1
# HELP guichet_realtime_events_sent_total Messages queued for peers: a broadcast to a hundred counts a hundred.
# TYPE guichet_realtime_events_sent_total counter
guichet_realtime_events_sent_total{event="hello",system="chat"} 1
guichet_realtime_events_sent_total{event="say",system="chat"} 1
`
	if err := testutil.GatherAndCompare(c.registry, strings.NewReader(want), "guichet_realtime_connections",
		"guichet_realtime_events_received_total", "guichet_realtime_events_sent_total"); err != nil {
		t.Error(err)
	}
	<-c.served
	if got := c.log.request(t); got["status"] != 101.0 || got["peer"] != "198.51.100.7" || got["route"] != "/ws" || got["level"] != "INFO" {
		t.Errorf("logged %v", got)
	}
	go func() { _, _, _ = conn.Read(context.WithoutCancel(t.Context())) }() // answers the close frame
	if err := c.hub.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := testutil.GatherAndCount(c.registry, "guichet_realtime_queue_bytes"); err != nil || n != 1 {
		t.Errorf("%d gauges of queues, %v", n, err)
	}
	if text := scrape(t, c.registry); !strings.Contains(text, `guichet_realtime_connections{system="chat",wire="envelope"} 0`) ||
		!strings.Contains(text, `guichet_realtime_queue_bytes{system="chat"} 0`) {
		t.Errorf("after the end:\n%s", text)
	}
}

// TestHandshakeIsRefused in the words of the system, and logged once with its cause.
func TestHandshakeIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		header http.Header
		drain  bool
		status int
		body   string
		level  string
	}{
		"no token":      {nil, false, 401, `{"error":"who are you?"}`, "INFO"},
		"a failure":     {http.Header{"Authorization": {"Bearer broken"}}, false, 500, `{"error":"internal"}`, "ERROR"},
		"other origins": {http.Header{"Authorization": {"Bearer alice"}, "Origin": {"https://evil.example.com"}}, false, 403, `{"error":"Access denied"}`, "INFO"},
		"the end":       {http.Header{"Authorization": {"Bearer alice"}}, true, 503, `{"error":"Temporarily unavailable"}`, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChat(t)
			if test.drain {
				if err := c.hub.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			conn, status, body := c.dial(t, test.header)
			if conn != nil || status != test.status || body != test.body {
				t.Errorf("answered %d %s", status, body)
			}
			<-c.served
			line := c.log.request(t)
			if line["level"] != test.level || line["status"] != float64(test.status) || (line["error"] == nil) != (status < 500) {
				t.Errorf("logged %v", line)
			}
		})
	}
	c := newChat(t)
	response, err := http.Get(c.url)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if response.StatusCode != 426 || string(body) != `{"error":"WebSocket handshake expected"}` {
		t.Errorf("no upgrade: %d %s", response.StatusCode, body)
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	registry := web.NewRegistry("")
	meter := registry.System("chat").Live()
	meter.Connected(realtime.WireSocketIO, 2)
	meter.Connected(realtime.WireSocketIO, -1)
	meter.Sent("hello", 100)
	meter.Sent("hello", 0)
	meter.Queued(300)
	meter.Queued(-100)
	meter.Dropped("hello")
	meter.Dropped("")
	text := scrape(t, registry)
	for _, want := range []string{
		`guichet_realtime_connections{system="chat",wire="socketio"} 1`, `guichet_realtime_events_sent_total{event="hello",system="chat"} 100`,
		`guichet_realtime_queue_bytes{system="chat"} 200`, `guichet_realtime_events_dropped_total{event="hello",system="chat"} 1`,
		`guichet_realtime_events_dropped_total{event="control",system="chat"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s:\n%s", want, text)
		}
	}
}

package websocket_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

const room = "desk"

// site is a system that is served: "ping" is answered "pong", "echo" by its payload, "hold" when the test lets it, and "dance"
// is refused without words. Everybody is in the room.
type site struct {
	URL     string
	hub     *realtime.Hub
	held    chan context.Context // gets one item when "hold" has begun
	release chan struct{}        // ends one "hold"
	come    chan struct{}        // gets one item for every peer that is in the room
	lost    atomic.Bool          // Peer.Lost of the last one that is gone
	gone    chan string          // gets the id of every peer that is taken leave of

	mu    sync.Mutex
	peers []*realtime.Peer

	greet  func(ctx context.Context, p *realtime.Peer) error
	replay func(ctx context.Context, since string, send func(*realtime.Message) error) (uint64, error)
}

func newSite(t *testing.T, change ...func(*site, *wire.Config)) *site {
	t.Helper()
	s := &site{
		hub:  realtime.NewHub(realtime.HubConfig{}),
		held: make(chan context.Context, 1), release: make(chan struct{}), come: make(chan struct{}, 2000), gone: make(chan string, 2000),
	}
	cfg := wire.Config{
		Gateway: &realtime.Gateway{
			Surface:    &realtime.Surface{Streams: []realtime.Stream{{Address: room, Resync: "resync"}}},
			Dispatcher: s, Hub: s.hub, Lifecycle: s, Log: slog.New(slog.DiscardHandler),
		},
		Server: realtime.Server{Name: "websocket", Wire: realtime.WireEnvelope, EventMember: "type", PayloadMember: "data", IDMember: "id"},
		Refuse: func(w http.ResponseWriter, _ *http.Request, status int, err error) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]string{"message": err.Error()})
		},
	}
	for _, fn := range change {
		fn(s, &cfg)
	}
	if s.replay != nil {
		cfg.Gateway.History = s
	}
	handler, err := wire.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

var errAway = errors.New("the database is away")

func (s *site) Authenticate(ctx context.Context, credential string) (string, any, error) {
	switch credential {
	case "secret":
		return "member", nil, nil
	case "away":
		return "", nil, errAway
	case "slow":
		<-ctx.Done()
		return "", nil, ctx.Err()
	}
	return "", nil, fmt.Errorf("token %q: %w", credential, realtime.ErrUnauthenticated)
}

func (s *site) Connected(ctx context.Context, p *realtime.Peer) error {
	if s.greet != nil {
		if err := s.greet(ctx, p); err != nil {
			return err
		}
	}
	s.hub.Join(p, room)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.peers = append(s.peers, p)
	s.come <- struct{}{}
	return nil
}

func (s *site) Disconnected(_ context.Context, p *realtime.Peer) {
	s.lost.Store(p.Lost())
	s.gone <- p.ID()
}

func (s *site) Replay(ctx context.Context, since string, _ []string, send func(*realtime.Message) error) (uint64, error) {
	return s.replay(ctx, since, send)
}

func (s *site) Dispatch(ctx context.Context, _ *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	switch in.Event {
	case "ping":
		return &realtime.Message{Event: "pong"}, nil
	case "echo":
		return &realtime.Message{Event: "echo", Payload: append([]byte(nil), in.Args[0]...)}, nil
	case "hold":
		s.held <- ctx
		<-s.release
		return &realtime.Message{Event: "held"}, nil
	case "dance":
		return nil, errors.New("not now")
	}
	return nil, &realtime.UnknownEvent{Event: in.Event}
}

// within bounds a test's wait for what must happen.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dial connects as a member with coder's client.
func (s *site) dial(t *testing.T, query string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(within(t), s.URL+"?token=secret"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(-1)
	return conn
}

func say(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(within(t), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func hear(t *testing.T, conn *websocket.Conn, want ...string) {
	t.Helper()
	for _, text := range want {
		_, got, err := conn.Read(within(t))
		if err != nil || string(got) != text {
			t.Fatalf("heard %s, %v, not %s", got, err, text)
		}
	}
}

// hearClose expects the server to close.
func hearClose(t *testing.T, conn *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	if _, got, err := conn.Read(within(t)); websocket.CloseStatus(err) != code {
		t.Errorf("heard %s, %v, not the close code %d", got, err, code)
	}
}

// joined waits until so many more peers are in the room.
func (s *site) joined(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-s.come:
		case <-within(t).Done():
			t.Fatal("a peer did not come")
		}
	}
}

// left waits for a peer to be taken leave of, and sees that it is in no room.
func (s *site) left(t *testing.T) {
	t.Helper()
	select {
	case id := <-s.gone:
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range s.peers {
			if p.ID() == id {
				s.detached(t, p)
			}
		}
	case <-within(t).Done():
		t.Error("no peer was taken leave of")
	}
}

// detached waits for the hub to have forgotten a peer, which it does right after the system has.
func (s *site) detached(t *testing.T, p *realtime.Peer) {
	t.Helper()
	for ctx := within(t); s.hub.Rooms(p) != nil; {
		if ctx.Err() != nil {
			t.Fatal("the peer is still attached")
		}
	}
}

// raw is a client that is told every byte.
type raw struct {
	*net.TCPConn
	r *bufio.Reader
}

const upgrade = "GET /?token=secret HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// connect shakes hands; early is sent together with the request.
func (s *site) connect(t *testing.T, early ...[]byte) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &raw{conn.(*net.TCPConn), bufio.NewReaderSize(conn, 128)}
	request := []byte(upgrade + "\r\n")
	for _, frame := range early {
		request = append(request, frame...)
	}
	c.send(t, request)
	response, err := http.ReadResponse(c.r, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Fatalf("%v, %v", response, err)
	}
	return c
}

func (c *raw) send(t *testing.T, bytes []byte) {
	t.Helper()
	if _, err := c.Write(bytes); err != nil {
		t.Fatal(err)
	}
}

// masked is a client's frame.
func masked(first byte, payload string) []byte {
	frame := []byte{first}
	switch n := len(payload); {
	case n < 126:
		frame = append(frame, 0x80|byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 0x80|127), uint64(n))
	}
	key := []byte{1, 2, 3, 0xff}
	frame = append(frame, key...)
	for i := range len(payload) {
		frame = append(frame, payload[i]^key[i%4])
	}
	return frame
}

// receive reads a server's frame, which has no mask.
func (c *raw) receive() (first byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	size := uint64(head[1])
	switch size {
	case 126:
		var more [2]byte
		_, err = io.ReadFull(c.r, more[:])
		size = uint64(binary.BigEndian.Uint16(more[:]))
	case 127:
		var more [8]byte
		_, err = io.ReadFull(c.r, more[:])
		size = binary.BigEndian.Uint64(more[:])
	}
	if err != nil || size > 1<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes: %w", size, err)
	}
	payload = make([]byte, size)
	_, err = io.ReadFull(c.r, payload)
	return head[0], payload, err
}

func (c *raw) expect(t *testing.T, first byte, payload string) {
	t.Helper()
	got, text, err := c.receive()
	if err != nil || got != first || string(text) != payload {
		t.Fatalf("received %#x %.100q, %v, not %#x %.100q", got, text, err, first, payload)
	}
}

// expectClose expects a close frame, answers it, and expects the end.
func (c *raw) expectClose(t *testing.T, code uint16) {
	t.Helper()
	first, payload, err := c.receive()
	if err != nil || first != 0x88 || len(payload) < 2 || binary.BigEndian.Uint16(payload) != code {
		t.Fatalf("received %#x %q, %v, not a close frame with %d", first, payload, err, code)
	}
	c.send(t, masked(0x88, string(payload[:2])))
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		t.Errorf("behind the close frame came %q, %v", rest, err)
	}
}

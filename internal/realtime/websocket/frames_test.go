package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

// TestMessages: answers and events, and frames that nobody knows, which change nothing.
func TestMessages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	conn := s.dial(t, "")
	for _, text := range []string{`{"type":"subscribe"}`, `{"type":"dance"}`, `{`, `[]`, ``, `"ping"`, `{"type":1}`, `{"type":"ping"}`} {
		say(t, conn, text)
	}
	hear(t, conn, `{"type":"pong"}`)
	say(t, conn, `{"data":{"é":"\u0000"},"type":"echo","more":[]}`)
	hear(t, conn, `{"type":"echo","data":{"é":"\u0000"}}`)
	large := strings.Repeat("x", 70_000)
	for _, size := range []int{90, 110, 1000, 65_500, 70_000} {
		s.hub.Broadcast(t.Context(), room, &realtime.Message{Event: "e", Payload: []byte(`"` + large[:size] + `"`), ID: "a:1", Seq: 1}, nil)
		hear(t, conn, `{"type":"e","data":"`+large[:size]+`","id":"a:1"}`)
	}
	if err := conn.Ping(conn.CloseRead(within(t))); err != nil {
		t.Errorf("a ping: %v", err)
	}
	if err := conn.Close(4001, "done"); err != nil {
		t.Errorf("the close frame was not answered: %v", err)
	}
	s.left(t)
}

// TestCommand: an answer repeats the command, and a frame without one is the contract's matter.
func TestCommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, cfg *wire.Config) {
		cfg.Server = realtime.Server{Name: "websocket", Wire: realtime.WireCommand, EventMember: "command"}
		cfg.Gateway.Dispatcher = worded{s}
	})
	conn := s.dial(t, "")
	say(t, conn, `{"command":"ping","token":"t"}`)
	hear(t, conn, `{"command":"ping"}`)
	say(t, conn, `{"command":"dance"}`)
	hear(t, conn, `{"command":"dance","error":"416/BAD"}`)
	say(t, conn, `no JSON`)
	hear(t, conn, `{"command":"","error":"416/BAD"}`)
}

// worded has words for every refusal.
type worded struct{ *site }

func (w worded) Dispatch(ctx context.Context, p *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	if m, err := w.site.Dispatch(ctx, p, in); err == nil {
		return m, nil
	}
	return &realtime.Message{Event: "refusal", Payload: []byte(`{"error":"416/BAD"}`)}, nil
}

// TestPieces: frames byte by byte, messages in fragments with control frames in between.
func TestPieces(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	for _, b := range masked(0x81, `{"type":"echo","data":1}`) {
		c.send(t, []byte{b})
	}
	c.expect(t, 0x81, `{"type":"echo","data":1}`)
	c.send(t, masked(0x01, `{"type":"ec`))
	c.send(t, masked(0x89, "still there?"))
	c.expect(t, 0x8a, "still there?")
	c.send(t, masked(0x00, ""))
	c.send(t, masked(0x8a, "unasked"))
	c.send(t, masked(0x00, `ho","data":"`+"\xc3"))
	c.send(t, masked(0x80, "\xa9\"}"))
	c.expect(t, 0x81, `{"type":"echo","data":"é"}`)
	const messages = 100
	for i := range messages {
		c.send(t, append(masked(0x81, fmt.Sprintf(`{"type":"echo","data":%d}`, i)), masked(0x89, fmt.Sprint(i))...))
	}
	for echoes, pong := 0, -1; echoes < messages || pong < messages-1; { // a pong may answer several pings
		first, payload, err := c.receive()
		if err != nil {
			t.Fatal(err)
		}
		if first == 0x8a {
			last := pong
			if pong, err = strconv.Atoi(string(payload)); err != nil || pong <= last {
				t.Fatalf("the pong %s came after %d", payload, last)
			}
			continue
		}
		if want := fmt.Sprintf(`{"type":"echo","data":%d}`, echoes); string(payload) != want {
			t.Fatalf("received %s, not %s", payload, want)
		}
		echoes++
	}
}

// peak is a meter that notes how much was queued at most.
type peak struct {
	queue
	most *atomic.Int64
}

func (p peak) Queued(bytes int) {
	p.queue.Queued(bytes)
	p.most.Store(max(p.most.Load(), p.bytes.Load()))
}

// TestPingFlood: who sends pings and does not read the pongs takes no memory, and gets the latest.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	count := peak{queue{&atomic.Int64{}, &atomic.Int64{}}, &atomic.Int64{}}
	s := newSite(t, func(s *site, cfg *wire.Config) {
		s.hub = realtime.NewHub(realtime.HubConfig{Meter: count})
		cfg.Gateway.Hub = s.hub
	})
	c := s.connect(t)
	ping := bytes.Repeat(masked(0x89, strings.Repeat("x", 125)), 1000)
	for range 20 {
		c.send(t, ping)
	}
	c.send(t, masked(0x89, "last"))
	for {
		if first, payload, err := c.receive(); err != nil || first != 0x8a {
			t.Fatalf("received %#x %q, %v", first, payload, err)
		} else if string(payload) == "last" {
			break
		}
	}
	if most := count.most.Load(); most > 1<<10 {
		t.Errorf("%d bytes were queued", most)
	}
}

// TestBadFrames: each ends the connection with its code, however much is still under way.
func TestBadFrames(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 2000)
	for name, c := range map[string]struct {
		frames [][]byte
		code   uint16
	}{
		"binary":                   {[][]byte{masked(0x82, `{"type":"ping"}`)}, 1003},
		"no UTF-8":                 {[][]byte{masked(0x81, "{\"type\":\"\xff\"}")}, 1007},
		"a cut letter":             {[][]byte{masked(0x01, `{"type":"`), masked(0x80, "\xc3")}, 1007},
		"too long":                 {[][]byte{masked(0x81, large)}, 1009},
		"too long in all":          {[][]byte{masked(0x01, large[:600]), masked(0x00, large[:600]), masked(0x80, large[:600])}, 1009},
		"no mask":                  {[][]byte{[]byte("\x81\x02{}")}, 1002},
		"reserved bits":            {[][]byte{masked(0xc1, "{}")}, 1002},
		"unknown opcode":           {[][]byte{masked(0x83, "{}")}, 1002},
		"continuation of nothing":  {[][]byte{masked(0x80, "{}")}, 1002},
		"message within a message": {[][]byte{masked(0x01, "{"), masked(0x81, "{}")}, 1002},
		"long ping":                {[][]byte{masked(0x89, large[:126])}, 1002},
		"fragment of a ping":       {[][]byte{masked(0x09, "x")}, 1002},
		"close without code":       {[][]byte{masked(0x88, "x")}, 1002},
		"close with a wrong code":  {[][]byte{masked(0x88, "\x03\xee")}, 1002},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, func(_ *site, cfg *wire.Config) { cfg.MaxMessage = 1000 })
			peer := s.connect(t)
			peer.send(t, masked(0x81, `{"type":"ping"}`))
			peer.expect(t, 0x81, `{"type":"pong"}`)
			for _, frame := range c.frames {
				peer.send(t, frame)
			}
			for range 10 { // is not read any more, and must not take the close frame back
				_, _ = peer.Write(masked(0x81, large[:900]))
			}
			first, payload, err := peer.receive()
			if err != nil || first != 0x88 || len(payload) < 2 || uint16(payload[0])<<8|uint16(payload[1]) != c.code {
				t.Errorf("received %#x %q, %v, not a close frame with %d", first, payload, err, c.code)
			}
			_ = peer.CloseWrite()
			if rest, err := io.ReadAll(peer.r); err != nil || len(rest) > 0 { // a reset would be an error
				t.Errorf("behind the close frame came %q, %v", rest, err)
			}
			s.left(t)
		})
	}
}

// TestGarbage: some is forgiven, without end it is not.
func TestGarbage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	conn := s.dial(t, "")
	for range 30 {
		say(t, conn, `{"type":"subscribe"}`)
	}
	for range 100 { // it is no garbage that the system says no
		say(t, conn, `{"type":"dance"}`)
		say(t, conn, `{"type":"ping"}`)
		hear(t, conn, `{"type":"pong"}`)
	}
	for range 40 {
		_ = conn.Write(within(t), websocket.MessageText, []byte(`garbage`)) // the last ones may come too late
	}
	hearClose(t, conn, websocket.StatusPolicyViolation)
	s.left(t)
}

// TestPeerCloses: the code comes back, and nothing after it.
func TestPeerCloses(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	c.send(t, masked(0x88, "\x0f\xa1bye"))
	c.expectCloseAnswer(t, 4001)
	s.left(t)
	c = s.connect(t)
	c.send(t, masked(0x88, ""))
	c.expect(t, 0x88, "")
	s.left(t)
	if s.lost.Load() {
		t.Error("a peer that closed was lost")
	}
	if err := s.connect(t).Close(); err != nil { // without a word
		t.Error(err)
	}
	s.left(t)
	if !s.lost.Load() {
		t.Error("a peer that is gone without a word was not lost")
	}
}

// expectCloseAnswer expects the answer to a close frame, and the end.
func (c *raw) expectCloseAnswer(t *testing.T, code uint16) {
	t.Helper()
	first, payload, err := c.receive()
	if err != nil || first != 0x88 || len(payload) < 2 || uint16(payload[0])<<8|uint16(payload[1]) != code {
		t.Fatalf("received %#x %q, %v", first, payload, err)
	}
	if _, err := c.r.ReadByte(); err == nil {
		t.Error("it goes on")
	}
}

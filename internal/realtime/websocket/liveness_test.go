package websocket_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

// large is a message that fills buffers.
func large(n int) *realtime.Message {
	return &realtime.Message{Event: fmt.Sprint(n), Payload: []byte(`"` + strings.Repeat("x", 64<<10) + `"`)}
}

// queue is a meter of what waits, and of what was lost.
type queue struct{ bytes, dropped *atomic.Int64 }

func (queue) Connected(realtime.Wire, int)   {}
func (queue) Received(realtime.Wire, string) {}
func (queue) Sent(string, int)               {}
func (q queue) Dropped(string)               { q.dropped.Add(1) }
func (q queue) Queued(bytes int)             { q.bytes.Add(int64(bytes)) }

// TestSlowReader: who does not read is closed and never waited for; what it was sent before is whole, in order, and followed
// by the reason.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	count := queue{&atomic.Int64{}, &atomic.Int64{}}
	s := newSite(t, func(s *site, cfg *wire.Config) {
		s.hub = realtime.NewHub(realtime.HubConfig{Meter: count})
		cfg.Gateway.Hub, cfg.MaxQueue, cfg.Grace = s.hub, 1<<20, 20*time.Second
	})
	slow := s.connect(t)
	if err := slow.SetReadBuffer(256 << 10); err != nil {
		t.Fatal(err)
	}
	quick := s.dial(t, "")
	s.joined(t, 2)
	sent := 0
	for ; count.dropped.Load() == 0; sent++ { // each is awaited by the quick one only
		s.hub.Broadcast(t.Context(), room, large(sent), nil)
		if _, text, err := quick.Read(within(t)); err != nil || !bytes.HasPrefix(text, fmt.Appendf(nil, `{"type":"%d"`, sent)) {
			t.Fatalf("message %d is %.20s, %v", sent, text, err)
		}
	}
	if n := count.bytes.Load(); n > 300<<10 { // a batch of the slow one that is being written, and perhaps the quick one's last
		t.Errorf("%d bytes still wait", n)
	}
	for n := 0; ; n++ {
		first, payload, err := slow.receive()
		if err != nil {
			t.Fatal(err)
		}
		if first == 0x88 {
			if n == 0 || n > sent-10 || !bytes.HasPrefix(payload, []byte("\x03\xf5")) {
				t.Errorf("after %d of %d messages it was closed with %q", n, sent, payload)
			}
			break
		}
		if !bytes.HasPrefix(payload, fmt.Appendf(nil, `{"type":"%d"`, n)) {
			t.Fatalf("message %d is %.20s", n, payload)
		}
	}
	if err := slow.Close(); err != nil {
		t.Error(err)
	}
	s.left(t)
}

// TestStuckReader never reads: it is gone after the grace.
func TestStuckReader(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(_ *site, cfg *wire.Config) { cfg.MaxQueue, cfg.Grace = 300<<10, 20*time.Millisecond })
	stuck := s.connect(t)
	if err := stuck.SetReadBuffer(256 << 10); err != nil {
		t.Fatal(err)
	}
	quick := s.dial(t, "")
	s.joined(t, 2)
	for n := 0; len(s.gone) == 0; n++ {
		if n == 20_000 {
			t.Fatal("a gigabyte was taken from us")
		}
		s.hub.Broadcast(t.Context(), room, large(n), nil)
		if _, _, err := quick.Read(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	s.left(t)
}

// TestGreedyWriter sends more than it reads: it is read more slowly, and gets every answer in the end.
func TestGreedyWriter(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(_ *site, cfg *wire.Config) { cfg.MaxQueue = 4096 })
	greedy := s.connect(t)
	if err := greedy.SetReadBuffer(256 << 10); err != nil {
		t.Fatal(err)
	}
	const messages = 3000
	text := strings.Repeat("y", 3000)
	sent := make(chan error)
	go func() {
		for range messages {
			if _, err := greedy.Write(masked(0x81, `{"type":"echo","data":"`+text+`"}`)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	for range messages {
		greedy.expect(t, 0x81, `{"type":"echo","data":"`+text+`"}`)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// TestHalfOpen: a peer that answers pings lives, one that does not is gone, and one whose welcome or message takes long is
// not asked.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	welcome := make(chan struct{})
	var came atomic.Int32
	s := newSite(t, func(s *site, cfg *wire.Config) {
		cfg.PingInterval = 400 * time.Millisecond
		s.greet = func(_ context.Context, p *realtime.Peer) error {
			if p.Address() == "1" {
				<-welcome
			}
			return nil
		}
		cfg.Address = func(*http.Request) string { return strconv.Itoa(int(came.Add(1))) }
	})
	waiting, busy := s.connect(t), s.connect(t)
	busy.send(t, masked(0x81, `{"type":"hold"}`))
	<-s.held
	c := s.connect(t)
	for range 3 {
		c.expect(t, 0x89, "")
		c.send(t, masked(0x8a, ""))
	}
	if len(s.gone) > 0 {
		t.Error("a peer that answers is gone")
	}
	c.expect(t, 0x89, "")
	s.left(t) // c: the busy one is as silent, and longer
	close(s.release)
	busy.hear(t, `{"type":"held"}`)
	close(welcome)
	waiting.send(t, masked(0x81, `{"type":"ping"}`))
	waiting.hear(t, `{"type":"pong"}`)
}

// hear expects a text message, behind pings.
func (c *raw) hear(t *testing.T, want string) {
	t.Helper()
	for {
		first, payload, err := c.receive()
		if err != nil {
			t.Fatal(err)
		}
		if first != 0x89 {
			if string(payload) != want {
				t.Errorf("heard %s, not %s", payload, want)
			}
			return
		}
	}
}

// TestDrain: a message that is being handled is answered, then everybody is told, and the end is waited for.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	idle, busy := s.dial(t, ""), s.connect(t)
	say(t, idle, `{"type":"ping"}`)
	hear(t, idle, `{"type":"pong"}`)
	busy.send(t, masked(0x81, `{"type":"hold"}`))
	<-s.held
	drained := make(chan error)
	go func() { drained <- s.hub.Drain(within(t)) }()
	hearClose(t, idle, websocket.StatusGoingAway)
	s.left(t)
	select {
	case err := <-drained:
		t.Errorf("it ended with a message being handled: %v", err)
	default:
	}
	_, response, err := websocket.Dial(within(t), s.URL+"?token=secret", nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a new peer: %v, %v", response, err)
	}
	s.release <- struct{}{}
	busy.expect(t, 0x81, `{"type":"held"}`)
	busy.expectClose(t, 1001)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

// TestHandlerFinishes: a connection that breaks does not end the handler of its message.
func TestHandlerFinishes(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t)
	c.send(t, masked(0x81, `{"type":"hold"}`))
	ctx := <-s.held
	if err := c.SetLinger(0); err != nil { // so that the server is told at once
		t.Fatal(err)
	}
	_ = c.Close()
	for range 20 { // the server notices
		s.hub.Broadcast(t.Context(), room, large(1), nil)
	}
	if len(s.gone) > 0 || ctx.Err() != nil {
		t.Error("the peer was taken leave of before its message was handled")
	}
	s.release <- struct{}{}
	s.left(t)
	if ctx.Err() != nil {
		t.Errorf("the handler's context: %v", ctx.Err())
	}
}

// TestClose: what a system says to a peer before it closes it arrives.
func TestClose(t *testing.T) {
	t.Parallel()
	for reason, code := range map[realtime.Reason]uint16{
		realtime.ReasonNormal: 1000, realtime.ReasonGoingAway: 1001, realtime.ReasonPolicy: 1008, realtime.ReasonFailure: 1011,
	} {
		s := newSite(t, func(s *site, _ *wire.Config) {
			s.greet = func(ctx context.Context, p *realtime.Peer) error {
				s.hub.Send(ctx, p, &realtime.Message{Event: "banned"})
				s.hub.Close(p, reason)
				s.hub.Close(p, realtime.ReasonTooBig)
				s.hub.Send(ctx, p, &realtime.Message{Event: "late"})
				return nil
			}
		})
		c := s.connect(t)
		c.expect(t, 0x81, `{"type":"banned"}`)
		c.expectClose(t, code)
		s.left(t)
	}
}

// TestReplay: what was missed comes before what is new; a peer that is gone ends its replay.
func TestReplay(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := newSite(t, func(s *site, cfg *wire.Config) {
		cfg.MaxQueue = 200 << 10
		s.replay = func(_ context.Context, since string, send func(*realtime.Message) error) (uint64, error) {
			switch since {
			case "e:1":
				s.hub.Broadcast(context.Background(), room, &realtime.Message{Event: "new", ID: "e:3", Seq: 3}, nil)
				return 2, send(&realtime.Message{Event: "old", ID: "e:2", Seq: 2})
			case "e:2":
				return 3, send(&realtime.Message{Event: "new", ID: "e:3", Seq: 3})
			case "endless":
				for {
					if err := send(large(1)); err != nil {
						ended <- err
						return 0, err
					}
				}
			}
			return 0, realtime.ErrTooOld
		}
	})
	hear(t, s.dial(t, "&since=e:1"), `{"type":"old","id":"e:2"}`, `{"type":"new","id":"e:3"}`)
	hear(t, s.dial(t, "&since=before"), `{"type":"resync"}`)
	conn := s.dial(t, "&since=endless")
	for range 100 {
		if _, _, err := conn.Read(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	_ = conn.CloseNow()
	if err := <-ended; err == nil {
		t.Error("the replay ended well")
	}
	s.left(t)
}

// TestStuckReplay: a peer that does not read what it asked for is gone too.
func TestStuckReplay(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	s := newSite(t, func(s *site, cfg *wire.Config) {
		cfg.MaxQueue, cfg.PingInterval = 200<<10, 20*time.Millisecond
		s.replay = func(_ context.Context, _ string, send func(*realtime.Message) error) (uint64, error) {
			for {
				if err := send(large(1)); err != nil {
					ended <- err
					return 0, err
				}
			}
		}
	})
	s.dial(t, "&since=e:1") // never reads
	<-ended
	s.left(t)
}

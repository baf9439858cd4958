package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// outlet records what a peer is sent.
type outlet struct {
	deliver func(m *realtime.Message) // called for each message; may be nil
	close   func()                    // called by Close; may be nil
	full    bool                      // messages find no room

	mu     sync.Mutex
	got    []string
	closed []realtime.Reason
}

func (o *outlet) Deliver(m *realtime.Message, room string) bool {
	o.mu.Lock()
	o.got = append(o.got, m.Event+m.ID+"@"+room)
	o.mu.Unlock()
	if o.deliver != nil {
		o.deliver(m)
	}
	return !o.full
}

func (o *outlet) Wait(ctx context.Context) error { return ctx.Err() }

func (o *outlet) Close(reason realtime.Reason) {
	o.mu.Lock()
	o.closed = append(o.closed, reason)
	o.mu.Unlock()
	if o.close != nil {
		o.close()
	}
}

func (o *outlet) expect(t *testing.T, want ...string) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !slices.Equal(o.got, want) {
		t.Errorf("got %q, not %q", o.got, want)
	}
	o.got = nil
}

func (o *outlet) has(what string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Contains(o.got, what)
}

func newPeer(id string) *realtime.Peer {
	return realtime.NewPeer(id, realtime.WireEnvelope, "127.0.0.1")
}

// attach adds a peer that is in these rooms.
func attach(t *testing.T, h *realtime.Hub, id string, rooms ...string) (*realtime.Peer, *outlet) {
	t.Helper()
	p, o := newPeer(id), &outlet{}
	if err := h.Attach(p, o); err != nil {
		t.Fatal(err)
	}
	for _, room := range rooms {
		h.Join(p, room)
	}
	return p, o
}

func event(name string) *realtime.Message { return &realtime.Message{Event: name} }

func TestHub(t *testing.T) {
	t.Parallel()
	count := &meter{}
	h := realtime.NewHub(realtime.HubConfig{Meter: count})
	ctx := t.Context()
	a, outA := attach(t, h, "a", "one", "two", "one")
	b, outB := attach(t, h, "b", "one")
	stranger := newPeer("stranger")
	h.Join(stranger, "one")

	h.Broadcast(ctx, "one", event("1"), nil)
	h.Broadcast(ctx, "two", event("2"), nil)
	h.Broadcast(ctx, "one", event("3"), a)
	h.Broadcast(ctx, "nobody", event("4"), nil)
	h.Send(ctx, b, event("5"))
	h.Send(ctx, stranger, event("6"))
	outA.expect(t, "1@one", "2@two")
	outB.expect(t, "1@one", "3@one", "5@")
	if got := h.Rooms(a); !slices.Equal(got, []string{"one", "two"}) || h.Rooms(stranger) != nil {
		t.Errorf("a is in %v", got)
	}
	if got := h.Peers("one"); len(got) != 2 || !slices.Contains(got, a) || !slices.Contains(got, b) || len(h.Peers("nobody")) != 0 {
		t.Errorf("%v are in one", got)
	}

	h.Leave(a, "one")
	h.Leave(a, "nobody")
	h.Leave(stranger, "one")
	h.Broadcast(ctx, "one", event("7"), nil)
	outA.expect(t)
	outB.expect(t, "7@one")
	h.Detach(a)
	h.Detach(a)
	h.Broadcast(ctx, "two", event("8"), nil)
	h.Send(ctx, a, event("9"))
	outA.expect(t)

	h.Close(b, realtime.ReasonPolicy)
	h.Close(a, realtime.ReasonPolicy)
	if !slices.Equal(outB.closed, []realtime.Reason{realtime.ReasonPolicy}) || outA.closed != nil {
		t.Errorf("closed %v, %v", outB.closed, outA.closed)
	}
	if count.connected != 1 || count.sent["1"] != 2 || count.sent["3"] != 1 || count.sent["5"] != 1 || count.sent["6"] != 0 {
		t.Errorf("counted %+v", count)
	}
}

// TestSent: what is counted is what was queued, whoever queued it.
func TestSent(t *testing.T) {
	t.Parallel()
	count := &meter{}
	h := realtime.NewHub(realtime.HubConfig{Meter: count})
	s := &system{
		connected: func(_ context.Context, p *realtime.Peer) error { h.Join(p, "desk"); return nil },
		replay: func(_ context.Context, since string, _ []string, send func(*realtime.Message) error) (uint64, error) {
			if since == "old:1" {
				return 0, realtime.ErrTooOld
			}
			return 6, errors.Join(send(stored(5)), send(stored(6)))
		},
	}
	g := s.gateway(h, io.Discard)
	p := newPeer("replayed")
	for peer, since := range map[*realtime.Peer]string{p: "e:4", newPeer("late"): "old:1"} {
		if err := g.Open(t.Context(), peer, &outlet{}, since); err != nil {
			t.Fatal(err)
		}
	}
	slow, full := newPeer("slow"), &outlet{full: true}
	if err := h.Attach(slow, full); err != nil {
		t.Fatal(err)
	}
	h.Join(slow, "desk")
	h.Broadcast(t.Context(), "desk", stored(6), p) // late, and the slow peer has no room
	h.Broadcast(t.Context(), "desk", event("live"), nil)
	h.Send(t.Context(), slow, event("live"))
	if want := map[string]int{"s": 3, "resync": 1, "live": 2}; !maps.Equal(count.sent, want) {
		t.Errorf("counted %v, not %v", count.sent, want)
	}
}

// TestSnapshots: outlets are called without a lock, and who leaves meanwhile is still on the list that is being served.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	h := realtime.NewHub(realtime.HubConfig{})
	a, outA := attach(t, h, "a", "room")
	b, outB := attach(t, h, "b", "room")
	leave := func(m *realtime.Message) {
		if m.Event != "1" {
			return
		}
		h.Leave(a, "room")
		h.Detach(b)
		late, _ := attach(t, h, "late"+strconv.Itoa(len(h.Peers("room"))), "room")
		h.Broadcast(t.Context(), "room", event("2"), late)
	}
	outA.deliver, outB.deliver = leave, leave
	h.Broadcast(t.Context(), "room", event("1"), nil)
	outA.expect(t, "1@room")
	outB.expect(t, "1@room")
	if len(h.Peers("room")) != 2 {
		t.Errorf("%d are in the room", len(h.Peers("room")))
	}
}

// TestHubRace: while others come and go, who stays gets every message of a publisher in its order, and no other's.
func TestHubRace(t *testing.T) {
	t.Parallel()
	const publishers, messages, guests = 4, 200, 8
	h := realtime.NewHub(realtime.HubConfig{})
	var wait sync.WaitGroup
	_, stays := attach(t, h, "stays", "room")
	_, elsewhere := attach(t, h, "elsewhere", "other")
	for p := range publishers {
		wait.Go(func() {
			for n := range messages {
				h.Broadcast(t.Context(), "room", &realtime.Message{Event: strconv.Itoa(p), ID: fmt.Sprintf(":%04d", n)}, nil)
			}
		})
	}
	for g := range guests {
		wait.Go(func() {
			for n := range messages {
				guest, o := attach(t, h, fmt.Sprint("guest", g, n), "room", "own"+strconv.Itoa(g))
				h.Send(t.Context(), guest, event("hello"))
				if n%2 == 0 {
					h.Leave(guest, "room")
				}
				h.Detach(guest)
				if !o.has("hello@") {
					t.Error("a guest was not greeted")
				}
				h.Peers("room")
			}
		})
	}
	wait.Wait()
	elsewhere.expect(t)
	next := map[string]int{}
	for _, got := range stays.got {
		who, n, _ := cut(got)
		if n != next[who] {
			t.Fatalf("%s of publisher %s came when %d was due", got, who, next[who])
		}
		next[who]++
	}
	if len(stays.got) != publishers*messages || len(h.Peers("room")) != 1 {
		t.Errorf("%d messages; %d are in the room", len(stays.got), len(h.Peers("room")))
	}
}

// cut takes "event:number@room" apart.
func cut(text string) (event string, n int, err error) {
	_, err = fmt.Sscanf(text, "%1s:%d@", &event, &n)
	return event, n, err
}

// TestDrain: peers are told, new ones refused, and the end is waited for.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := realtime.NewHub(realtime.HubConfig{})
	quick, outQuick := attach(t, h, "quick")
	slow, outSlow := attach(t, h, "slow")
	outQuick.close = func() { h.Detach(quick) }
	told := make(chan struct{})
	outSlow.close = func() { close(told) }
	drained := make(chan error)
	go func() { drained <- h.Drain(t.Context()) }()
	<-told
	if err := h.Attach(newPeer("late"), &outlet{}); !errors.Is(err, realtime.ErrDraining) || !h.Draining() {
		t.Errorf("a new peer was answered %v", err)
	}
	outSlow.close = nil
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Drain(impatient); !errors.Is(err, context.Canceled) {
		t.Errorf("with a peer left: %v", err)
	}
	h.Detach(slow)
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if err := h.Drain(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
	if len(outQuick.closed) != 1 || outQuick.closed[0] != realtime.ReasonGoingAway {
		t.Errorf("closed with %v", outQuick.closed)
	}
	if err := realtime.NewHub(realtime.HubConfig{}).Drain(t.Context()); err != nil {
		t.Errorf("without peers: %v", err)
	}
}

// TestBus: hubs that share a bus are one to their peers, until they are drained.
func TestBus(t *testing.T) {
	t.Parallel()
	bus, count := realtime.NewBus(), &meter{}
	here, there := realtime.NewHub(realtime.HubConfig{Bus: bus, Meter: count}), realtime.NewHub(realtime.HubConfig{Bus: bus})
	a, outA := attach(t, here, "a", "room")
	_, outB := attach(t, there, "b", "room")
	here.Broadcast(t.Context(), "room", event("1"), a)
	there.Broadcast(t.Context(), "room", event("2"), nil)
	outA.expect(t, "2@room")
	outB.expect(t, "1@room", "2@room")
	here.Detach(a)
	if err := here.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	heard := 0
	stop := bus.Subscribe(func(realtime.Delivery) { heard++ })
	here.Broadcast(t.Context(), "room", event("3"), nil)
	stop()
	here.Broadcast(t.Context(), "room", event("4"), nil)
	outB.expect(t, "3@room", "4@room")
	if _, told := count.sent["3"]; heard != 1 || told {
		t.Errorf("heard %d deliveries; the hub that was drained %v", heard, told)
	}
}

// TestHubWait: a peer's queue is waited for, and not that of one that has gone.
func TestHubWait(t *testing.T) {
	t.Parallel()
	hub, p := realtime.NewHub(realtime.HubConfig{}), realtime.NewPeer("1", realtime.WireSocketIO, "")
	if err := hub.Attach(p, &outlet{}); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := hub.Wait(ended, p); !errors.Is(err, context.Canceled) {
		t.Errorf("a full queue: %v", err)
	}
	hub.Detach(p)
	if err := hub.Wait(t.Context(), p); !errors.Is(err, realtime.ErrClosed) {
		t.Errorf("a peer that has gone: %v", err)
	}
}

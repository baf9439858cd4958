package realtime_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// socket is what an Outbound writes to: each call is shown on calls and ends when the test says how.
type socket struct {
	calls chan []string
	end   chan error
	full  atomic.Int32
	ended chan error
	count meter
}

func newSocket() *socket {
	return &socket{calls: make(chan []string), end: make(chan error), ended: make(chan error, 2)}
}

func (s *socket) write(frames [][]byte) error {
	s.calls <- texts(frames)
	return <-s.end
}

func texts(frames [][]byte) []string {
	var list []string
	for _, frame := range frames {
		list = append(list, string(frame))
	}
	return list
}

func (s *socket) outbound(limit int) *realtime.Outbound {
	return realtime.NewOutbound(realtime.OutboundConfig{
		Limit: limit, Write: s.write, Full: func() { s.full.Add(1) }, Ended: func(err error) { s.ended <- err }, Meter: &s.count,
	})
}

// written expects a call of Write and ends it well.
func (s *socket) written(t *testing.T, want ...string) {
	t.Helper()
	if got := <-s.calls; !slices.Equal(got, want) {
		t.Errorf("%q was written, not %q", got, want)
	}
	s.end <- nil
}

// meter adds up what it is told.
type meter struct {
	mu        sync.Mutex
	connected int
	queued    int
	received  []string
	sent      map[string]int
	dropped   []string
}

func (m *meter) Connected(_ realtime.Wire, delta int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.connected += delta
}
func (m *meter) Queued(bytes int) { m.mu.Lock(); defer m.mu.Unlock(); m.queued += bytes }
func (m *meter) Dropped(event string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropped = append(m.dropped, event)
}

func (m *meter) Received(_ realtime.Wire, event string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.received = append(m.received, event)
}

func (m *meter) Sent(event string, peers int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sent == nil {
		m.sent = map[string]int{}
	}
	m.sent[event] += peers
}

func (m *meter) holds(t *testing.T, bytes int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.queued != bytes {
		t.Errorf("%d bytes are said to be queued, not %d", m.queued, bytes)
	}
}

// frameCost is what a frame counts beside its bytes.
const frameCost = 80

func put(o *realtime.Outbound, policy realtime.Queue, frame string) bool {
	return o.Put([]byte(frame), policy, "e", "r")
}

// TestOutbound: what is queued while a call is under way is written together by the next one.
func TestOutbound(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(0)
	put(o, realtime.QueueClose, "1")
	first := <-s.calls
	for _, frame := range []string{"2", "3", "4"} {
		if !put(o, realtime.QueueClose, frame) {
			t.Errorf("%s was not queued", frame)
		}
	}
	if !slices.Equal(first, []string{"1"}) || o.Idle() {
		t.Errorf("first came %q", first)
	}
	s.end <- nil
	s.written(t, "2", "3", "4")
	o.End([]byte("bye"), false)
	s.written(t, "bye")
	if err := <-s.ended; err != nil || put(o, realtime.QueueClose, "late") || !o.Idle() {
		t.Errorf("ended with %v", err)
	}
	s.count.holds(t, 0)
}

// TestOutboundBatches: one call does not get more than it can be interrupted after.
func TestOutboundBatches(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(0)
	put(o, realtime.QueueClose, "1")
	<-s.calls
	half, large := strings.Repeat("x", 30<<10), strings.Repeat("y", 100<<10)
	for _, frame := range []string{half, half, half, large, "end"} {
		put(o, realtime.QueueClose, frame)
	}
	s.end <- nil
	s.written(t, half, half)
	s.written(t, half)
	s.written(t, large)
	s.written(t, "end")
}

// TestOutboundFull: each policy without room. What is being written counts.
func TestOutboundFull(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(90)
	put(o, realtime.QueueClose, strings.Repeat("longer than the limit", 10))
	<-s.calls
	if put(o, realtime.QueueDrop, "lost") || s.full.Load() != 0 {
		t.Error("there was room for a frame of QueueDrop")
	}
	for range 3 {
		if put(o, realtime.QueueClose, "2") {
			t.Error("there was room for a frame of QueueClose")
		}
	}
	if s.full.Load() != 1 {
		t.Errorf("Full was called %d times", s.full.Load())
	}
	s.end <- nil
	if err := o.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	put(o, realtime.QueueClose, "3")
	s.written(t, "3")
	if want := []string{"e", "e", "e", "e"}; !slices.Equal(s.count.dropped, want) {
		t.Errorf("dropped %v", s.count.dropped)
	}
}

// TestOutboundLatest: a newer frame takes the place of one of the same event and room that still waits.
func TestOutboundLatest(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(20 + 5*frameCost)
	latest := func(frame, event, room string) bool { return o.Put([]byte(frame), realtime.QueueLatest, event, room) }
	latest("being written", "a", "1")
	<-s.calls
	latest("a1", "a", "1")
	latest("a2", "a", "2")
	o.Put([]byte("-"), realtime.QueueClose, "a", "1")
	latest("A1", "a", "1")
	latest("b1", "b", "1")
	s.count.holds(t, 13+2+2+1+2+5*frameCost)
	if latest("no room", "c", "1") || !latest("B1", "b", "1") {
		t.Error("a full queue takes what replaces another frame, and nothing else")
	}
	if latest("B1 grows", "b", "1") {
		t.Error("a full queue takes a frame that is longer than the one it replaces")
	}
	s.end <- nil
	s.written(t, "A1", "a2", "-", "B1")
}

// TestOutboundWait lets replays through at half of the limit.
func TestOutboundWait(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(6 + 4*frameCost)
	if err := o.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	put(o, realtime.QueueClose, "12")
	<-s.calls
	put(o, realtime.QueueClose, "34")
	put(o, realtime.QueueClose, "5")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := o.Wait(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("more than half is queued: %v", err)
	}
	through := make(chan error)
	go func() { through <- o.Wait(t.Context()) }()
	s.end <- nil
	<-s.calls // 34 and 5 are being written
	if err := <-through; err != nil {
		t.Error(err)
	}
	put(o, realtime.QueueClose, "6")
	go func() { through <- o.Wait(t.Context()) }()
	o.End(nil, true)
	if err := <-through; !errors.Is(err, realtime.ErrClosed) {
		t.Errorf("the queue has ended: %v", err)
	}
}

// TestOutboundLarge: what was waited for finds room, however large it is.
func TestOutboundLarge(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(4 * frameCost)
	put(o, realtime.QueueClose, "1")
	<-s.calls
	if err := o.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", 5*frameCost)
	if !put(o, realtime.QueueClose, large) || s.full.Load() > 0 {
		t.Error("there was no room")
	}
	if put(o, realtime.QueueDrop, "2") {
		t.Error("there was room behind it")
	}
	s.end <- nil
	s.written(t, large)
}

// TestOutboundEnd: with discard nothing that waits is written but the last frame.
func TestOutboundEnd(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(0)
	put(o, realtime.QueueClose, "1")
	<-s.calls
	put(o, realtime.QueueClose, "2")
	o.End([]byte("bye"), true)
	o.End([]byte("again"), false)
	s.count.holds(t, len("1bye")+2*frameCost)
	s.end <- nil
	s.written(t, "bye")
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	s.count.holds(t, 0)
}

// TestOutboundBreaks: after an error nothing is written, and the end is told once.
func TestOutboundBreaks(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, stop := range map[string]func(*socket, *realtime.Outbound) error{
		"write":             func(s *socket, _ *realtime.Outbound) error { s.end <- broken; return broken },
		"close":             func(s *socket, o *realtime.Outbound) error { o.Close(); s.end <- nil; return realtime.ErrClosed },
		"close, then write": func(s *socket, o *realtime.Outbound) error { o.Close(); s.end <- broken; return realtime.ErrClosed },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSocket()
			o := s.outbound(0)
			put(o, realtime.QueueClose, "1")
			<-s.calls
			put(o, realtime.QueueClose, "2")
			want := stop(s, o)
			if err := <-s.ended; !errors.Is(err, want) {
				t.Errorf("ended with %v", err)
			}
			o.Close()
			o.End([]byte("bye"), false)
			if put(o, realtime.QueueClose, "3") || !errors.Is(o.Wait(t.Context()), realtime.ErrClosed) || len(s.ended) > 0 {
				t.Error("it goes on")
			}
			s.count.holds(t, 0)
		})
	}
}

// TestOutboundCloseIdle: a queue that nothing writes is told of its end too.
func TestOutboundCloseIdle(t *testing.T) {
	t.Parallel()
	s := newSocket()
	s.outbound(0).Close()
	if err := <-s.ended; !errors.Is(err, realtime.ErrClosed) {
		t.Error(err)
	}
}

// TestOutboundNotReady: frames that could not be written wait for Resume, also one that came in between.
func TestOutboundNotReady(t *testing.T) {
	t.Parallel()
	s := newSocket()
	o := s.outbound(0)
	put(o, realtime.QueueClose, "1")
	<-s.calls
	o.Resume() // too early: the next attempt is made at once
	s.end <- realtime.ErrNotReady
	<-s.calls
	s.end <- realtime.ErrNotReady
	put(o, realtime.QueueClose, "2")
	o.Resume()
	s.written(t, "1", "2")
	o.End(nil, false)
	<-s.calls
	s.end <- nil
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
}

package realtime_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// system is a system's live side; each function may be nil.
type system struct {
	connected    func(ctx context.Context, p *realtime.Peer) error
	disconnected func(p *realtime.Peer)
	dispatch     func(ctx context.Context, in *realtime.Incoming) (*realtime.Message, error)
	replay       func(ctx context.Context, since string, rooms []string, send func(*realtime.Message) error) (uint64, error)
}

func (*system) Authenticate(_ context.Context, credential string) (string, any, error) {
	if credential == "panic" {
		panic("of the system")
	}
	if credential != "secret" {
		return "", nil, fmt.Errorf("token %q: %w", credential, realtime.ErrUnauthenticated)
	}
	return "member", 7, nil
}

func (s *system) Connected(ctx context.Context, p *realtime.Peer) error {
	if s.connected == nil {
		return nil
	}
	return s.connected(ctx, p)
}

func (s *system) Disconnected(_ context.Context, p *realtime.Peer) {
	if s.disconnected != nil {
		s.disconnected(p)
	}
}

func (s *system) Dispatch(ctx context.Context, _ *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	return s.dispatch(ctx, in)
}

func (s *system) Replay(ctx context.Context, since string, rooms []string, send func(*realtime.Message) error) (uint64, error) {
	return s.replay(ctx, since, rooms, send)
}

func (s *system) gateway(hub *realtime.Hub, log io.Writer) *realtime.Gateway {
	g := &realtime.Gateway{
		Surface: &realtime.Surface{
			Commands: map[string]*realtime.Command{"ping": {Event: "ping"}},
			Streams:  []realtime.Stream{{Address: "desk", Resync: "resync"}, {Address: "users/{id}", Resync: "resync"}},
		},
		Dispatcher: s, Hub: hub, Lifecycle: s, Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	if s.replay != nil {
		g.History = s
	}
	return g
}

func TestIdentify(t *testing.T) {
	t.Parallel()
	g := (&system{}).gateway(realtime.NewHub(realtime.HubConfig{}), io.Discard)
	for _, c := range []struct {
		anonymous, credential, role string
		caller                      any
		err                         error
	}{
		{credential: "secret", role: "member", caller: 7},
		{credential: "wrong", err: realtime.ErrUnauthenticated},
		{err: realtime.ErrUnauthenticated},
		{anonymous: "client", role: "client"},
		{anonymous: "client", credential: "secret", role: "member", caller: 7},
		{anonymous: "client", credential: "wrong", err: realtime.ErrUnauthenticated},
		{credential: "panic"},
	} {
		p := newPeer("p")
		err := g.Identify(t.Context(), p, &realtime.Server{Anonymous: c.anonymous}, c.credential)
		var panicked *realtime.Panic
		if errors.As(err, &panicked) != (c.credential == "panic") || panicked == nil && !errors.Is(err, c.err) || p.Role() != c.role || p.Caller() != c.caller {
			t.Errorf("%+v: %v, role %q, caller %v", c, err, p.Role(), p.Caller())
		}
	}
}

// TestOpenAndClosed: the peer is reachable when it is greeted, still in its rooms when it is taken leave of, and gone after.
func TestOpenAndClosed(t *testing.T) {
	t.Parallel()
	h := realtime.NewHub(realtime.HubConfig{})
	o := &outlet{}
	s := &system{
		connected: func(ctx context.Context, p *realtime.Peer) error {
			h.Join(p, "room")
			h.Send(ctx, p, event("hello"))
			return nil
		},
		disconnected: func(p *realtime.Peer) {
			h.Broadcast(context.Background(), h.Rooms(p)[0], event("bye"), nil)
			panic("of the system")
		},
	}
	var log bytes.Buffer
	g := s.gateway(h, &log)
	p := newPeer("p")
	if err := g.Open(t.Context(), p, o, "e:1"); err != nil {
		t.Fatal(err)
	}
	g.Closed(p)
	o.expect(t, "hello@", "bye@room")
	if h.Rooms(p) != nil || !strings.Contains(log.String(), "of the system") {
		t.Errorf("it is in %v; logged %s", h.Rooms(p), log.String())
	}
}

// TestOpenFails: whatever goes wrong, the peer is not attached any more.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	draining := realtime.NewHub(realtime.HubConfig{})
	if err := draining.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		hub      *realtime.Hub
		system   system
		want     func(error) bool
		goodbyes int
	}{
		"draining": {hub: draining, want: func(err error) bool { return errors.Is(err, realtime.ErrDraining) }},
		"connected": {
			system: system{connected: func(context.Context, *realtime.Peer) error { return broken }},
			want:   func(err error) bool { return errors.Is(err, broken) },
		},
		"panic": {
			system: system{connected: func(context.Context, *realtime.Peer) error { panic("of the system") }},
			want:   func(err error) bool { var p *realtime.Panic; return errors.As(err, &p) && p.Value == "of the system" },
		},
		"replay": {
			system: system{replay: func(context.Context, string, []string, func(*realtime.Message) error) (uint64, error) {
				return 0, broken
			}},
			want: func(err error) bool { return errors.Is(err, broken) }, goodbyes: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.hub == nil {
				c.hub = realtime.NewHub(realtime.HubConfig{})
			}
			goodbyes := 0
			c.system.disconnected = func(*realtime.Peer) { goodbyes++ }
			p, o := newPeer("p"), &outlet{}
			err := c.system.gateway(c.hub, io.Discard).Open(t.Context(), p, o, "e:1")
			c.hub.Send(t.Context(), p, event("1"))
			o.expect(t)
			if !c.want(err) || goodbyes != c.goodbyes {
				t.Errorf("%v; %d goodbyes", err, goodbyes)
			}
		})
	}
}

// TestRefused: only what the server has failed at is logged.
func TestRefused(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := (&system{}).gateway(realtime.NewHub(realtime.HubConfig{}), &log)
	for err, want := range map[error]realtime.Reason{
		realtime.ErrDraining: realtime.ReasonGoingAway, realtime.ErrClosed: realtime.ReasonNormal, context.Canceled: realtime.ReasonNormal,
		realtime.ErrUnauthenticated: realtime.ReasonPolicy,
	} {
		if got := g.Refused(newPeer("p"), fmt.Errorf("open: %w", err)); got != want || log.Len() > 0 {
			t.Errorf("%v: %v, logged %s", err, got, log.String())
		}
	}
	if got := g.Refused(newPeer("p"), errors.New("broken")); got != realtime.ReasonFailure || !strings.Contains(log.String(), "broken") {
		t.Errorf("%v, logged %s", got, log.String())
	}
}

// TestReceive: answers are given once, also without one; what the contract has no words for is logged.
func TestReceive(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for name, c := range map[string]struct {
		event    string
		dispatch func(ctx context.Context, in *realtime.Incoming) (*realtime.Message, error)
		answer   string
		err      func(error) bool
		counted  string
		log      string
	}{
		"answer": {
			event:    "ping",
			dispatch: func(context.Context, *realtime.Incoming) (*realtime.Message, error) { return event("pong"), nil },
			answer:   "pong", err: func(err error) bool { return err == nil }, counted: "ping",
		},
		"unknown": {
			event: "dance",
			dispatch: func(_ context.Context, in *realtime.Incoming) (*realtime.Message, error) {
				return nil, &realtime.UnknownEvent{Event: in.Event}
			},
			err: func(err error) bool { var u *realtime.UnknownEvent; return errors.As(err, &u) }, counted: "unknown",
		},
		"failure": {
			event:    "ping",
			dispatch: func(context.Context, *realtime.Incoming) (*realtime.Message, error) { return nil, failure },
			err:      func(err error) bool { return errors.Is(err, failure) }, counted: "ping", log: "WARN",
		},
		"panic": {
			event:    "ping",
			dispatch: func(context.Context, *realtime.Incoming) (*realtime.Message, error) { panic("of the dispatcher") },
			err:      func(err error) bool { var p *realtime.Panic; return errors.As(err, &p) }, counted: "ping", log: "ERROR",
		},
		"panic after the answer": {
			event: "ping",
			dispatch: func(ctx context.Context, _ *realtime.Incoming) (*realtime.Message, error) {
				realtime.After(ctx, func() { panic("of what follows") })
				return event("pong"), nil
			},
			answer: "pong", err: func(err error) bool { return err != nil }, counted: "ping", log: "ERROR",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			count := &meter{}
			g := (&system{dispatch: c.dispatch}).gateway(realtime.NewHub(realtime.HubConfig{Meter: count}), &log)
			var answers []string
			err := g.Receive(t.Context(), newPeer("p"), &realtime.Incoming{Event: c.event, WantsReply: true}, func(m *realtime.Message) {
				if m == nil {
					m = &realtime.Message{}
				}
				answers = append(answers, m.Event)
			})
			if !c.err(err) || !slices.Equal(answers, []string{c.answer}) || !slices.Equal(count.received, []string{c.counted}) {
				t.Errorf("%v, answers %q, counted %q", err, answers, count.received)
			}
			if c.answer != "" && count.sent[c.answer] != 1 || c.answer == "" && len(count.sent) > 0 {
				t.Errorf("sent %v", count.sent)
			}
			if !strings.Contains(log.String(), c.log) || c.log == "" && log.Len() > 0 {
				t.Errorf("logged %s", log.String())
			}
		})
	}
}

package realtime_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// TestResync: who missed too much is told so once, before what comes then.
func TestResync(t *testing.T) {
	t.Parallel()
	h := realtime.NewHub(realtime.HubConfig{})
	p, o := newPeer("p"), &outlet{}
	s := &system{
		connected: func(_ context.Context, p *realtime.Peer) error { h.Join(p, "desk"); return nil },
		replay: func(ctx context.Context, since string, rooms []string, _ func(*realtime.Message) error) (uint64, error) {
			if since != "old:3" || !slices.Equal(rooms, []string{"desk"}) {
				t.Errorf("since %s of %v", since, rooms)
			}
			h.Broadcast(ctx, "desk", &realtime.Message{Event: "stored", ID: "new:8", Seq: 8}, nil)
			return 0, fmt.Errorf("epoch: %w", realtime.ErrTooOld)
		},
	}
	if err := s.gateway(h, io.Discard).Open(t.Context(), p, o, "old:3"); err != nil {
		t.Fatal(err)
	}
	h.Broadcast(t.Context(), "desk", &realtime.Message{Event: "stored", ID: "new:9", Seq: 9}, nil)
	o.expect(t, "resync@", "storednew:9@desk")
}

// journal is a History in memory, and its publisher: a number is stored before it is broadcast.
type journal struct {
	hub *realtime.Hub

	mu   sync.Mutex
	rows []string // room of the number that is its place, from 1
}

func (j *journal) publish(ctx context.Context, room string) {
	j.mu.Lock()
	j.rows = append(j.rows, room)
	n := len(j.rows)
	j.mu.Unlock()
	j.hub.Broadcast(ctx, room, stored(n), nil)
}

func stored(n int) *realtime.Message {
	return &realtime.Message{Event: "s", ID: ":" + strconv.Itoa(n), Seq: uint64(n)}
}

func (j *journal) last() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.rows)
}

func (j *journal) replay(_ context.Context, since string, rooms []string, send func(*realtime.Message) error) (uint64, error) {
	_, number, _ := strings.Cut(since, ":")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0, err
	}
	j.mu.Lock()
	rows := j.rows
	j.mu.Unlock()
	for ; n < len(rows); n++ {
		if !slices.Contains(rooms, rows[n]) {
			continue
		}
		if err := send(stored(n + 1)); err != nil {
			return 0, err
		}
	}
	return uint64(n), nil
}

// TestReplay: peers that come at any time, with any number, while messages are published get every one of their rooms after
// it, once and in order.
func TestReplay(t *testing.T) {
	t.Parallel()
	const messages, peers = 3000, 60
	h := realtime.NewHub(realtime.HubConfig{})
	j := &journal{hub: h}
	s := &system{connected: func(_ context.Context, p *realtime.Peer) error { h.Join(p, "desk"); return nil }, replay: j.replay}
	g := s.gateway(h, io.Discard)
	var wait sync.WaitGroup
	wait.Go(func() {
		for n := range messages {
			j.publish(t.Context(), []string{"desk", "elsewhere", "desk"}[n%3])
		}
	})
	outlets, sinces := make([]*outlet, peers), make([]int, peers)
	for i := range peers {
		wait.Go(func() {
			outlets[i] = &outlet{}
			for sinces[i] = 0; sinces[i] < i*messages/peers/2; {
				sinces[i] = rand.N(j.last() + 1)
			}
			if err := g.Open(t.Context(), newPeer(strconv.Itoa(i)), outlets[i], "epoch:"+strconv.Itoa(sinces[i])); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i, o := range outlets {
		var got []int
		for _, text := range o.got {
			_, n, err := cut(text)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		var want []int
		for n := sinces[i] + 1; n <= messages; n++ {
			if n%3 != 2 {
				want = append(want, n)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("peer %d since %d got %d messages instead of %d: %v", i, sinces[i], len(got), len(want), got)
		}
	}
}

// TestReplayPasses: what is not durable does not wait for a replay.
func TestReplayPasses(t *testing.T) {
	t.Parallel()
	h := realtime.NewHub(realtime.HubConfig{})
	p, o := newPeer("p"), &outlet{}
	var rounds []string
	s := &system{
		connected: func(_ context.Context, p *realtime.Peer) error { h.Join(p, "desk"); return nil },
		replay: func(ctx context.Context, since string, _ []string, send func(*realtime.Message) error) (uint64, error) {
			rounds = append(rounds, since)
			if len(rounds) == 2 {
				return 6, send(stored(6))
			}
			h.Broadcast(ctx, "desk", event("live"), nil)
			h.Broadcast(ctx, "desk", stored(6), nil)
			return 5, send(stored(5))
		},
	}
	if err := s.gateway(h, io.Discard).Open(t.Context(), p, o, "e:4"); err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		h.Broadcast(t.Context(), "desk", stored(5+n), nil) // 5 and 6 are late
	}
	o.expect(t, "live@desk", "s:5@", "s:6@", "s:7@desk")
	if !slices.Equal(rounds, []string{"e:4", "e:5"}) {
		t.Errorf("replayed since %v", rounds)
	}
}

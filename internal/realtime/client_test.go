package realtime_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
)

// brittle is a link that breaks by itself after a time.
type brittle struct {
	realtime.Link
	holds time.Duration
	first *realtime.Frame // what it brings before; may be nil
}

func (b *brittle) Receive(ctx context.Context) (*realtime.Frame, error) {
	if f := b.first; f != nil {
		b.first = nil
		return f, nil
	}
	select {
	case <-time.After(b.holds):
		return nil, errors.New("broken")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (*brittle) Acks() bool   { return false }
func (*brittle) Close() error { return nil }

// dials is what a client asks for within a minute whose links hold so long.
func dials(ctx context.Context, durable map[string]int, holds time.Duration, frames ...*realtime.Frame) (since []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c := realtime.NewClient(realtime.ClientConfig{
		Arity: durable, Event: func(context.Context, *realtime.Incoming) {},
		Dial: func(_ context.Context, asked string) (realtime.Link, error) {
			link := &brittle{holds: holds}
			if n := len(since); n < len(frames) {
				link.first = frames[n]
			}
			since = append(since, asked)
			return link, nil
		},
	})
	_ = c.Run(ctx) // its time is over
	return since
}

// TestClientSince: a client that saw no id yet must learn that it missed something; where nothing is durable it misses nothing.
func TestClientSince(t *testing.T) {
	t.Parallel()
	durable := map[string]int{"stored": 1}
	synctest.Test(t, func(t *testing.T) {
		got := dials(t.Context(), durable, 0, nil, nil, &realtime.Frame{Event: "stored", ID: "e:1"})
		if want := []string{"", "0", "0", "e:1"}; !slices.Equal(got[:4], want) {
			t.Errorf("asked %q, not %q", got[:4], want)
		}
		if got := dials(t.Context(), nil, 0); got[0] != "" || got[1] != "" {
			t.Errorf("asked %q without durable events", got[:2])
		}
	})
}

// TestClientPause: a server that accepts connections and ends them is asked less and less often.
func TestClientPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if n := len(dials(t.Context(), nil, 0)); n > 20 {
			t.Errorf("%d connections a minute that break at once", n)
		}
		if n := len(dials(t.Context(), nil, 5*time.Second)); n < 11 {
			t.Errorf("%d connections a minute that hold five seconds", n)
		}
	})
}

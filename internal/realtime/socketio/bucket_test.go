package socketio

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestBucket: a burst at once, then the rate; pauses fill the bucket again and no further.
func TestBucket(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(10, 5)
		took := func(n int) time.Duration {
			start := time.Now()
			for range n {
				if !b.take(t.Context()) {
					t.Fatal("not taken")
				}
			}
			return time.Since(start)
		}
		for _, step := range []struct {
			pause time.Duration
			n     int
			want  time.Duration
		}{{0, 5, 0}, {0, 3, 300 * time.Millisecond}, {200 * time.Millisecond, 2, 0}, {0, 1, 100 * time.Millisecond}, {time.Hour, 7, 200 * time.Millisecond}} {
			time.Sleep(step.pause)
			if got := took(step.n); got != step.want {
				t.Errorf("%d after %v took %v, want %v", step.n, step.pause, got, step.want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if b.take(ctx) {
			t.Error("taken for who has gone")
		}
		unlimited := newBucket(-1, -1)
		if b = unlimited; took(100_000) != 0 {
			t.Error("no limit is a limit")
		}
	})
}

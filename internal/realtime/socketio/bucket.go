package socketio

import (
	"context"
	"time"
)

// bucket lets messages through at a rate: a token bucket whose taker waits. One goroutine at a time uses it.
type bucket struct {
	interval time.Duration // between two tokens; 0: no limit
	burst    time.Duration // the time that fills the bucket
	next     time.Time     // when the bucket would be full, less the burst
}

func newBucket(rate, burst int) bucket {
	if rate < 0 {
		return bucket{}
	}
	interval := time.Second / time.Duration(rate)
	return bucket{interval: interval, burst: interval * time.Duration(burst)}
}

// take waits for a token. It reports whether there was one before the context ended.
func (b *bucket) take(ctx context.Context) bool {
	if b.interval == 0 {
		return ctx.Err() == nil
	}
	now := time.Now()
	if full := now.Add(-b.burst); b.next.Before(full) {
		b.next = full
	}
	b.next = b.next.Add(b.interval)
	pause := b.next.Sub(now)
	if pause <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

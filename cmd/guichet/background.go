package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// drainTimeout is how long sockets may take to end: as long as requests.
const drainTimeout = 20 * time.Second

// background is what systems do beside their requests. It outlives the requests: what they have changed at the very end is
// still announced.
type background struct {
	ctx   context.Context
	end   context.CancelFunc
	fail  func() // called when work ends before its time: who serves without it would serve half
	group sync.WaitGroup

	mu     sync.Mutex
	failed error
}

func newBackground(ctx context.Context, fail func()) *background {
	b := &background{fail: fail}
	b.ctx, b.end = context.WithCancel(context.WithoutCancel(ctx))
	return b
}

// start begins the work of one system.
func (b *background) start(name string, work func(context.Context) error) {
	b.group.Go(func() {
		err := work(b.ctx)
		if b.ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("its background work ended")
		}
		b.mu.Lock()
		b.failed = errors.Join(b.failed, fmt.Errorf("%s: %w", name, err))
		b.mu.Unlock()
		b.fail()
	})
}

// stop ends all work and answers why some of it ended before.
func (b *background) stop() error {
	b.end()
	b.group.Wait()
	return b.failed
}

// drain ends the sockets of all systems at once: whoever takes too long is cut off with the process.
func (h *house) drain(ctx context.Context, systems []system, built []*running) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	var group sync.WaitGroup
	for i, one := range built {
		if one.drain == nil {
			continue
		}
		group.Go(func() {
			if err := one.drain(ctx); err != nil {
				h.log.WarnContext(ctx, "sockets were cut off", "system", systems[i].name, "after", drainTimeout, "error", err)
			}
		})
	}
	group.Wait()
}

package realtime

import (
	"context"
	"slices"
	"sync"
)

// Delivery is a broadcast on its way to the peers of a room, wherever they are connected.
type Delivery struct {
	Room    string
	Message *Message
	Except  string // id of the one peer that does not get it; empty: none
}

// Bus carries broadcasts to every hub of a system. One process needs none but its own. A bus between processes
// may lose what is under way when one of them dies; clients catch up on durable messages by their numbers.
type Bus interface {
	// Publish gives a delivery to every subscriber, in the publisher's order. It does not wait for peers.
	Publish(ctx context.Context, d Delivery)
	// Subscribe calls fn for every delivery until stop is called. fn does not wait.
	Subscribe(fn func(d Delivery)) (stop func())
}

// localBus is the Bus of one process: publishing is calling.
type localBus struct {
	mu          sync.RWMutex
	subscribers []*func(Delivery) // copied when it changes
}

// newBus returns the Bus of one process.
func newBus() Bus { return &localBus{} }

// Publish calls the subscribers.
func (b *localBus) Publish(_ context.Context, d Delivery) {
	b.mu.RLock()
	subscribers := b.subscribers
	b.mu.RUnlock()
	for _, fn := range subscribers {
		(*fn)(d)
	}
}

// Subscribe adds fn.
func (b *localBus) Subscribe(fn func(Delivery)) (stop func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.subscribers = append(slices.Clone(b.subscribers), &fn)
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.subscribers = slices.DeleteFunc(slices.Clone(b.subscribers), func(other *func(Delivery)) bool { return other == &fn })
	}
}

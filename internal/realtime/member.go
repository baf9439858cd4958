package realtime

import (
	"sync"
	"sync/atomic"
)

// member is an attached peer. While it replays, live durable messages are not queued for it: only the highest number is
// noted, and the replay reads on until it has reached that. So nothing is buffered, nothing missed and nothing sent twice.
// Publishers commit a number before they broadcast it.
type member struct {
	peer   *Peer
	outlet Outlet
	rooms  []string // guarded by Hub.mu

	replaying atomic.Bool   // turns false once, under mu
	mu        sync.Mutex    // orders the end of the replay and live durable messages
	noted     uint64        // highest number that came live meanwhile
	reached   atomic.Uint64 // what the replay has sent; live messages up to here are known
}

// deliver queues a message unless the replay brings it, or has brought it, and reports whether it did.
func (m *member) deliver(msg *Message, room string) bool {
	if msg.Seq > 0 && m.replayed(msg.Seq) {
		return false
	}
	return m.outlet.Deliver(msg, room)
}

// replayed reports whether a live durable message is the replay's matter.
func (m *member) replayed(seq uint64) bool {
	if m.replaying.Load() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.replaying.Load() {
			m.noted = max(m.noted, seq)
			return true
		}
	}
	return seq <= m.reached.Load()
}

// open ends the replay at a number if nothing newer has come live, and reports whether it has ended.
func (m *member) open(reached uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noted > reached {
		return false
	}
	m.reached.Store(reached)
	m.replaying.Store(false)
	return true
}

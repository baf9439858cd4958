package realtime

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// HubConfig is what a Hub needs; all of it has defaults.
type HubConfig struct {
	Bus   Bus   // nil: one of this process
	Meter Meter // nil: nothing is counted
}

// Hub knows the peers of a system and the rooms they are in, and implements Sink. A broadcast goes to the room's snapshot:
// an immutable list, made anew by the first broadcast after somebody came or went, so that delivering holds no lock.
// All methods are safe for concurrent use and none but Wait and Drain waits.
type Hub struct {
	bus   Bus
	meter Meter
	stop  func()

	mu       sync.RWMutex
	members  map[*Peer]*member
	rooms    map[string]*room
	draining bool
	empty    chan struct{} // closed once draining and no member is left
}

// room is who is in a room; it exists while somebody is.
type room struct {
	members  map[*member]struct{}
	snapshot []*member // nil when members has changed
}

// NewHub returns a hub without peers that hears the bus.
func NewHub(cfg HubConfig) *Hub {
	if cfg.Bus == nil {
		cfg.Bus = newBus()
	}
	if cfg.Meter == nil {
		cfg.Meter = noMeter{}
	}
	h := &Hub{bus: cfg.Bus, meter: cfg.Meter, members: map[*Peer]*member{}, rooms: map[string]*room{}, empty: make(chan struct{})}
	h.stop = h.bus.Subscribe(h.deliver)
	return h
}

// Meter is the hub's meter, never nil; wires give it to their queues.
func (h *Hub) Meter() Meter { return h.meter }

// Attach makes a peer reachable. It is in no room yet. The error is ErrDraining.
func (h *Hub) Attach(p *Peer, o Outlet) error {
	_, err := h.attach(p, o, false)
	return err
}

func (h *Hub) attach(p *Peer, o Outlet, replaying bool) (*member, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return nil, ErrDraining
	}
	m := &member{peer: p, outlet: o}
	m.replaying.Store(replaying)
	h.members[p] = m
	h.meter.Connected(p.Wire(), 1)
	return m, nil
}

// Detach forgets a peer, which leaves all its rooms. A broadcast that is under way may still reach its outlet.
func (h *Hub) Detach(p *Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.members[p]
	if m == nil {
		return
	}
	for _, key := range m.rooms {
		h.remove(m, key)
	}
	delete(h.members, p)
	h.meter.Connected(p.Wire(), -1)
	if h.draining && len(h.members) == 0 {
		close(h.empty)
	}
}

// Join puts an attached peer into a room. A peer that is in it, or is not attached, changes nothing.
func (h *Hub) Join(p *Peer, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.members[p]
	if m == nil || slices.Contains(m.rooms, key) {
		return
	}
	r := h.rooms[key]
	if r == nil {
		r = &room{members: map[*member]struct{}{}}
		h.rooms[key] = r
	}
	r.members[m] = struct{}{}
	r.snapshot = nil
	m.rooms = append(m.rooms, key)
}

// Leave takes a peer out of a room.
func (h *Hub) Leave(p *Peer, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.members[p]
	if m == nil {
		return
	}
	if i := slices.Index(m.rooms, key); i >= 0 {
		m.rooms = slices.Delete(m.rooms, i, i+1)
		h.remove(m, key)
	}
}

// remove takes a member off a room's list; h.mu is held.
func (h *Hub) remove(m *member, key string) {
	r := h.rooms[key]
	delete(r.members, m)
	r.snapshot = nil
	if len(r.members) == 0 {
		delete(h.rooms, key)
	}
}

// Peers are the peers in a room, in no order.
func (h *Hub) Peers(key string) []*Peer {
	members := h.snapshot(key)
	peers := make([]*Peer, len(members))
	for i, m := range members {
		peers[i] = m.peer
	}
	return peers
}

// All are the attached peers, in no order.
func (h *Hub) All() []*Peer {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Collect(maps.Keys(h.members))
}

// Rooms are the rooms that a peer is in, in the order in which it joined them.
func (h *Hub) Rooms(p *Peer) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if m := h.members[p]; m != nil {
		return slices.Clone(m.rooms)
	}
	return nil
}

// snapshot is who is in a room now.
func (h *Hub) snapshot(key string) []*member {
	h.mu.RLock()
	r := h.rooms[key]
	if r == nil {
		h.mu.RUnlock()
		return nil
	}
	members := r.snapshot
	h.mu.RUnlock()
	if members != nil {
		return members
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.snapshot == nil {
		r.snapshot = make([]*member, 0, len(r.members))
		for m := range r.members {
			r.snapshot = append(r.snapshot, m)
		}
	}
	return r.snapshot
}

// member finds an attached peer, nil if it is not.
func (h *Hub) member(p *Peer) *member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.members[p]
}

// Broadcast implements Sink: m goes over the bus to everybody in the room but one; except may be nil. A durable message
// (Message.Seq) goes to the peers of this process alone: every process publishes it from what is stored.
func (h *Hub) Broadcast(ctx context.Context, room string, m *Message, except *Peer) {
	d := Delivery{Room: room, Message: m}
	if except != nil {
		d.Except = except.ID()
	}
	if m.Seq > 0 {
		h.deliver(d)
		return
	}
	h.bus.Publish(ctx, d)
}

// deliver queues what the bus brought.
func (h *Hub) deliver(d Delivery) {
	members := h.snapshot(d.Room)
	sent := 0
	for _, m := range members {
		if d.Except != "" && m.peer.ID() == d.Except {
			continue
		}
		if m.deliver(d.Message, d.Room) {
			sent++
		}
	}
	if sent > 0 {
		h.meter.Sent(d.Message.Event, sent)
	}
}

// Send implements Sink: m is queued for one peer. One that has gone gets nothing.
func (h *Hub) Send(_ context.Context, p *Peer, m *Message) {
	if member := h.member(p); member != nil && member.deliver(m, "") {
		h.meter.Sent(m.Event, 1)
	}
}

// Wait returns once at most half of a peer's queue is used (Outlet.Wait): who has much to send does not get ahead of who reads
// it. The error is ErrClosed for a peer that has gone, or the context's.
func (h *Hub) Wait(ctx context.Context, p *Peer) error {
	m := h.member(p)
	if m == nil {
		return ErrClosed
	}
	return m.outlet.Wait(ctx)
}

// Close ends a peer's connection soon (Outlet.Close): a system bans it, or is done with it.
func (h *Hub) Close(p *Peer, reason Reason) {
	if m := h.member(p); m != nil {
		m.outlet.Close(reason)
	}
}

// Draining reports whether Drain was called: wires then refuse connections.
func (h *Hub) Draining() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.draining
}

// Drain takes no new peers, closes all with ReasonGoingAway and waits until they are detached, which they are after their
// last message was handled. The error is the context's.
func (h *Hub) Drain(ctx context.Context) error {
	h.mu.Lock()
	first := !h.draining
	h.draining = true
	members := make([]*member, 0, len(h.members))
	for _, m := range h.members {
		members = append(members, m)
	}
	if first && len(members) == 0 {
		close(h.empty)
	}
	h.mu.Unlock()
	for _, m := range members {
		m.outlet.Close(ReasonGoingAway)
	}
	select {
	case <-h.empty:
		h.stop()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

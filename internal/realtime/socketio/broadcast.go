package socketio

import (
	"context"
	"fmt"
	"slices"

	"github.com/guichet-api/guichet/internal/realtime"
)

// Broadcast aims at sockets of a namespace. It is a value: its methods return others, and it can be kept.
type Broadcast struct {
	namespace *Namespace
	rooms     []string // none: everybody
	except    []string
	volatile  bool
}

// Reply is what a socket acknowledged.
type Reply struct {
	Socket *Socket
	Args   Args
	Err    error // ErrDisconnected, or the context's
}

// To aims at the sockets in any of the rooms; a socket's id is a room too.
func (n *Namespace) To(rooms ...string) Broadcast { return Broadcast{namespace: n, rooms: rooms} }

// Except aims at everybody but the sockets in any of the rooms.
func (n *Namespace) Except(rooms ...string) Broadcast { return Broadcast{namespace: n, except: rooms} }

// Volatile aims at everybody, with messages that are dropped for sockets that they cannot be sent to at once.
func (n *Namespace) Volatile() Broadcast { return Broadcast{namespace: n, volatile: true} }

// Emit sends an event to everybody in the namespace.
func (n *Namespace) Emit(event string, args ...any) error { return n.Except().Emit(event, args...) }

// Sockets are all that are connected to the namespace, in no order.
func (n *Namespace) Sockets() []*Socket { return n.Except().Sockets() }

// To adds rooms.
func (b Broadcast) To(rooms ...string) Broadcast {
	b.rooms = append(slices.Clone(b.rooms), rooms...)
	return b
}

// Except adds rooms whose sockets are left out.
func (b Broadcast) Except(rooms ...string) Broadcast {
	b.except = append(slices.Clone(b.except), rooms...)
	return b
}

// Volatile makes messages that are dropped for sockets that they cannot be sent to at once: something still waits for
// them, or they poll and are not polling now. Recovery does not keep such messages.
func (b Broadcast) Volatile() Broadcast {
	b.volatile = true
	return b
}

// Sockets are those it aims at now, in no order.
func (b Broadcast) Sockets() []*Socket {
	n := b.namespace
	found := map[*Socket]bool{}
	rooms := b.rooms
	if len(rooms) == 0 {
		rooms = []string{everyone}
	}
	for _, room := range rooms {
		n.inRoom(room, func(s *Socket) { found[s] = true })
	}
	for _, room := range b.except {
		n.inRoom(room, func(s *Socket) { delete(found, s) })
	}
	sockets := make([]*Socket, 0, len(found))
	for s := range found {
		sockets = append(sockets, s)
	}
	return sockets
}

// inRoom calls fn for each socket in a room.
func (n *Namespace) inRoom(room string, fn func(*Socket)) {
	if s := n.socket(room); s != nil {
		fn(s)
		return
	}
	for _, peer := range n.hub.Peers(room) {
		if s := n.socket(peer.ID()); s != nil {
			fn(s)
		}
	}
}

// Join puts the sockets into rooms.
func (b Broadcast) Join(rooms ...string) {
	for _, s := range b.Sockets() {
		s.Join(rooms...)
	}
}

// Leave takes them out of rooms.
func (b Broadcast) Leave(rooms ...string) {
	for _, s := range b.Sockets() {
		s.Leave(rooms...)
	}
}

// Disconnect disconnects them, as Socket.Disconnect does.
func (b Broadcast) Disconnect(whole bool) {
	for _, s := range b.Sockets() {
		s.Disconnect(whole)
	}
}

// Emit sends an event. Every []byte among the arguments, at any depth, travels as binary data; other values as JSON. Args
// of an event that was received stand for its arguments, and must be the only ones. The error is that of an argument that
// has no JSON form, or ErrReserved: nobody was sent anything.
func (b Broadcast) Emit(event string, args ...any) error {
	n := b.namespace
	if n.recovery != nil && !b.volatile {
		return n.recovery.emit(b, event, args)
	}
	m, err := n.message(event, args, nil, "")
	if err != nil {
		return err
	}
	if b.volatile {
		m.Queue = realtime.QueueDrop
	}
	b.deliver(m)
	return nil
}

// deliver queues a message for who is aimed at.
func (b Broadcast) deliver(m *realtime.Message) {
	n := b.namespace
	if !b.volatile && len(b.rooms) <= 1 && len(b.except) <= 1 && b.viaHub(m) {
		return
	}
	for _, s := range b.Sockets() {
		if !b.volatile || s.conn.session.Ready() {
			n.hub.Send(context.Background(), s.peer, m)
		}
	}
}

// viaHub delivers a message to one room without one socket at most, which is what the hub does best.
func (b Broadcast) viaHub(m *realtime.Message) bool {
	n, room := b.namespace, everyone
	if len(b.rooms) == 1 {
		room = b.rooms[0]
		if s := n.socket(room); s != nil {
			if len(b.except) > 0 {
				return false
			}
			n.hub.Send(context.Background(), s.peer, m)
			return true
		}
	}
	var except *realtime.Peer
	if len(b.except) == 1 {
		s := n.socket(b.except[0])
		if s == nil {
			return false
		}
		except = s.peer
	}
	n.hub.Broadcast(context.Background(), room, m, except)
	return true
}

// message encodes an event, once for all who get it. id is that of the acknowledgement, nil for none; offset, which
// recovery adds, is one more argument.
func (n *Namespace) message(event string, args []any, id *uint64, offset string) (*realtime.Message, error) {
	if isReserved(event) {
		return nil, fmt.Errorf("%w: %s", ErrReserved, event)
	}
	payload, attachments, err := encodeArgs(appendEvent(nil, event), args)
	if err != nil {
		return nil, err
	}
	if offset != "" {
		payload = append(append(append(payload, `,"`...), offset...), '"')
	}
	k := kindEvent
	if len(attachments) > 0 {
		k = kindBinaryEvent
	}
	var number uint64
	if id != nil {
		number = *id
	}
	text := appendHead(make([]byte, 0, 32+len(payload)), k, n.name, number, id != nil, len(attachments))
	encoded := frames(append(append(text, payload...), ']'), attachments)
	m := &realtime.Message{Event: event}
	m.Frame(n.format, func(*realtime.Message) []byte { return encoded })
	return m, nil
}

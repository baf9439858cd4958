package socketio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// The causes of a socket's end beside those of its connection (engineio.Cause).
const (
	CauseClientDisconnect engineio.Cause = "client namespace disconnect" // the client left the namespace
	CauseServerDisconnect engineio.Cause = "server namespace disconnect" // Disconnect was called
)

// Errors of sending.
var (
	// ErrDisconnected is returned for an acknowledgement that cannot come any more.
	ErrDisconnected = errors.New("socketio: disconnected")
	// ErrReserved is wrapped by the error of sending an event whose name Socket.IO keeps for itself.
	ErrReserved = errors.New("socketio: reserved event name")
)

// Socket is one client in one namespace. It is safe for concurrent use.
type Socket struct {
	namespace *Namespace
	conn      *conn
	peer      *realtime.Peer
	auth      []byte
	former    *former // until its rooms and messages were restored
	pid       string  // what the client proves to be this socket with, later; empty without recovery
	recovered bool
	welcome   bool // connected has succeeded; used by who runs the inbox

	mu      sync.Mutex
	data    any
	acks    map[uint64]chan<- Reply
	closed  bool
	ending  *realtime.Reason // the connection is closed behind the event that is being handled
	inbox   []task
	bytes   int  // of what is in the inbox
	working bool // somebody runs what is in the inbox

	greeting bool               // what leave ends runs
	leave    context.CancelFunc // of greet

	gone atomic.Bool // closed, for who delivers
}

// ID is the socket's id, which its client knows too. It is also a room that only this socket is in.
func (s *Socket) ID() string { return s.peer.ID() }

// Namespace is where the socket is.
func (s *Socket) Namespace() *Namespace { return s.namespace }

// Address is the client's IP address.
func (s *Socket) Address() string { return s.conn.session.Address() }

// Transport is "polling" or "websocket", as of now.
func (s *Socket) Transport() string { return s.conn.session.Transport() }

// Request is what Config.Accept returned for the request that opened the connection.
func (s *Socket) Request() any { return s.conn.session.Data() }

// Auth decodes what the client sent with its CONNECT. Without anything into stays as it is.
func (s *Socket) Auth(into any) error {
	if s.auth == nil {
		return nil
	}
	if err := json.Unmarshal(s.auth, into); err != nil {
		return fmt.Errorf("socketio: auth: %w", err)
	}
	return nil
}

// Recovered reports whether the socket continues one whose connection broke, with its id, rooms and data.
func (s *Socket) Recovered() bool { return s.recovered }

// Data is what SetData stored, nil at first.
func (s *Socket) Data() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.data
}

// SetData stores something with the socket.
func (s *Socket) SetData(data any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data = data
}

// Join puts the socket into rooms.
func (s *Socket) Join(rooms ...string) {
	for _, room := range rooms {
		s.namespace.hub.Join(s.peer, room)
	}
}

// Leave takes it out of rooms.
func (s *Socket) Leave(rooms ...string) {
	for _, room := range rooms {
		s.namespace.hub.Leave(s.peer, room)
	}
}

// Rooms are the rooms that the socket has joined.
func (s *Socket) Rooms() []string {
	return slices.DeleteFunc(s.namespace.hub.Rooms(s.peer), func(room string) bool { return room == everyone })
}

// Emit sends an event to this socket's client.
func (s *Socket) Emit(event string, args ...any) error {
	return s.namespace.To(s.ID()).Emit(event, args...)
}

// EmitWithAck sends an event and waits for the client's acknowledgement. The error is the context's, or ErrDisconnected.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return s.namespace.emitWithAck(ctx, s, event, args)
}

// To aims at rooms, without this socket.
func (s *Socket) To(rooms ...string) Broadcast { return s.Broadcast().To(rooms...) }

// Broadcast aims at everybody in the namespace but this socket.
func (s *Socket) Broadcast() Broadcast { return s.namespace.Except(s.ID()) }

// Volatile aims at this socket, with messages that are dropped unless they can be sent at once.
func (s *Socket) Volatile() Broadcast { return s.namespace.To(s.ID()).Volatile() }

// Disconnect takes the client out of the namespace, which it does not try to join again by itself; whole closes its
// connection too.
func (s *Socket) Disconnect(whole bool) {
	s.conn.send(appendHead(nil, kindDisconnect, s.namespace.name, 0, false, 0))
	s.close(CauseServerDisconnect)
	if whole {
		s.conn.session.Close(realtime.ReasonNormal)
	}
}

// Deliver implements realtime.Outlet. A client that has left the namespace gets nothing more, though a broadcast or a
// replay may not know yet.
func (s *Socket) Deliver(m *realtime.Message, room string) bool {
	return !s.gone.Load() && s.conn.session.Send(m.Frame(s.namespace.format, s.namespace.encode), m.Queue, m.Event, room)
}

// Wait implements realtime.Outlet.
func (s *Socket) Wait(ctx context.Context) error {
	if s.gone.Load() {
		return realtime.ErrClosed
	}
	return s.conn.session.Wait(ctx)
}

// Close implements realtime.Outlet: it waits for the event that is being handled, but not for a greeting, which may be a long
// replay. A client that is not wanted is told so, and does not come back by itself; in other cases it does.
func (s *Socket) Close(reason realtime.Reason) {
	s.mu.Lock()
	if s.closed || s.ending != nil && reason != realtime.ReasonSlow {
		s.mu.Unlock()
		return
	}
	s.ending = &reason
	now := !s.working || s.greeting || reason == realtime.ReasonSlow
	if s.greeting {
		s.leave()
	}
	s.mu.Unlock()
	if now {
		s.end(reason)
	}
}

// end closes the connection.
func (s *Socket) end(reason realtime.Reason) {
	if reason == realtime.ReasonNormal || reason == realtime.ReasonPolicy {
		s.conn.send(appendHead(nil, kindDisconnect, s.namespace.name, 0, false, 0))
	}
	s.conn.session.Close(reason)
}

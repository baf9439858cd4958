package socketio

import (
	"context"
	"runtime/debug"
	"sync/atomic"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// Handler handles an event. The context ends with the connection.
type Handler func(ctx context.Context, e *Event)

// Event is an event that a client has sent.
type Event struct {
	Socket *Socket
	Name   string
	Args   Args

	id       uint64
	wantsAck bool
	answered atomic.Bool
}

// WantsAck reports whether the client waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.wantsAck }

// Ack acknowledges the event. Only the first call does something, and none if the client does not ask for it. The error
// is that of an argument that has no JSON form.
func (e *Event) Ack(args ...any) error {
	if !e.wantsAck || e.answered.Swap(true) {
		return nil
	}
	payload, attachments, err := encodeArgs(nil, args)
	if err != nil {
		e.answered.Store(false)
		return err
	}
	if len(payload) > 0 {
		payload = payload[1:] // the first comma
	}
	e.acknowledge(payload, attachments)
	return nil
}

// acknowledge sends arguments as an acknowledgement.
func (e *Event) acknowledge(payload []byte, attachments [][]byte) {
	k := kindAck
	if len(attachments) > 0 {
		k = kindBinaryAck
	}
	if e.Socket.gone.Load() { // its client waits no more, or has a new socket that counts anew
		return
	}
	text := appendHead(make([]byte, 0, 32+len(payload)), k, e.Socket.namespace.name, e.id, true, len(attachments))
	text = append(append(append(text, '['), payload...), ']')
	e.Socket.conn.session.Send(frames(text, attachments), realtime.QueueClose, "", "")
}

// handlers is the app of a namespace that Server.Of returns.
type handlers struct {
	namespace     *Namespace
	admission     []func(ctx context.Context, s *Socket) error
	connection    []func(ctx context.Context, s *Socket)
	disconnection []func(s *Socket, cause engineio.Cause)
	any           []Handler
	events        map[string]Handler
}

// own are the namespace's handlers. A namespace of Serve has none.
func (n *Namespace) own() *handlers {
	h, ok := n.app.(*handlers)
	if !ok {
		panic("socketio: the namespace " + n.name + " belongs to a contract")
	}
	return h
}

// Use adds a condition for joining: it runs before the client's CONNECT is answered, and its error refuses it. Clients see
// a *ConnectError; of others they learn only that they were not admitted. The socket is not connected yet: rooms and
// messages are for OnConnect. Nothing is read from the client meanwhile.
func (n *Namespace) Use(fn func(ctx context.Context, s *Socket) error) {
	h := n.own()
	h.admission = append(h.admission, fn)
}

// OnConnect adds what runs once a socket is connected, before its first event is handled.
func (n *Namespace) OnConnect(fn func(ctx context.Context, s *Socket)) {
	h := n.own()
	h.connection = append(h.connection, fn)
}

// OnDisconnect adds what runs after a socket's last event was handled; it is still in its rooms.
func (n *Namespace) OnDisconnect(fn func(s *Socket, cause engineio.Cause)) {
	h := n.own()
	h.disconnection = append(h.disconnection, fn)
}

// OnAny adds a handler of every event, which runs before the one of On.
func (n *Namespace) OnAny(fn Handler) {
	h := n.own()
	h.any = append(h.any, fn)
}

// On sets the handler of an event.
func (n *Namespace) On(event string, fn Handler) { n.own().events[event] = fn }

// admit implements app.
func (h *handlers) admit(ctx context.Context, s *Socket) (err error) {
	defer realtime.Recover(&err)
	for _, fn := range h.admission {
		if err := fn(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// connected implements app. A handler's panic leaves the socket connected.
func (h *handlers) connected(s *Socket) (ok bool) {
	n := h.namespace
	attach := func() bool {
		if err := n.hub.Attach(s.peer, s); err != nil {
			return false
		}
		// A client that knows it is connected misses nothing; what comes before the answer to its CONNECT it keeps.
		n.hub.Join(s.peer, everyone)
		n.add(s)
		return true
	}
	if !n.recovery.restore(s, attach) {
		s.conn.session.Close(realtime.ReasonGoingAway)
		return false
	}
	ok = true
	defer h.logPanic(s, "connect")
	for _, fn := range h.connection {
		fn(s.conn.session.Context(), s)
	}
	return ok
}

// event implements app.
func (h *handlers) event(e *Event) {
	defer h.logPanic(e.Socket, e.Name)
	ctx := e.Socket.conn.session.Context()
	for _, fn := range h.any {
		fn(ctx, e)
	}
	if fn := h.events[e.Name]; fn != nil {
		fn(ctx, e)
	}
}

// disconnected implements app.
func (h *handlers) disconnected(s *Socket, cause engineio.Cause) {
	defer h.namespace.hub.Detach(s.peer)
	defer h.namespace.remove(s)
	defer h.logPanic(s, "disconnect")
	for _, fn := range h.disconnection {
		fn(s, cause)
	}
}

// logPanic keeps one socket's handler from ending the process for all.
func (h *handlers) logPanic(s *Socket, event string) {
	if value := recover(); value != nil {
		h.namespace.server.cfg.Log.Error("handler panicked", "namespace", h.namespace.name, "socket", s.ID(), "event", event,
			"panic", value, "stack", string(debug.Stack()))
	}
}

package socketio

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// conn is one Engine.IO session and the sockets that share it, one per namespace.
type conn struct {
	server  *Server
	session *engineio.Session

	// Used by who receives, one at a time.
	allowance bucket
	partial   *partial // an event whose attachments have not all come

	awaited atomic.Int32 // acknowledgements that the server waits for

	mu      sync.Mutex
	sockets []*Socket
	leaving []*Socket     // closed, but not at their end
	room    chan struct{} // closed when an inbox may have room again, or a socket is at its end; nil: nobody waits
	left    []string      // namespaces that the server took the client out of
	timer   *time.Timer   // closes a connection that joins nothing
	closed  bool
}

// partial is a packet that waits for attachments.
type partial struct {
	packet
	size        int // bytes so far
	attachments [][]byte
}

// open is engineio's Open.
func (s *Server) open(session *engineio.Session) engineio.Receiver {
	c := &conn{server: s, session: session, allowance: newBucket(s.cfg.Rate, s.cfg.Burst)}
	c.timer = time.AfterFunc(s.cfg.ConnectTimeout, c.giveUp)
	return c
}

// giveUp closes a connection that has joined nothing.
func (c *conn) giveUp() {
	c.mu.Lock()
	idle := len(c.sockets) == 0
	c.mu.Unlock()
	if idle {
		c.session.Close(realtime.ReasonPolicy)
	}
}

// Receive implements engineio.Receiver. It waits while the client sends too fast, or more than is handled.
func (c *conn) Receive(message []byte, binary bool) error {
	if !c.allowance.take(c.session.Context()) {
		return nil // the connection is ending
	}
	if binary {
		return c.attach(message)
	}
	if c.partial != nil {
		return malformed("text instead of attachments")
	}
	p, err := parsePacket(message, c.server.cfg.MaxAttachments)
	if err != nil {
		return err
	}
	if p.attachments > 0 {
		if err := checkPlaceholders(p.args, p.attachments); err != nil {
			return err
		}
		c.partial = &partial{packet: p, size: len(message)}
		return nil
	}
	return c.handle(p, nil)
}

// attach takes one attachment of the packet that waits for it.
func (c *conn) attach(data []byte) error {
	p := c.partial
	if p == nil {
		return malformed("attachment of no event")
	}
	p.size += len(data)
	if p.size > c.server.cfg.MaxEvent {
		return malformed("%d bytes of attachments", p.size)
	}
	p.attachments = append(p.attachments, data)
	if len(p.attachments) < p.packet.attachments {
		return nil
	}
	c.partial = nil
	return c.handle(p.packet, p.attachments)
}

// handle gives a packet to its socket.
func (c *conn) handle(p packet, attachments [][]byte) error {
	socket := c.socket(p.namespace)
	if p.kind == kindConnect {
		if socket != nil {
			return malformed("CONNECT to %q, which is joined", p.namespace)
		}
		c.connect(p)
		return nil
	}
	if socket == nil {
		if c.wasLeft(p.namespace) { // the client does not know yet
			return nil
		}
		return malformed("packet to %q, which is not joined", p.namespace)
	}
	args := Args{p.args, attachments}
	switch p.kind {
	case kindDisconnect:
		socket.close(CauseClientDisconnect)
	case kindAck, kindBinaryAck:
		socket.acknowledged(p.id, args)
	default:
		socket.receive(&Event{Socket: socket, Name: p.event, Args: args, id: p.id, wantsAck: p.hasID})
	}
	return nil
}

// socket is the one of a namespace, nil if it is not joined.
func (c *conn) socket(namespace string) *Socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.sockets {
		if s.namespace.name == namespace {
			return s
		}
	}
	return nil
}

func (c *conn) wasLeft(namespace string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.left, namespace)
}

// connect answers a CONNECT.
func (c *conn) connect(p packet) {
	n := c.server.namespace(p.namespace)
	if n == nil {
		c.refuse(p.namespace, []byte(`{"message":"Invalid namespace"}`))
		return
	}
	if !c.vacate(p.namespace) {
		return
	}
	socket := newSocket(n, c, p.auth)
	if err := n.app.admit(c.session.Context(), socket); err != nil {
		n.recovery.giveBack(socket)
		if errors.Is(err, realtime.ErrDraining) { // a refusal would keep the client from trying again
			c.session.Close(realtime.ReasonGoingAway)
			return
		}
		c.refuse(p.namespace, n.connectError(err))
		return
	}
	socket.mu.Lock()
	defer socket.mu.Unlock()
	if !c.join(socket) {
		n.recovery.giveBack(socket)
		return
	}
	socket.put(task{run: func() { n.welcome(socket) }})
}

// vacate waits for the end of a former socket of the connection in a namespace, so that nothing comes twice. It reports
// whether the connection still goes on.
func (c *conn) vacate(namespace string) bool {
	is := func(s *Socket) bool { return s.namespace.name == namespace }
	for {
		c.mu.Lock()
		if !slices.ContainsFunc(c.leaving, is) {
			c.mu.Unlock()
			return true
		}
		room := c.roomLocked()
		c.mu.Unlock()
		select {
		case <-room:
		case <-c.session.Context().Done():
			return false
		}
	}
}

// waitForRoom returns what the next makeRoom closes.
func (c *conn) waitForRoom() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roomLocked()
}

// roomLocked is waitForRoom; c.mu is held.
func (c *conn) roomLocked() <-chan struct{} {
	if c.room == nil {
		c.room = make(chan struct{})
	}
	return c.room
}

// makeRoom wakes who waits for room.
func (c *conn) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// join makes a socket one of the connection, unless that has ended.
func (c *conn) join(s *Socket) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sockets = append(c.sockets, s)
	c.left = slices.DeleteFunc(c.left, func(name string) bool { return name == s.namespace.name })
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	c.server.sockets.Add(1)
	return true
}

// part forgets a socket that has left its namespace.
func (c *conn) part(s *Socket, byServer bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(other *Socket) bool { return other == s })
	c.leaving = append(c.leaving, s)
	if byServer {
		c.left = append(c.left, s.namespace.name)
	}
}

// departed forgets a socket that is at its end.
func (c *conn) departed(s *Socket) {
	c.mu.Lock()
	c.leaving = slices.DeleteFunc(c.leaving, func(other *Socket) bool { return other == s })
	c.mu.Unlock()
	c.makeRoom()
}

// refuse answers CONNECT_ERROR.
func (c *conn) refuse(namespace string, payload []byte) {
	c.send(append(appendHead(nil, kindConnectError, namespace, 0, false, 0), payload...))
}

// send queues a packet without attachments.
func (c *conn) send(text []byte) {
	c.session.Send(frames(text, nil), realtime.QueueClose, "", "")
}

// Closed implements engineio.Receiver.
func (c *conn) Closed(cause engineio.Cause) {
	c.mu.Lock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	sockets := slices.Clone(c.sockets)
	c.mu.Unlock()
	for _, s := range sockets {
		s.close(cause)
	}
}

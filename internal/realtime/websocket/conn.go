package websocket

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// conn is one connection, as the peer's outlet. It has two halves, reading and writing, and is over when both are.
type conn struct {
	handler *Handler
	peer    *realtime.Peer
	socket  *ws.Socket
	reader  *websocket.Conn
	out     *realtime.Outbound
	garbage allowance

	heard  atomic.Bool  // something was read since the last beat
	wrote  atomic.Bool  // something was written since the last beat
	still  atomic.Bool  // nothing is read: a replay, or answers that the peer must read first
	halves atomic.Int32 // those that are over
	opened bool         // Gateway.Closed is due; written by the reading half

	mu       sync.Mutex
	pulse    *time.Timer        // of the next beat; nil before and after
	pinged   bool               // a ping is not answered yet
	handling bool               // a message is with its handler
	closing  bool               // the server ends the connection
	farewell []byte             // the close frame that follows the answer of the message being handled
	cancel   context.CancelFunc // ends Gateway.Open
}

// take takes the socket over; coder/websocket gets a pipe.
func (c *conn) take(socket *ws.Socket) net.Conn {
	c.socket = socket
	cfg := realtime.OutboundConfig{
		Limit: c.handler.cfg.MaxQueue, Write: c.write, Full: c.full, Ended: c.written, Meter: c.handler.cfg.Gateway.Hub.Meter(),
	}
	if socket.CanTry() {
		cfg.Try, cfg.Flusher = c.try, c.handler.flusher
	}
	c.out = realtime.NewOutbound(cfg)
	return pipe{socket, c}
}

// Deliver implements realtime.Outlet.
func (c *conn) Deliver(m *realtime.Message, room string) bool {
	return c.out.Put(m.Frame(c.handler, c.handler.encode), m.Queue, m.Event, room)
}

// Wait implements realtime.Outlet.
func (c *conn) Wait(ctx context.Context) error { return c.out.Wait(ctx) }

// Close implements realtime.Outlet.
func (c *conn) Close(reason realtime.Reason) { c.end(ws.Code(reason), reason) }

func (c *conn) full() { c.Close(realtime.ReasonSlow) }

// end sends a close frame, behind the answer of the message that is being handled. A peer that is too slow is sent nothing
// else that still waits.
func (c *conn) end(code websocket.StatusCode, reason realtime.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slow := reason == realtime.ReasonSlow
	if c.closing && (!slow || c.farewell == nil) {
		return
	}
	c.closing = true
	c.farewell = closeFrame(code, reason.String())
	if slow || !c.handling {
		c.sayFarewell(slow)
	}
}

// sayFarewell queues the close frame and gives the peer the grace to read and answer it; c.mu is held.
func (c *conn) sayFarewell(discard bool) {
	c.out.End(c.farewell, discard)
	c.farewell = nil
	c.deadline()
}

// deadline bounds what is left of the connection. It cannot fail on one that is open.
func (c *conn) deadline() { _ = c.socket.SetDeadline(time.Now().Add(c.handler.cfg.Grace)) }

func (c *conn) write(frames [][]byte) error {
	err := c.socket.WriteFrames(frames)
	if err == nil {
		c.wrote.Store(true)
	}
	return err
}

func (c *conn) try(frames [][]byte) (all bool, err error) {
	if all, err = c.socket.TryFrames(frames); all {
		c.wrote.Store(true)
	}
	return all, err
}

// written ends the writing half.
func (c *conn) written(err error) {
	if err != nil {
		_ = c.socket.Close() // wakes the reading half; what was to be told is lost anyway
	}
	c.mu.Lock()
	if c.cancel != nil {
		c.cancel()
	}
	c.mu.Unlock()
	c.half()
}

// half ends one half, and the connection with the second.
func (c *conn) half() {
	if c.halves.Add(1) < 2 {
		return
	}
	_ = c.socket.Close()    // an error is one of a connection that broke
	_ = c.reader.CloseNow() // releases what it holds
	if c.opened {
		c.handler.cfg.Gateway.Closed(c.peer)
	}
}

// beat pings a peer that was silent, and gives up one that stayed silent. One that is not listened to is alive while its
// message is being handled, and while it reads.
func (c *conn) beat() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulse == nil {
		return
	}
	switch {
	case c.heard.Swap(false), c.handling, c.wrote.Swap(false) && c.still.Load(), c.still.Load() && c.out.Idle():
		c.pinged = false
	case c.pinged:
		_ = c.socket.Close() // both halves notice
		return
	default:
		c.pinged = true
		c.out.Put(ws.Frame(opPing, nil), realtime.QueueDrop, "", "")
	}
	c.pulse.Reset(c.handler.cfg.PingInterval)
}

// listen starts the heartbeat; cancel is called when nothing can be written any more.
func (c *conn) listen(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel = cancel
	c.pulse = time.AfterFunc(c.handler.cfg.PingInterval, c.beat)
}

// openEnded ends the context of Gateway.Open.
func (c *conn) openEnded() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	c.cancel = nil
}

// deafen stops the heartbeat.
func (c *conn) deafen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulse != nil {
		c.pulse.Stop()
		c.pulse = nil
	}
}

package websocket

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// run is the reading half.
func (c *conn) run(since string) {
	c.open(since)
	err := c.read()
	c.deafen()
	if websocket.CloseStatus(err) < 0 {
		c.peer.Lose()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			c.Close(realtime.ReasonProtocol) // unless coder/websocket has found better words, or nobody is there
			c.linger()
		}
	}
	c.deadline()
	c.out.End(nil, false)
	c.half()
}

// open lets the system greet the peer, and replays.
func (c *conn) open(since string) {
	ctx, cancel := context.WithCancel(context.Background())
	c.still.Store(true)
	c.listen(cancel)
	err := c.handler.cfg.Gateway.Open(ctx, c.peer, c, since)
	c.openEnded()
	c.still.Store(false)
	if c.opened = err == nil; !c.opened {
		c.Close(c.handler.cfg.Gateway.Refused(c.peer, err))
	}
}

// read handles messages until the connection can no longer be read, or the peer has closed it. Once the server has decided
// to close, what still comes is thrown away.
func (c *conn) read() error {
	for {
		kind, r, err := c.reader.Reader(context.Background())
		if err != nil {
			return err
		}
		if err := c.message(kind, r); err != nil {
			return err
		}
	}
}

// message reads a message and handles it. The error is one of reading.
func (c *conn) message(kind websocket.MessageType, r io.Reader) error {
	buffer := c.handler.buffers.Get().(*bytes.Buffer)
	defer c.handler.release(buffer)
	if _, err := buffer.ReadFrom(r); err != nil {
		return err
	}
	text := buffer.Bytes()
	switch {
	case kind != websocket.MessageText:
		c.end(websocket.StatusUnsupportedData, realtime.ReasonInvalid)
	case !utf8.Valid(text):
		c.Close(realtime.ReasonInvalid)
	case c.begin():
		c.receive(text)
		c.done()
		// Who sends faster than it reads the answers is read more slowly. An error is a connection that ends, which
		// the next read tells.
		c.still.Store(true)
		_ = c.out.Wait(context.Background())
		c.still.Store(false)
	}
	return nil
}

// release keeps a buffer for the next message unless it has grown large.
func (h *Handler) release(buffer *bytes.Buffer) {
	if buffer.Cap() <= 64<<10 {
		buffer.Reset()
		h.buffers.Put(buffer)
	}
}

// begin notes that a message goes to its handler; false: the connection is being closed.
func (c *conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handling = !c.closing
	return c.handling
}

// done ends what begin began.
func (c *conn) done() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handling = false
	if c.farewell != nil {
		c.sayFarewell(false)
	}
}

// receive handles a frame. What is no frame of the codec is an event without name to the contract.
func (c *conn) receive(text []byte) {
	gateway := c.handler.cfg.Gateway
	in, malformed := c.handler.codec.Decode(text)
	if malformed != nil {
		in = &realtime.Incoming{WantsReply: true}
	}
	err := gateway.Receive(context.Background(), c.peer, in, func(m *realtime.Message) { c.answer(in, m) })
	var unknown *realtime.UnknownEvent
	if (malformed != nil || errors.As(err, &unknown)) && !c.garbage.take(time.Now()) {
		c.Close(realtime.ReasonPolicy)
	}
}

// answer queues an answer, nil for none.
func (c *conn) answer(in *realtime.Incoming, m *realtime.Message) {
	if m == nil {
		return
	}
	c.out.Put(ws.Frame(ws.Text, c.handler.codec.AppendAnswer(nil, in, m)), realtime.QueueClose, m.Event, "")
}

// control queues a control frame of coder/websocket: a pong, the answer to a close frame, or the close frame of an error
// that it has found. Of pongs only the latest waits: who sends pings and does not read must not fill the queue (RFC 6455,
// 5.5.3).
func (c *conn) control(frame []byte) {
	if isClose(frame) {
		c.out.End(frame, false)
		return
	}
	c.out.Put(frame, realtime.QueueLatest, "", "")
}

// linger reads on after an error of the peer, as long as the grace: a socket that is closed with bytes unread would take
// the close frame back.
func (c *conn) linger() {
	c.deadline()
	_, _ = io.Copy(io.Discard, c.socket) // to its end, whatever that is
}

// allowance lets a peer send some garbage: 32 frames at once, one a second for longer.
type allowance struct {
	used int
	last time.Time
}

const garbageAtOnce = 32

// take uses one frame of the allowance up, and reports whether there was one.
func (a *allowance) take(now time.Time) bool {
	regained := int(now.Sub(a.last) / time.Second)
	if regained > 0 {
		a.used = max(0, a.used-regained)
		a.last = now
	}
	a.used++
	return a.used <= garbageAtOnce
}

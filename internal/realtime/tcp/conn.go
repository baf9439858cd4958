package tcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/codec"
)

// conn is one connection, and its peer's outlet. One goroutine reads, handles and answers; events come from any.
type conn struct {
	handler *Handler
	socket  net.Conn
	peer    *realtime.Peer
	reader  *codec.Reader
	events  *realtime.Outbound

	began   time.Time // when the command that is incomplete began
	last    time.Time // when the last command was complete
	garbage int       // bytes since then
	answers []byte    // that were not written yet
	waiting time.Time // since when they wait

	mu       sync.Mutex
	closing  bool
	reason   realtime.Reason
	deadline time.Time // for reading, as it is set
	due      time.Time // for writing, as it is set

	writing sync.Mutex // one write after the other
}

func newConn(h *Handler, socket net.Conn, peer *realtime.Peer) *conn {
	c := &conn{handler: h, socket: socket, peer: peer, reader: h.codec.NewReader(h.cfg.MaxCommand), last: time.Now()}
	c.events = realtime.NewOutbound(realtime.OutboundConfig{
		Limit: h.cfg.MaxQueue,
		Write: func(frames [][]byte) error { return c.write(bytes.Join(frames, nil)) },
		Full:  func() { c.Close(realtime.ReasonSlow) },
		Ended: func(error) { c.Close(realtime.ReasonSlow) },
		Meter: h.cfg.Gateway.Hub.Meter(),
	})
	return c
}

// Answers wait for others of commands that arrived together, as long as they are few and new.
const (
	maxAnswers = 16 << 10
	maxWait    = 2 * time.Millisecond
)

// serve handles commands until the connection is to be closed.
func (c *conn) serve(ctx context.Context) {
	for !c.isClosing() {
		in, need, err := c.reader.Next()
		switch {
		case err != nil:
			c.handle(ctx, &realtime.Incoming{WantsReply: true}) // refused as any other line that is none
			return
		case in != nil:
			if !c.handle(ctx, in) {
				return
			}
		case !c.flush() || !c.wait(ctx, need):
			return
		}
	}
}

// handle gives a command to the gateway and takes the answer. It reports whether the conversation can go on.
func (c *conn) handle(ctx context.Context, in *realtime.Incoming) bool {
	answered := true
	err := c.handler.cfg.Gateway.Receive(ctx, c.peer, in, func(m *realtime.Message) {
		if m != nil {
			answered = c.answer(m)
		}
	})
	c.began, c.last = time.Time{}, time.Now()
	if in.Event != "" {
		c.garbage = 0
	}
	// A peer that waits for an answer that the contract does not have would take the next one for it.
	if err != nil || !answered {
		return false
	}
	if len(c.answers) > maxAnswers || len(c.answers) > 0 && c.last.Sub(c.waiting) > maxWait {
		return c.flush()
	}
	return true
}

// answer keeps an answer for flush.
func (c *conn) answer(m *realtime.Message) bool {
	text, err := c.handler.codec.Answer(m)
	if err != nil {
		c.handler.cfg.Gateway.Log.Error("answer cannot be written", "event", m.Event, "error", err)
		return false
	}
	if len(c.answers) == 0 {
		c.waiting = time.Now()
	}
	c.answers = append(c.answers, text...)
	return true
}

// flush writes the answers and reports whether the peer took them.
func (c *conn) flush() bool {
	if len(c.answers) == 0 {
		return true
	}
	err := c.write(c.answers)
	if cap(c.answers) > maxAnswers {
		c.answers = nil
	}
	c.answers = c.answers[:0]
	if err != nil {
		c.peer.Lose()
	}
	return err == nil
}

// settle writes what is left before anybody is told that the peer is gone, which is lost if it did not take all of it. Nothing
// takes longer than the grace from now on.
func (c *conn) settle() {
	c.Close(realtime.ReasonNormal) // unless it is closing
	c.mu.Lock()
	slow := c.reason == realtime.ReasonSlow
	c.mu.Unlock()
	if slow {
		c.peer.Lose()
		return
	}
	c.flush()
}

// write writes in one go. The deadline is moved in steps: moving it costs as much as a small write.
func (c *conn) write(text []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.extend(time.Now()); err != nil {
		return err
	}
	_, err := c.socket.Write(text)
	return err
}

// extend gives writing time, unless the connection is closing: then Close has said how much there is.
func (c *conn) extend(now time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	limit := c.handler.cfg.Write
	if c.closing || c.due.Sub(now) > limit*3/4 {
		return nil
	}
	c.due = now.Add(limit)
	return c.socket.SetWriteDeadline(c.due)
}

// wait reads more, or lets time end the command that has begun. It reports whether the connection goes on.
func (c *conn) wait(ctx context.Context, need codec.Need) bool {
	now := time.Now()
	if need == codec.Nothing {
		c.began = time.Time{}
	} else if c.began.IsZero() {
		c.began = now
	}
	if !c.setDeadline(now, c.limit(now, need), need) {
		return false
	}
	n, err := c.socket.Read(c.reader.Space())
	c.reader.Fill(n)
	c.garbage += n
	switch {
	case n > 0:
		return c.garbage <= c.handler.cfg.MaxGarbage+c.handler.cfg.MaxCommand
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.expire(ctx, need)
	case errors.Is(err, io.EOF): // it may still read: what it said last is answered
		in := c.rest(need)
		return in != nil && c.handle(ctx, in)
	}
	c.peer.Lose()
	return false
}

// limit is when waiting ends.
func (c *conn) limit(now time.Time, need codec.Need) time.Time {
	cfg := &c.handler.cfg
	switch {
	case need == codec.Silence:
		return now.Add(cfg.Silence)
	case need == codec.More:
		return c.began.Add(cfg.Incomplete)
	case c.peer.Role() == "":
		return c.last.Add(cfg.Stranger)
	}
	return c.last.Add(cfg.Idle)
}

// setDeadline sets the deadline for reading unless the connection is closing. Between commands one that is a little early
// serves as well, because expire looks at the clock.
func (c *conn) setDeadline(now, limit time.Time, need codec.Need) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	if need == codec.Nothing && !c.deadline.After(limit) && c.deadline.Sub(now) > limit.Sub(now)*3/4 {
		return true
	}
	c.deadline = limit
	return c.socket.SetReadDeadline(limit) == nil
}

// expire ends what has waited for too long.
func (c *conn) expire(ctx context.Context, need codec.Need) bool {
	now := time.Now()
	if c.isClosing() {
		return false
	}
	if need != codec.Silence && now.Before(c.limit(now, need)) {
		return true
	}
	if need == codec.Nothing { // it says nothing any more
		c.peer.Lose()
		return false
	}
	in := c.rest(need)
	return in != nil && c.handle(ctx, in)
}

// rest is the command that has begun and does not go on, nil if there is none.
func (c *conn) rest(need codec.Need) *realtime.Incoming {
	switch need {
	case codec.Silence:
		return c.reader.Silence()
	case codec.More:
		return c.reader.Expire()
	}
	return nil
}

// Deliver implements realtime.Outlet.
func (c *conn) Deliver(m *realtime.Message, room string) bool {
	frame := m.Frame(codec.KeyValueFormat{}, func(m *realtime.Message) []byte {
		text, err := c.handler.codec.Answer(m)
		if err != nil {
			c.handler.cfg.Gateway.Log.Error("event cannot be written", "event", m.Event, "error", err)
		}
		return text
	})
	return len(frame) > 0 && c.events.Put(frame, m.Queue, m.Event, room)
}

// Wait implements realtime.Outlet.
func (c *conn) Wait(ctx context.Context) error { return c.events.Wait(ctx) }

// Close implements realtime.Outlet: reading ends, and with it the goroutine that serves the connection.
func (c *conn) Close(reason realtime.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.closing, c.reason = true, reason
	past := time.Unix(1, 0)
	last := past
	if reason != realtime.ReasonSlow {
		last = time.Now().Add(c.handler.cfg.Grace)
	}
	// They fail on a connection that is closed already.
	_ = c.socket.SetReadDeadline(past)
	_ = c.socket.SetWriteDeadline(last)
}

func (c *conn) isClosing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// end writes what is left, ends the server's half and then the connection. Closing at once would take the last answer away
// from a peer that has sent more than was read.
func (c *conn) end() {
	defer func() { _ = c.socket.Close() }()
	c.mu.Lock()
	slow := c.closing && c.reason == realtime.ReasonSlow
	c.mu.Unlock()
	c.Close(realtime.ReasonNormal) // unless it is closing: nothing takes longer than the grace from now on
	c.events.Close()
	if slow || !c.flush() {
		return
	}
	half, ok := c.socket.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || c.socket.SetReadDeadline(time.Now().Add(c.handler.cfg.Grace)) != nil {
		return
	}
	// What comes is of no interest, nor why it ends.
	_, _ = io.CopyN(io.Discard, c.socket, int64(c.handler.cfg.MaxGarbage))
}

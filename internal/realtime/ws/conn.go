// Package ws is the server's end of a WebSocket (RFC 6455) for many connections that mostly wait. coder/websocket shakes
// hands, reads, and answers control frames; frames are written past it: a message is framed once for all its peers, and
// all that waits for a peer is written in one system call. Its buffers are small, and nothing of the request is kept.
package ws

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Options say how connections are accepted.
type Options struct {
	MaxMessage   int64         // bytes of a message from the peer; a longer one ends the connection with 1009
	WriteTimeout time.Duration // for one Write, give or take a quarter; default 20 s
}

// Acceptor accepts connections. It is safe for concurrent use.
type Acceptor struct {
	upgrader *Upgrader
	timeout  time.Duration
}

// NewAcceptor returns an acceptor.
func NewAcceptor(opt Options) *Acceptor {
	if opt.WriteTimeout <= 0 {
		opt.WriteTimeout = 20 * time.Second
	}
	return &Acceptor{NewUpgrader(opt.MaxMessage), opt.WriteTimeout}
}

// Conn is one connection. Read is called by one goroutine; Write and Try by one at a time; the other methods by any.
type Conn struct {
	conn *websocket.Conn // reads and answers control frames
	link *link

	mu     sync.Mutex
	ending bool // End reads too
}

// Accept answers the request with 101 and takes the connection over: the HTTP handler may return. Origins are the
// caller's matter. After an error the request has been answered.
func (a *Acceptor) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	l := &link{timeout: a.timeout}
	conn, err := a.upgrader.Upgrade(w, r, func(socket *Socket) net.Conn {
		l.Socket = socket
		return l
	})
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, link: l}, nil
}

// Write writes whole frames, made by this package, in one system call. It waits while the peer does not read, for as long
// as WriteTimeout allows; after an error nothing can be written any more. It goes on where Try has stopped.
func (c *Conn) Write(frames [][]byte) error {
	l := c.link
	if !l.partial {
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	l.partial = false
	if err := l.extend(); err != nil {
		return err
	}
	return l.WriteFrames(frames)
}

// Try writes what it can without waiting, and reports whether that was all. Otherwise Write must follow, with the same frames
// and perhaps more behind them: until then no control frame is written either.
func (c *Conn) Try(frames [][]byte) (all bool, err error) {
	l := c.link
	if !l.CanTry() || !l.mu.TryLock() {
		return false, nil
	}
	if !l.due.IsZero() { // what an earlier Write was given is over one day
		if err := l.extend(); err != nil {
			l.mu.Unlock()
			return false, err
		}
	}
	all, err = l.TryFrames(frames)
	if l.partial = !all && err == nil; !l.partial {
		l.mu.Unlock()
	}
	return all, err
}

// End says goodbye with a close frame, waits for the peer's, and closes the connection, all within grace. A Write that is
// under way ends before. Next returns an error meanwhile.
func (c *Conn) End(code websocket.StatusCode, reason string, grace time.Duration) {
	c.mu.Lock()
	c.ending = true
	c.mu.Unlock()
	timer := time.AfterFunc(grace, func() { _ = c.link.Conn.Close() }) // whoever uses it learns it
	defer timer.Stop()
	_ = c.conn.Close(code, reason) // a peer that is gone hears no goodbye
}

// CloseNow closes the connection without a word, and waits for Next to return.
func (c *Conn) CloseNow() error { return c.conn.CloseNow() }

// Hurry gives a Write that is under way, and those that come, no more than grace altogether.
func (c *Conn) Hurry(grace time.Duration) {
	l := c.link
	l.clock.Lock()
	defer l.clock.Unlock()
	l.final = true
	_ = l.Conn.SetWriteDeadline(time.Now().Add(grace)) // fails on a closed connection only
}

// Next reads a message; op is Text or Binary. After an error the connection is to be closed, with End or CloseNow.
func (c *Conn) Next(ctx context.Context) (op Op, message []byte, err error) {
	kind, message, err := c.conn.Read(ctx)
	return Op(kind), message, err
}

// Idle reports whether Next would wait, as far as that can be said, and Wait could wait in its place. Only Next's goroutine
// calls it.
func (c *Conn) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.link
	return !c.ending && l.prober != nil && len(l.early) == 0 && l.reader.Buffered() == 0
}

// Wait waits for something to read, or for the connection's end, after Idle. A goroutine that does nothing else has the
// smallest of stacks; one that has read keeps the stack that reading took.
func (c *Conn) Wait() { c.link.prober.wait() }

// link is the network connection, with writes of whole frames one after the other.
type link struct {
	*Socket
	timeout time.Duration

	mu      sync.Mutex // one write after the other; between a Try that was not all and its Write it stays locked
	due     time.Time  // the deadline for writing
	partial bool       // Try was not all

	clock sync.Mutex // one deadline after the other; Hurry must not wait for a write
	final bool       // the deadline for writing is the last one
}

// extend gives writing time; l.mu is held. The deadline is moved in steps: moving it costs as much as a small write.
func (l *link) extend() error {
	l.clock.Lock()
	defer l.clock.Unlock()
	now := time.Now()
	if l.final || l.due.Sub(now) > l.timeout*3/4 {
		return nil
	}
	l.due = now.Add(l.timeout)
	return l.Conn.SetWriteDeadline(l.due)
}

// Write writes a control frame.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Conn.Write(p)
}

// Code is the close code for a reason.
func Code(reason realtime.Reason) websocket.StatusCode {
	switch reason {
	case realtime.ReasonGoingAway:
		return websocket.StatusGoingAway
	case realtime.ReasonProtocol:
		return websocket.StatusProtocolError
	case realtime.ReasonInvalid:
		return websocket.StatusInvalidFramePayloadData
	case realtime.ReasonPolicy:
		return websocket.StatusPolicyViolation
	case realtime.ReasonTooBig:
		return websocket.StatusMessageTooBig
	case realtime.ReasonFailure:
		return websocket.StatusInternalError
	case realtime.ReasonSlow:
		return websocket.StatusTryAgainLater
	}
	return websocket.StatusNormalClosure
}

// Package ws is the server's end of a WebSocket (RFC 6455) for many connections that mostly wait. coder/websocket shakes
// hands, reads, and answers control frames; frames are written past it: a message is framed once for all its peers, and
// all that waits for a peer is written in one system call. Its buffers are small, and nothing of the request is kept.
package ws

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
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
	opt     Options
	batches sync.Pool // *[]byte: frames that are written together
}

// NewAcceptor returns an acceptor.
func NewAcceptor(opt Options) *Acceptor {
	if opt.WriteTimeout <= 0 {
		opt.WriteTimeout = 20 * time.Second
	}
	return &Acceptor{opt: opt, batches: sync.Pool{New: func() any { return new([]byte) }}}
}

// Conn is one connection. Read is called by one goroutine; Write and Try by one at a time; the other methods by any.
type Conn struct {
	*websocket.Conn // reads and answers control frames
	acceptor        *Acceptor
	link            *link
}

// Accept answers the request with 101 and takes the connection over: the HTTP handler may return. Origins are the
// caller's matter. After an error the request has been answered.
func (a *Acceptor) Accept(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	takeover := &hijacker{ResponseWriter: w}
	conn, err := websocket.Accept(takeover, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(a.opt.MaxMessage)
	return &Conn{Conn: conn, acceptor: a, link: takeover.link}, nil
}

// Write writes whole frames, made by this package, in one system call: copied together, which costs less than a list of
// small pieces and makes one record of TLS. It waits while the peer does not read, for as long as WriteTimeout allows; after
// an error nothing can be written any more. It goes on where Try has stopped.
func (c *Conn) Write(frames [][]byte) error {
	l := c.link
	if !l.partial {
		l.mu.Lock()
	}
	defer l.mu.Unlock()
	batch := c.acceptor.batches.Get().(*[]byte)
	defer c.acceptor.batches.Put(batch)
	rest := join(batch, frames)[l.tried:]
	l.partial, l.tried = false, 0
	if err := l.extend(c.acceptor.opt.WriteTimeout); err != nil {
		return err
	}
	_, err := l.Conn.Write(rest)
	return err
}

// Try writes what it can without waiting, and reports whether that was all. Otherwise Write must follow, with the same frames
// and perhaps more behind them: until then no control frame is written either.
func (c *Conn) Try(frames [][]byte) (all bool, err error) {
	l := c.link
	if l.prober == nil || !l.mu.TryLock() {
		return false, nil
	}
	batch := c.acceptor.batches.Get().(*[]byte)
	defer c.acceptor.batches.Put(batch)
	bytes := join(batch, frames)
	n, err := l.prober.write(bytes)
	if err == nil && n < len(bytes) {
		l.partial, l.tried = true, n
		return false, nil
	}
	l.mu.Unlock()
	return err == nil, err
}

// join copies frames together into a buffer, unless there is only one.
func join(buffer *[]byte, frames [][]byte) []byte {
	if len(frames) == 1 {
		return frames[0]
	}
	*buffer = (*buffer)[:0]
	for _, frame := range frames {
		*buffer = append(*buffer, frame...)
	}
	return *buffer
}

// End says goodbye with a close frame, waits for the peer's, and closes the connection, all within grace. A Write that is
// under way ends before. Read returns an error, after which its goroutine must call CloseNow, as after every error of Read.
func (c *Conn) End(code websocket.StatusCode, reason string, grace time.Duration) {
	timer := time.AfterFunc(grace, func() { _ = c.link.Conn.Close() }) // whoever uses it learns it
	defer timer.Stop()
	_ = c.Close(code, reason) // a peer that is gone hears no goodbye
}

// Hurry gives a Write that is under way, and those that come, no more than grace altogether.
func (c *Conn) Hurry(grace time.Duration) {
	c.link.final.Store(true)
	_ = c.link.Conn.SetWriteDeadline(time.Now().Add(grace)) // fails on a closed connection only
}

// Next reads a message; op is Text or Binary.
func (c *Conn) Next(ctx context.Context) (op Op, message []byte, err error) {
	kind, message, err := c.Read(ctx)
	return Op(kind), message, err
}

// hijacker gives coder/websocket the connection with buffers of a few hundred bytes instead of net/http's 8 KiB.
type hijacker struct {
	http.ResponseWriter
	link *link
}

// Sizes of the buffers: frames that clients send are mostly short, and what coder/websocket writes are control frames,
// which must fit whole.
const (
	readBuffer  = 256
	writeBuffer = 132
)

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.link = &link{Conn: conn, prober: newProber(conn)}
	if n := buffered.Reader.Buffered(); n > 0 {
		early, err := buffered.Reader.Peek(n)
		if err != nil {
			return nil, nil, err
		}
		h.link.early = append(h.link.early, early...)
	}
	return h.link, bufio.NewReadWriter(bufio.NewReaderSize(h.link, readBuffer), bufio.NewWriterSize(h.link, writeBuffer)), nil
}

// link is the network connection, with writes of whole frames one after the other.
type link struct {
	net.Conn
	prober *prober     // nil: bytes cannot be written as they are
	early  []byte      // what the peer sent right behind its request
	final  atomic.Bool // the deadline for writing is the last one

	mu      sync.Mutex // one write after the other; between a Try that was not all and its Write it stays locked
	due     time.Time  // the deadline for writing
	partial bool       // Try was not all
	tried   int        // bytes that it has written
}

// extend gives writing time; l.mu is held. The deadline is moved in steps: moving it costs as much as a small write.
func (l *link) extend(timeout time.Duration) error {
	now := time.Now()
	if l.final.Load() || l.due.Sub(now) > timeout*3/4 {
		return nil
	}
	l.due = now.Add(timeout)
	return l.Conn.SetWriteDeadline(l.due)
}

// Read reads what came early first.
func (l *link) Read(p []byte) (int, error) {
	if len(l.early) > 0 {
		n := copy(p, l.early)
		if l.early = l.early[n:]; len(l.early) == 0 {
			l.early = nil
		}
		return n, nil
	}
	return l.Conn.Read(p)
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

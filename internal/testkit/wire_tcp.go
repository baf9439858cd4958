package testkit

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// tcpWire is a TCP connection of bytes.
type tcpWire struct {
	conn net.Conn

	mu     sync.Mutex
	buffer []byte
	ended  error
	more   chan struct{} // closed, and replaced, when something was added
}

func dialTCP(ctx context.Context, address string) (*tcpWire, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &tcpWire{conn: conn, more: make(chan struct{})}
	go w.read()
	return w, nil
}

func (w *tcpWire) read() {
	chunk := make([]byte, 64<<10)
	for {
		n, err := w.conn.Read(chunk)
		w.mu.Lock()
		w.buffer = append(w.buffer, chunk[:n]...)
		w.ended = err
		close(w.more)
		w.more = make(chan struct{})
		w.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// send writes each piece with a write of its own; the kernel sends each at once (Go sets TCP_NODELAY).
func (w *tcpWire) send(pieces []string) error {
	for _, piece := range pieces {
		if _, err := io.WriteString(w.conn, piece); err != nil {
			return err
		}
	}
	return nil
}

// take waits until the stream starts with what want takes, and takes it. An error tells what there was instead.
func (w *tcpWire) take(ctx context.Context, want func(stream string) int) (left string, err error) {
	for {
		w.mu.Lock()
		if n := want(string(w.buffer)); n >= 0 {
			w.buffer = w.buffer[n:]
			w.mu.Unlock()
			return "", nil
		}
		left, ended, more := string(w.buffer), w.ended, w.more
		w.mu.Unlock()
		if ended != nil {
			return left, &endedError{err: ended}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return left, errNothing
		}
	}
}

// end waits for the other side's close.
func (w *tcpWire) end(ctx context.Context) (left string, err error) {
	left, err = w.take(ctx, func(string) int { return -1 })
	var ended *endedError
	if errors.As(err, &ended) && left == "" {
		return "", nil
	}
	return left, err
}

func (w *tcpWire) close() { _ = w.conn.Close() }

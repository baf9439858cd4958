package websocket

import (
	"net"
)

// pipe is what coder/websocket takes for the network: it reads the socket, and what it writes, control frames, goes into
// the queue like all others, so that frames never interleave. The connection closes the socket.
type pipe struct {
	net.Conn
	conn *conn
}

// Read implements net.Conn.
func (p pipe) Read(b []byte) (int, error) {
	c := p.conn
	if c.early != nil {
		n := copy(b, c.early)
		if c.early = c.early[n:]; len(c.early) == 0 {
			c.early = nil
		}
		return n, nil
	}
	n, err := p.Conn.Read(b)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, err
}

// Write implements net.Conn. It gets one control frame at a time.
func (p pipe) Write(b []byte) (int, error) {
	p.conn.control(append([]byte(nil), b...))
	return len(b), nil
}

// Close implements net.Conn.
func (p pipe) Close() error { return nil }

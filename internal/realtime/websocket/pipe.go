package websocket

import "github.com/guichet-api/guichet/internal/realtime/ws"

// pipe is what coder/websocket takes for the network: it reads the socket, and what it writes, control frames, goes into
// the queue like all others, so that frames never interleave. The connection closes the socket.
type pipe struct {
	*ws.Socket
	conn *conn
}

// Read implements net.Conn.
func (p pipe) Read(b []byte) (int, error) {
	n, err := p.Socket.Read(b)
	if n > 0 {
		p.conn.heard.Store(true)
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

//go:build unix

package ws

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// prober writes to a socket what it takes without waiting.
type prober struct {
	raw   syscall.RawConn
	call  func(fd uintptr) (done bool) // attempt
	bytes []byte
	n     int
	err   error
}

// newProber returns nil for a connection that bytes cannot be written to as they are: TLS.
func newProber(socket net.Conn) *prober {
	tcp, ok := socket.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil // it is closed; others learn it from reading
	}
	p := &prober{raw: raw}
	p.call = p.attempt
	return p
}

// write reports how much was written, which may be nothing.
func (p *prober) write(bytes []byte) (int, error) {
	p.bytes, p.n, p.err = bytes, 0, nil
	err := p.raw.Write(p.call)
	p.bytes = nil
	return p.n, errors.Join(err, p.err)
}

// attempt makes the system call. It says that it is done also when the socket is full: otherwise it would be called again
// when there is room.
func (p *prober) attempt(fd uintptr) (done bool) {
	for {
		n, err := writeNow(fd, p.bytes)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
		case err != nil:
			p.err = err
		case n == 0 && len(p.bytes) > 0:
			p.err = io.ErrUnexpectedEOF
		default:
			p.n = n
		}
		return true
	}
}

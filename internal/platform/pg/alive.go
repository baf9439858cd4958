//go:build linux || darwin

package pg

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// alive reports whether an idle connection can be used, at the price of one system call and without asking the server.
// After a restart of the server its old connections are closed (or hold its last words, unread): without this check each
// of them would cost a request.
func alive(conn net.Conn) bool {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	socket, err := raw.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	// Control and not Read, which would wait for whoever reads: after a slow write pgx leaves a goroutine in Read on the idle
	// connection, and no time limit ends that.
	err = socket.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK)
	})
	return err == nil && quiet
}

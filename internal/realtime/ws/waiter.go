//go:build unix

package ws

import (
	"errors"
	"syscall"
)

// wait returns once something can be read, or reading would fail. Its stack is small.
func (p *prober) wait() { _ = p.raw.Read(readable) } // an error is one that reading returns too

// readable reports whether something can be read, or reading fails. A byte is looked at and left: what came before the
// wait began would otherwise not end it.
func readable(fd uintptr) bool {
	for {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		if !errors.Is(err, syscall.EINTR) {
			return !errors.Is(err, syscall.EAGAIN)
		}
	}
}

package tcp_test

import "syscall"

// keepAliveIdle is how many seconds of silence the kernel waits.
func keepAliveIdle(fd int) (int, error) {
	return syscall.GetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
}

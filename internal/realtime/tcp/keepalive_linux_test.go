package tcp_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/tcp"
)

// TestKeepAlive: the kernel is told to look for peers that are gone without a word.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	socket, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := tcp.New(tcp.Config{Gateway: p.gateway, Server: p.gateway.Surface.Servers[0], KeepAlive: 7 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	go handler.ServeConn(t.Context(), socket)
	<-p.joined
	raw, err := socket.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var on, idle int
	var failed error
	err = raw.Control(func(fd uintptr) {
		on, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		if failed == nil {
			idle, failed = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
		}
	})
	if err != nil || failed != nil || on == 0 || idle != 7 {
		t.Errorf("keep-alive is %d after %d s of silence, %v, %v", on, idle, err, failed)
	}
}

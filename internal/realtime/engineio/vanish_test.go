package engineio_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// TestVanish: clients that are gone before they were answered leave nothing behind: each session's end is told once, and the
// server can close.
func TestVanish(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	const clients = 300
	for range clients {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // a reset, not an end
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "GET /?"+webSocket+" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
		_ = conn.Close()
		for len(b.sessions) > 0 {
			<-b.sessions
			select {
			case <-b.causes:
			case <-time.After(wait):
				t.Fatal("a session does not end")
			}
		}
	}
}

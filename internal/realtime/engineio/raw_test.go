package engineio_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// TestFramesTogether: messages are handled however the network cuts them: several at once, right behind the handshake, and
// byte by byte.
func TestFramesTogether(t *testing.T) {
	t.Parallel()
	b := setup(t, engineio.Config{})
	frame := func(text string) string { // masked with zeros
		return string([]byte{0x81, byte(0x80 | len(text)), 0, 0, 0, 0}) + text
	}
	const upgrade = "GET /?" + webSocket + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(wait)); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(conn)
	expect := func(texts ...string) {
		t.Helper()
		for _, want := range texts {
			header := make([]byte, 2)
			if _, err := io.ReadFull(r, header); err != nil {
				t.Fatal(err)
			}
			text := make([]byte, header[1])
			if _, err := io.ReadFull(r, text); err != nil {
				t.Fatal(err)
			}
			if want != "" && string(text) != want {
				t.Fatalf("got %q, want %q", text, want)
			}
		}
	}
	write(upgrade + frame("4early") + frame("4bird"))
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	expect("", "4early", "4bird")
	write(frame("4a") + frame("4b") + frame("4c"))
	expect("4a", "4b", "4c")
	for _, c := range []byte(frame("4slow")) {
		write(string([]byte{c}))
	}
	expect("4slow")
	write(frame("4whole") + frame("4half")[:7])
	expect("4whole")
	write(frame("4half")[7:])
	expect("4half")
}

package tcp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/testkit"
)

// splitPort serves HTTP, which says its method, and text, whose first line is said again.
func splitPort(t *testing.T, cfg tcp.SplitConfig, secure *tls.Config) (addr string, stop func()) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = inner.Addr().String()
	if secure != nil {
		inner = tls.NewListener(inner, secure)
	}
	cfg.Text = func(socket net.Conn) {
		defer func() { _ = socket.Close() }()
		_ = socket.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // not every text has an end
		line, _ := bufio.NewReader(socket).ReadString('\n')
		_, _ = fmt.Fprintf(socket, "text %s", line)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "http %s %s", r.Proto, r.Method)
	})}
	listener := tcp.Split(inner, cfg)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	stop = func() {
		_ = server.Shutdown(context.WithoutCancel(t.Context()))
		<-done
	}
	t.Cleanup(stop)
	return addr, stop
}

// talk writes pieces, each with a write of its own, and reads what comes until the end.
func talk(t *testing.T, conn net.Conn, pieces ...string) string {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, piece := range pieces {
		if _, err := io.WriteString(conn, piece); err != nil {
			t.Fatal(err)
		}
	}
	got, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", got, err)
	}
	return string(got)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestSplit(t *testing.T) {
	t.Parallel()
	addr, _ := splitPort(t, tcp.SplitConfig{Decide: 200 * time.Millisecond}, nil)
	silent := dial(t, addr) // delays nobody
	for _, test := range []struct{ send, want string }{
		{"GET / HTTP/1.0\r\n\r\n", "http HTTP/1.0 GET"},
		{"DELETE / HTTP/1.0\r\n\r\n", "http HTTP/1.0 DELETE"},
		{"POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n", "http HTTP/1.0 POST"},
		{"PUT / HTTP/1.0\r\n\r\n", "http HTTP/1.0 PUT"},
		{"PATCH / HTTP/1.0\r\n\r\n", "http HTTP/1.0 PATCH"},
		{"OPTIONS / HTTP/1.0\r\n\r\n", "http HTTP/1.0 OPTIONS"},
		{"DEL_MSG\n", "text DEL_MSG\n"},
		{"DISCONNECTED\n", "text DISCONNECTED\n"},
		{"LOGIN\n", "text LOGIN\n"},
		{"\x16\x03\x01\x00", "text \x16\x03\x01\x00"},
		{"DE", "text DE"}, // half a word is no request
	} {
		for _, pieces := range [][]string{{test.send}, strings.Split(test.send, "")} {
			if got := talk(t, dial(t, addr), pieces...); !strings.HasSuffix(got, test.want) {
				t.Errorf("%q in %d pieces: got %q, want %q", test.send, len(pieces), got, test.want)
			}
		}
	}
	if got := talk(t, silent, "LOGIN\n"); got != "text LOGIN\n" {
		t.Errorf("who was silent at first gets %q", got)
	}
}

// TestSplitClose: connections that have not shown what they are end with the listener.
func TestSplitClose(t *testing.T) {
	t.Parallel()
	addr, stop := splitPort(t, tcp.SplitConfig{}, nil)
	silent, half := dial(t, addr), dial(t, addr)
	if _, err := io.WriteString(half, "G"); err != nil {
		t.Fatal(err)
	}
	if got := talk(t, dial(t, addr), "LOGIN\n"); got != "text LOGIN\n" { // accepted behind the two
		t.Fatal(got)
	}
	stop()
	for _, conn := range []net.Conn{silent, half} {
		if got := talk(t, conn); got != "" {
			t.Errorf("got %q", got)
		}
	}
}

// TestSplitFirst: who never says anything is let go.
func TestSplitFirst(t *testing.T) {
	t.Parallel()
	addr, _ := splitPort(t, tcp.SplitConfig{First: 100 * time.Millisecond}, nil)
	if got := talk(t, dial(t, addr)); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestSplitTLS: behind TLS what was negotiated tells first, HTTP/2 included.
func TestSplitTLS(t *testing.T) {
	t.Parallel()
	certificate := testkit.NewCertificate(t)
	addr, _ := splitPort(t, tcp.SplitConfig{}, &tls.Config{
		Certificates: []tls.Certificate{certificate.TLS}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
	})
	trusting := &tls.Config{RootCAs: certificate.Roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting.Clone(), ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
	response, err := client.Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(body), "http HTTP/") {
		t.Errorf("%s: %q, %v", response.Proto, body, err)
	}
	for send, want := range map[string]string{"GET / HTTP/1.0\r\n\r\n": "http HTTP/1.0 GET", "LOGIN\n": "text LOGIN\n"} {
		if got := talk(t, tls.Client(dial(t, addr), trusting), send); !strings.HasSuffix(got, want) {
			t.Errorf("%q behind TLS: got %q, want %q", send, got, want)
		}
	}
}

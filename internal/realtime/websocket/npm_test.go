package websocket_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
	"github.com/guichet-api/guichet/internal/testkit"
)

// TestNPM: the client that Node's users have (testdata/ws.mjs).
func TestNPM(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Skip(t, "no node here: npm's ws is not tried")
	}
	if _, err := os.Stat(filepath.Join("..", "..", "..", "node_modules", "ws")); err != nil {
		testkit.Skip(t, "no ws here (npm ci): it is not tried")
	}
	s := newSite(t)
	out, err := exec.CommandContext(within(t), node, filepath.Join("testdata", "ws.mjs"), strings.Replace(s.URL, "http", "ws", 1)).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "ok" {
		t.Fatalf("%v\n%s", err, out)
	}
	for range 2 {
		s.left(t)
	}
}

// TestTLS: frames go through the encryption like all else.
func TestTLS(t *testing.T) {
	t.Parallel()
	var handler http.Handler
	s := newSite(t, func(_ *site, cfg *wire.Config) {
		h, err := wire.New(*cfg)
		if err != nil {
			t.Fatal(err)
		}
		handler = h
	})
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	conn, _, err := websocket.Dial(within(t), server.URL+"?token=secret", &websocket.DialOptions{HTTPClient: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	s.joined(t, 1)
	for n := range 100 {
		s.hub.Broadcast(t.Context(), room, &realtime.Message{Event: "e" + strings.Repeat("x", n)}, nil)
	}
	for n := range 100 {
		hear(t, conn, `{"type":"e`+strings.Repeat("x", n)+`"}`)
	}
	if err := conn.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	s.left(t)
}

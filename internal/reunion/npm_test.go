package reunion_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/testkit"
)

// TestNPMClient drives every event of the document with the client that browsers use, over each of its transports, at the
// system's own address and under the portal's mount: see testdata/seed.mjs.
func TestNPMClient(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Skip(t, "no node here: the npm client is not tried")
	}
	if _, err := os.Stat(filepath.Join("..", "..", "node_modules", "socket.io-client")); err != nil {
		testkit.Skip(t, "no socket.io-client here (npm ci): it is not tried")
	}
	for name, test := range map[string]struct {
		mount      string
		transports []string
		ends       string
	}{
		"websocket only":        {"", []string{"websocket"}, "websocket"},
		"polling only":          {"", []string{"polling"}, "polling"},
		"upgrade":               {"", []string{"polling", "websocket"}, "websocket"},
		"under the portal":      {"/reunion", []string{"polling", "websocket"}, "websocket"},
		"polling, the portal's": {"/reunion", []string{"polling"}, "polling"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, options{mount: test.mount})
			address := strings.TrimSuffix(d.url, test.mount)
			args := append([]string{filepath.Join("testdata", "seed.mjs"), address, test.mount + "/socket.io/", d.token(0)}, test.transports...)
			out, err := exec.CommandContext(t.Context(), node, args...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if want := strings.Repeat(`,"`+test.ends+`"`, 4); strings.TrimSpace(string(out)) != "["+want[1:]+"]" {
				t.Errorf("the sockets ended up with %s", out)
			}
		})
	}
}

//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/testkit"
)

// TestReunionBrowser has a seller and a client meet in two pages of a real browser, and kills and restarts the server in
// between: see testdata/reunion.mjs.
func TestReunionBrowser(t *testing.T) {
	t.Parallel()
	node, chromium := browser(t)
	bundle, err := filepath.Abs(filepath.Join("..", "..", "node_modules", "socket.io-client", "dist", "socket.io.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bundle); err != nil {
		testkit.Skip(t, "no socket.io-client here (npm ci): no pages meet")
	}
	stateDir := newStateDir(t)
	s := serve(t, stateDir, nil, "--only", reunion.Name)
	front := newRelay(t)
	front.lead(t, s.at[reunion.Name])
	account := reunion.DemoAccounts()[0]

	cmd := exec.CommandContext(t.Context(), node, filepath.Join("testdata", "reunion.mjs"), front.url,
		tokenOf(t, s.at[reunion.Name], account.Email, account.Password), chromium, t.TempDir(), bundle)
	stderr := &safeBuffer{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if last = lines.Text(); last != "kill" {
			continue
		}
		kill(t, s, "both")
		s.wait()
		s = serve(t, stateDir, nil, "--only", reunion.Name)
		front.lead(t, s.at[reunion.Name])
		if _, err := fmt.Fprintln(stdin, "restarted"); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); err != nil || last != "done" {
		t.Fatalf("the pages ended with %q: %v\n%s", last, err, stderr.String())
	}
}

// relay is an address that stays while the server behind it is replaced by another one, on another port.
type relay struct {
	url      string
	listener net.Listener

	mu     sync.Mutex
	target string
}

func newRelay(t *testing.T) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	r := &relay{url: "http://" + listener.Addr().String(), listener: listener}
	go r.accept()
	return r
}

// lead leads new connections to a server.
func (r *relay) lead(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = u.Host
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		target := r.target
		r.mu.Unlock()
		go join(client, target)
	}
}

// join copies both ways until one side ends.
func join(client net.Conn, target string) {
	defer client.Close()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		defer server.Close()
		_, _ = io.Copy(server, client)
	}()
	_, _ = io.Copy(client, server)
}

//go:build linux || darwin

package pg_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

// proxy stands between a pool and its server, and can take the server away.
type proxy struct {
	url    string
	socket string // of the server

	mu     sync.Mutex
	state  string // "through", "refuse": connections are closed at once, "freeze": nothing is passed on any more
	open   map[net.Conn]bool
	thawed chan struct{} // closed while not frozen
}

func startProxy(t *testing.T, server *pg.Server) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{
		url:    fmt.Sprintf("postgres://%s@%s%s?sslmode=disable", u.User.Username(), listener.Addr(), u.Path),
		socket: filepath.Join(u.Query().Get("host"), ".s.PGSQL."+u.Query().Get("port")),
		state:  "through", open: map[net.Conn]bool{}, thawed: make(chan struct{}),
	}
	close(p.thawed)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		p.set("refuse")
	})
	return p
}

// set changes what happens to connections, those that are open included.
func (p *proxy) set(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == "freeze" && state != "freeze" {
		close(p.thawed)
	}
	if p.state != "freeze" && state == "freeze" {
		p.thawed = make(chan struct{})
	}
	p.state = state
	if state == "refuse" {
		for conn := range p.open {
			conn.Close()
		}
	}
}

// wait returns once the proxy is not frozen.
func (p *proxy) wait() {
	p.mu.Lock()
	thawed := p.thawed
	p.mu.Unlock()
	<-thawed
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	p.wait()
	p.mu.Lock()
	refused := p.state == "refuse"
	p.open[client] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.open, client)
		p.mu.Unlock()
	}()
	if refused {
		return
	}
	server, err := new(net.Dialer).DialContext(context.Background(), "unix", p.socket)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		p.pass(client, server)
		client.Close()
	}()
	p.pass(server, client)
}

func (p *proxy) pass(to io.WriteCloser, from io.Reader) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.wait()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

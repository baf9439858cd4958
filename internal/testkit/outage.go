package testkit

import (
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
)

// Outage stands between a system and its database, and can take the database away.
type Outage struct {
	URL string // connection string that leads through here

	network, target string
	listener        net.Listener

	mu    sync.Mutex
	away  bool
	conns map[net.Conn]bool
}

// NewOutage puts itself before the database. While it is away, open connections are cut and new ones end at once.
func NewOutage(t testing.TB, db *TestDB) *Outage {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatalf("testkit.NewOutage: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("testkit.NewOutage: %v", err)
	}
	o := &Outage{network: "tcp", target: u.Host, listener: listener, conns: map[net.Conn]bool{}}
	query := u.Query()
	if dir := query.Get("host"); filepath.IsAbs(dir) {
		port := query.Get("port")
		if port == "" {
			port = "5432"
		}
		o.network, o.target = "unix", filepath.Join(dir, ".s.PGSQL."+port)
	}
	query.Del("host")
	query.Del("port")
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()
	o.URL = u.String()
	go o.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		o.Set(true)
	})
	return o
}

// Set takes the database away, or brings it back.
func (o *Outage) Set(away bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.away = away
	if away {
		for conn := range o.conns {
			_ = conn.Close()
		}
		clear(o.conns)
	}
}

func (o *Outage) accept() {
	for {
		client, err := o.listener.Accept()
		if err != nil {
			return
		}
		go func() {
			if err := o.join(client); err != nil {
				_ = client.Close()
			}
		}()
	}
}

// join copies both ways until one side ends.
func (o *Outage) join(client net.Conn) error {
	server, err := net.Dial(o.network, o.target)
	if err != nil {
		return err
	}
	o.mu.Lock()
	if o.away {
		o.mu.Unlock()
		_ = server.Close()
		return errors.New("the database is away")
	}
	o.conns[client], o.conns[server] = true, true
	o.mu.Unlock()
	copyAll := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		_ = to.Close()
		_ = from.Close()
		o.mu.Lock()
		delete(o.conns, from)
		o.mu.Unlock()
	}
	go copyAll(server, client)
	copyAll(client, server)
	return nil
}

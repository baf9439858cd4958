package websocket_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime"
	wire "github.com/guichet-api/guichet/internal/realtime/websocket"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := wire.New(wire.Config{Server: realtime.Server{Wire: realtime.WireSocketIO}}); err == nil {
		t.Error("Socket.IO was taken for a WebSocket")
	}
}

// TestRefusals: whatever is wrong with a handshake is answered in the system's words, before the upgrade.
func TestRefusals(t *testing.T) {
	t.Parallel()
	reasons := make(chan error, 1)
	s := newSite(t, func(_ *site, cfg *wire.Config) {
		cfg.Handshake = 20 * time.Millisecond
		cfg.Origin = func(origin string) bool { return origin == "https://good.example" }
		refuse := cfg.Refuse
		cfg.Refuse = func(w http.ResponseWriter, r *http.Request, status int, err error) {
			reasons <- err
			refuse(w, r, status, err)
		}
	})
	for _, c := range []struct {
		name, method, query string
		header              map[string]string // "" takes one away
		status              int
		answer              map[string]string
		err                 error
	}{
		{name: "no credential", status: 401, err: realtime.ErrUnauthenticated},
		{name: "wrong credential", query: "token=wrong", status: 401, err: realtime.ErrUnauthenticated},
		{name: "another scheme", header: map[string]string{"Authorization": "Basic secret"}, status: 401},
		{name: "away", query: "token=away", status: 500, err: errAway},
		{name: "slow", query: "token=slow", status: 500, err: context.DeadlineExceeded},
		{name: "a page", header: map[string]string{"Connection": "", "Upgrade": ""}, status: 426, answer: map[string]string{"Upgrade": "websocket", "Connection": "Upgrade"}},
		{name: "another upgrade", header: map[string]string{"Upgrade": "h2c"}, status: 426},
		{name: "method", method: http.MethodPost, status: 405, answer: map[string]string{"Allow": "GET"}},
		{name: "version", header: map[string]string{"Sec-WebSocket-Version": "8"}, status: 400, answer: map[string]string{"Sec-WebSocket-Version": "13"}},
		{name: "no key", header: map[string]string{"Sec-WebSocket-Key": ""}, status: 400},
		{name: "short key", header: map[string]string{"Sec-WebSocket-Key": "c2hvcnQ="}, status: 400},
		{name: "origin", query: "token=secret", header: map[string]string{"Origin": "https://evil.example"}, status: 403},
	} {
		r, err := http.NewRequestWithContext(within(t), cmpOr(c.method, http.MethodGet), s.URL+"?"+c.query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			r.Header.Set(name, value)
		}
		for name, value := range c.header {
			r.Header.Set(name, value)
			if value == "" {
				r.Header.Del(name)
			}
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var envelope struct{ Message string }
		if err := json.NewDecoder(w.Body).Decode(&envelope); err != nil || envelope.Message == "" || w.StatusCode != c.status {
			t.Errorf("%s: %s, %+v, %v", c.name, w.Status, envelope, err)
		}
		_ = w.Body.Close()
		for name, value := range c.answer {
			if w.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", c.name, name, w.Header.Get(name))
			}
		}
		if err := <-reasons; c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func cmpOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// TestCredentials: each way to bring a token, and what of the handshake a browser needs in return.
func TestCredentials(t *testing.T) {
	t.Parallel()
	addresses := make(chan string, 1)
	s := newSite(t, func(s *site, _ *wire.Config) {
		s.greet = func(_ context.Context, p *realtime.Peer) error { addresses <- p.Role() + " " + p.Address(); return nil }
	})
	for _, c := range []struct {
		name, query string
		opt         websocket.DialOptions
		protocol    string
	}{
		{name: "query", query: "?token=secret"},
		{name: "header", opt: websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"bearer secret"}}}},
		{name: "header before query", query: "?token=wrong", opt: websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer secret"}}}},
		{name: "subprotocol", opt: websocket.DialOptions{Subprotocols: []string{"bearer", "secret"}}, protocol: "bearer"},
		{name: "subprotocol before query", query: "?token=wrong", opt: websocket.DialOptions{Subprotocols: []string{"json", "bearer", "secret"}}, protocol: "bearer"},
		{name: "any origin", query: "?token=secret", opt: websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://elsewhere.example"}}}},
		{name: "compression", query: "?token=secret", opt: websocket.DialOptions{CompressionMode: websocket.CompressionContextTakeover}},
	} {
		conn, response, err := websocket.Dial(within(t), s.URL+c.query, &c.opt)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if conn.Subprotocol() != c.protocol || response.Header.Get("Sec-WebSocket-Extensions") != "" {
			t.Errorf("%s: %v", c.name, response.Header)
		}
		if got := <-addresses; got != "member 127.0.0.1" {
			t.Errorf("%s: the peer is %s", c.name, got)
		}
		_ = conn.CloseNow()
	}
}

// TestAnonymous: a server entry with x-anonymous asks nobody.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	roles := make(chan string, 1)
	s := newSite(t, func(s *site, cfg *wire.Config) {
		cfg.Server.Anonymous = "guest"
		cfg.Address = func(*http.Request) string { return "192.0.2.1" }
		s.greet = func(_ context.Context, p *realtime.Peer) error { roles <- p.Role() + " " + p.Address(); return nil }
	})
	conn, _, err := websocket.Dial(within(t), s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	if got := <-roles; got != "guest 192.0.2.1" {
		t.Errorf("the peer is %s", got)
	}
}

// TestEarlyFrame: what comes in one packet with the request is not lost.
func TestEarlyFrame(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	c := s.connect(t, masked(0x81, `{"type":"echo","data":"`+strings.Repeat("x", 1000)+`"}`), masked(0x81, `{"type":"ping"}`))
	c.expect(t, 0x81, `{"type":"echo","data":"`+strings.Repeat("x", 1000)+`"}`)
	c.expect(t, 0x81, `{"type":"pong"}`)
}

// TestOpenFails: a peer that the system cannot serve is told so after the upgrade.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(s *site, _ *wire.Config) {
		s.greet = func(context.Context, *realtime.Peer) error { return errAway }
	})
	hearClose(t, s.dial(t, ""), websocket.StatusInternalError)
	if len(s.gone) > 0 {
		t.Error("a peer that was not welcomed was taken leave of")
	}
}

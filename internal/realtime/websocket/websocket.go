// Package websocket is the WebSocket wire (RFC 6455) of contracts with an envelope or command codec: one http.Handler
// per server entry. coder/websocket reads and answers control frames; what is written is framed once per message however
// many peers get it, and goes through realtime.Outbound to the connection itself.
//
// # What peers may rely on
//
// A handshake is refused in the system's own words before the upgrade. Messages of one peer are handled one after the
// other, and a handler that has begun finishes also when its connection ends. A peer that sends faster than it reads the
// answers is read more slowly, not closed.
//
// A frame that is no message of the contract gets the contract's error if it has one (x-errors), otherwise nothing:
// existing clients send more than documents say. Too many such frames (32 at once, one a second for longer) end the
// connection with 1008, so that two ends that do not understand each other cannot loop. Binary messages are answered 1003,
// text that is not UTF-8 1007, messages over the limit 1009.
//
// A peer that is silent for the ping interval is pinged; one that stays silent as long again is gone. One that does not
// read what it is sent is closed with 1013 once its queue is full. When the server stops peers are closed with 1001.
package websocket

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/codec"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Config is what a Handler needs. Gateway, Server and Refuse are required.
type Config struct {
	Gateway *realtime.Gateway
	Server  realtime.Server // with WireEnvelope or WireCommand

	// Refuse answers a handshake that is not accepted, in the system's envelope. The status is 400, 401, 403, 405, 426,
	// 503 while the server stops, or 500 with an error of Lifecycle.Authenticate, which the system may know better.
	// Headers that go with the status are set.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, err error)
	// Address is the peer's IP address; nil: the socket's.
	Address func(r *http.Request) string
	// Origin reports whether pages of an origin may connect; nil: all may.
	Origin func(origin string) bool

	MaxMessage   int           // bytes of an incoming message, default 1 MiB
	MaxQueue     int           // bytes that may wait for a peer, default 1 MiB
	PingInterval time.Duration // of silence before a ping, and then before the peer is given up; default 25 s
	Handshake    time.Duration // for the credential to be checked, default 10 s
	Grace        time.Duration // for the last bytes to be written and the close frame to be answered, default 2 s
}

// Handler serves the connections of one server entry. It is safe for concurrent use.
type Handler struct {
	cfg      Config
	codec    codec.Codec
	encode   func(*realtime.Message) []byte
	upgrader *ws.Upgrader
	flusher  *realtime.Flusher
	buffers  sync.Pool // *bytes.Buffer: an incoming message
}

// New returns a handler. The error is a server entry of another wire.
func New(cfg Config) (*Handler, error) {
	c, err := codec.New(cfg.Server)
	if err != nil {
		return nil, err
	}
	if cfg.Address == nil {
		cfg.Address = func(r *http.Request) string { return realtime.Host(r.RemoteAddr) }
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 1 << 20
	}
	if cfg.PingInterval <= 0 {
		cfg.PingInterval = 25 * time.Second
	}
	if cfg.Handshake <= 0 {
		cfg.Handshake = 10 * time.Second
	}
	if cfg.Grace <= 0 {
		cfg.Grace = 2 * time.Second
	}
	h := &Handler{cfg: cfg, codec: c, upgrader: ws.NewUpgrader(int64(cfg.MaxMessage), bearer), flusher: realtime.NewFlusher()}
	h.buffers.New = func() any { return new(bytes.Buffer) }
	h.encode = func(m *realtime.Message) []byte { return ws.Frame(ws.Text, c.AppendEvent(nil, m)) }
	return h, nil
}

// ServeHTTP takes a connection over, or refuses it. It returns at once: the connection lives on in a goroutine.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	peer, status, err := h.handshake(w, r)
	if err != nil {
		h.cfg.Refuse(w, r, status, err)
		return
	}
	c := &conn{handler: h, peer: peer}
	reader, err := h.upgrader.Upgrade(w, r, c.take)
	if err != nil { // the connection broke: handshake has checked all that can be wrong
		h.cfg.Gateway.Log.Debug("websocket: upgrade", "peer", peer.ID(), "error", err)
		return
	}
	c.reader = reader
	go c.run(r.URL.Query().Get("since"))
}

// identify asks the system who the peer is.
func (h *Handler) identify(r *http.Request, peer *realtime.Peer) (int, error) {
	ctx, cancel := context.WithTimeout(r.Context(), h.cfg.Handshake)
	defer cancel()
	err := h.cfg.Gateway.Identify(ctx, peer, &h.cfg.Server, credential(r))
	switch {
	case err == nil:
		return 0, nil
	case errors.Is(err, realtime.ErrUnauthenticated):
		return http.StatusUnauthorized, err
	}
	return http.StatusInternalServerError, err
}

// Package engineio is a server of Engine.IO, protocol version 4 (socketio/engine.io-protocol): sessions that start with HTTP
// long-polling or a WebSocket and may move from the first to the second, with heartbeats of the server. Socket.IO stands on
// it and knows sessions, not transports.
//
// What a session sends is framed for a WebSocket once, however many sessions get it; a client that polls gets the frames'
// content. What cannot be sent yet waits in a realtime.Outbound. A session needs no goroutine but the one that reads its
// WebSocket.
package engineio

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
)

// Config is what a Server needs. Open and Log are required.
type Config struct {
	// Open is called for each new session, before anything is read from it.
	Open func(s *Session) Receiver
	// Accept looks at the request that would open a session; what it returns is Session.Data. An error refuses the request:
	// 403 with the error's text. Nil accepts all.
	Accept func(r *http.Request) (data any, err error)
	// Address is the client's IP address; default: the connection's.
	Address func(r *http.Request) string
	// Origin reports whether pages of this origin may connect. Nil: all may, without credentials (cookies).
	Origin func(origin string) bool
	Log    *slog.Logger
	Meter  realtime.Meter // nil: nothing is counted

	PingInterval   time.Duration // between the client's pong and the next ping; default 25 s
	PingTimeout    time.Duration // for the pong; default 20 s
	UpgradeTimeout time.Duration // for a WebSocket to take over from long-polling; default 10 s
	Grace          time.Duration // for a client to hear that its session ends; default 2 s
	MaxPayload     int           // bytes of a POST's body or of a WebSocket message; default 1,000,000
	MaxQueue       int           // bytes that wait for a client; a slower one is closed; default 1 MiB
}

func (c *Config) setDefaults() {
	for value, standard := range map[*time.Duration]time.Duration{
		&c.PingInterval: 25 * time.Second, &c.PingTimeout: 20 * time.Second, &c.UpgradeTimeout: 10 * time.Second, &c.Grace: 2 * time.Second,
	} {
		if *value <= 0 {
			*value = standard
		}
	}
	if c.MaxPayload <= 0 {
		c.MaxPayload = 1_000_000
	}
	if c.Address == nil {
		c.Address = func(r *http.Request) string { return realtime.Host(r.RemoteAddr) }
	}
}

// Receiver takes what a session's client sends.
type Receiver interface {
	// Receive takes a message; messages come one after the other. While it waits nothing is read from the client, whose
	// session stays open. An error is a violation of the protocol above and closes the session.
	Receive(message []byte, binary bool) error
	// Closed is called once, when the session has ended, perhaps while Receive runs.
	Closed(cause Cause)
}

// Cause is why a session ended, in the words that Socket.IO servers hand to "disconnect" handlers.
type Cause string

// The causes.
const (
	CauseTransportClose Cause = "transport close"     // the client closed it, or its connection
	CauseTransportError Cause = "transport error"     // the connection broke, or the client broke the rules of its transport
	CausePingTimeout    Cause = "ping timeout"        // no pong came
	CauseParseError     Cause = "parse error"         // the client sent what is no packet
	CauseServerClose    Cause = "forced server close" // Session.Close was called
)

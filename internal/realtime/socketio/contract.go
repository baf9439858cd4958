package socketio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// Contract is what Serve needs beside a Config. Gateway and Server are required.
type Contract struct {
	Gateway *realtime.Gateway
	Server  realtime.Server // with WireSocketIO
	// Message is what a client may read of an error: of Lifecycle.Authenticate, in CONNECT_ERROR; or of an event that was
	// not accepted for a reason that the contract has no words for, in its acknowledgement. Nil: a word for the kind.
	Message func(err error) string
	// Handshake is the time for the credential to be checked, default 10 s.
	Handshake time.Duration
}

// Endpoint is the Socket.IO wire of one contract. Whom its events reach is the matter of the gateway's hub.
type Endpoint struct{ server *Server }

// ServeHTTP answers whatever path it is mounted at.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.server.ServeHTTP(w, r) }

// Close is Server.Close.
func (e *Endpoint) Close(ctx context.Context) error { return e.server.Close(ctx) }

// Serve returns a contract's Socket.IO wire, on the main namespace. The credential is the member token of what
// clients send as auth; its member since is the id of the last durable event that they have seen. Durable events have
// their id as one more argument. Recovery is the gateway's matter, and Config's is not used.
//
// An event that the contract refuses is acknowledged with what the contract says; the connection stays. So does one without
// words in the contract, with {"message": …}. An event whose client waits for an acknowledgement that the contract does
// not give gets an empty one.
func Serve(cfg Config, contract Contract) (*Endpoint, error) {
	if contract.Server.Wire != realtime.WireSocketIO {
		return nil, fmt.Errorf("socketio: the server %s speaks %v", contract.Server.Name, contract.Server.Wire)
	}
	if contract.Message == nil {
		contract.Message = word
	}
	if contract.Handshake <= 0 {
		contract.Handshake = 10 * time.Second
	}
	cfg.Recovery, cfg.Meter = Recovery{}, contract.Gateway.Hub.Meter()
	server := NewServer(cfg)
	main := server.Of(mainNamespace)
	main.app = &wire{Contract: contract, namespace: main}
	return &Endpoint{server}, nil
}

// word is Contract.Message's default.
func word(err error) string {
	var unknown *realtime.UnknownEvent
	switch {
	case errors.As(err, &unknown):
		return unknown.Error()
	case errors.Is(err, realtime.ErrUnauthenticated):
		return "unauthorized"
	}
	return "refused"
}

// wire is the app of a contract.
type wire struct {
	Contract
	namespace *Namespace
}

// claims are what a client says of itself.
type claims struct {
	Token string `json:"token"`
	Since string `json:"since"`
}

// admit implements app.
func (w *wire) admit(ctx context.Context, s *Socket) error {
	if w.Gateway.Hub.Draining() {
		return realtime.ErrDraining
	}
	var auth claims
	if err := s.Auth(&auth); err != nil {
		return &ConnectError{Message: w.Message(fmt.Errorf("%w: %w", realtime.ErrUnauthenticated, err))}
	}
	ctx, cancel := context.WithTimeout(ctx, w.Handshake)
	defer cancel()
	if err := w.Gateway.Identify(ctx, s.peer, &w.Server, auth.Token); err != nil {
		if !errors.Is(err, realtime.ErrUnauthenticated) {
			w.Gateway.Refused(s.peer, err)
		}
		return &ConnectError{Message: w.Message(err)}
	}
	return nil
}

// connected implements app.
func (w *wire) connected(s *Socket) bool {
	var auth claims
	_ = s.Auth(&auth) // admit has read it
	w.namespace.add(s)
	err := w.Gateway.Open(s.greet(), s.peer, s, auth.Since)
	s.greeted()
	if err == nil {
		return true
	}
	w.namespace.remove(s)
	s.Close(w.Gateway.Refused(s.peer, err))
	return false
}

// event implements app.
func (w *wire) event(e *Event) {
	if !e.Socket.welcome {
		return // the connection could not be opened, and is being closed
	}
	in := &realtime.Incoming{Event: e.Name, Args: e.Args.items, WantsReply: e.wantsAck}
	answered := !e.wantsAck
	err := w.Gateway.Receive(context.Background(), e.Socket.peer, in, func(m *realtime.Message) {
		if m != nil && !answered {
			answered = true
			e.acknowledge(appendPayload(nil, m, 0), nil)
		}
	})
	if answered {
		return
	}
	var payload []byte
	if err != nil {
		payload = w.refusal(err)
	}
	e.acknowledge(payload, nil)
}

// refusal is the argument of an acknowledgement that the contract has no words for.
func (w *wire) refusal(err error) []byte {
	text, failed := json.Marshal(map[string]string{"message": w.Message(err)})
	if failed != nil { // invalid UTF-8
		return []byte(`{"message":"refused"}`)
	}
	return text
}

// disconnected implements app.
func (w *wire) disconnected(s *Socket, cause engineio.Cause) {
	if cause != CauseClientDisconnect && !s.conn.session.Left() {
		s.peer.Lose()
	}
	w.Gateway.Closed(s.peer)
	w.namespace.remove(s)
}

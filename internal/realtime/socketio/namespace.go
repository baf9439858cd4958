package socketio

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// Namespace is a space of sockets, rooms and handlers. Handlers are registered before clients connect; the other methods
// are safe for concurrent use.
type Namespace struct {
	server   *Server
	name     string
	hub      *realtime.Hub
	app      app
	recovery *recovery // nil: off

	format any // of this namespace's packets, in Message.Frame
	ids    atomic.Uint64

	mu      sync.RWMutex
	sockets map[string]*Socket
}

// app is who the sockets of a namespace are for.
type app interface {
	// admit is asked before a CONNECT is answered; its error is the answer.
	admit(ctx context.Context, s *Socket) error
	// connected attaches the socket, answers the CONNECT and greets. It reports whether the socket is connected now.
	connected(s *Socket) bool
	// event handles an event.
	event(e *Event)
	// disconnected ends what connected began.
	disconnected(s *Socket, cause engineio.Cause)
}

// format tells the namespaces' packets apart.
type format struct{ namespace string }

// everyone is the room of all sockets of a namespace; no client and no user of the package names it.
const everyone = "\x00everyone"

func newNamespace(server *Server, name string) *Namespace {
	n := &Namespace{server: server, name: name, format: format{name}, sockets: map[string]*Socket{}}
	n.hub = realtime.NewHub(realtime.HubConfig{Meter: server.cfg.Meter})
	n.app = &handlers{namespace: n, events: map[string]Handler{}}
	if server.cfg.Recovery.Window > 0 {
		n.recovery = newRecovery(n, server.cfg.Recovery)
	}
	return n
}

// Name is the namespace's name.
func (n *Namespace) Name() string { return n.name }

// newSocket makes the socket of a CONNECT, which may continue a former one.
func newSocket(n *Namespace, c *conn, auth []byte) *Socket {
	s := &Socket{namespace: n, conn: c, auth: auth}
	id := rand.Text()
	if former := n.recovery.take(auth); former != nil {
		id, s.pid, s.data, s.recovered = former.id, former.pid, former.data, true
		s.former = former
	} else if n.recovery != nil {
		s.pid = rand.Text()
	}
	s.peer = realtime.NewPeer(id, realtime.WireSocketIO, c.session.Address())
	return s
}

// welcome connects an admitted socket.
func (n *Namespace) welcome(s *Socket) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	s.welcome = !closed && n.app.connected(s)
}

// goodbye ends a socket after its last event.
func (n *Namespace) goodbye(s *Socket, cause engineio.Cause) {
	if s.welcome {
		n.app.disconnected(s, cause)
	}
}

// add makes a socket known by its id and answers its CONNECT.
func (n *Namespace) add(s *Socket) {
	text := appendHead(nil, kindConnect, n.name, 0, false, 0)
	text = append(append(append(text, `{"sid":"`...), s.ID()...), '"')
	if s.pid != "" {
		text = append(append(append(text, `,"pid":"`...), s.pid...), '"')
	}
	n.mu.Lock()
	n.sockets[s.ID()] = s
	n.mu.Unlock()
	s.conn.send(append(text, '}'))
}

// remove forgets a socket.
func (n *Namespace) remove(s *Socket) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sockets[s.ID()] == s { // a recovered one has the same id
		delete(n.sockets, s.ID())
	}
}

// socket finds one by its id.
func (n *Namespace) socket(id string) *Socket {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.sockets[id]
}

// encode writes an event that has only a payload (Message.Frame).
func (n *Namespace) encode(m *realtime.Message) []byte {
	text := appendHead(make([]byte, 0, 32+len(m.Event)+len(m.Payload)), kindEvent, n.name, 0, false, 0)
	text = appendEvent(text, m.Event)
	text = appendPayload(text, m, ',')
	if m.ID != "" {
		text = strconv.AppendQuote(append(text, ','), m.ID)
	}
	return frames(append(text, ']'), nil)
}

// appendPayload appends a message's payload as arguments, behind a separator if there are any and it is not 0.
func appendPayload(text []byte, m *realtime.Message, separator byte) []byte {
	payload := m.Payload
	if m.Spread && len(payload) > 0 {
		payload = payload[1 : len(payload)-1]
	}
	if len(payload) == 0 {
		return text
	}
	if separator != 0 {
		text = append(text, separator)
	}
	return append(text, payload...)
}

// ConnectError refuses a CONNECT in words that the client sees: err.message and err.data of "connect_error".
type ConnectError struct {
	Message string
	Data    any // nil: none
}

func (e *ConnectError) Error() string { return e.Message }

// connectError is the payload of CONNECT_ERROR. Errors that are no ConnectError are not for clients' eyes: they are logged.
func (n *Namespace) connectError(err error) []byte {
	var refused *ConnectError
	if !errors.As(err, &refused) {
		n.server.cfg.Log.Warn("socketio: not admitted", "namespace", n.name, "error", err)
		refused = &ConnectError{Message: "not admitted"}
	}
	text, failed := json.Marshal(struct {
		Message string `json:"message"`
		Data    any    `json:"data,omitempty"`
	}{refused.Message, refused.Data})
	if failed != nil {
		n.server.cfg.Log.Error("socketio: refusal", "namespace", n.name, "error", failed)
		return []byte(`{"message":"not admitted"}`)
	}
	return text
}

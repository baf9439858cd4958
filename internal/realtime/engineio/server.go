package engineio

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Server holds sessions and is the http.Handler that opens and serves them. It does not look at the path: it can be mounted
// anywhere.
type Server struct {
	cfg      Config
	acceptor *ws.Acceptor
	flusher  *realtime.Flusher

	mu       sync.RWMutex
	sessions map[string]*Session
	closing  bool
	empty    chan struct{} // closed once closing and no session is left
}

// NewServer returns a server without sessions.
func NewServer(cfg Config) *Server {
	cfg.setDefaults()
	return &Server{
		cfg: cfg, acceptor: ws.NewAcceptor(ws.Options{MaxMessage: int64(cfg.MaxPayload)}), flusher: realtime.NewFlusher(),
		sessions: map[string]*Session{}, empty: make(chan struct{}),
	}
}

// refusal is why a request is not served. Numbers and words are those of the reference implementation; clients show them.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	status  int
}

func errTransport() *refusal { return &refusal{0, "Transport unknown", http.StatusBadRequest} }
func errSession() *refusal   { return &refusal{1, "Session ID unknown", http.StatusBadRequest} }
func errMethod() *refusal    { return &refusal{2, "Bad handshake method", http.StatusBadRequest} }
func errRequest() *refusal   { return &refusal{3, "Bad request", http.StatusBadRequest} }
func errVersion() *refusal   { return &refusal{5, "Unsupported protocol version", http.StatusBadRequest} }
func errForbidden(message string) *refusal {
	return &refusal{4, message, http.StatusForbidden}
}
func errStopping() *refusal {
	return &refusal{3, realtime.ErrDraining.Error(), http.StatusServiceUnavailable}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.allowOrigin(w, r) {
		refuse(w, errForbidden("Forbidden"))
		return
	}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	query := r.URL.Query()
	if err := s.serve(w, r, query); err != nil {
		refuse(w, err)
	}
}

// serve finds the session that a request is for, or opens one. After a refusal nothing has been written.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, query url.Values) *refusal {
	transport, sid := query.Get("transport"), query.Get("sid")
	socket := transport == "websocket"
	switch {
	case query.Get("EIO") != "4":
		return errVersion()
	case !socket && transport != "polling":
		return errTransport()
	case socket && !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return errRequest()
	case sid == "" && r.Method != http.MethodGet:
		return errMethod()
	case sid == "":
		return s.handshake(w, r, socket)
	}
	session := s.session(sid)
	switch {
	case session == nil:
		return errSession()
	case socket:
		return session.serveUpgrade(w, r)
	case r.Method == http.MethodGet:
		return session.servePoll(w, r)
	case r.Method == http.MethodPost:
		return session.servePost(w, r)
	}
	return errRequest()
}

// handshake opens a session.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, socket bool) *refusal {
	session := &Session{server: s, id: rand.Text(), address: s.cfg.Address(r)}
	if s.cfg.Accept != nil {
		data, err := s.cfg.Accept(r)
		if err != nil {
			return errForbidden(err.Error())
		}
		session.data = data
	}
	if s.stopping() {
		return errStopping()
	}
	if socket {
		conn, err := s.acceptor.Accept(w, r)
		if err != nil {
			return nil // it was answered
		}
		session.conn = conn
	}
	session.open()
	switch {
	case !s.add(session):
		session.Close(realtime.ReasonGoingAway)
	case session.ended(): // its client vanished at once, before it could be removed
		s.remove(session)
	}
	if socket {
		go session.read(session.conn)
		return nil
	}
	writeText(w, session.hello())
	return nil
}

// greeting is the data of the open packet ("Handshake" of the specification).
type greeting struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int64    `json:"pingInterval"` // milliseconds, as PingTimeout
	PingTimeout  int64    `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// hello is the text of a session's open packet.
func (s *Session) hello() []byte {
	cfg := &s.server.cfg
	g := greeting{s.id, []string{}, cfg.PingInterval.Milliseconds(), cfg.PingTimeout.Milliseconds(), cfg.MaxPayload}
	if s.conn == nil {
		g.Upgrades = []string{"websocket"}
	}
	text, err := json.Marshal(g)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	return append([]byte{byte(kindOpen)}, text...)
}

func (s *Server) session(id string) *Session {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sessions[id]
}

func (s *Server) stopping() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closing
}

// add makes a session known, unless the server is closing.
func (s *Server) add(session *Session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		s.sessions[session.id] = session
	}
	return !s.closing
}

func (s *Server) remove(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[session.id] != session {
		return
	}
	delete(s.sessions, session.id)
	if s.closing && len(s.sessions) == 0 {
		close(s.empty)
	}
}

// Close takes no new sessions, closes all with ReasonGoingAway and waits until they have ended. The error is the context's.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	if first && len(sessions) == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	for _, session := range sessions {
		session.Close(realtime.ReasonGoingAway)
	}
	select {
	case <-s.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// allowOrigin says in the answer which pages may read it (CORS), and reports whether the request's page may send it. Those
// of the server's own origin always may.
func (s *Server) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	origin := r.Header.Get("Origin")
	switch {
	case s.cfg.Origin == nil:
		header.Set("Access-Control-Allow-Origin", "*")
	case origin == "": // no page asks
	case isSame(origin, r.Host) || s.cfg.Origin(origin):
		header.Set("Access-Control-Allow-Origin", origin)
		header.Add("Vary", "Origin")
	default:
		return false
	}
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, POST")
		header.Set("Access-Control-Max-Age", "86400")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			header.Set("Access-Control-Allow-Headers", asked)
		}
	}
	return true
}

// isSame reports whether an origin is that of the server itself.
func isSame(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

func refuse(w http.ResponseWriter, why *refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(why.status)
	_ = json.NewEncoder(w).Encode(why) // the client is gone: nobody to tell
}

func writeText(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // the client is gone: the session's heartbeat finds out
}

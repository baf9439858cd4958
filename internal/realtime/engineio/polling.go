package engineio

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// polling is the state of a session that began with long-polling; Session.mu guards it.
type polling struct {
	get       *get     // the GET request that waits
	heard     bool     // a GET has come since the last ping
	posting   bool     // a POST request is being read
	upgrading bool     // a WebSocket is about to take over
	probe     *ws.Conn // that WebSocket, once it is open
	probed    bool     // its probe was answered
	owed      bool     // the close packet follows in an answer of its own
	last      kind     // what one more GET is answered with though the session has ended; 0: nothing
}

// get is a GET request that waits for its answer.
type get struct {
	body  chan []byte // nil: the session has moved to its WebSocket
	taken bool        // it came while a WebSocket was about to take over
}

// Times that clients never see, because they are right.
const (
	// lingering is how long a session that has ended answers one more GET: of a client that closed it, for the request that
	// tells so can overtake a GET that was sent before; or of one that has not heard yet that the server closed it.
	lingering = 2 * time.Second
	// probing is how long a GET waits while a WebSocket is about to take over, to be told that it has. A GET that comes
	// before the probe was answered waits longer: the client may have said its last word already.
	probing      = 100 * time.Millisecond
	beforeProbed = 300 * time.Millisecond
	// upgraded is how long a GET is kept that comes too late, for the client to hear first what its WebSocket says.
	upgraded = 25 * time.Millisecond
)

// answer ends the GET that waits, if one does.
func (p *polling) answer(body []byte) {
	if p.get != nil {
		p.get.body <- body
		p.get = nil
	}
}

// end says farewell to the GET that waits and gives the probe up. It reports whether one more GET is to be answered.
func (p *polling) end(farewell kind) (lingers bool) {
	if p.probe != nil {
		conn := p.probe
		go func() { _ = conn.CloseNow() }() // its reader ends
	}
	if p.get == nil && (farewell == kindNoop || p.owed) {
		p.last = farewell
	}
	p.answer([]byte{byte(farewell)})
	return p.last != 0
}

// servePoll answers a GET request with what the session has to say, as soon as it has.
func (s *Session) servePoll(w http.ResponseWriter, r *http.Request) *refusal {
	s.mu.Lock()
	switch {
	case s.conn != nil:
		s.mu.Unlock()
		<-time.After(upgraded)
		return errRequest()
	case s.state == stateClosed:
		last := s.polling.last
		s.polling.last = 0
		s.mu.Unlock()
		s.server.remove(s)
		if last == 0 {
			return errSession()
		}
		writeText(w, []byte{byte(last)})
		return nil
	case s.overdue():
		s.mu.Unlock()
		s.finish(CausePingTimeout, kindClose)
		return errSession()
	case s.polling.get != nil: // the client must not have two
		s.mu.Unlock()
		s.finish(CauseTransportError, kindClose)
		return errRequest()
	}
	g := &get{body: make(chan []byte, 1), taken: s.polling.upgrading}
	patience := beforeProbed
	if s.polling.probed {
		patience = probing
	}
	s.polling.get, s.polling.heard = g, true
	s.mu.Unlock()
	s.out.Resume()

	// A GET lasts until the next ping; limits for requests that should be quick are lifted where there are any.
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})
	var soon <-chan time.Time
	if g.taken {
		soon = time.After(patience)
	}
	var body []byte
	select {
	case body = <-g.body:
	case <-soon:
		body = s.withdraw(g)
	case <-r.Context().Done():
		if !errors.Is(r.Context().Err(), context.DeadlineExceeded) {
			s.abandon(g)
			return nil
		}
		body = s.withdraw(g)
	}
	if body == nil {
		<-time.After(upgraded)
		return errRequest()
	}
	s.answer(w, body)
	return nil
}

// answer answers a request whose limits were lifted. A client that does not read it is given up.
func (s *Session) answer(w http.ResponseWriter, body []byte) {
	cfg, control := &s.server.cfg, http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(cfg.PingInterval + cfg.PingTimeout))
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	writeText(w, body)
	if control.Flush() == nil { // the connection may be used again, and not for this server alone
		_ = control.SetWriteDeadline(time.Time{})
	}
}

// abandon ends a session whose client does not wait for the answer to its GET: what it was to get would be lost.
func (s *Session) abandon(g *get) {
	s.mu.Lock()
	waits := s.polling.get == g
	s.mu.Unlock()
	if waits {
		s.finish(CauseTransportError, kindClose)
	}
}

// withdraw ends a GET with nothing, unless its answer has just come.
func (s *Session) withdraw(g *get) []byte {
	s.mu.Lock()
	if s.polling.get == g {
		s.polling.answer([]byte{byte(kindNoop)})
	}
	s.mu.Unlock()
	return <-g.body
}

// servePost takes what the client sends.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) *refusal {
	s.mu.Lock()
	switch {
	case s.conn != nil:
		s.mu.Unlock()
		return errRequest()
	case s.state == stateClosed:
		s.mu.Unlock()
		return errSession()
	case s.polling.posting: // the client must not have two
		s.mu.Unlock()
		s.finish(CauseTransportError, kindClose)
		return errRequest()
	}
	p := s.polling
	p.posting = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.posting = false
	}()

	body, why := s.readPayload(w, r)
	if why != nil {
		return why
	}
	for packet, err := range packets(body) {
		if err == nil {
			err = s.receive(packet)
		}
		if err != nil {
			s.finish(CauseParseError, kindClose)
			return errRequest()
		}
	}
	s.answer(w, []byte("ok"))
	return nil
}

// readPayload reads a POST's body. Only a body that is too large leaves the session open: its client can send less.
func (s *Session) readPayload(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/octet-stream" {
		s.finish(CauseTransportError, kindClose) // that was protocol 3
		return nil, errRequest()
	}
	// Handlers may take longer than reading may.
	cfg, control := &s.server.cfg, http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(cfg.PingInterval + cfg.PingTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(cfg.MaxPayload)))
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &refusal{3, "Payload too large", http.StatusRequestEntityTooLarge}
	case err != nil:
		s.finish(CauseTransportError, kindClose)
		return nil, errRequest()
	case !utf8.Valid(body):
		s.finish(CauseParseError, kindClose)
		return nil, errRequest()
	}
	return body, nil
}

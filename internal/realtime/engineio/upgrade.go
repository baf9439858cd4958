package engineio

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// serveUpgrade takes a WebSocket over that wants to carry the session. A session that has one, or is being asked by one,
// closes it: clients take an HTTP status for a failure of the whole session.
func (s *Session) serveUpgrade(w http.ResponseWriter, r *http.Request) *refusal {
	s.mu.Lock()
	free := s.state == stateOpen && s.conn == nil && !s.polling.upgrading
	if free {
		s.polling.upgrading = true // from now on, not from when the client learns it: its next GET may already come
	}
	s.mu.Unlock()
	conn, err := s.server.acceptor.Accept(w, r)
	if err != nil { // it was answered
		if free {
			s.giveUp(nil)
		}
		return nil
	}
	if !free {
		go func() {
			// coder/websocket hears the peer's close frame only while somebody reads.
			go func() { _, _, _ = conn.Next(context.Background()) }()
			conn.End(websocket.StatusNormalClosure, "the session has a connection", s.server.cfg.Grace)
		}()
		return nil
	}
	s.mu.Lock()
	s.polling.probe = conn
	open := s.state == stateOpen
	s.mu.Unlock()
	if !open {
		s.giveUp(conn)
		return nil
	}
	go s.upgrade(conn)
	return nil
}

// giveUp leaves the session where it was, unless the WebSocket has taken it over; conn is nil if there never was one.
func (s *Session) giveUp(conn *ws.Conn) {
	s.mu.Lock()
	p := s.polling
	if p.probe != conn {
		s.mu.Unlock()
		return
	}
	p.upgrading, p.probe, p.probed = false, nil, false
	s.mu.Unlock()
	if conn != nil {
		_ = conn.CloseNow() // it never carried anything
	}
}

// upgrade lets a WebSocket take the session over ("Upgrade" of the specification), and then reads it.
func (s *Session) upgrade(conn *ws.Conn) {
	timeout := time.AfterFunc(s.server.cfg.UpgradeTimeout, func() { s.giveUp(conn) }) // its reader, here, learns it
	done := s.probe(conn)
	timeout.Stop()
	if !done {
		s.giveUp(conn)
		return
	}
	s.out.Resume()
	s.read(conn)
}

// probe answers the client's probe and waits for its word that nothing comes by long-polling any more.
func (s *Session) probe(conn *ws.Conn) (done bool) {
	if p, err := nextPacket(conn); err != nil || p.kind != kindPing || string(p.data) != "probe" {
		return false
	}
	s.mu.Lock()
	s.polling.probed = true
	s.mu.Unlock()
	if err := conn.Write([][]byte{textFrame(kindPong, []byte("probe"))}); err != nil {
		return false
	}
	s.mu.Lock()
	if g := s.polling.get; g != nil && !g.taken { // the client waits for its end before it goes on
		s.polling.answer([]byte{byte(kindNoop)})
	}
	s.mu.Unlock()
	if p, err := nextPacket(conn); err != nil || p.kind != kindUpgrade {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed {
		return false
	}
	s.conn, s.polling.probe = conn, nil
	s.polling.answer(nil)
	return true
}

// nextPacket reads a text packet.
func nextPacket(conn *ws.Conn) (packet, error) {
	op, message, err := conn.Next(context.Background())
	if err != nil {
		return packet{}, err
	}
	if op != ws.Text {
		return packet{}, errPacket
	}
	return parseText(message)
}

// parseText reads the packet of a text frame, which must be UTF-8 (RFC 6455, section 8.1).
func parseText(message []byte) (packet, error) {
	if !utf8.Valid(message) {
		return packet{}, errPacket
	}
	return parsePacket(message)
}

package engineio

import (
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Close ends the session soon: what is queued is sent first, except for ReasonSlow. Later calls do nothing.
func (s *Session) Close(reason realtime.Reason) {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return
	}
	s.state, s.cause, s.reason = stateClosing, CauseServerClose, reason
	conn := s.conn
	s.mu.Unlock()
	var last []byte
	patience := s.server.cfg.Grace
	if conn == nil {
		last = textFrame(kindClose, nil)
	} else {
		conn.Hurry(patience)
		patience *= 2 // End has its own
	}
	s.out.End(last, reason == realtime.ReasonSlow)
	time.AfterFunc(patience, func() { s.finish(CauseServerClose, kindClose) })
}

// written is Outbound's Ended: the last frame was sent, or nothing can be sent any more.
func (s *Session) written(err error) {
	if err != nil {
		s.finish(CauseTransportError, kindClose)
		return
	}
	s.mu.Lock()
	conn, reason := s.conn, s.reason
	s.mu.Unlock()
	if conn != nil {
		conn.End(ws.Code(reason), reason.String(), s.server.cfg.Grace)
	}
	s.finish(CauseServerClose, kindClose)
}

// finish ends the session at once. A client that polls hears the farewell, if it is still listening.
func (s *Session) finish(cause Cause, farewell kind) {
	s.mu.Lock()
	if s.state == stateClosed {
		s.mu.Unlock()
		return
	}
	if s.state == stateClosing { // whatever ends it now, the server wanted it
		cause = s.cause
	}
	s.state, s.cause = stateClosed, cause
	receiver := s.receiver
	if s.beat != nil {
		s.beat.Stop()
	}
	conn := s.conn
	lingers := false
	if conn == nil {
		lingers = s.polling.end(farewell)
	}
	s.mu.Unlock()
	s.out.Close()
	s.cancel()
	if conn != nil {
		s.hangUp(conn, cause)
	}
	if receiver != nil { // otherwise open tells it
		receiver.Closed(cause)
	}
	s.server.cfg.Log.Debug("engineio: session ended", "address", s.address, "cause", cause)
	if lingers {
		time.AfterFunc(lingering, func() { s.server.remove(s) })
	} else {
		s.server.remove(s)
	}
}

// ended reports whether nothing but finish's last steps is left of the session.
func (s *Session) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == stateClosed
}

// hangUp closes a WebSocket, with a word to a client that can still hear why.
func (s *Session) hangUp(conn *ws.Conn, cause Cause) {
	if cause == CauseParseError || cause == CausePingTimeout {
		go conn.End(ws.Code(realtime.ReasonProtocol), string(cause), s.server.cfg.Grace)
		return
	}
	go func() { _ = conn.CloseNow() }() // it may be closed already; coder/websocket waits for its reader
}

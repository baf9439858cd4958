package engineio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// Session is one client's connection, whatever carries it. Its methods are safe for concurrent use; those that are not
// said to wait do not.
type Session struct {
	server   *Server
	id       string
	address  string
	data     any
	receiver Receiver // set by open
	out      *realtime.Outbound
	ctx      context.Context
	cancel   context.CancelFunc

	receiving sync.Mutex  // one message after the other, from either transport
	busy      atomic.Bool // Receive runs
	heard     atomic.Bool // the client sent something since the last ping
	left      atomic.Bool // the client said that it ends the session

	mu      sync.Mutex
	state   state
	conn    *ws.Conn // nil: long-polling
	polling *polling // of a session that began with long-polling
	beat    *time.Timer
	pinged  bool      // the pong has not come
	due     time.Time // when the next pong must have come
	cause   Cause
	reason  realtime.Reason // of Close
}

type state uint8

const (
	stateOpen    state = iota
	stateClosing       // Close was called: what is queued is still sent
	stateClosed
)

// open makes a session ready to be read from.
func (s *Session) open() {
	cfg := &s.server.cfg
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.out = realtime.NewOutbound(realtime.OutboundConfig{
		Limit: cfg.MaxQueue, Meter: cfg.Meter,
		Write: s.write, Try: s.try, Flusher: s.server.flusher,
		Full:  func() { s.Close(realtime.ReasonSlow) },
		Ended: s.written,
	})
	if s.conn != nil {
		s.out.Put(ws.Frame(ws.Text, s.hello()), realtime.QueueClose, "", "")
	} else {
		s.polling = &polling{}
	}
	receiver := cfg.Open(s)
	s.mu.Lock()
	s.receiver = receiver
	cause, vanished := s.cause, s.state == stateClosed
	if !vanished {
		s.due = time.Now().Add(cfg.PingInterval + cfg.PingTimeout)
		s.beat = time.AfterFunc(cfg.PingInterval, s.heartbeat)
	}
	s.mu.Unlock()
	if vanished { // what was queued first could not be written
		receiver.Closed(cause)
	}
}

// ID is the session's id, a secret of its client.
func (s *Session) ID() string { return s.id }

// Address is the client's IP address.
func (s *Session) Address() string { return s.address }

// Data is what Config.Accept returned.
func (s *Session) Data() any { return s.data }

// Context ends with the session.
func (s *Session) Context() context.Context { return s.ctx }

// Transport is "polling" or "websocket", as of now.
func (s *Session) Transport() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return "websocket"
	}
	return "polling"
}

// Left reports, once the session has ended, whether the client has said that it ends: with a packet or a close frame. What it
// was sent last may not have arrived otherwise.
func (s *Session) Left() bool { return s.left.Load() }

// Send queues one or more whole frames of package ws that begin with a message packet, and reports whether they will be
// sent. Policy, event and room are Outbound.Put's.
func (s *Session) Send(frames []byte, policy realtime.Queue, event, room string) bool {
	return s.out.Put(frames, policy, event, room)
}

// Ready reports whether what is sent now would leave at once: nothing waits, and a client that polls is polling.
func (s *Session) Ready() bool {
	if !s.out.Idle() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil || s.polling.get != nil
}

// Wait returns once at most half of the queue is used. The error is realtime.ErrClosed or the context's.
func (s *Session) Wait(ctx context.Context) error { return s.out.Wait(ctx) }

// write is Outbound's Write: to the WebSocket, or as the answer of the GET request that waits.
func (s *Session) write(frames [][]byte) error {
	s.mu.Lock()
	conn := s.conn
	if conn != nil {
		s.mu.Unlock()
		return conn.Write(frames)
	}
	defer s.mu.Unlock()
	get := s.polling.get
	if get == nil {
		return realtime.ErrNotReady
	}
	if n := len(frames) - 1; n > 0 && bytes.Equal(frames[n], textFrame(kindClose, nil)) {
		// Clients act on the close packet before they have acted on the messages that came with it.
		frames, s.polling.owed = frames[:n], true
	}
	var body []byte
	for _, frame := range frames {
		var err error
		if body, err = appendPayload(body, frame); err != nil {
			return err
		}
	}
	s.polling.answer(body)
	return nil
}

// try is write as far as a WebSocket takes frames without waiting.
func (s *Session) try(frames [][]byte) (all bool, err error) {
	s.mu.Lock()
	conn := s.conn
	s.mu.Unlock()
	if conn == nil {
		return false, nil
	}
	return conn.Try(frames)
}

// receive handles one packet of the client. An error closes the session.
func (s *Session) receive(p packet) error {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	s.heard.Store(true)
	switch p.kind {
	case kindMessage:
		// Who sends faster than it reads is read more slowly. The error is the end of the session: what comes behind it, in a
		// POST's body too, is thrown away.
		if s.out.Wait(s.ctx) != nil {
			return nil
		}
		s.busy.Store(true)
		defer s.busy.Store(false)
		return s.receiver.Receive(p.data, p.binary)
	case kindPong:
		s.pong()
	case kindClose:
		s.left.Store(true)
		s.finish(CauseTransportClose, kindNoop)
	case kindPing:
		return fmt.Errorf("%w: pings are the server's", errPacket)
	}
	return nil // the other kinds mean nothing here, and older clients send them
}

// read reads the WebSocket until it ends. When there is nothing to read a new goroutine waits in its place.
func (s *Session) read(conn *ws.Conn) {
	for s.readPacket(conn) {
		if conn.Idle() {
			go s.await(conn)
			return
		}
	}
}

// await waits for something to read. Its small stack is most of what an idle connection costs less than others.
func (s *Session) await(conn *ws.Conn) {
	conn.Wait()
	go s.read(conn)
}

// readPacket reads a packet and handles it. It reports whether the WebSocket goes on.
func (s *Session) readPacket(conn *ws.Conn) bool {
	op, message, err := conn.Next(context.Background())
	if err != nil {
		if websocket.CloseStatus(err) >= 0 {
			s.left.Store(true)
		}
		s.finish(cause(err), kindClose)
		_ = conn.CloseNow() // it may be closed already
		return false
	}
	packet := packet{kind: kindMessage, data: message, binary: true}
	if op == ws.Text {
		packet, err = parseText(message)
	}
	if err == nil {
		err = s.receive(packet)
	}
	if err != nil {
		s.finish(CauseParseError, kindClose)
		return false
	}
	return true
}

// cause finds out whether the client closed the connection or broke it.
func cause(err error) Cause {
	var closed websocket.CloseError
	if errors.As(err, &closed) || errors.Is(err, io.EOF) {
		return CauseTransportClose
	}
	if errors.Is(err, websocket.ErrMessageTooBig) {
		return CauseParseError
	}
	return CauseTransportError
}

// heartbeat sends a ping, and later looks whether the pong came.
func (s *Session) heartbeat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := &s.server.cfg
	switch {
	case s.state == stateClosed:
	case !s.pinged:
		s.pinged = true
		s.heard.Store(false)
		s.takes()
		s.beat.Reset(cfg.PingTimeout)
		s.out.Put(textFrame(kindPing, nil), realtime.QueueDrop, "", "")
	case s.heard.Swap(false) || s.busy.Load() && s.takes(): // alive: its pong stands behind what else it sent
		s.beat.Reset(cfg.PingTimeout)
	case s.conn == nil && s.polling.get != nil && !s.out.Idle(): // the client waits for its ping: the server is late
		s.beat.Reset(cfg.PingTimeout)
	default:
		go s.finish(CausePingTimeout, kindClose)
	}
}

// takes reports whether the client takes what it is sent, as far as long-polling shows, and counts anew: a WebSocket that is
// not read fails. s.mu is held.
func (s *Session) takes() bool {
	if s.conn != nil {
		return true
	}
	heard := s.polling.heard || s.polling.get != nil
	s.polling.heard = false
	return heard
}

// pong notes that the client is alive. Pings come at a fixed interval, however long pongs take.
func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == stateClosed || !s.pinged {
		return
	}
	cfg := &s.server.cfg
	s.pinged = false
	s.due = s.due.Add(cfg.PingInterval)
	pause := time.Until(s.due) - cfg.PingTimeout
	if pause <= 0 { // the pong came very late
		pause = cfg.PingInterval
		s.due = time.Now().Add(cfg.PingInterval + cfg.PingTimeout)
	}
	s.beat.Reset(pause)
}

// overdue reports whether a client that polls again should have done so long ago: its ping still waits for it, and the time
// for the pong is over, even if a late timer does not know yet. s.mu is held.
func (s *Session) overdue() bool {
	return !s.heard.Load() && !s.busy.Load() && !time.Now().Before(s.due) && !s.out.Idle()
}

// SendMessage queues one message, and reports whether it will be sent.
func (s *Session) SendMessage(message []byte, binary bool) bool {
	frame := textFrame(kindMessage, message)
	if binary {
		frame = ws.Frame(ws.Binary, message)
	}
	return s.Send(frame, realtime.QueueClose, "", "")
}

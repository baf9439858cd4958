package socketio

import (
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// maxInbox is how many events of a socket wait for their handler before nothing more is read from its connection.
const maxInbox = 32

// receive queues an event for its handler, waiting while there are too many.
func (s *Socket) receive(e *Event) {
	s.mu.Lock()
	for len(s.inbox) >= maxInbox && !s.closed && s.ending == nil {
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		<-room
		s.mu.Lock()
	}
	if !s.closed && s.ending == nil {
		s.inbox = append(s.inbox, func() { s.namespace.app.event(e) })
		s.start()
	}
	s.mu.Unlock()
}

// start starts who runs the inbox, if nobody does; s.mu is held.
func (s *Socket) start() {
	if !s.working {
		s.working = true
		go s.work()
	}
}

// work runs what is in the inbox until nothing is.
func (s *Socket) work() {
	for {
		s.mu.Lock()
		if reason := s.ending; reason != nil && !s.closed {
			s.inbox = nil // what still comes is not handled any more
			s.working = false
			s.free()
			s.mu.Unlock()
			s.end(*reason)
			return
		}
		if len(s.inbox) == 0 {
			s.inbox = nil
			s.working = false
			s.mu.Unlock()
			return
		}
		task := s.inbox[0]
		s.inbox[0] = nil
		s.inbox = s.inbox[1:]
		s.free()
		s.mu.Unlock()
		task()
	}
}

// free wakes who waits for room; s.mu is held.
func (s *Socket) free() {
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// close ends the socket: no event is handled any more but those that wait already, and then the end itself.
func (s *Socket) close(cause engineio.Cause) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	acks := s.acks
	s.acks = nil
	s.free()
	s.inbox = append(s.inbox, func() {
		s.namespace.goodbye(s, cause)
		s.conn.server.sockets.Done()
	})
	s.start()
	s.mu.Unlock()
	for _, ack := range acks {
		ack <- Reply{Socket: s, Err: ErrDisconnected}
	}
	s.conn.part(s, cause == CauseServerDisconnect)
	s.namespace.recovery.keep(s, cause)
}

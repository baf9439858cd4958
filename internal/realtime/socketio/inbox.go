package socketio

import (
	"context"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

const (
	// maxInbox is how many events of a socket wait for their handler before nothing more is read from its connection. While
	// the server waits for acknowledgements of the client only bytes count: they come behind events.
	maxInbox = 32
	// taskCost is what an event in an inbox takes beside its bytes, and itemCost each of its arguments.
	taskCost, itemCost = 256, 24
)

// task is something in an inbox.
type task struct {
	run  func()
	size int // bytes that it keeps
}

// size is how many bytes an event keeps.
func (e *Event) size() int {
	size := taskCost + len(e.Name)
	for _, list := range [][][]byte{e.Args.items, e.Args.attachments} {
		for _, item := range list {
			size += itemCost + len(item)
		}
	}
	return size
}

// receive queues an event for its handler, waiting while there are too many. A handler that waits for the client meanwhile
// gets PingTimeout: what it waits for may stand behind the event, or never come.
func (s *Socket) receive(e *Event) {
	size := e.size()
	var late <-chan time.Time
	s.mu.Lock()
	for s.crowded(size) {
		room := s.conn.waitForRoom()
		if !s.crowded(size) { // it was made meanwhile
			break
		}
		if late == nil && s.conn.awaited.Load() > 0 {
			late = time.After(s.conn.server.cfg.PingTimeout)
		}
		s.mu.Unlock()
		select {
		case <-room:
		case <-late:
			s.conn.session.Close(realtime.ReasonSlow)
			return
		}
		s.mu.Lock()
	}
	if !s.closed && s.ending == nil {
		s.put(task{func() { s.namespace.app.event(e) }, size})
	}
	s.mu.Unlock()
}

// crowded reports whether something of this size must wait to get into the inbox; s.mu is held.
func (s *Socket) crowded(size int) bool {
	if s.closed || s.ending != nil || len(s.inbox) == 0 {
		return false
	}
	return s.bytes+size > s.conn.server.cfg.MaxEvent || len(s.inbox) >= maxInbox && s.conn.awaited.Load() == 0
}

// put puts something into the inbox and starts who runs it, if nobody does; s.mu is held.
func (s *Socket) put(t task) {
	s.inbox = append(s.inbox, t)
	s.bytes += t.size
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
			s.inbox, s.bytes = nil, 0 // what still comes is not handled any more
			s.working = false
			s.conn.makeRoom()
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
		next := s.inbox[0]
		s.inbox[0] = task{}
		s.inbox = s.inbox[1:]
		s.bytes -= next.size
		s.conn.makeRoom()
		s.mu.Unlock()
		next.run()
	}
}

// greet is the context of what connects the socket. It ends with the socket, or when the connection is to be closed before
// greeted.
func (s *Socket) greet() context.Context {
	ctx, leave := context.WithCancel(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave, s.greeting = leave, true
	if s.closed || s.ending != nil {
		leave()
	}
	return ctx
}

// greeted notes that what connects the socket has returned.
func (s *Socket) greeted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.greeting = false
}

// close ends the socket: no event is handled any more but those that wait already, and then the end itself.
func (s *Socket) close(cause engineio.Cause) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.gone.Store(true)
	if s.leave != nil {
		s.leave()
	}
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	for _, ack := range acks {
		ack <- Reply{Socket: s, Err: ErrDisconnected}
	}
	s.conn.awaited.Add(-int32(len(acks)))
	s.conn.part(s, cause == CauseServerDisconnect)
	s.namespace.recovery.keep(s, cause)
	s.conn.makeRoom()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(task{run: func() {
		s.namespace.goodbye(s, cause)
		s.conn.departed(s)
		s.conn.server.sockets.Done()
	}})
}

package socketio

import (
	"context"
)

// EmitWithAck sends an event and waits for the acknowledgement of every socket that it aims at. There is a reply of each,
// in no order; the error is that of an argument, or the context's if some have not answered.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Reply, error) {
	n := b.namespace
	sockets := b.Sockets()
	id := n.ids.Add(1) - 1
	m, err := n.message(event, args, &id, "")
	if err != nil {
		return nil, err
	}
	answers := make(chan Reply, len(sockets))
	missing := map[*Socket]bool{}
	for _, s := range sockets {
		missing[s] = true
		if s.await(id, answers) {
			s.Deliver(m, "")
		}
	}
	replies := make([]Reply, 0, len(sockets))
	for len(missing) > 0 {
		select {
		case reply := <-answers:
			delete(missing, reply.Socket)
			replies = append(replies, reply)
		case <-ctx.Done():
			for s := range missing {
				s.forget(id)
				replies = append(replies, Reply{Socket: s, Err: ctx.Err()})
			}
			return replies, ctx.Err()
		}
	}
	return replies, nil
}

// emitWithAck sends an event to one socket and waits for its acknowledgement.
func (n *Namespace) emitWithAck(ctx context.Context, s *Socket, event string, args []any) (Args, error) {
	id := n.ids.Add(1) - 1
	m, err := n.message(event, args, &id, "")
	if err != nil {
		return Args{}, err
	}
	answer := make(chan Reply, 1)
	if s.await(id, answer) {
		s.Deliver(m, "")
	}
	select {
	case reply := <-answer:
		return reply.Args, reply.Err
	case <-ctx.Done():
		s.forget(id)
		return Args{}, ctx.Err()
	}
}

// await makes answers get the reply with this number; there must be room for it. It reports whether one can come;
// otherwise ErrDisconnected has come.
func (s *Socket) await(id uint64, answers chan<- Reply) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		answers <- Reply{Socket: s, Err: ErrDisconnected}
		return false
	}
	if s.acks == nil {
		s.acks = map[uint64]chan<- Reply{}
	}
	s.acks[id] = answers
	s.conn.awaited.Add(1)
	s.conn.makeRoom() // the acknowledgement may stand behind events
	return true
}

// forget stops waiting.
func (s *Socket) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(id)
}

// settle takes who waits for an acknowledgement off the list, nil for nobody; s.mu is held.
func (s *Socket) settle(id uint64) chan<- Reply {
	answers := s.acks[id]
	if answers != nil {
		delete(s.acks, id)
		s.conn.awaited.Add(-1)
	}
	return answers
}

// acknowledged takes a client's acknowledgement. One that nobody waits for, or not any more, is nothing.
func (s *Socket) acknowledged(id uint64, args Args) {
	s.mu.Lock()
	answers := s.settle(id)
	s.mu.Unlock()
	if answers != nil {
		answers <- Reply{Socket: s, Args: args}
	}
}

package tchatator

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/realtime"
)

// session is a user on a connection, from LOGIN to the end. It is the peer's caller.
type session struct {
	peer  *realtime.Peer
	user  int64
	kind  string
	token string
	left  chan struct{} // closed when the seat is free

	// Used by the peer's commands alone, which come one after the other, and after the last of them.
	sent   sends
	handed []int64 // changes that were answered and are not forgotten yet

	mu   sync.Mutex
	does activity
}

// activity is what a client tells of its user, as USER_INFO shows it.
type activity struct {
	writing bool
	with    string // a user's id; empty: nobody
}

// is reports whether a token is the one of the session's LOGIN.
func (s *session) is(token string) bool {
	return subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) == 1
}

// seats knows who is connected to this process.
type seats struct {
	process int64 // this process's number among those that hold seats

	mu   sync.Mutex
	held map[int64]*session // by user
	owed map[int64][]int64  // changes that were handed out, and could not be forgotten when their user left
}

func newSeats(random io.Reader) (*seats, error) {
	var number [8]byte
	if _, err := io.ReadFull(random, number[:]); err != nil {
		return nil, fmt.Errorf("newSeats: %w", err)
	}
	return &seats{
		process: int64(binary.BigEndian.Uint64(number[:])), //nolint:gosec // any number will do, a negative one too
		held:    map[int64]*session{}, owed: map[int64][]int64{},
	}, nil
}

// get is a user's session in this process, nil if there is none.
func (s *seats) get(user int64) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[user]
}

// all are the sessions of this process.
func (s *seats) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*session, 0, len(s.held))
	for _, one := range s.held {
		list = append(list, one)
	}
	return list
}

// patience is how long LOGIN waits for a seat whose connection may be ending: a client that reconnects overtakes the end of
// its last connection.
const patience = 300 * time.Millisecond

// reserve takes a seat of this process, and reports whether it was free.
func (s *seats) reserve(ctx context.Context, one *session) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		s.mu.Lock()
		other := s.held[one.user]
		if other == nil {
			s.held[one.user] = one
			one.handed = s.owed[one.user]
			delete(s.owed, one.user)
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		select {
		case <-other.left:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// release frees a seat. What the database has not forgotten is owed to the user's next session.
func (s *seats) release(one *session, owed []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, one.user)
	if len(owed) > 0 {
		s.owed[one.user] = slices.Clone(owed)
	}
	close(one.left)
}

// sit gives a user its seat, in this process and among all, with what it has sent lately.
func (l *Live) sit(ctx context.Context, one *session) error {
	if !l.seats.reserve(ctx, one) {
		return errConnected
	}
	err := l.sitDown(ctx, one)
	if err != nil {
		l.seats.release(one, one.handed)
	}
	return err
}

func (l *Live) sitDown(ctx context.Context, one *session) error {
	taken, err := l.api.queries.TakeSeat(ctx, db.TakeSeatParams{
		Process: l.seats.process, UserID: one.user, TokenHash: auth.Digest(one.token),
	})
	if err != nil {
		return fmt.Errorf("TakeSeat: %w", err)
	}
	if taken == 0 {
		if _, err := l.findUser(ctx, one.token); err != nil { // banned, or the token changed, a moment ago
			return err
		}
		return errConnected
	}
	span, messages := l.rate.window()
	if messages == 0 {
		return nil
	}
	times, err := l.api.queries.ListSendTimes(ctx, db.ListSendTimesParams{
		SenderID: one.user, After: l.api.now().Add(-span), Rows: int32(messages), //nolint:gosec // at most MaxRate
	})
	if err != nil {
		return fmt.Errorf("ListSendTimes: %w", err)
	}
	slices.Reverse(times)
	one.sent = times
	return nil
}

// rise ends a session: its seat is free, and what it was told is forgotten. If the database is away, the seat is free for this
// process, which is the one that has it.
func (l *Live) rise(one *session) {
	one.peer.Identify("", nil)
	err := l.api.queries.LeaveSeat(context.Background(), db.LeaveSeatParams{
		Handed: nonNil(one.handed), UserID: one.user, Process: l.seats.process,
	})
	var owed []int64
	if err != nil {
		owed = one.handed
		l.log.Warn("a seat was not cleared in the database", "user", one.user, "error", err)
	}
	l.seats.release(one, owed)
	l.log.Info("left", "user", one.user, "peer", one.peer.ID())
}

// end closes a user's connection to this process, if there is one.
func (l *Live) end(user int64) {
	if one := l.seats.get(user); one != nil {
		l.hub.Close(one.peer, realtime.ReasonPolicy)
	}
}

// nonNil is a list that PostgreSQL does not take for null.
func nonNil(list []int64) []int64 {
	if list == nil {
		return []int64{}
	}
	return list
}

// connections is Live as wires see it when peers come and go.
type connections struct{ live *Live }

// Authenticate lets everybody in: who a peer is, LOGIN tells.
func (connections) Authenticate(context.Context, string) (role string, caller any, err error) {
	return "", nil, nil
}

// Connected implements realtime.Lifecycle.
func (connections) Connected(context.Context, *realtime.Peer) error { return nil }

// Disconnected frees the seat.
func (c connections) Disconnected(_ context.Context, p *realtime.Peer) {
	if one := sessionOf(p); one != nil {
		c.live.rise(one)
	}
}

// sessionOf is who a peer is, nil before LOGIN.
func sessionOf(p *realtime.Peer) *session {
	one, _ := p.Caller().(*session)
	return one
}

package tchatator

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
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
	handed []int64 // changes that were answered last: that it asks again, or leaves, shows that it has them
	owed   []int64 // changes that it is known to have and that the database has not forgotten

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

	mu       sync.Mutex
	held     map[int64]*session      // by user
	strays   map[int64][]int64       // who has left and may still have a seat in the database, with the changes to forget
	clearing map[int64]chan struct{} // closed when the database was asked to free a stray's seat
}

func newSeats(random io.Reader) (*seats, error) {
	var number [8]byte
	if _, err := io.ReadFull(random, number[:]); err != nil {
		return nil, fmt.Errorf("newSeats: %w", err)
	}
	return &seats{
		process: int64(binary.BigEndian.Uint64(number[:])), //nolint:gosec // any number will do, a negative one too
		held:    map[int64]*session{}, strays: map[int64][]int64{}, clearing: map[int64]chan struct{}{},
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
		free := s.clearing[one.user]
		if other := s.held[one.user]; other != nil {
			free = other.left
		}
		if free == nil {
			s.held[one.user] = one
			one.owed = s.strays[one.user]
			delete(s.strays, one.user)
			s.mu.Unlock()
			return true
		}
		s.mu.Unlock()
		select {
		case <-free:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// release frees a seat of this process. stray: the database may still have it.
func (s *seats) release(one *session, owed []int64, stray bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, one.user)
	if stray {
		s.strays[one.user] = owed
	}
	close(one.left)
}

// astray are the users whose seats the database may still have.
func (s *seats) astray() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.strays))
}

// find takes a stray's seat until done is called, so that nobody sits down while it is cleared. It reports false if the user
// has come back.
func (s *seats) find(user int64) (owed []int64, done func(cleared bool), found bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if owed, found = s.strays[user]; !found {
		return nil, nil, false
	}
	free := make(chan struct{})
	s.clearing[user] = free
	return owed, func(cleared bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if cleared {
			delete(s.strays, user)
		}
		delete(s.clearing, user)
		close(free)
	}, true
}

// sit gives a user its seat, in this process and among all, with what it has sent lately.
func (l *Live) sit(ctx context.Context, one *session) error {
	if !l.seats.reserve(ctx, one) {
		return errConnected
	}
	err := l.sitDown(ctx, one)
	if err != nil {
		l.leave(one, one.owed)
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

// rise ends a session: its seat is free, and what it has is forgotten. What it was told last on a connection that broke may
// not have arrived: its next session is told again.
func (l *Live) rise(one *session, broken bool) {
	one.peer.Identify("", nil)
	has := one.owed
	if !broken {
		has = slices.Concat(has, one.handed)
	}
	l.leave(one, has)
	l.log.Info("left", "user", one.user, "peer", one.peer.ID())
}

// leaveTimeout bounds the freeing of a seat in the database. The seat is free for this process afterwards in any case; for
// others the sweep tries again.
const leaveTimeout = 5 * time.Second

// leave frees a seat, and forgets the changes that its user has.
func (l *Live) leave(one *session, has []int64) {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	err := l.clear(ctx, one.user, has)
	if err != nil {
		l.log.Warn("a seat was not cleared in the database", "user", one.user, "error", err)
	}
	l.seats.release(one, has, err != nil)
}

func (l *Live) clear(ctx context.Context, user int64, has []int64) error {
	return l.api.queries.LeaveSeat(ctx, db.LeaveSeatParams{Handed: nonNil(has), UserID: user, Process: l.seats.process})
}

// clearStrays frees the seats that could not be freed when their users left.
func (l *Live) clearStrays(ctx context.Context) error {
	var failed []error
	for _, user := range l.seats.astray() {
		owed, done, found := l.seats.find(user)
		if !found {
			continue
		}
		err := l.clear(ctx, user, owed)
		done(err == nil)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
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
		c.live.rise(one, p.Lost())
	}
}

// sessionOf is who a peer is, nil before LOGIN.
func sessionOf(p *realtime.Peer) *session {
	one, _ := p.Caller().(*session)
	return one
}

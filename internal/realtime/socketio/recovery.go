package socketio

import (
	"crypto/rand"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// recovery keeps, for a while, what sockets miss whose connection broke: the sockets' state, and the messages of the
// namespace with who they were for. A message carries its offset as one more argument; a client that returns tells the
// last one it has seen, and the id that proves who it is. The nil recovery keeps nothing.
type recovery struct {
	namespace *Namespace
	cfg       Recovery

	mu      sync.Mutex // also orders messages and returns: nothing is missed, nothing comes twice
	log     []logged
	bytes   int
	count   uint64 // of all messages; the offset of the last
	formers map[string]*former
	swept   time.Time // when formers was looked through
}

// logged is a message that was sent.
type logged struct {
	offset string
	at     time.Time
	target Broadcast
	m      *realtime.Message
	size   int
}

// former is a socket whose connection broke.
type former struct {
	id, pid, offset string
	rooms           []string
	data            any
	until           time.Time
}

func newRecovery(n *Namespace, cfg Recovery) *recovery {
	return &recovery{namespace: n, cfg: cfg, formers: map[string]*former{}}
}

// emit logs a message and sends it.
func (r *recovery) emit(b Broadcast, event string, args []any) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	offset := strconv.FormatUint(r.count+1, 36)
	m, err := r.namespace.message(event, args, nil, offset)
	if err != nil {
		return err
	}
	r.count++
	size := len(m.Frame(r.namespace.format, nil))
	r.log = append(r.log, logged{offset, time.Now(), b, m, size})
	r.bytes += size
	r.prune()
	b.deliver(m)
	return nil
}

// prune forgets what is too old or too much; r.mu is held.
func (r *recovery) prune() {
	now := time.Now()
	n := 0
	for ; n < len(r.log) && (r.bytes > r.cfg.MaxBytes || now.Sub(r.log[n].at) > r.cfg.Window); n++ {
		r.bytes -= r.log[n].size
		r.log[n] = logged{}
	}
	r.log = r.log[n:]
}

// sweep forgets the sockets that have not come back, now and then; r.mu is held.
func (r *recovery) sweep(now time.Time) {
	if now.Before(r.swept.Add(r.cfg.Window / 4)) {
		return
	}
	r.swept = now
	for pid, f := range r.formers {
		if now.After(f.until) {
			delete(r.formers, pid)
		}
	}
}

// keep stores a socket whose connection broke: one that left, or was made to leave, does not come back.
func (r *recovery) keep(s *Socket, cause engineio.Cause) {
	if r == nil || cause == CauseClientDisconnect || cause == CauseServerDisconnect {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.sweep(now)
	r.formers[s.pid] = &former{id: s.ID(), pid: s.pid, rooms: s.Rooms(), data: s.Data(), until: now.Add(r.cfg.Window)}
}

// take finds the former socket that a CONNECT continues, nil if there is none or if messages that it missed are forgotten.
func (r *recovery) take(auth []byte) *former {
	if r == nil || auth == nil {
		return nil
	}
	var claim struct{ PID, Offset string }
	if err := json.Unmarshal(auth, &claim, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil // auth is the user's: these members may be others
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prune()
	f := r.formers[claim.PID]
	if f == nil || time.Now().After(f.until) || r.index(claim.Offset) < 0 {
		return nil
	}
	delete(r.formers, claim.PID)
	f.offset = claim.Offset
	return f
}

// index is where a message is in the log, -1 if it is not; r.mu is held.
func (r *recovery) index(offset string) int {
	return slices.IndexFunc(r.log, func(l logged) bool { return l.offset == offset })
}

// giveBack stores a former socket again whose CONNECT came to nothing.
func (r *recovery) giveBack(s *Socket) {
	if s.former == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.formers[s.former.pid] = s.former
}

// restore attaches a socket and, if it continues a former one, gives it its rooms and what it missed.
func (r *recovery) restore(s *Socket, attach func() bool) bool {
	if r == nil {
		return attach()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	f := s.former
	s.former = nil
	var missed []logged
	if f != nil {
		if i := r.index(f.offset); i >= 0 {
			missed = r.log[i+1:]
		} else { // forgotten a moment ago
			f, s.recovered, s.data, s.pid = nil, false, nil, rand.Text()
		}
	}
	if !attach() {
		return false
	}
	if f == nil {
		return true
	}
	s.Join(f.rooms...)
	rooms := append(f.rooms, f.id)
	for _, l := range missed {
		if l.target.aimsAt(rooms) {
			s.Deliver(l.m, "")
		}
	}
	return true
}

// aimsAt reports whether a socket in these rooms is aimed at.
func (b Broadcast) aimsAt(rooms []string) bool {
	in := func(room string) bool { return slices.Contains(rooms, room) }
	return (len(b.rooms) == 0 || slices.ContainsFunc(b.rooms, in)) && !slices.ContainsFunc(b.except, in)
}

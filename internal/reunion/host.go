package reunion

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// reunionOf is the id that a message names, bare or in an object.
func reunionOf(ref events.ReunionRef) string {
	if object, ok := ref.(events.ReunionObject); ok {
		return object.ReunionID
	}
	return string(ref.(events.ReunionID))
}

// JoinReunionHost makes a socket the host of a réunion, which is made if there is none, and of no other. Behind the ack come
// the réunion as it stands, and what the host has not been told.
func (l *Live) JoinReunionHost(ctx context.Context, peer *realtime.Peer, in events.ReunionRef) (events.Done, error) {
	id, me := reunionOf(in), socketOf(peer)
	defer realtime.After(ctx, l.lanes.alone(id))
	if err := l.checkSession(ctx, me); err != nil {
		return events.Done{}, err
	}
	seen, err := l.api.readReunion(ctx, id, me.access())
	if errors.Is(err, errNoReunion) {
		if err := l.makeReunion(ctx, id, me); err != nil {
			return events.Done{}, err
		}
		seen, err = l.api.readReunion(ctx, id, me.access()) // somebody else may have been faster
	}
	if err != nil {
		return events.Done{}, err
	}
	data, err := reunionData(seen)
	if err != nil {
		return events.Done{}, err
	}
	after := l.api.now()
	if l.hosted(id, peer) {
		after = after.Add(-doubt) // the other socket may be dead, and this one its successor
	}
	owed, err := l.owed(ctx, id, after)
	if err != nil {
		return events.Done{}, err
	}
	me.hosting = id
	l.become(peer, me)
	realtime.After(ctx, func() { l.greet(ctx, peer, data, owed) })
	return events.Done{}, nil
}

// makeReunion makes a réunion for who joins it first.
func (l *Live) makeReunion(ctx context.Context, id string, me socket) error {
	made := db.InsertReunionParams{ID: id, CreatedAt: l.api.now()}
	if me.seller != nil {
		made.OwnerID = &me.seller.ID
	}
	_, err := l.api.queries.InsertReunion(ctx, made)
	return err
}

// CloseReunion ends a réunion.
func (l *Live) CloseReunion(ctx context.Context, peer *realtime.Peer, in events.ReunionRef) (events.Done, error) {
	me := socketOf(peer)
	if err := l.checkSession(ctx, me); err != nil {
		return events.Done{}, err
	}
	return events.Done{}, l.end(ctx, reunionOf(in), me.access())
}

// end closes a réunion that somebody may host, and tells everybody in it. A second time it is refused.
func (l *Live) end(ctx context.Context, id string, may access) error {
	defer realtime.After(ctx, l.lanes.alone(id))
	err := l.api.inTx(ctx, func(q *db.Queries) error {
		if _, err := findReunion(ctx, q, id, may); err != nil {
			return err
		}
		if _, err := q.CloseReunion(ctx, l.api.now(), id); err != nil {
			return pg.IfNoRows(err, errOver)
		}
		return q.AbandonCarts(ctx, id)
	})
	if err != nil {
		return err
	}
	realtime.After(ctx, func() {
		if err := l.emit.ReunionClosed(ctx, id); err != nil {
			l.log(ctx, "reunion-closed not sent", err)
		}
	})
	return nil
}

// debt is what a host has not been told of: the rows say so, so that no crash forgets it.
type debt struct {
	notices     []notice // in the order in which they happened
	validations []string // ids of clients
	surveys     []uuid.UUID
}

// notice is one event that a host is owed.
type notice struct {
	at   time.Time
	send func(context.Context, *events.Emitter) error
}

// doubt is for how long what a host was told may not have reached it: longer than a wire needs to find out that a socket is
// dead, which is 45 seconds on Socket.IO.
const doubt = time.Minute

// owed reads what the host of a réunion has not been told, or only after a time.
func (l *Live) owed(ctx context.Context, id string, after time.Time) (d debt, err error) {
	clients, err := l.api.queries.ListUntoldValidations(ctx, id, after)
	if err != nil {
		return debt{}, err
	}
	for _, c := range clients {
		d.validated(id, c.ID, c.Comment, *c.ValidatedAt)
	}
	surveys, err := l.api.queries.ListUntoldSurveys(ctx, id, after)
	if err != nil {
		return debt{}, err
	}
	for _, s := range surveys {
		d.surveyed(id, s.ID, s.SubmittedAt)
	}
	slices.SortStableFunc(d.notices, func(a, b notice) int { return a.at.Compare(b.at) })
	return d, nil
}

// validated adds that a client validated its cart.
func (d *debt) validated(reunion, client string, comment *string, at time.Time) {
	d.validations = append(d.validations, client)
	d.notices = append(d.notices, notice{at, func(ctx context.Context, e *events.Emitter) error {
		return e.CartValidated(ctx, reunion, events.CartValidated{ClientID: client, Comment: comment})
	}})
}

// surveyed adds that a survey came in.
func (d *debt) surveyed(reunion string, survey uuid.UUID, at time.Time) {
	d.surveys = append(d.surveys, survey)
	d.notices = append(d.notices, notice{at, func(ctx context.Context, e *events.Emitter) error {
		return e.SurveySubmitted(ctx, reunion, events.SurveySubmitted{ReunionID: reunion, Timestamp: at})
	}})
}

// pay sends what is owed, and notes that it was. If that fails the host is told again when it returns.
func (l *Live) pay(ctx context.Context, to *events.Emitter, d debt) error {
	for _, n := range d.notices {
		if err := n.send(ctx, to); err != nil {
			return err
		}
	}
	now := l.api.now()
	if len(d.validations) > 0 {
		if err := l.api.queries.TellValidations(ctx, now, d.validations); err != nil {
			return err
		}
	}
	if len(d.surveys) > 0 {
		return l.api.queries.TellSurveys(ctx, now, d.surveys)
	}
	return nil
}

// greet sends a host that joins or returns the réunion and what it missed. Its lane is held.
func (l *Live) greet(ctx context.Context, host *realtime.Peer, data events.Reunion, owed debt) {
	err := l.emit.ReunionData(ctx, host, data)
	if err == nil {
		err = l.pay(ctx, l.emit.To(host), owed)
	}
	if err != nil {
		l.log(ctx, "a host was not told what it missed", err)
	}
}

// tellHost tells the host of something that has just happened, if it is there; the rest is told when it returns. The lane of
// the réunion is held.
func (l *Live) tellHost(ctx context.Context, reunion string, news debt) {
	realtime.After(ctx, func() {
		if !l.hosted(reunion, nil) {
			return
		}
		if err := l.pay(ctx, l.emit, news); err != nil {
			l.log(ctx, "a host was not told the news", err)
		}
	})
}

// hosted reports whether a réunion has a host that is there, other than this one.
func (l *Live) hosted(reunion string, besides *realtime.Peer) bool {
	return slices.ContainsFunc(l.hub.Peers(events.HostRoom(reunion)), func(p *realtime.Peer) bool { return p != besides })
}

// unheard notes that what a host's socket was told of late did not reach it, unless another one was told as well.
func (l *Live) unheard(ctx context.Context, lost *realtime.Peer, reunion string) error {
	defer l.lanes.alone(reunion)()
	if l.hosted(reunion, lost) {
		return nil
	}
	after := l.api.now().Add(-doubt)
	return l.api.inTx(ctx, func(q *db.Queries) error {
		if err := q.RecallValidations(ctx, reunion, after); err != nil {
			return err
		}
		return q.RecallSurveys(ctx, reunion, after)
	})
}

// isOver reports whether a réunion was closed.
func isOver(r db.Reunion) bool { return r.Status == string(api.ReunionStatusTerminee) }

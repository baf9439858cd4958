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
	id := reunionOf(in)
	// The réunion may be larger than what may wait for the socket. One that has gone is sent nothing.
	if err := l.hub.Wait(ctx, peer); err != nil && !errors.Is(err, realtime.ErrClosed) {
		return events.Done{}, err
	}
	if err := l.host(ctx, peer, id); err != nil {
		return events.Done{}, err
	}
	realtime.After(ctx, func() { l.settle(ctx, peer, id) })
	return events.Done{}, nil
}

// host makes a socket the host of a réunion that it may host, and sends it behind the ack.
func (l *Live) host(ctx context.Context, peer *realtime.Peer, id string) error {
	me := socketOf(peer)
	defer realtime.After(ctx, l.lanes.alone(id))
	if err := l.checkSession(ctx, me); err != nil {
		return err
	}
	seen, err := l.api.readReunion(ctx, id, me.access())
	if errors.Is(err, errNoReunion) {
		if err := l.makeReunion(ctx, id, me); err != nil {
			return err
		}
		seen, err = l.api.readReunion(ctx, id, me.access()) // somebody else may have been faster
	}
	if err != nil {
		return err
	}
	data, err := reunionData(seen)
	if err != nil {
		return err
	}
	last := l.before // of a socket that may have died with the process before this one
	if l.hosted(id, peer) {
		last = l.api.now() // of the other socket, which may be dead, and this one its successor
	}
	if err := l.recall(ctx, id, last); err != nil {
		return err
	}
	me.hosting = id
	l.become(peer, me)
	realtime.After(ctx, func() {
		if err := l.emit.ReunionData(ctx, peer, data); err != nil {
			l.log(ctx, "reunion-data not sent", err)
		}
	})
	return nil
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

// debt is what a host has not been told of, oldest first: the rows say so, so that no crash forgets it.
type debt []notice

// notice is one event that a host is owed: that a client validated its cart, or that a survey came in.
type notice struct {
	at     time.Time
	client string    // whose validation it is; empty: a survey's notice
	survey uuid.UUID // zero: a client's
	send   func(context.Context, *events.Emitter) error
}

// validated is the notice of a cart that was validated.
func validated(reunion, client string, comment *string, at time.Time) notice {
	return notice{at: at, client: client, send: func(ctx context.Context, e *events.Emitter) error {
		return e.CartValidated(ctx, reunion, events.CartValidated{ClientID: client, Comment: comment})
	}}
}

// surveyed is the notice of a survey.
func surveyed(reunion string, survey uuid.UUID, at time.Time) notice {
	return notice{at: at, survey: survey, send: func(ctx context.Context, e *events.Emitter) error {
		return e.SurveySubmitted(ctx, reunion, events.SurveySubmitted{ReunionID: reunion, Timestamp: at})
	}}
}

const (
	// doubt is for how long what a host was told before its socket, or the process, ended may not have reached it: longer than a wire needs to find out that a socket
	// is dead, which is 45 seconds on Socket.IO.
	doubt = time.Minute
	// portion is how many notices are sent at once: with the longest comments they take less than half of a socket's queue.
	portion = 32
)

// owed reads the oldest portion of what the host of a réunion has not been told.
func (l *Live) owed(ctx context.Context, id string) (d debt, err error) {
	clients, err := l.api.queries.ListUntoldValidations(ctx, id, portion)
	if err != nil {
		return nil, err
	}
	for _, c := range clients {
		d = append(d, validated(id, c.ID, c.Comment, *c.ValidatedAt))
	}
	surveys, err := l.api.queries.ListUntoldSurveys(ctx, id, portion)
	if err != nil {
		return nil, err
	}
	for _, s := range surveys {
		d = append(d, surveyed(id, s.ID, s.SubmittedAt))
	}
	slices.SortStableFunc(d, func(a, b notice) int { return a.at.Compare(b.at) })
	return d[:min(len(d), portion)], nil
}

// pay sends what is owed, and notes that it was. If that fails the host is told again when it returns.
func (l *Live) pay(ctx context.Context, to *events.Emitter, d debt) error {
	var (
		clients []string
		surveys []uuid.UUID
	)
	for _, n := range d {
		if err := n.send(ctx, to); err != nil {
			return err
		}
		if n.client != "" {
			clients = append(clients, n.client)
		} else {
			surveys = append(surveys, n.survey)
		}
	}
	now := l.api.now()
	if len(clients) > 0 {
		if err := l.api.queries.TellValidations(ctx, now, clients); err != nil {
			return err
		}
	}
	if len(surveys) > 0 {
		return l.api.queries.TellSurveys(ctx, now, surveys)
	}
	return nil
}

// settle tells a host that joins or returns what it missed. A host that reads slowly is waited for without holding up the
// réunion, so that news may come between two portions; one that goes is told the rest when it returns.
func (l *Live) settle(ctx context.Context, host *realtime.Peer, id string) {
	for more := true; more; {
		err := l.hub.Wait(ctx, host)
		if errors.Is(err, realtime.ErrClosed) {
			return
		}
		if err == nil {
			more, err = l.payPortion(ctx, host, id)
		}
		if err != nil {
			l.log(ctx, "a host was not told what it missed", err)
			return
		}
	}
}

// payPortion tells a host the oldest of what it missed, and reports whether there may be more.
func (l *Live) payPortion(ctx context.Context, host *realtime.Peer, id string) (more bool, err error) {
	defer l.lanes.alone(id)()
	owed, err := l.owed(ctx, id)
	if err != nil {
		return false, err
	}
	return len(owed) == portion, l.pay(ctx, l.emit.To(host), owed)
}

// tellHost tells the host of something that has just happened, if it is there; the rest is told when it returns. The lane of
// the réunion is held.
func (l *Live) tellHost(ctx context.Context, reunion string, news notice) {
	realtime.After(ctx, func() {
		if !l.hosted(reunion, nil) {
			return
		}
		if err := l.pay(ctx, l.emit, debt{news}); err != nil {
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
	return l.recall(ctx, reunion, l.api.now())
}

// recall makes a debt again of what a socket of a réunion's host was told shortly before its end. The réunion's lane is held.
func (l *Live) recall(ctx context.Context, reunion string, end time.Time) error {
	after := end.Add(-doubt)
	return l.api.inTx(ctx, func(q *db.Queries) error {
		if err := q.RecallValidations(ctx, db.RecallValidationsParams{ReunionID: reunion, After: after, Upto: end}); err != nil {
			return err
		}
		return q.RecallSurveys(ctx, db.RecallSurveysParams{ReunionID: reunion, After: after, Upto: end})
	})
}

// isOver reports whether a réunion was closed.
func isOver(r db.Reunion) bool { return r.Status == string(api.ReunionStatusTerminee) }

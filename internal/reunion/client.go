package reunion

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

var (
	errNotJoined = problem.New(problem.Forbidden, "Vous n'avez pas rejoint cette réunion")
	errResume    = problem.New(problem.Forbidden, "Ce client ne peut pas être repris")
	errValidated = problem.New(problem.Forbidden, "Ce panier est déjà validé")
)

// seat is a socket's place as a client of a réunion. It is never changed, but for its pace.
type seat struct {
	id      uuid.UUID // of the connection
	reunion string
	client  string
	token   string // resumes the client; the database has only its SHA-256
	carts   *pace
}

// tokenBytes is how much randomness a resume token has.
const tokenBytes = 32

// newSeat makes the place of a new client.
func (a *API) newSeat(reunion string) (*seat, error) {
	client, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	secret := make([]byte, tokenBytes)
	if _, err := io.ReadFull(a.deps.Rand, secret); err != nil {
		return nil, fmt.Errorf("newSeat: %w", err)
	}
	return a.resumedSeat(reunion, "client-"+client.String(), base64.RawURLEncoding.EncodeToString(secret))
}

// resumedSeat makes another place of a client that is there already.
func (a *API) resumedSeat(reunion, client, token string) (*seat, error) {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	return &seat{id: id, reunion: reunion, client: client, token: token, carts: &pace{}}, nil
}

// JoinReunionClient makes a socket act for a client: a new one, or one that it proves to have been. Behind the ack comes how
// the réunion stands.
func (l *Live) JoinReunionClient(ctx context.Context, peer *realtime.Peer, in events.JoinReunionClient) (events.Joined, error) {
	if err := l.api.chargeVisit(ctx, "join", addressOf(peer)); err != nil {
		return events.Joined{}, err
	}
	me := socketOf(peer)
	next, isNew, err := l.chooseSeat(me.seat, in)
	if err != nil {
		return events.Joined{}, err
	}
	if err := l.take(ctx, peer, next, in.ClientInfo, isNew); err != nil {
		return events.Joined{}, err
	}
	if before := me.seat; before != nil && before != next {
		realtime.After(ctx, func() { l.leave(ctx, before) }) // in a lane of its own, now that the new one is left
	}
	return events.Joined{ClientID: next.client, ResumeToken: next.token}, nil
}

// chooseSeat finds the place that a join is for. Whoever is a client of the réunion and joins it again, claiming nothing, stays
// that client.
func (l *Live) chooseSeat(now *seat, in events.JoinReunionClient) (chosen *seat, isNew bool, err error) {
	client, token := in.ClientInfo.ClientID.Or(""), in.ClientInfo.ResumeToken.Or("")
	switch {
	case client != "" || token != "":
		chosen, err = l.api.resumedSeat(in.ReunionID, client, token)
		return chosen, false, err
	case now != nil && now.reunion == in.ReunionID:
		return now, false, nil
	}
	chosen, err = l.api.newSeat(in.ReunionID)
	return chosen, true, err
}

// take seats a socket and tells the host; how the réunion stands follows behind the ack.
func (l *Live) take(ctx context.Context, peer *realtime.Peer, s *seat, info events.JoinInfo, isNew bool) error {
	defer realtime.After(ctx, l.lanes.client(s.reunion, s.client))
	row, err := l.storeSeat(ctx, s, info, isNew)
	if err != nil {
		if errors.Is(err, errOver) {
			l.afterwards(ctx, peer, events.ReunionStatusTerminee)
		}
		return err
	}
	joined, err := joinedClient(row)
	if err != nil {
		return err
	}
	me := socketOf(peer)
	me.seat = s
	l.become(peer, me)
	l.afterwards(ctx, peer, events.ReunionStatusActive)
	return l.emit.ClientJoined(ctx, s.reunion, joined)
}

// afterwards sends how the réunion stands behind the ack.
func (l *Live) afterwards(ctx context.Context, peer *realtime.Peer, status events.ReunionStatus) {
	realtime.After(ctx, func() {
		if err := l.emit.ReunionStatus(ctx, peer, status); err != nil {
			l.log(ctx, "reunion-status not sent", err)
		}
	})
}

// storeSeat writes the client of a seat, and that a socket of this process acts for it.
func (l *Live) storeSeat(ctx context.Context, s *seat, info events.JoinInfo, isNew bool) (row db.Client, err error) {
	name, email := given(info.Name), given(info.Email)
	err = l.api.inTx(ctx, func(q *db.Queries) error {
		if err := holdOpen(ctx, q, s.reunion); err != nil {
			return err
		}
		if isNew {
			row, err = q.InsertClient(ctx, db.InsertClientParams{
				ID: s.client, ReunionID: s.reunion, ResumeHash: auth.Digest(s.token), Name: name, Email: email, JoinedAt: l.api.now(),
			})
		} else if err = proveSeat(ctx, q, s); err == nil {
			row, err = q.ReturnClient(ctx, db.ReturnClientParams{ID: s.client, Name: name, Email: email})
		}
		if err != nil {
			return err
		}
		return l.connect(ctx, q, s)
	})
	l.seated(s, err)
	return row, err
}

// holdOpen refuses a réunion that is over, and keeps one that is not from being closed before the transaction ends.
func holdOpen(ctx context.Context, q *db.Queries, id string) error {
	found, err := q.ShareReunion(ctx, id)
	if err == nil && isOver(found) {
		err = errOver
	}
	return pg.IfNoRows(err, errNoReunion)
}

// proveSeat refuses a seat whose token is not that of the client. A token that fits no client is refused like a wrong one.
func proveSeat(ctx context.Context, q *db.Queries, s *seat) error {
	found, err := q.LockClient(ctx, s.client)
	if err != nil {
		return pg.IfNoRows(err, errResume)
	}
	if subtle.ConstantTimeCompare(found.ResumeHash, auth.Digest(s.token)) != 1 || found.ReunionID != s.reunion {
		return errResume
	}
	return nil
}

// given is a text that was given, nil for one that was not.
func given(text stdjson.Optional[string]) *string {
	if value, ok := text.Get(); ok {
		return &value
	}
	return nil
}

// seatIn is the seat of a socket in a réunion. Messages that name none are about the one that it is in.
func seatIn(peer *realtime.Peer, reunion *string) (*seat, error) {
	s := socketOf(peer).seat
	if s == nil || reunion != nil && *reunion != s.reunion {
		return nil, errNotJoined
	}
	return s, nil
}

// UpdateCart replaces the cart of a socket's client.
func (l *Live) UpdateCart(ctx context.Context, peer *realtime.Peer, in events.UpdateCart) (events.Done, error) {
	s, err := seatIn(peer, in.ReunionID)
	if err != nil {
		return events.Done{}, err
	}
	if err := s.carts.take(l.api.now(), l.api.cfg.Limits.Carts); err != nil {
		return events.Done{}, err
	}
	cart, err := stdjson.Marshal(in.Cart)
	if err != nil {
		return events.Done{}, err
	}
	defer l.lanes.client(s.reunion, s.client)()
	err = l.changeCart(ctx, s, func(q *db.Queries) (int64, error) { return q.UpdateCart(ctx, cart, s.client) })
	if err != nil {
		return events.Done{}, err
	}
	return events.Done{}, l.emit.CartUpdated(ctx, s.reunion, events.CartUpdated{ClientID: s.client, Cart: in.Cart})
}

// ValidateCart freezes the cart of a socket's client.
func (l *Live) ValidateCart(ctx context.Context, peer *realtime.Peer, in events.ValidateCart) (events.Done, error) {
	s, err := seatIn(peer, in.ReunionID)
	if err != nil {
		return events.Done{}, err
	}
	defer realtime.After(ctx, l.lanes.client(s.reunion, s.client))
	now, comment := l.api.now(), given(in.Comment)
	err = l.changeCart(ctx, s, func(q *db.Queries) (int64, error) {
		return q.ValidateCart(ctx, db.ValidateCartParams{ID: s.client, Now: now, Comment: comment})
	})
	if err != nil {
		return events.Done{}, err
	}
	l.tellHost(ctx, s.reunion, validated(s.reunion, s.client, comment, now))
	return events.Done{}, nil
}

// changeCart changes a cart that is open, in a réunion that is.
func (l *Live) changeCart(ctx context.Context, s *seat, change func(*db.Queries) (int64, error)) error {
	return l.api.inTx(ctx, func(q *db.Queries) error {
		if err := holdOpen(ctx, q, s.reunion); err != nil {
			return err
		}
		changed, err := change(q)
		if err == nil && changed == 0 {
			err = errValidated
		}
		return err
	})
}

package tchatator

import (
	"context"
	"errors"
	"log/slog"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// The document's answers.
const (
	textLoggedIn = "Accès autorisé"
	textSent     = "Message bien reçu et traité"
	textUpdated  = "Message mis à jour avec succès"
	textDeleted  = "Message supprimé avec succès"
	textBlocked  = "Utilisateur bloqué avec succès"
	textBanned   = "Utilisateur banni avec succès"
	textNoted    = "Information enregistrée"
	textNothing  = "Aucun changement"
)

// Live handles the commands of both wires.
type Live struct {
	api     *API
	hub     *realtime.Hub
	gateway *realtime.Gateway
	log     *slog.Logger
	rate    rate
	seats   *seats
	post    *post
}

var _ events.Handler = (*Live)(nil)

func newLive(a *API) (*Live, error) {
	seats, err := newSeats(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	return &Live{
		api: a, hub: realtime.NewHub(realtime.HubConfig{Meter: a.deps.Metrics.Live()}), log: a.deps.Log,
		rate: rate{perMinute: a.cfg.PerMinute, perHour: a.cfg.PerHour}, seats: seats, post: &post{queries: a.queries, now: a.now},
	}, nil
}

// Login gives the peer the identity of a token's user, if its seat is free.
func (l *Live) Login(ctx context.Context, peer *realtime.Peer, in events.Login) (events.Done, error) {
	if sessionOf(peer) != nil {
		return events.Done{}, errConnected
	}
	user, err := l.findUser(ctx, in.Token)
	if err != nil {
		l.log.InfoContext(ctx, "login refused", "peer", peer.ID(), "address", peer.Address(), "error", err)
		return events.Done{}, err
	}
	one := &session{peer: peer, user: user.ID, kind: user.Kind, token: in.Token, left: make(chan struct{})}
	if err := l.sit(ctx, one); err != nil {
		l.log.InfoContext(ctx, "login refused", "user", user.ID, "peer", peer.ID(), "address", peer.Address(), "error", err)
		return events.Done{}, err
	}
	peer.Identify(user.Kind, one)
	l.log.InfoContext(ctx, "logged in", "user", user.ID, "kind", user.Kind, "wire", peer.Wire().String(), "peer", peer.ID(), "address", peer.Address())
	return events.Done{Message: textLoggedIn}, nil
}

// findUser finds who a token belongs to.
func (l *Live) findUser(ctx context.Context, token string) (db.GetUserByTokenRow, error) {
	user, err := l.api.queries.GetUserByToken(ctx, auth.Digest(token))
	if errors.Is(err, pgx.ErrNoRows) {
		return user, errDenied
	}
	if err == nil && user.Banned {
		err = errBanned
	}
	return user, err
}

// Disconnected ends the session; the connection follows.
func (l *Live) Disconnected(_ context.Context, peer *realtime.Peer) error {
	if one := sessionOf(peer); one != nil {
		l.rise(one, false)
	}
	l.hub.Close(peer, realtime.ReasonNormal)
	return nil
}

// caller is who sent a command that only users may send. A token that is not the one of the LOGIN proves nothing.
func (l *Live) caller(peer *realtime.Peer, token string) (*session, error) {
	one := sessionOf(peer)
	if one == nil || !one.is(token) {
		return nil, errUnknownClient
	}
	return one, nil
}

// SendMsg stores a message.
func (l *Live) SendMsg(_ context.Context, peer *realtime.Peer, in events.SendMsg) (events.Sent, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return events.Sent{}, err
	}
	if err := l.checkLength(in.Content); err != nil {
		return events.Sent{}, err
	}
	if !one.sent.allow(l.rate, l.api.now()) {
		return events.Sent{}, errTooMany
	}
	message := &letter{sender: one.user, receiver: in.Receiver, content: in.Content}
	if err := l.post.store(message); err != nil {
		return events.Sent{}, err
	}
	one.sent.note(l.rate, message.at) // also what is refused: it costs the same
	switch message.outcome {
	case outcomeBanned:
		return events.Sent{}, errBanned
	case outcomeUnknown:
		return events.Sent{}, errNoReceiver
	case outcomeBlocked:
		return events.Sent{}, errForbidden
	}
	return sentMessage(message), nil
}

// checkLength refuses a message of more characters than are configured.
func (l *Live) checkLength(content string) error {
	if utf8.RuneCountInString(content) > l.api.cfg.MaxLength {
		return errFormat
	}
	return nil
}

// UpdtMsg changes a message that the caller sent. Whom its receiver has blocked cannot write into its conversations so either.
func (l *Live) UpdtMsg(ctx context.Context, peer *realtime.Peer, in events.UpdtMsg) (events.Done, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return events.Done{}, err
	}
	if err := l.checkLength(in.Content); err != nil {
		return events.Done{}, err
	}
	now := l.api.now()
	if !one.sent.allow(l.rate, now) { // a change is told to the receiver as a message is
		return events.Done{}, errTooMany
	}
	one.sent.note(l.rate, now)
	err = l.api.inTx(ctx, func(q *db.Queries) error {
		found, err := lockOwn(ctx, q, one, in.MessageID)
		if err != nil {
			return err
		}
		blocked, err := q.IsBlocked(ctx, db.IsBlockedParams{UserID: one.user, ReceiverID: found.ReceiverID, At: now})
		if err != nil {
			return err
		}
		if blocked {
			return errForbidden
		}
		return q.UpdateMessage(ctx, db.UpdateMessageParams{ID: in.MessageID, Content: in.Content, At: now})
	})
	return events.Done{Message: textUpdated}, err
}

// DelMsg deletes a message that the caller sent.
func (l *Live) DelMsg(ctx context.Context, peer *realtime.Peer, in events.DelMsg) (events.Done, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return events.Done{}, err
	}
	err = l.api.inTx(ctx, func(q *db.Queries) error {
		if _, err := lockOwn(ctx, q, one, in.MessageID); err != nil {
			return err
		}
		return q.DeleteMessage(ctx, in.MessageID, l.api.now())
	})
	return events.Done{Message: textDeleted}, err
}

// lockOwn holds a message that the caller sent and may change.
func lockOwn(ctx context.Context, q *db.Queries, one *session, id int64) (db.LockMessageRow, error) {
	found, err := q.LockMessage(ctx, id)
	switch {
	case err != nil:
		return found, pg.IfNoRows(err, errNoMessage)
	case found.SenderID != one.user:
		return found, errForbidden
	case found.Deleted:
		return found, errNoMessage
	}
	return found, nil
}

// BlockUser keeps a user from writing to somebody, or to everybody, for a while.
func (l *Live) BlockUser(ctx context.Context, peer *realtime.Peer, in events.BlockUser) (events.Done, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return events.Done{}, err
	}
	if one.kind == kindMember {
		return events.Done{}, errForbidden
	}
	var protected int64
	if in.ForUserID != nil {
		protected = *in.ForUserID
	}
	if one.kind == kindProfessional {
		if protected != 0 && protected != one.user {
			return events.Done{}, errForbidden
		}
		protected = one.user
	}
	for _, user := range []int64{in.UserID, protected} {
		if user == 0 {
			continue
		}
		if err := userExists(ctx, l.api.queries, user); err != nil {
			return events.Done{}, err
		}
	}
	err = l.api.queries.UpsertBlock(ctx, db.UpsertBlockParams{
		UserID: in.UserID, ForUserID: protected, Until: l.api.now().Add(l.api.cfg.BlockFor),
	})
	if err != nil {
		return events.Done{}, err
	}
	l.log.InfoContext(ctx, "blocked", "user", in.UserID, "for", protected, "by", one.user)
	return events.Done{Message: textBlocked}, nil
}

func userExists(ctx context.Context, q *db.Queries, id int64) error {
	exists, err := q.UserExists(ctx, id)
	if err == nil && !exists {
		err = errNoUser
	}
	return err
}

// BanUser bans a user and ends its session, wherever it is.
func (l *Live) BanUser(ctx context.Context, peer *realtime.Peer, in events.BanUser) (events.Done, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return events.Done{}, err
	}
	if one.kind != kindAdministrator || in.UserID == one.user {
		return events.Done{}, errForbidden
	}
	if err := l.ban(ctx, in.UserID); err != nil {
		return events.Done{}, err
	}
	l.log.InfoContext(ctx, "banned", "user", in.UserID, "by", one.user)
	return events.Done{Message: textBanned}, nil
}

// ban is the rule of BAN_USER and of the operator's command.
func (l *Live) ban(ctx context.Context, user int64) error {
	err := l.api.inTx(ctx, func(q *db.Queries) error {
		if err := userExists(ctx, q, user); err != nil {
			return err
		}
		if err := q.InsertBan(ctx, user, l.api.now()); err != nil {
			return err
		}
		return q.NotifyUser(ctx, user)
	})
	if err == nil {
		l.end(user) // other processes are told by the commit
	}
	return err
}

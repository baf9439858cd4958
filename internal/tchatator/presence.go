package tchatator

import (
	"context"
	"strconv"

	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// ClientInfo notes what the caller is doing; what the command leaves out stays.
func (l *Live) ClientInfo(_ context.Context, peer *realtime.Peer, in events.ClientInfo) (events.Done, error) {
	one, err := l.optional(peer, in.Token)
	if err != nil {
		return events.Done{}, err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	switch told := in.IsWriting.(type) {
	case events.ToldBool:
		one.does.writing = bool(told)
	case events.ToldText:
		one.does.writing = told == "true" || told == "1"
	}
	switch told := in.InConversationWith.(type) {
	case events.ClientInfoInConversationWithInt:
		one.does.with = ""
		if told > 0 {
			one.does.with = strconv.FormatInt(int64(told), 10)
		}
	case events.ClientInfoInConversationWithText:
		one.does.with = ""
		if id, err := strconv.ParseInt(string(told), 10, 64); err == nil && id > 0 {
			one.does.with = strconv.FormatInt(id, 10)
		}
	case events.ClientInfoInConversationWithBool:
		one.does.with = ""
	}
	return events.Done{Message: textNoted}, nil
}

// UserInfo answers what a user is doing. What clients tell lives in the process that they are connected to.
func (l *Live) UserInfo(ctx context.Context, peer *realtime.Peer, in events.UserInfo) (events.Presence, error) {
	if _, err := l.optional(peer, in.Token); err != nil {
		return events.Presence{}, err
	}
	user, err := l.api.queries.GetUser(ctx, in.UserID)
	if err != nil {
		return events.Presence{}, pg.IfNoRows(err, errNoUser)
	}
	does := activity{}
	other := l.seats.get(in.UserID)
	if other != nil {
		other.mu.Lock()
		does = other.does
		other.mu.Unlock()
	}
	return presence(user.Connected || other != nil, does), nil
}

// optional is caller for commands that need not repeat the token.
func (l *Live) optional(peer *realtime.Peer, token *string) (*session, error) {
	one := sessionOf(peer)
	if one == nil || token != nil && !one.is(*token) {
		return nil, errUnknownClient
	}
	return one, nil
}

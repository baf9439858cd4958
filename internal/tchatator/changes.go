package tchatator

import (
	"context"
	"slices"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/realtime"
)

// What may have happened to a message, as the table has it.
const (
	changeNew     = "new_message"
	changeUpdated = "message_updated"
	changeDeleted = "message_deleted"
)

// maxChanges is how many changes one answer over WebSocket holds: more are in the next one.
const maxChanges = 1000

// NewChgAvailable hands out what the caller was not told yet: the oldest change over TCP, all of them over WebSocket. That it
// asks again shows that it has what it was handed before, which is then forgotten.
func (l *Live) NewChgAvailable(ctx context.Context, peer *realtime.Peer, in events.NewChgAvailable) (events.NewChgAvailableReply, error) {
	one, err := l.caller(peer, in.Token)
	if err != nil {
		return nil, err
	}
	rows := int32(maxChanges)
	if peer.Wire() == realtime.WireKeyValue {
		rows = 1
	}
	changes, err := l.api.queries.TakeChanges(ctx, db.TakeChangesParams{UserID: one.user, Handed: nonNil(slices.Concat(one.owed, one.handed)), Rows: rows})
	if err != nil {
		return nil, err
	}
	one.owed, one.handed = nil, one.handed[:0]
	for _, c := range changes {
		one.handed = append(one.handed, c.ID)
	}
	if peer.Wire() == realtime.WireKeyValue {
		return flatChange(changes), nil
	}
	list := make([]events.Change, 0, len(changes))
	for _, c := range changes {
		list = append(list, nestedChange(c))
	}
	return events.Changes{Changes: list}, nil
}

// flatChange is the first change as the text wire shows it.
func flatChange(changes []db.TakeChangesRow) events.NewChgAvailableReply {
	if len(changes) == 0 {
		return events.NoChange{}
	}
	c := changes[0]
	switch c.Kind {
	case changeDeleted:
		return events.MessageDeleted{MessageID: c.MessageID}
	case changeUpdated:
		return events.MessageUpdated{
			ID: c.MessageID, SendedDate: formatDate(c.SendedDate), SenderID: c.SenderID, ReceiverID: c.ReceiverID, Content: c.Content,
		}
	}
	return events.NewMessage{
		ID: c.MessageID, SendedDate: formatDate(c.SendedDate), SenderID: c.SenderID, ReceiverID: c.ReceiverID, Content: c.Content,
	}
}

// nestedChange is a change as the WebSocket shows it: the message as it was then.
func nestedChange(c db.TakeChangesRow) events.Change {
	message := events.Message{
		ID: c.MessageID, SendedDate: formatDate(c.SendedDate), SenderID: c.SenderID, ReceiverID: c.ReceiverID,
		Seen: flag(c.Seen), Content: c.Content,
	}
	switch c.Kind {
	case changeDeleted:
		return events.MessageDeletedChange{MessageID: c.MessageID}
	case changeUpdated:
		message.ModifiedDate = formatDateOrNil(&c.At)
		return events.MessageUpdatedChange{Message: message}
	}
	return events.NewMessageChange{Message: message}
}

package tchatator

import (
	"strconv"

	"github.com/guichet-api/guichet/gen/tchatator/api"
	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/platform/page"
)

// flag writes a truth value as the table message of the document has it.
func flag(set bool) int32 {
	if set {
		return 1
	}
	return 0
}

// listedMessage is a message in the history; a deleted one keeps its place without content.
func listedMessage(m db.Message) api.Message {
	listed := api.Message{
		ID: m.ID, SendedDate: formatDate(m.SendedDate), ModifiedDate: formatDateOrNil(m.ModifiedDate), SenderID: m.SenderID,
		ReceiverID: m.ReceiverID, Deleted: api.Flag(flag(m.Deleted)), Seen: api.Flag(flag(m.Seen)), Content: m.Content,
	}
	if m.Deleted {
		listed.Content = ""
	}
	return listed
}

// sentMessage answers SEND_MSG on either wire.
func sentMessage(l *letter) events.Sent {
	return events.Sent{Text: textSent, MessageID: l.id, Message: events.Message{
		ID: l.id, SendedDate: formatDate(l.at), SenderID: l.sender, ReceiverID: l.receiver, Content: l.content,
	}}
}

// presence is what a user is doing, in words.
func presence(connected bool, does activity) events.Presence {
	p := events.Presence{
		Connected: events.PresenceConnected(strconv.FormatBool(connected)),
		IsWriting: events.PresenceIsWriting(strconv.FormatBool(does.writing)), InConversationWith: does.with,
	}
	if does.with == "" {
		p.InConversationWith = "false"
	}
	return p
}

func pagination(w page.Window, total int64) api.Pagination {
	return api.Pagination{Page: w.Page, Limit: w.Limit, Total: total, Pages: w.Pages(total)}
}

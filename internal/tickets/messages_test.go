package tickets

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

// TestPieceJointesOfMessages: a message shows files of its own ticket, each once and in the order in which they were named.
func TestPieceJointesOfMessages(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	ticket, other := d.create(jean.token, api.PriorityBasse), d.create(jean.token, api.PriorityBasse)
	s := &stage{desk: d, token: jean.token}
	photo, plan, foreign := s.file(ticket.ID), s.file(ticket.ID), s.file(other.ID)
	path := "/api/tickets-client/" + ticket.ID.String() + "/messages"
	send := func(files ...string) answer {
		return d.call("POST", path, jean.token, map[string]any{"contenu": "Voir", "pieceJointes": files})
	}

	send(plan.String(), photo.String(), strings.ToUpper(plan.String())).is(201, textMessageAdded)
	send(photo.String()).is(201, textMessageAdded)
	send().is(201, textMessageAdded)
	for _, files := range [][]string{{foreign.String()}, {photo.String(), foreign.String()}, {photo.String(), uuid.NewString()}} {
		send(files...).is(400, errNoPieceJointe.Error())
	}
	var page api.MessagesResponse
	d.call("GET", path, jean.token, nil).is(200, "").into(&page)
	for name, messages := range map[string][]api.Message{"page": page.Messages, "ticket": d.ticket(jean.token, ticket.ID).Messages} {
		var shown [][]uuid.UUID
		for _, m := range messages {
			files := []uuid.UUID{}
			for _, f := range m.PieceJointes {
				files = append(files, f.ID)
			}
			shown = append(shown, files)
		}
		want := [][]uuid.UUID{{plan, photo}, {photo}, {}}
		if !slices.EqualFunc(shown, want, slices.Equal) {
			t.Errorf("the %s shows %v, want %v", name, shown, want)
		}
	}
	if n := d.ticket(jean.token, other.ID).Messages; len(n) != 0 {
		t.Errorf("the other ticket has %v", n)
	}
}

// TestPagesOfOneMoment: the total and the rows of a page agree, whoever writes meanwhile.
func TestPagesOfOneMoment(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean := d.account(demoNom)
	ticket := d.create(jean.token, api.PriorityBasse)
	const writes = 60 // all of which a page holds
	path := "/api/tickets-client/" + ticket.Numero + "/messages"
	inParallel(4, func(i int) {
		for range writes {
			switch i {
			case 0:
				d.create(jean.token, api.PriorityBasse)
			case 1:
				d.call("POST", path, jean.token, map[string]any{"contenu": "Oui"}).is(201, "")
			case 2:
				var got api.TicketsResponse
				d.call("GET", "/api/tickets-client?limit=100", jean.token, nil).is(200, "").into(&got)
				if int64(len(got.Tickets)) != got.Pagination.Total {
					t.Errorf("%d tickets, total %d", len(got.Tickets), got.Pagination.Total)
				}
			default:
				var got api.MessagesResponse
				d.call("GET", path+"?limit=100", jean.token, nil).is(200, "").into(&got)
				if int64(len(got.Messages)) != got.Pagination.Total {
					t.Errorf("%d messages, total %d", len(got.Messages), got.Pagination.Total)
				}
			}
		}
	})
}

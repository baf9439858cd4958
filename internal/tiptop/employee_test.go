package tiptop

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

func TestValidateTicket(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, employee, prize := c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE), c.prize(1, 10)
	const notPending, notValidated = "Seul un ticket en attente peut être validé ou rejeté", "Seul un ticket validé peut être récupéré"
	for name, walk := range map[string][]struct {
		action string
		status int
		text   string
	}{
		"handed over": {
			{"claim", 400, notValidated}, {"validate", 200, "Ticket validé avec succès"}, {"validate", 400, notPending},
			{"reject", 400, notPending}, {"claim", 200, "Ticket récupéré avec succès"}, {"claim", 400, notValidated},
			{"validate", 400, notPending}, {"reject", 400, notPending},
		},
		"rejected": {
			{"reject", 200, "Ticket rejeté avec succès"}, {"reject", 400, notPending}, {"validate", 400, notPending},
			{"claim", 400, notValidated},
		},
	} {
		ticket := c.play(client, c.codes(1)[0]).won().Ticket.ID
		for _, step := range walk {
			t.Logf("%s: %s", name, step.action)
			c.desk(employee, ticket, step.action).is(step.status, step.text)
		}
	}
	c.desk(employee, uuid.New(), "validate").is(404, "Ticket non trouvé")
	c.desk(client, uuid.New(), "validate").is(403, "Accès refusé")
	// Two were played, one came back.
	if n := c.number(`SELECT sum(remaining) FROM prize_stock WHERE prize_id = $1`, prize); n != 9 {
		t.Errorf("the stock is %d, want 9", n)
	}
	c.consistent()
}

func TestValidatedTicketTellsWhen(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, employee := c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE)
	c.prize(1, 10)
	kept, rejected := c.play(client, c.codes(1)[0]).won().Ticket, c.play(client, c.codes(1)[0]).won().Ticket

	c.clock.Advance(time.Hour)
	validated := c.now()
	var moved api.ValidateTicketResponse
	c.desk(employee, kept.ID, "validate").into(&moved)
	if moved.Data.Status != "VALIDATED" || moved.Data.ValidatedAt == nil || !moved.Data.ValidatedAt.Equal(validated) {
		t.Errorf("validated: %+v", moved.Data)
	}
	c.clock.Advance(time.Hour)
	c.desk(employee, kept.ID, "claim").into(&moved)
	if moved.Data.Status != "CLAIMED" || !moved.Data.ValidatedAt.Equal(validated) {
		t.Errorf("claimed: %+v", moved.Data)
	}
	c.desk(employee, rejected.ID, "reject").into(&moved)
	if moved.Data.Status != "REJECTED" || moved.Data.ValidatedAt != nil {
		t.Errorf("rejected: %+v", moved.Data)
	}

	var mine api.MyTicketResponse
	c.call("GET", "/api/game/my-tickets/"+kept.ID.String(), client.token, nil).into(&mine)
	if !mine.Data.PlayedAt.Equal(noon) || !mine.Data.ValidatedAt.Equal(validated) || !mine.Data.ClaimedAt.Equal(c.now()) ||
		mine.Data.RejectionReason != nil {
		t.Errorf("the player sees %+v", mine.Data)
	}
	mine = api.MyTicketResponse{}
	c.call("GET", "/api/game/my-tickets/"+rejected.ID.String(), client.token, nil).into(&mine)
	if mine.Data.ValidatedAt != nil || mine.Data.ClaimedAt != nil || *mine.Data.RejectionReason != "Ticket non conforme" {
		t.Errorf("the player sees %+v", mine.Data)
	}
}

// TestOneDeskDecides lets two employees decide differently about the same tickets at the same time.
func TestOneDeskDecides(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	desks := []account{c.account(api.RoleEMPLOYEE), c.account(api.RoleADMIN)}
	prize := c.prize(1, 20)
	var kept int64
	for _, code := range c.codes(20) {
		ticket := c.play(client, code).won().Ticket.ID
		var answers [2]answer
		inParallel(2, func(i int) { answers[i] = c.desk(desks[i], ticket, []string{"validate", "reject"}[i]) })
		if answers[0].Status+answers[1].Status != 200+400 {
			t.Errorf("validate %d, reject %d", answers[0].Status, answers[1].Status)
		}
		if answers[0].Status == 200 {
			kept++
		}
	}
	if n := c.number(`SELECT sum(remaining) FROM prize_stock WHERE prize_id = $1`, prize); n != 20-kept {
		t.Errorf("%d tickets are kept and the stock is %d of 20", kept, n)
	}
	c.consistent()
}

func TestListPendingTickets(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, employee := c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE)
	c.prize(1, 10)
	var oldestFirst []uuid.UUID
	for i, code := range c.codes(5) {
		c.clock.Advance(time.Second)
		ticket := c.play(client, code).won().Ticket.ID
		if i == 2 {
			c.desk(employee, ticket, "validate")
			continue
		}
		oldestFirst = append(oldestFirst, ticket)
	}
	for path, want := range map[string][]uuid.UUID{
		"": oldestFirst, "?limit=3": oldestFirst[:3], "?limit=3&page=2": oldestFirst[3:], "?page=3": {},
	} {
		var body api.PendingTicketsResponse
		c.call("GET", "/api/employee/pending-tickets"+path, employee.token, nil).is(200, "").into(&body)
		got := []uuid.UUID{}
		for _, ticket := range body.Data.Tickets {
			got = append(got, ticket.ID)
			if ticket.User.Email != client.email || ticket.Prize.Name != "Infuseur à thé" {
				t.Errorf("%+v", ticket)
			}
		}
		if !slices.Equal(got, want) || body.Data.Pagination.Total != 4 {
			t.Errorf("%q lists %v of %d, want %v", path, got, body.Data.Pagination.Total, want)
		}
	}
}

func TestSearchTicket(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, employee := c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE)
	c.prize(1, 10)
	codes := c.codes(2)
	played := c.play(client, codes[0]).won().Ticket
	var body api.SearchTicketResponse
	c.call("GET", "/api/employee/search-ticket?code="+lower(codes[0]), employee.token, nil).is(200, "").into(&body)
	if body.Data.ID != played.ID || body.Data.User.Email != client.email {
		t.Errorf("%+v", body.Data)
	}
	c.call("GET", "/api/employee/search-ticket?code="+codes[1], employee.token, nil).is(404, "Ticket non trouvé")
}

// TestEmployeeStats counts the days of Paris: the 1st of July ends at 22:00 UTC.
func TestEmployeeStats(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, employee := c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE)
	c.prize(1, 100)
	handle := func(action string, times int) {
		for _, code := range c.codes(times) {
			c.desk(employee, c.play(client, code).won().Ticket.ID, action).is(200, "")
		}
	}
	expect := func(validated, rejected, pending int64) {
		t.Helper()
		var body api.EmployeeStatsResponse
		c.call("GET", "/api/employee/stats", employee.token, nil).is(200, "").into(&body)
		want := api.EmployeeStats{ValidatedToday: validated, RejectedToday: rejected, PendingTotal: pending}
		if body.Data != want {
			t.Errorf("at %s: %+v, want %+v", c.now(), body.Data, want)
		}
	}
	expect(0, 0, 0)
	c.clock.Set(time.Date(2026, 7, 1, 21, 59, 59, 999e6, time.UTC))
	handle("validate", 2)
	handle("reject", 1)
	c.play(client, c.codes(1)[0])
	expect(2, 1, 1)
	c.clock.Advance(time.Millisecond)
	expect(0, 0, 1)
	handle("reject", 3)
	expect(0, 3, 1)
}

package tiptop

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

const (
	textTicketValidated = "Ticket validé avec succès"
	textTicketRejected  = "Ticket rejeté avec succès"
	textTicketClaimed   = "Ticket récupéré avec succès"
)

var (
	errNotPending   = problem.New(problem.Invalid, "Seul un ticket en attente peut être validé ou rejeté")
	errNotValidated = problem.New(problem.Invalid, "Seul un ticket validé peut être récupéré")
)

// ListPendingTickets answers a page of the tickets that wait, oldest first.
func (a *API) ListPendingTickets(ctx context.Context, r api.ListPendingTicketsRequestObject) (api.ListPendingTicketsResponseObject, error) {
	totals, err := a.queries.GetTotals(ctx)
	if err != nil {
		return nil, err
	}
	w := page.Window{Page: r.Params.Page, Limit: r.Params.Limit}
	rows, err := page.Read(ctx, w, totals.TicketsPending, func(ctx context.Context, skip int64) ([]db.TicketDetail, error) {
		return a.queries.ListPendingTickets(ctx, skip, w.Limit)
	})
	if err != nil {
		return nil, err
	}
	return api.ListPendingTickets200JSONResponse{Success: true, Data: api.PendingTicketsPage{
		Tickets: convertAll(rows, pendingTicket), Pagination: pagination(w, totals.TicketsPending),
	}}, nil
}

// ValidateTicket moves a ticket on: whatever the action, the ticket is held while it is looked at and changed.
func (a *API) ValidateTicket(ctx context.Context, r api.ValidateTicketRequestObject) (api.ValidateTicketResponseObject, error) {
	step, err := readStep(r.Body)
	if err != nil {
		return nil, err
	}
	var moved db.Ticket
	err = a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		ticket, err := q.LockTicket(ctx, step.ticket)
		if err != nil {
			return pg.IfNoRows(err, errNoTicket)
		}
		if ticket.Status != string(step.from) {
			return step.refusal
		}
		moved, err = step.move(ctx, q, ticket, a.now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.ValidateTicket200JSONResponse{Success: true, Message: step.text, Data: validatedTicket(moved)}, nil
}

// step is one move in a ticket's life.
type step struct {
	ticket  uuid.UUID
	from    api.TicketStatus // the only state that it starts from
	refusal error            // what the client is told of a ticket in another state
	move    func(ctx context.Context, q *db.Queries, ticket db.Ticket, now time.Time) (db.Ticket, error)
	text    string
}

// readStep finds the step that a request asks for.
func readStep(body *api.ValidateTicketJSONRequestBody) (step, error) {
	action, err := body.ValueByDiscriminator()
	if err != nil {
		return step{}, fmt.Errorf("readStep: %w", err)
	}
	switch action := action.(type) {
	case api.AcceptTicket:
		return step{action.TicketID, api.TicketStatusPENDING, errNotPending, validate, textTicketValidated}, nil
	case api.ClaimTicket:
		return step{action.TicketID, api.TicketStatusVALIDATED, errNotValidated, claim, textTicketClaimed}, nil
	case api.RejectTicket:
		return step{action.TicketID, api.TicketStatusPENDING, errNotPending, reject(action.RejectionReason), textTicketRejected}, nil
	}
	return step{}, fmt.Errorf("readStep: unknown action %T", action)
}

func validate(ctx context.Context, q *db.Queries, ticket db.Ticket, now time.Time) (db.Ticket, error) {
	return q.ValidateTicket(ctx, &now, ticket.ID)
}

func claim(ctx context.Context, q *db.Queries, ticket db.Ticket, now time.Time) (db.Ticket, error) {
	return q.ClaimTicket(ctx, &now, ticket.ID)
}

// reject gives the prize back before it changes the ticket: players lock stock and then the counters, and so does it.
func reject(reason string) func(context.Context, *db.Queries, db.Ticket, time.Time) (db.Ticket, error) {
	return func(ctx context.Context, q *db.Queries, ticket db.Ticket, now time.Time) (db.Ticket, error) {
		if err := q.ReturnStock(ctx, ticket.PrizeID); err != nil {
			return db.Ticket{}, err
		}
		return q.RejectTicket(ctx, db.RejectTicketParams{ID: ticket.ID, Now: &now, Reason: &reason})
	}
}

// SearchTicket answers the ticket of a played code.
func (a *API) SearchTicket(ctx context.Context, r api.SearchTicketRequestObject) (api.SearchTicketResponseObject, error) {
	ticket, err := a.queries.GetTicketByCode(ctx, normalizeCode(r.Params.Code))
	if err != nil {
		return nil, pg.IfNoRows(err, errNoTicket)
	}
	return api.SearchTicket200JSONResponse{Success: true, Data: foundTicket(ticket)}, nil
}

// GetEmployeeStats answers what the desk did today and what waits.
func (a *API) GetEmployeeStats(ctx context.Context, _ api.GetEmployeeStatsRequestObject) (api.GetEmployeeStatsResponseObject, error) {
	today := clock.StartOfDay(a.now(), a.cfg.Place)
	row, err := a.queries.GetDeskStatistics(ctx, &today)
	if err != nil {
		return nil, err
	}
	return api.GetEmployeeStats200JSONResponse{Success: true, Data: api.EmployeeStats{
		ValidatedToday: row.Validated, RejectedToday: row.Rejected, PendingTotal: row.Pending,
	}}, nil
}

package tiptop

import (
	"context"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/page"
)

// listTickets reads a page of tickets, newest first; a nil user or status means all. Without a user the total comes from the
// counters, with one from an index: a player has few tickets.
func (a *API) listTickets(ctx context.Context, w page.Window, user *uuid.UUID, status *api.TicketStatus) ([]db.TicketDetail, api.Pagination, error) {
	total, err := a.countTickets(ctx, user, status)
	if err != nil {
		return nil, api.Pagination{}, err
	}
	rows, err := page.Read(ctx, w, total, func(ctx context.Context, skip int64) ([]db.TicketDetail, error) {
		switch {
		case user != nil && status != nil:
			return a.queries.ListTicketsByUserAndStatus(ctx, db.ListTicketsByUserAndStatusParams{
				UserID: *user, Status: string(*status), SkipRows: skip, MaxRows: w.Limit,
			})
		case user != nil:
			return a.queries.ListTicketsByUser(ctx, db.ListTicketsByUserParams{UserID: *user, SkipRows: skip, MaxRows: w.Limit})
		case status != nil:
			return a.queries.ListTicketsByStatus(ctx, db.ListTicketsByStatusParams{
				Status: string(*status), SkipRows: skip, MaxRows: w.Limit,
			})
		}
		return a.queries.ListTickets(ctx, skip, w.Limit)
	})
	return rows, pagination(w, total), err
}

// countTickets is how many tickets listTickets would list in all.
func (a *API) countTickets(ctx context.Context, user *uuid.UUID, status *api.TicketStatus) (int64, error) {
	switch {
	case user != nil && status != nil:
		return a.queries.CountTicketsByUserAndStatus(ctx, *user, string(*status))
	case user != nil:
		return a.queries.CountTicketsByUser(ctx, *user)
	}
	totals, err := a.queries.GetTotals(ctx)
	if err != nil {
		return 0, err
	}
	if status != nil {
		return ticketsIn(totals, *status), nil
	}
	return ticketTotal(totals), nil
}

package tiptop

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

const textWon = "🎉 Félicitations! Vous avez gagné!"

var (
	errGameClosed  = problem.New(problem.Invalid, "Le jeu n'est pas actif pour le moment")
	errCodeUsed    = problem.New(problem.Invalid, "Ce code a déjà été utilisé")
	errCodeUnknown = problem.New(problem.NotFound, "Code invalide")
	errNoPrizeLeft = problem.New(problem.Internal, "Aucun prix disponible")
)

// PlayGame consumes a code, takes a prize from stock and writes the ticket: all of it or nothing.
func (a *API) PlayGame(ctx context.Context, r api.PlayGameRequestObject) (api.PlayGameResponseObject, error) {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	ticket := db.InsertTicketParams{
		ID: id, Code: normalizeCode(r.Body.TicketCode), UserID: login.CallerOf(ctx).ID, PlayedAt: a.now(),
	}
	var prize db.ListDrawablePrizesRow
	err = a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := claimCode(ctx, q, ticket.Code, ticket.PlayedAt); err != nil {
			return err
		}
		if prize, err = a.takePrize(ctx, q); err != nil {
			return err
		}
		ticket.PrizeID = prize.ID
		return insertTicket(ctx, q, ticket)
	})
	if err != nil {
		return nil, err
	}
	return api.PlayGame200JSONResponse{Success: true, Message: textWon, Data: api.PlayResult{
		Ticket: api.PlayedTicket{ID: ticket.ID, Code: ticket.Code, Status: api.TicketStatusPENDING, PlayedAt: ticket.PlayedAt},
		Prize:  wonPrize(prize),
	}}, nil
}

// claimCode consumes a code while the game is on.
func claimCode(ctx context.Context, q *db.Queries, code string, now time.Time) error {
	game, err := q.GetGame(ctx)
	if err != nil {
		return err
	}
	if !isOpen(game, now) {
		return errGameClosed
	}
	claimed, err := q.ClaimCode(ctx, &now, code)
	if err != nil || claimed == 1 {
		return err
	}
	issued, err := q.HasCode(ctx, code)
	switch {
	case err != nil:
		return err
	case issued:
		return errCodeUsed
	}
	return errCodeUnknown
}

// isOpen tells whether the contest runs: not paused, and within its window, whose end is not part of it.
func isOpen(game db.GetGameRow, now time.Time) bool {
	return !game.IsPaused &&
		(game.OpensAt == nil || !now.Before(*game.OpensAt)) &&
		(game.ClosesAt == nil || now.Before(*game.ClosesAt))
}

// takePrize draws a prize and takes one of it from stock. When others emptied the stock between the two, it draws anew among
// what is left.
func (a *API) takePrize(ctx context.Context, q *db.Queries) (db.ListDrawablePrizesRow, error) {
	for {
		prizes, err := q.ListDrawablePrizes(ctx)
		if err != nil {
			return db.ListDrawablePrizesRow{}, err
		}
		weights := make([]float64, len(prizes))
		for i, prize := range prizes {
			weights[i] = prize.Probability
		}
		drawn, err := draw(a.deps.Rand, weights)
		if err != nil {
			return db.ListDrawablePrizesRow{}, err
		}
		if drawn == nothing {
			return db.ListDrawablePrizesRow{}, errNoPrizeLeft
		}
		if taken, err := takeStock(ctx, q, prizes[drawn].ID); err != nil || taken {
			return prizes[drawn], err
		}
	}
}

// takeStock takes one of a prize from stock: what nobody holds, or else what somebody may be about to leave.
func takeStock(ctx context.Context, q *db.Queries, prize uuid.UUID) (bool, error) {
	taken, err := q.TakeStock(ctx, prize)
	if err == nil && taken == 0 {
		taken, err = q.TakeStockWaiting(ctx, prize)
	}
	return taken == 1, err
}

// insertTicket writes the ticket, unless its player was deleted meanwhile.
func insertTicket(ctx context.Context, q *db.Queries, ticket db.InsertTicketParams) error {
	err := q.InsertTicket(ctx, ticket)
	if pg.Violates(err, ticketOfUser) {
		return errToken
	}
	return err
}

// ListMyTickets answers a page of the caller's tickets, newest first.
func (a *API) ListMyTickets(ctx context.Context, r api.ListMyTicketsRequestObject) (api.ListMyTicketsResponseObject, error) {
	me := login.CallerOf(ctx).ID
	rows, place, err := a.listTickets(ctx, page.Window{Page: r.Params.Page, Limit: r.Params.Limit}, &me, r.Params.Status)
	if err != nil {
		return nil, err
	}
	return api.ListMyTickets200JSONResponse{Success: true, Data: api.MyTicketsPage{
		Tickets: convertAll(rows, myTicket), Pagination: place,
	}}, nil
}

// GetMyTicket answers one of the caller's tickets.
func (a *API) GetMyTicket(ctx context.Context, r api.GetMyTicketRequestObject) (api.GetMyTicketResponseObject, error) {
	ticket, err := a.queries.GetTicketOfUser(ctx, r.ID, login.CallerOf(ctx).ID)
	if err != nil {
		return nil, pg.IfNoRows(err, errNoTicket)
	}
	return api.GetMyTicket200JSONResponse{Success: true, Data: myTicket(ticket)}, nil
}

// GetTicketByCode answers one of the caller's tickets.
func (a *API) GetTicketByCode(ctx context.Context, r api.GetTicketByCodeRequestObject) (api.GetTicketByCodeResponseObject, error) {
	ticket, err := a.queries.GetTicketOfUserByCode(ctx, normalizeCode(r.Code), login.CallerOf(ctx).ID)
	if err != nil {
		return nil, pg.IfNoRows(err, errNoTicket)
	}
	return api.GetTicketByCode200JSONResponse{Success: true, Data: myTicket(ticket)}, nil
}

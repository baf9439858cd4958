package tickets

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

const textMessageAdded = "Message ajouté avec succès"

var errNoPieceJointe = problem.New(problem.Invalid, "Une pièce jointe n'est pas un fichier de ce ticket")

// ListMessages answers a page of a ticket's messages, oldest first.
func (a *API) ListMessages(ctx context.Context, r api.ListMessagesRequestObject) (api.ListMessagesResponseObject, error) {
	var (
		total    int64
		messages []api.Message
		w        = page.Window{Page: r.Params.Page, Limit: r.Params.Limit}
	)
	err := a.snapshot(ctx, func(tx pgx.Tx) error {
		q := a.queries.WithTx(tx)
		id, numero := parseName(r.ID)
		ticket, err := q.GetTicketID(ctx, id, numero)
		if err != nil {
			return pg.IfNoRows(err, errNoTicket)
		}
		if total, err = q.CountMessages(ctx, ticket); err != nil {
			return err
		}
		rows, err := page.Read(ctx, w, total, func(ctx context.Context, skip int64) ([]db.ListMessagesRow, error) {
			return q.ListMessages(ctx, db.ListMessagesParams{TicketID: ticket, SkipRows: skip, MaxRows: w.Limit})
		})
		if err != nil {
			return err
		}
		messages, err = withPieceJointes(ctx, q, convertAll(rows, pageMessage))
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.ListMessages200JSONResponse{
		Messages: messages, Pagination: api.MessagesPagination{Page: w.Page, Limit: w.Limit, Total: total},
	}, nil
}

// withPieceJointes fills in the attachments that messages show.
func withPieceJointes(ctx context.Context, q *db.Queries, messages []api.Message) ([]api.Message, error) {
	if len(messages) == 0 {
		return messages, nil
	}
	ids := make([]uuid.UUID, len(messages))
	index := make(map[uuid.UUID]*api.Message, len(messages))
	for i := range messages {
		ids[i] = messages[i].ID
		index[ids[i]] = &messages[i]
	}
	rows, err := q.ListPieceJointesOfMessages(ctx, ids)
	for _, row := range rows {
		m := index[row.MessageID]
		m.PieceJointes = append(m.PieceJointes, messagePieceJointe(row))
	}
	return messages, err
}

// AddMessage adds a message of the caller's. It counts as a change of the ticket.
func (a *API) AddMessage(ctx context.Context, r api.AddMessageRequestObject) (api.AddMessageResponseObject, error) {
	var id uuid.UUID
	auteur, contenu := login.CallerOf(ctx).Name, r.Body.Contenu
	err := a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error {
		ticket, err := lockTicket(ctx, q, r.ID)
		if err != nil {
			return err
		}
		// Made while the ticket is held: messages of one millisecond are listed in the order of their ids, which is theirs.
		if id, err = uuid.NewV7FromReader(a.deps.Rand); err != nil {
			return err
		}
		now := a.now()
		err = q.InsertMessage(ctx, db.InsertMessageParams{ID: id, TicketID: ticket.ID, Auteur: auteur, Contenu: contenu, CreatedAt: now})
		if err != nil {
			return err
		}
		if err := attach(ctx, q, id, ticket.ID, r.Body.PieceJointes); err != nil {
			return err
		}
		if err := q.TouchTicket(ctx, now, ticket.ID); err != nil {
			return err
		}
		return a.emitter.MessageAdded(ctx, out, events.MessageAdded{
			TicketID: ticket.ID, Message: events.AddedMessage{Auteur: auteur, Contenu: contenu},
		})
	})
	if err != nil {
		return nil, err
	}
	return api.AddMessage201JSONResponse{ID: id, Message: textMessageAdded}, nil
}

// attach shows files of the ticket with a message. One that is named twice, be it in capitals, is shown once.
func attach(ctx context.Context, q *db.Queries, message, ticket uuid.UUID, pieceJointes []uuid.UUID) error {
	if len(pieceJointes) == 0 {
		return nil
	}
	seen := make(map[uuid.UUID]bool, len(pieceJointes))
	pieceJointes = slices.DeleteFunc(pieceJointes, func(id uuid.UUID) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
	attached, err := q.AttachToMessage(ctx, db.AttachToMessageParams{MessageID: message, TicketID: ticket, PieceJointeIds: pieceJointes})
	if err == nil && attached < int64(len(pieceJointes)) {
		err = errNoPieceJointe
	}
	return err
}

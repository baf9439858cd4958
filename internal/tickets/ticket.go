package tickets

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

const (
	textCreated = "Ticket créé avec succès"
	textUpdated = "Ticket mis à jour avec succès"
)

var errOtherClient = problem.New(problem.Invalid, "Ce chantier n'est pas de ce client")

// GetTicket answers a ticket with its messages, its attachments and its history, all as they are at one moment.
func (a *API) GetTicket(ctx context.Context, r api.GetTicketRequestObject) (api.GetTicketResponseObject, error) {
	var d detail
	err := a.snapshot(ctx, func(tx pgx.Tx) (err error) {
		d, err = readDetail(ctx, a.queries.WithTx(tx), r.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.GetTicket200JSONResponse(ticketDetail(d, a.now())), nil
}

// detail is a ticket with all that belongs to it.
type detail struct {
	ticket       db.TicketDetail
	messages     []api.Message
	pieceJointes []db.ListPieceJointesRow
	historique   []db.ListHistoriqueRow
}

func readDetail(ctx context.Context, q *db.Queries, name string) (d detail, err error) {
	id, numero := parseName(name)
	if d.ticket, err = q.GetTicket(ctx, id, numero); err != nil {
		return d, pg.IfNoRows(err, errNoTicket)
	}
	messages, err := q.ListAllMessages(ctx, d.ticket.ID)
	if err != nil {
		return d, err
	}
	if d.messages, err = withPieceJointes(ctx, q, convertAll(messages, message)); err != nil {
		return d, err
	}
	if d.pieceJointes, err = q.ListPieceJointes(ctx, d.ticket.ID); err != nil {
		return d, err
	}
	d.historique, err = q.ListHistorique(ctx, d.ticket.ID)
	return d, err
}

// parseName reads what the contract calls a ticket by: its id or its numero. The other is one that no ticket has.
func parseName(name string) (id uuid.UUID, numero string) {
	if id, ok := parseID(name); ok {
		return id, ""
	}
	return uuid.Nil, name
}

// CreateTicket opens a ticket, under the next numero of its year.
func (a *API) CreateTicket(ctx context.Context, r api.CreateTicketRequestObject) (api.CreateTicketResponseObject, error) {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	now := a.now()
	limit := a.cfg.SLA.deadline(r.Body.Priority, now)
	ticket := db.InsertTicketParams{
		ID: id, Titre: r.Body.Titre, Description: r.Body.Description, Status: string(api.StatusNouveau), Priority: string(r.Body.Priority),
		Categorie: string(r.Body.Categorie), ClientID: r.Body.ClientID, ChantierID: r.Body.ChantierID, DateCreation: now,
		DateLimite: limit, DateAlerte: warningFrom(now, limit), Tags: []string{},
	}
	if r.Body.Tags != nil {
		ticket.Tags = *r.Body.Tags
	}
	err = a.creates.take(ctx, func() error {
		return a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error { return a.insertTicket(ctx, q, out, &ticket) })
	})
	if err != nil {
		return nil, err
	}
	return api.CreateTicket201JSONResponse{ID: id, Numero: ticket.Numero, Message: textCreated}, nil
}

// insertTicket gives a ticket its numero and writes it with the first entry of its history. A chantier's ticket is its client's.
func (a *API) insertTicket(ctx context.Context, q *db.Queries, out realtime.Outbox, ticket *db.InsertTicketParams) error {
	var err error
	if ticket.ClientID, err = clientOf(ctx, q, ticket.ChantierID, ticket.ClientID); err != nil {
		return err
	}
	year := numeroYear(ticket.DateCreation, a.cfg.Place)
	n, err := q.NextNumero(ctx, int32(year))
	if err != nil {
		return err
	}
	ticket.Numero = formatNumero(year, n)
	if err := q.InsertTicket(ctx, *ticket); err != nil {
		if pg.Violates(err, clientOfTicket) {
			return errNoClient
		}
		return err
	}
	opened := createdEntry(api.Priority(ticket.Priority))
	if err := a.insertHistorique(ctx, q, ticket.ID, login.CallerOf(ctx).Name, ticket.DateCreation, opened); err != nil {
		return err
	}
	return a.emitter.TicketCreated(ctx, out, events.TicketCreated{ID: ticket.ID, Numero: ticket.Numero, Titre: ticket.Titre})
}

// clientOf is whose a ticket is: that of its client or, where none is named, the one whose chantier it is. It refuses a chantier
// that does not exist, or is another client's.
func clientOf(ctx context.Context, q *db.Queries, chantier, client *uuid.UUID) (*uuid.UUID, error) {
	if chantier == nil {
		return client, nil
	}
	owner, err := q.GetChantierClient(ctx, *chantier)
	switch {
	case err != nil:
		return nil, pg.IfNoRows(err, errNoChantier)
	case client == nil:
		return owner, nil
	case owner != nil && *owner != *client:
		return nil, errOtherClient
	}
	return client, nil
}

// UpdateTicket changes what the request names.
func (a *API) UpdateTicket(ctx context.Context, r api.UpdateTicketRequestObject) (api.UpdateTicketResponseObject, error) {
	var id uuid.UUID
	err := a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error {
		ticket, err := lockTicket(ctx, q, r.ID)
		if err != nil {
			return err
		}
		id = ticket.ID
		return a.change(ctx, q, out, ticket, update(r.Body))
	})
	if err != nil {
		return nil, err
	}
	return api.UpdateTicket200JSONResponse{ID: id, Message: textUpdated}, nil
}

// lockTicket holds the ticket of this name until the transaction ends.
func lockTicket(ctx context.Context, q *db.Queries, name string) (db.LockTicketsRow, error) {
	id, numero := parseName(name)
	rows, err := q.LockTickets(ctx, []uuid.UUID{id}, []string{numero})
	if err != nil {
		return db.LockTicketsRow{}, err
	}
	if len(rows) == 0 {
		return db.LockTicketsRow{}, errNoTicket
	}
	return rows[0], nil
}

// change makes steps of a ticket that the transaction holds, writes what became of it with its history, and announces it. A step
// that is refused has written nothing.
func (a *API) change(ctx context.Context, q *db.Queries, out realtime.Outbox, ticket db.LockTicketsRow, steps ...step) error {
	c := change{ticket: ticket, sla: a.cfg.SLA, now: a.now()}
	if err := c.apply(steps...); err != nil || !c.settle() {
		return err
	}
	t := c.ticket
	err := q.UpdateTicket(ctx, db.UpdateTicketParams{
		ID: t.ID, Titre: t.Titre, Description: t.Description, Status: t.Status, Priority: t.Priority, Responsable: t.Responsable,
		DateModification: t.DateModification, DateLimite: t.DateLimite, SlaStatus: t.SlaStatus, Tags: t.Tags, DateAlerte: t.DateAlerte,
		DateResolution: t.DateResolution, SlaFinal: t.SlaFinal,
	})
	if err != nil {
		return err
	}
	if err := a.insertHistorique(ctx, q, t.ID, login.CallerOf(ctx).Name, c.now, c.history...); err != nil {
		return err
	}
	return a.emitter.TicketUpdated(ctx, out, events.TicketUpdated{ID: t.ID, Changes: c.announced})
}

// insertHistorique writes entries of a ticket's history.
func (a *API) insertHistorique(ctx context.Context, q *db.Queries, ticket uuid.UUID, auteur string, now time.Time, entries ...entry) error {
	for _, e := range entries {
		id, err := uuid.NewV7FromReader(a.deps.Rand)
		if err != nil {
			return err
		}
		err = q.InsertHistorique(ctx, db.InsertHistoriqueParams{
			ID: id, TicketID: ticket, Action: e.action, Description: &e.description, Auteur: auteur, CreatedAt: now,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

package tickets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

const textDone = "Action exécutée avec succès"

// RunAction runs one action on a ticket. It is written into the history and announced even where it sets what was set before.
func (a *API) RunAction(ctx context.Context, r api.RunActionRequestObject) (api.RunActionResponseObject, error) {
	act, err := actionOf(r.Body)
	if err != nil {
		return nil, err
	}
	err = a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error {
		ticket, err := lockTicket(ctx, q, r.ID)
		if err != nil {
			return err
		}
		return a.change(ctx, q, out, ticket, act)
	})
	if err != nil {
		return nil, err
	}
	return api.RunAction200JSONResponse{Success: true, Message: textDone}, nil
}

// BulkUpdate runs one action on many tickets. Each succeeds or is refused on its own, but what succeeded is committed together: an
// answer that is no 200 has changed nothing. A ticket that is named twice counts once.
func (a *API) BulkUpdate(ctx context.Context, r api.BulkUpdateRequestObject) (api.BulkUpdateResponseObject, error) {
	names, act, err := bulkOf(r.Body)
	if err != nil {
		return nil, err
	}
	var updated, failed int32
	err = a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error {
		tickets, unknown, err := lockTickets(ctx, q, names)
		if err != nil {
			return err
		}
		updated, failed = 0, unknown
		for _, ticket := range tickets {
			err := a.change(ctx, q, out, ticket, act)
			switch {
			case err == nil:
				updated++
			case problem.Is(err, problem.Invalid):
				failed++
			default:
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return api.BulkUpdate200JSONResponse{Success: failed == 0, Updated: updated, Failed: failed, Message: bulkText(updated, failed)}, nil
}

// lockTickets holds the tickets of these names until the transaction ends, in the order of their ids, and counts the names that no
// ticket has.
func lockTickets(ctx context.Context, q *db.Queries, names []string) (tickets []db.LockTicketsRow, unknown int32, err error) {
	var (
		ids     = make(map[uuid.UUID]bool)
		numeros = make(map[string]bool)
	)
	for _, name := range names {
		if id, numero := parseName(name); numero == "" {
			ids[id] = true
		} else {
			numeros[numero] = true
		}
	}
	tickets, err = q.LockTickets(ctx, keys(ids), keys(numeros))
	for _, ticket := range tickets {
		delete(ids, ticket.ID)
		delete(numeros, ticket.Numero)
	}
	return tickets, int32(len(ids) + len(numeros)), err
}

// bulkText tells people what a bulk update did.
func bulkText(updated, failed int32) string {
	text := "Aucun ticket mis à jour"
	switch {
	case updated == 1:
		text = "1 ticket mis à jour avec succès"
	case updated > 1:
		text = fmt.Sprintf("%d tickets mis à jour avec succès", updated)
	}
	if failed > 0 {
		text += fmt.Sprintf(", %d en échec", failed)
	}
	return text
}

// actionOf is what an action makes of a ticket.
func actionOf(body *api.ActionRequest) (step, error) {
	value, err := body.ValueByDiscriminator()
	if err != nil {
		return nil, err
	}
	switch r := value.(type) {
	case api.ActionAffecter:
		return affecter(r.Data), nil
	case api.ActionEscalader:
		return escalader(r.Data), nil
	case api.ActionCloturer:
		return cloturer(r.Data), nil
	case api.ActionReopen:
		return reopen(r.Data), nil
	case api.ActionChangerPriorite:
		return changerPriorite(r.Data), nil
	case api.ActionAjouterTags:
		return ajouterTags(r.Data), nil
	}
	return nil, errors.New("actionOf: the contract has an action that is not served")
}

// bulkOf is which tickets a bulk update names, and what its action makes of each.
func bulkOf(body *api.BulkRequest) ([]string, step, error) {
	value, err := body.ValueByDiscriminator()
	if err != nil {
		return nil, nil, err
	}
	switch r := value.(type) {
	case api.BulkAffecter:
		return r.TicketIds, affecter(r.Data), nil
	case api.BulkEscalader:
		return r.TicketIds, escalader(r.Data), nil
	case api.BulkCloturer:
		return r.TicketIds, cloturer(r.Data), nil
	case api.BulkReopen:
		return r.TicketIds, reopen(r.Data), nil
	case api.BulkChangerPriorite:
		return r.TicketIds, changerPriorite(r.Data), nil
	case api.BulkAjouterTags:
		return r.TicketIds, ajouterTags(r.Data), nil
	}
	return nil, nil, errors.New("bulkOf: the contract has an action that is not served")
}

func affecter(data api.AffecterData) step {
	return func(c *change) error { return c.assign(&data.Responsable) }
}

func escalader(data api.EscaladerData) step {
	return func(c *change) error { return c.escalate(data.Niveau) }
}

func cloturer(data api.MotifData) step {
	return func(c *change) error { return c.move(api.StatusClos, data.Motif) }
}

// reopen takes up again what was resolved, closed or cancelled; an open ticket has nothing to reopen.
func reopen(data api.MotifData) step {
	return func(c *change) error {
		if !isResolved(c.status()) {
			return errMove(c.status(), api.StatusEnCours)
		}
		return c.move(api.StatusEnCours, data.Motif)
	}
}

func changerPriorite(data api.ChangerPrioriteData) step {
	return func(c *change) error { return c.setPriority(data.Priority) }
}

func ajouterTags(data api.AjouterTagsData) step {
	return func(c *change) error { return c.addTags(data.Tags) }
}

// keys are the members of a set.
func keys[K comparable](set map[K]bool) []K { return slices.Collect(maps.Keys(set)) }

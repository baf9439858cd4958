package tickets

import (
	"context"
	"fmt"
	"time"

	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/realtime"
)

// watchInterval is how late a threshold may be announced. What is served is computed when it is read, and never late.
const watchInterval = 10 * time.Second

// watchBatch is how many tickets are announced in one transaction.
const watchBatch = 100

// watch announces the tickets that have crossed a threshold since the last time: each once, however many processes watch,
// because the threshold is noted in the transaction that announces it, by whoever holds the ticket. A ticket that somebody is
// changing is left to them, and to the next time.
func (a *API) watch(ctx context.Context) error {
	for {
		announced, err := a.announceDue(ctx)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if announced < watchBatch {
			return nil
		}
	}
}

// announceDue announces some of the tickets that are due, and answers how many it were. Two thresholds that were crossed
// since the last time are announced as one.
func (a *API) announceDue(ctx context.Context) (announced int, err error) {
	err = a.inTx(ctx, func(q *db.Queries, out realtime.Outbox) error {
		now := a.now()
		due, err := q.ListDueTickets(ctx, now, watchBatch)
		if err != nil {
			return err
		}
		announced = len(due)
		for _, t := range due {
			reached := events.SLAStatus(slaStatus(t.DateCreation, t.DateLimite, now))
			if err := q.SetSLAStatus(ctx, string(reached), t.ID); err != nil {
				return err
			}
			changed := events.TicketUpdated{ID: t.ID, Changes: events.Changes{SLAStatus: &reached}}
			if err := a.emitter.TicketUpdated(ctx, out, changed); err != nil {
				return err
			}
		}
		return nil
	})
	return announced, err
}

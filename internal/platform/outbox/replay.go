package outbox

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/guichet-api/guichet/gen/platform/db"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Replay implements realtime.History. It reads in pages and holds no connection while send waits; few replays read at once. Which rooms are the
// caller's to read is not checked here. What was missed is too old as soon as its first event is older than the retention,
// whatever its room: whether the others were for these rooms can no longer be told.
func (o *Outbox) Replay(ctx context.Context, since string, rooms []string, send func(*realtime.Message) error) (last uint64, err error) {
	epoch, at, err := parseID(since)
	if err != nil {
		return 0, fmt.Errorf("outbox.Replay: %w", err)
	}
	if rooms == nil {
		rooms = []string{} // null would be all of them
	}
	if err := o.checkAge(ctx, epoch, at); err != nil {
		return 0, fmt.Errorf("outbox.Replay: %w", err)
	}
	for {
		rows, err := o.readPage(ctx, db.ListOutboxParams{System: o.system, Since: at, Upto: at + page, Rooms: rooms})
		switch {
		case err != nil:
			return 0, fmt.Errorf("outbox.Replay: %w", err)
		case len(rows) == 0 || rows[0].Epoch != epoch || rows[0].Purged > at:
			return 0, fmt.Errorf("outbox.Replay: %w: purged, or of a database that was restored", realtime.ErrTooOld)
		}
		for i := range rows {
			if rows[i].N == nil {
				continue
			}
			if err := send(o.message(&rows[i])); err != nil {
				return uint64(*rows[i].N), err
			}
		}
		at = min(at+page, rows[0].Reached)
		if at == rows[0].Reached {
			return uint64(at), nil
		}
	}
}

// startReading waits until a replay may read. When a server is back all its peers come at once, and want theirs from the pool that
// answers everything else.
func (o *Outbox) startReading(ctx context.Context) (done func(), err error) {
	select {
	case o.readers <- struct{}{}:
		return func() { <-o.readers }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (o *Outbox) readPage(ctx context.Context, page db.ListOutboxParams) ([]db.ListOutboxRow, error) {
	done, err := o.startReading(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	return o.queries.ListOutbox(ctx, page)
}

// checkAge refuses ids from which nothing can be replayed, but for those whose events are purged: every page looks for that.
func (o *Outbox) checkAge(ctx context.Context, epoch string, since int64) error {
	done, err := o.startReading(ctx)
	if err != nil {
		return err
	}
	defer done()
	head, err := o.queries.GetOutboxHead(ctx, db.GetOutboxHeadParams{
		System: o.system, First: since + 1, Moment: o.clock.Now().Add(-o.retention),
	})
	switch {
	case err != nil:
		return pg.IfNoRows(err, fmt.Errorf("%w: no event was ever published", realtime.ErrTooOld))
	case epoch != head.Epoch || !head.Genuine:
		return fmt.Errorf("%w: the epoch is another one", realtime.ErrTooOld)
	case since > head.N:
		return fmt.Errorf("%w: no event has this number yet", realtime.ErrTooOld)
	case head.Expired:
		return fmt.Errorf("%w: older than %s", realtime.ErrTooOld, o.retention)
	}
	return nil
}

// parseID takes "<epoch>:<n>" apart, in the only spelling that ids have.
func parseID(id string) (epoch string, n int64, err error) {
	epoch, number, _ := strings.Cut(id, ":")
	n, err = strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != number {
		return "", 0, fmt.Errorf("%w: not an id of an event", realtime.ErrTooOld)
	}
	return epoch, n, nil
}

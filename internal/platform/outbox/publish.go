package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/guichet-api/guichet/gen/platform/db"
	"github.com/guichet-api/guichet/internal/realtime"
)

const (
	poll        = 250 * time.Millisecond // how late at most one process sees what another one has committed
	longestWait = 5 * time.Second        // between attempts while the database is away
	batch       = 1000                   // events that are numbered, or forgotten, in one transaction
	page        = 500                    // events that are read at once
	purgeEvery  = time.Minute
	maxReaders  = 4 // replays that read at once
)

// Run publishes until ctx ends, and returns nil then. While the database is away it tries again and again, less and less
// often; that is logged once. Once it can ask the database, Ready says so.
func (o *Outbox) Run(ctx context.Context) error {
	if !o.running.CompareAndSwap(false, true) {
		return errors.New("outbox.Run: it runs already")
	}
	defer o.running.Store(false)
	defer o.follows.Store(false)
	p := &publisher{Outbox: o}
	wait := poll
	timer := time.NewTimer(0)
	defer timer.Stop()
	for failing := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		case <-timer.C:
		}
		switch err := p.turn(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			if !failing {
				o.log.Warn("events wait: they cannot be published", "error", err)
			}
			failing, wait = true, min(2*wait, longestWait)
		default:
			if failing {
				o.log.Info("events are published again")
			}
			failing, wait = false, poll
		}
		timer.Reset(wait)
	}
}

// Ready is nil once Run follows the stream: whatever any process commits from then on reaches the peers of this one. A
// system that has no other proof of it asks before it takes connections.
func (o *Outbox) Ready(context.Context) error {
	if !o.follows.Load() {
		return errors.New("outbox: the stream of events is not followed yet")
	}
	return nil
}

// publisher is what Run knows.
type publisher struct {
	*Outbox
	reached int64     // every event up to this number was broadcast, or is older than this process
	epoch   string    // of the stream; empty before its first event
	purge   time.Time // when to purge next
}

// turn publishes all that is committed.
func (p *publisher) turn(ctx context.Context) error {
	if !p.follows.Load() {
		if err := p.follow(ctx); err != nil {
			return fmt.Errorf("outbox.Run: finding the place: %w", err)
		}
	}
	for {
		numbered, err := p.queries.NumberOutbox(ctx, db.NumberOutboxParams{
			System: p.system, Most: batch, Reached: p.reached, Moment: p.clock.Now(),
		})
		if err != nil {
			return fmt.Errorf("outbox.Run: numbering: %w", err)
		}
		if err := p.broadcast(ctx); err != nil {
			return fmt.Errorf("outbox.Run: reading: %w", err)
		}
		if numbered < batch {
			break
		}
	}
	if err := p.forget(ctx); err != nil {
		return fmt.Errorf("outbox.Run: purging: %w", err)
	}
	return nil
}

// follow takes the stream's end as the place to go on from. What was numbered before is no live event: a process that was
// killed between numbering and broadcasting had peers that are gone, and ask for a replay when they return.
func (p *publisher) follow(ctx context.Context) error {
	rows, err := p.queries.ListOutbox(ctx, db.ListOutboxParams{System: p.system})
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		p.reached, p.epoch = rows[0].Reached, rows[0].Epoch
	}
	p.follows.Store(true)
	return nil
}

// broadcast sends what is numbered and was not sent, in order, whoever numbered it. It reads what was committed, so that
// it does not matter whether the answer to the numbering ever came.
func (p *publisher) broadcast(ctx context.Context) error {
	for {
		rows, err := p.queries.ListOutbox(ctx, db.ListOutboxParams{System: p.system, Since: p.reached, Upto: p.reached + page})
		if err != nil || len(rows) == 0 {
			return err
		}
		head := &rows[0]
		if head.Purged > p.reached {
			p.log.Error("events were forgotten before they were broadcast here", "from", p.reached+1, "to", head.Purged)
			p.reached = head.Purged
			p.resync(ctx)
			continue
		}
		if p.epoch != "" && p.epoch != head.Epoch {
			p.log.Warn("the database was restored: all clients are told to load everything again", "epoch", head.Epoch)
			p.resync(ctx)
		}
		p.epoch = head.Epoch
		for i := range rows {
			if rows[i].N != nil {
				p.hub.Broadcast(ctx, *rows[i].Room, p.message(&rows[i]), nil)
			}
		}
		p.reached = min(p.reached+page, head.Reached)
		if p.reached == head.Reached {
			return nil
		}
	}
}

// resync tells every peer that it has missed something which cannot be replayed.
func (p *publisher) resync(ctx context.Context) {
	for _, event := range p.surface.Resyncs() {
		m := &realtime.Message{Event: event}
		for _, peer := range p.hub.All() {
			p.hub.Send(ctx, peer, m)
		}
	}
}

// forget purges events that are older than the retention, one batch in a turn, so that live events do not wait for it.
func (p *publisher) forget(ctx context.Context) error {
	now := p.clock.Now()
	if now.Before(p.purge) {
		return nil
	}
	purged, err := p.queries.PurgeOutbox(ctx, db.PurgeOutboxParams{System: p.system, Most: batch, Moment: now.Add(-p.retention)})
	if err != nil {
		return err
	}
	if purged < batch {
		p.purge = now.Add(purgeEvery)
	}
	return nil
}

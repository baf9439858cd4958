package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/platform/db"
	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Config is what an Outbox needs. All of it is required.
type Config struct {
	System  string        // whose events they are: systems share the tables
	Pool    *pgxpool.Pool // the system's own
	Surface *realtime.Surface
	Hub     *realtime.Hub
	Clock   clock.Clock
	Log     *slog.Logger
}

// Outbox stores, publishes and replays one system's durable events. It is safe for concurrent use. It implements
// realtime.History.
type Outbox struct {
	system    string
	pool      *pgxpool.Pool
	queries   *db.Queries
	surface   *realtime.Surface
	hub       *realtime.Hub
	clock     clock.Clock
	log       *slog.Logger
	retention time.Duration // how long events can be replayed: the longest of the contract's streams

	wake    chan struct{} // holds one: something was committed
	readers chan struct{} // holds one for each replay that reads
	running atomic.Bool
	follows atomic.Bool // Run knows its place
}

// New makes an Outbox. It does not ask the database. A contract without streams has no use for one: that is an error.
func New(cfg Config) (*Outbox, error) {
	if cfg.System == "" || cfg.Pool == nil || cfg.Surface == nil || cfg.Hub == nil || cfg.Clock == nil || cfg.Log == nil {
		return nil, errors.New("outbox.New: System, Pool, Surface, Hub, Clock and Log are required")
	}
	o := &Outbox{
		system: cfg.System, pool: cfg.Pool, queries: db.New(cfg.Pool), surface: cfg.Surface, hub: cfg.Hub, clock: cfg.Clock,
		log: cfg.Log.With("component", "outbox", "system", cfg.System), wake: make(chan struct{}, 1),
		readers: make(chan struct{}, maxReaders),
	}
	for _, stream := range cfg.Surface.Streams {
		o.retention = max(o.retention, stream.Retention)
	}
	if o.retention <= 0 {
		return nil, fmt.Errorf("outbox.New: the contract of %s has no stream", cfg.System)
	}
	return o, nil
}

// InTx runs fn in a transaction (pg.InTx) and publishes what it appended to out once that has committed. The events keep
// their order. They are written when fn has returned, after all that it has changed. An error of the commit can leave open
// whether it took place (pg.IsUnavailable); the events share its fate.
//
// As with pg.InTx, fn may run several times; only the last time counts. out is of no use after its return.
func (o *Outbox) InTx(ctx context.Context, fn func(tx pgx.Tx, out realtime.Outbox) error) error {
	err := pg.InTx(ctx, o.pool, func(tx pgx.Tx) error {
		e := &entries{outbox: o, params: db.AppendOutboxParams{System: o.system}}
		if err := fn(tx, e); err != nil {
			return err
		}
		return e.store(ctx, tx)
	})
	if err == nil {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
	return err
}

// entries are the events of one transaction. They are written in one statement, and last: whoever gets its numbers from
// the sequence while holding every lock of its change comes after all changes that it had to wait for.
type entries struct {
	outbox *Outbox
	params db.AppendOutboxParams
}

// Append implements realtime.Outbox. An event that the contract does not call durable is an error: it could not be replayed.
func (e *entries) Append(_ context.Context, entry realtime.Entry) error {
	if event := e.outbox.surface.Events[entry.Event]; event == nil || !event.Durable {
		return fmt.Errorf("outbox.Append: %q is no durable event of %s", entry.Event, e.outbox.system)
	}
	e.params.Rooms = append(e.params.Rooms, entry.Room)
	e.params.Events = append(e.params.Events, entry.Event)
	e.params.Payloads = append(e.params.Payloads, entry.Payload)
	return nil
}

func (e *entries) store(ctx context.Context, tx pgx.Tx) error {
	if len(e.params.Rooms) == 0 {
		return nil
	}
	if err := db.New(tx).AppendOutbox(ctx, e.params); err != nil {
		return fmt.Errorf("outbox.InTx: %w", err)
	}
	return nil
}

// message makes of a stored event what was, or would have been, broadcast. An event that this program's contract does not
// have was stored by a newer or an older one; it goes out as it stands.
func (o *Outbox) message(row *db.ListOutboxRow) *realtime.Message {
	m := &realtime.Message{
		Event: *row.Event, Payload: row.Payload, ID: row.Epoch + ":" + strconv.FormatInt(*row.N, 10), Seq: uint64(*row.N),
	}
	if event := o.surface.Events[m.Event]; event != nil {
		m.Spread, m.Queue = event.Spread, event.Queue
	}
	return m
}

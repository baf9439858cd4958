// Package jobs runs work that must happen and may happen later: mails, purges, exports.
//
// Jobs are River's (riverqueue.com): rows in the schema "platform", inserted in the same transaction as what they follow
// from, so that neither exists without the other. A job runs at least once: workers must bear repetition. A system adds its
// workers and periodic tasks before Start; River's own types show wherever they say enough.
//
// Nothing here uses LISTEN/NOTIFY: a NOTIFY inside a writing transaction makes commits wait for each other. The queue is
// polled instead, which delays a job by half a second at most. A database that goes away delays jobs, and loses none.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Schema is where River's tables live.
const Schema = "platform"

// Config says how jobs are run. Zero durations and numbers mean the defaults.
type Config struct {
	Pool    *pgxpool.Pool // a few connections of its own, without the time limit that pools of requests have
	Logger  *slog.Logger
	Workers int           // jobs run at once; 4
	Poll    time.Duration // longest wait of a job that is due; 500 ms
	Timeout time.Duration // of one attempt, unless its worker has a Timeout; 1 min
	Drain   time.Duration // how long Stop lets running jobs go on before it cancels their contexts; 10 s
	Rescue  time.Duration // after this long a job that a killed process left running is run again; 2 × Timeout
}

func (c Config) withDefaults() Config {
	c.Workers = max(c.Workers, 0)
	if c.Workers == 0 {
		c.Workers = 4
	}
	defaults := []struct {
		value *time.Duration
		fall  time.Duration
	}{{&c.Poll, 500 * time.Millisecond}, {&c.Timeout, time.Minute}, {&c.Drain, 10 * time.Second}}
	for _, d := range defaults {
		if *d.value <= 0 {
			*d.value = d.fall
		}
	}
	if c.Rescue < c.Timeout {
		c.Rescue = 2 * c.Timeout
	}
	return c
}

// Jobs inserts jobs and, once started, runs them.
type Jobs struct {
	// Workers takes a system's workers by river.AddWorker, before Start.
	Workers *river.Workers
	// Client is River's own, for what this package does not wrap.
	Client *river.Client[pgx.Tx]

	log   *slog.Logger // repeats nothing within a while
	tasks []task
	time  sync.WaitGroup // who keeps the time of tasks
	still func()         // ends them; nil before Start
}

// Open makes a Jobs. It does not ask the database: jobs can be inserted at once, and run after Start.
func Open(cfg Config) (*Jobs, error) {
	if cfg.Pool == nil || cfg.Logger == nil {
		return nil, errors.New("jobs.Open: Pool and Logger are required")
	}
	cfg = cfg.withDefaults()
	j := &Jobs{Workers: river.NewWorkers(), log: slog.New(newSparse(cfg.Logger.With("component", "jobs").Handler()))}
	client, err := river.NewClient(driver{riverpgxv5.New(cfg.Pool)}, &river.Config{
		Schema:               Schema,
		Workers:              j.Workers,
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: cfg.Workers}},
		FetchOnlyKnownKinds:  true, // processes that serve other systems share the queue
		PollOnly:             true,
		FetchPollInterval:    cfg.Poll,
		FetchCooldown:        min(cfg.Poll, river.FetchCooldownDefault),
		JobTimeout:           cfg.Timeout,
		RescueStuckJobsAfter: cfg.Rescue,
		SoftStopTimeout:      cfg.Drain,
		MaxAttempts:          len(delays) + 1,
		RetryPolicy:          retryPolicy{},
		ErrorHandler:         &errorHandler{log: cfg.Logger},
		Middleware:           []rivertype.Middleware{giveUp(cfg.Logger)},
		Logger:               j.log,
	})
	if err != nil {
		return nil, fmt.Errorf("jobs.Open: %w", err)
	}
	j.Client = client
	return j, nil
}

// Insert puts a job in the queue, in the transaction of what it follows from. opts may be nil.
func (j *Jobs) Insert(ctx context.Context, tx pgx.Tx, args river.JobArgs, opts *river.InsertOpts) error {
	if _, err := j.Client.InsertTx(ctx, tx, args, opts); err != nil {
		return fmt.Errorf("jobs.Insert %s: %w", args.Kind(), err)
	}
	return nil
}

// Start runs jobs until Stop. It fails when the database cannot be reached; one that goes away later is waited for.
func (j *Jobs) Start(ctx context.Context) error {
	// River stops when the context does; we stop when told to.
	if err := j.Client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("jobs.Start: %w", err)
	}
	ctx, j.still = context.WithCancel(context.WithoutCancel(ctx))
	for _, t := range j.tasks {
		j.time.Go(func() { j.keepTime(ctx, t) })
	}
	return nil
}

// Stop takes no new jobs and waits for those that run: for Config.Drain, then it cancels their contexts; they run again
// later. It gives up when ctx ends. Stopping what was never started does nothing.
func (j *Jobs) Stop(ctx context.Context) error {
	if j.still != nil {
		j.still()
		j.time.Wait()
	}
	if err := j.Client.Stop(ctx); err != nil {
		return fmt.Errorf("jobs.Stop: %w", err)
	}
	return nil
}

// driver is River's for pgx, saying that nobody listens: River then sends no notifications either. It nudges its own worker
// after an insert outside of a transaction, and polls for the rest.
type driver struct{ *riverpgxv5.Driver }

func (driver) SupportsListener() bool     { return false }
func (driver) SupportsListenNotify() bool { return false }

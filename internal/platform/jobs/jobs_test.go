package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/testkit"
)

// greet is a job of these tests.
type greet struct {
	Name string `json:"name"`
}

func (greet) Kind() string { return "test.greet" }

// greeter runs greet as its function says, and retries at once.
type greeter struct {
	river.WorkerDefaults[greet]
	work func(ctx context.Context, job *river.Job[greet]) error
}

func (g *greeter) Work(ctx context.Context, job *river.Job[greet]) error { return g.work(ctx, job) }
func (g *greeter) NextRetry(*river.Job[greet]) time.Time                 { return time.Now() }

// logged is a log that tests read.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type bundle struct {
	*jobs.Jobs
	db  *testkit.TestDB
	log *logged
}

func database(t *testing.T) *testkit.TestDB {
	t.Helper()
	return testkit.Database(t, testkit.DB{
		Schemas:  []string{jobs.Schema},
		SeedName: "river",
		Seed: func(ctx context.Context, db *testkit.TestDB) error {
			_, err := jobs.Migrate(ctx, db.URL, slog.New(slog.DiscardHandler))
			return err
		},
	})
}

func setup(t *testing.T, cfg jobs.Config, work func(ctx context.Context, job *river.Job[greet]) error) bundle {
	t.Helper()
	t.Parallel()
	b := bundle{db: database(t), log: &logged{}}
	if cfg.Pool == nil {
		cfg.Pool = b.db.Pool
	}
	b.open(t, cfg, work)
	return b
}

func (b *bundle) open(t *testing.T, cfg jobs.Config, work func(ctx context.Context, job *river.Job[greet]) error) {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(b.log, nil))
	var err error
	if b.Jobs, err = jobs.Open(cfg); err != nil {
		t.Fatal(err)
	}
	river.AddWorker(b.Workers, &greeter{work: work})
}

func (b *bundle) start(t *testing.T) {
	t.Helper()
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.stop(t) })
}

func (b *bundle) stop(t *testing.T) {
	t.Helper()
	if err := b.Stop(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func (b *bundle) insert(t *testing.T, name string) {
	t.Helper()
	err := pg.InTx(t.Context(), b.db.Pool, func(tx pgx.Tx) error { return b.Insert(t.Context(), tx, greet{name}, nil) })
	if err != nil {
		t.Fatal(err)
	}
}

// state waits until the only job of the kind has the state.
func (b *bundle) waitState(t *testing.T, want string) {
	t.Helper()
	eventually(t, "state "+want, func() bool {
		var state string
		err := b.db.Pool.QueryRow(t.Context(), `SELECT state FROM platform.river_job WHERE kind = 'test.greet'`).Scan(&state)
		return err == nil && state == want
	})
}

// eventually asks until the answer is yes, for a generous while.
func eventually(t *testing.T, what string, yes func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !yes() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		case <-again.C:
		}
	}
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func TestJobRunsAfterItsTransaction(t *testing.T) {
	ran := make(chan string, 10)
	b := setup(t, jobs.Config{}, func(_ context.Context, job *river.Job[greet]) error { ran <- job.Args.Name; return nil })
	b.start(t)
	errUndo := errors.New("undo")
	err := pg.InTx(t.Context(), b.db.Pool, func(tx pgx.Tx) error {
		if err := b.Insert(t.Context(), tx, greet{"undone"}, nil); err != nil {
			t.Error(err)
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	b.insert(t, "committed")
	start := time.Now()
	if name := receive(t, "the job", ran); name != "committed" {
		t.Errorf("the job that ran is %q", name)
	}
	t.Logf("from commit to work: %v", time.Since(start))
	b.waitState(t, "completed") // the only job that there is
	if text := b.log.String(); text != "" {
		t.Errorf("a job that went well is in the log:\n%s", text)
	}
}

func TestFailedJobIsTriedAgain(t *testing.T) {
	ran := make(chan int, 10)
	b := setup(t, jobs.Config{}, func(_ context.Context, job *river.Job[greet]) error {
		ran <- job.Attempt
		switch job.Attempt {
		case 1:
			return errors.New("no luck")
		case 2:
			panic("bad luck")
		}
		return nil
	})
	b.start(t)
	b.insert(t, "secret of the job")
	for want := 1; want <= 3; want++ {
		if got := receive(t, "an attempt", ran); got != want {
			t.Errorf("attempt %d, want %d", got, want)
		}
	}
	b.waitState(t, "completed")
	text := b.log.String()
	for _, want := range []string{
		`level=WARN msg="job failed, will be tried again" kind=test.greet`, `attempt=1 error="no luck"`,
		`level=ERROR msg="job panicked"`, `panic="bad luck"`, "jobs_test.go",
	} {
		if strings.Count(text, want) == 0 {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
	if strings.Count(text, "no luck") != 1 || strings.Contains(text, "secret of the job") {
		t.Errorf("the log tells an error twice, or arguments:\n%s", text)
	}
}

// forever is an error that no later attempt cures.
type forever struct{ error }

func (forever) Permanent() bool { return true }

func TestPermanentErrorEndsTheJob(t *testing.T) {
	ran := make(chan int, 10)
	b := setup(t, jobs.Config{}, func(_ context.Context, job *river.Job[greet]) error {
		ran <- job.Attempt
		return forever{errors.New("no such mailbox")}
	})
	b.start(t)
	b.insert(t, "a")
	receive(t, "the attempt", ran)
	b.waitState(t, "cancelled")
	if len(ran) != 0 {
		t.Error("tried again")
	}
	if text := b.log.String(); !strings.Contains(text, `level=ERROR msg="job given up"`) {
		t.Errorf("log:\n%s", text)
	}
}

func TestLastAttemptIsSaidSo(t *testing.T) {
	b := setup(t, jobs.Config{}, func(context.Context, *river.Job[greet]) error { return errors.New("no luck") })
	err := pg.InTx(t.Context(), b.db.Pool, func(tx pgx.Tx) error {
		return b.Insert(t.Context(), tx, greet{"a"}, &river.InsertOpts{MaxAttempts: 2})
	})
	if err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.waitState(t, "discarded")
	text := b.log.String()
	if strings.Count(text, "will be tried again") != 1 || strings.Count(text, `level=ERROR msg="job given up"`) != 1 {
		t.Errorf("log:\n%s", text)
	}
}

func TestStopWaitsForJobs(t *testing.T) {
	started, goOn := make(chan struct{}), make(chan struct{})
	b := setup(t, jobs.Config{}, func(ctx context.Context, _ *river.Job[greet]) error {
		close(started)
		<-goOn
		return ctx.Err()
	})
	b.start(t)
	b.insert(t, "a")
	receive(t, "the job", started)
	stopped := make(chan struct{})
	go func() { defer close(stopped); b.stop(t) }()
	select {
	case <-stopped:
		t.Error("Stop did not wait")
	case <-time.After(200 * time.Millisecond):
	}
	close(goOn)
	receive(t, "Stop", stopped)
	b.waitState(t, "completed")
}

func TestStopCancelsSlowJobs(t *testing.T) {
	started := make(chan struct{})
	b := setup(t, jobs.Config{Drain: 50 * time.Millisecond, Timeout: time.Hour}, func(ctx context.Context, job *river.Job[greet]) error {
		if job.Attempt > 1 {
			return nil
		}
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	b.start(t)
	b.insert(t, "a")
	receive(t, "the job", started)
	b.stop(t)
	var state string
	if err := b.db.Pool.QueryRow(t.Context(), `SELECT state FROM platform.river_job`).Scan(&state); err != nil {
		t.Fatal(err)
	}
	if state != "available" && state != "retryable" {
		t.Errorf("a job that was cut off is %s; it must run again", state)
	}
}

// A process is killed while a job runs: another one finds the job and runs it again.
func TestJobOfAKilledProcessRunsAgain(t *testing.T) {
	ran := make(chan int, 10)
	b := setup(t, jobs.Config{Timeout: time.Second}, func(_ context.Context, job *river.Job[greet]) error { ran <- job.Attempt; return nil })
	b.insert(t, "a")
	_, err := b.db.Pool.Exec(t.Context(), `UPDATE platform.river_job
		SET state = 'running', attempt = 1, attempted_at = now() - interval '3 seconds', attempted_by = '{gone}'`)
	if err != nil {
		t.Fatal(err)
	}
	b.start(t)
	start := time.Now()
	if attempt := receive(t, "the second attempt", ran); attempt != 2 {
		t.Errorf("attempt %d, want 2", attempt)
	}
	t.Logf("run again after %v", time.Since(start))
}

func TestForeignJobsAreLeftAlone(t *testing.T) {
	ran := make(chan string, 10)
	b := setup(t, jobs.Config{}, func(_ context.Context, job *river.Job[greet]) error { ran <- job.Args.Name; return nil })
	_, err := b.db.Pool.Exec(t.Context(), `INSERT INTO platform.river_job (args, kind, max_attempts) VALUES ('{}', 'test.other', 5)`)
	if err != nil {
		t.Fatal(err)
	}
	b.start(t)
	b.insert(t, "mine")
	receive(t, "the job", ran)
	var state string
	var attempt int
	err = b.db.Pool.QueryRow(t.Context(), `SELECT state, attempt FROM platform.river_job WHERE kind = 'test.other'`).Scan(&state, &attempt)
	if err != nil || state != "available" || attempt != 0 {
		t.Errorf("another system's job: %s after %d attempts, %v", state, attempt, err)
	}
}

func TestEvery(t *testing.T) {
	b := setup(t, jobs.Config{}, nil)
	runs, failures := make(chan struct{}, 100), make(chan struct{}, 100)
	b.Every("test.purge", time.Second, func(context.Context) error { runs <- struct{}{}; return nil })
	b.Every("test.broken", time.Second, func(context.Context) error { failures <- struct{}{}; return errors.New("no luck") })
	b.start(t)
	for range 2 {
		receive(t, "a run", runs)
		receive(t, "a failing run", failures)
	}
	eventually(t, "the log", func() bool { return strings.Contains(b.log.String(), "task test.broken: no luck") })
	var attempts int
	if err := b.db.Pool.QueryRow(t.Context(), `SELECT max(attempt) FROM platform.river_job`).Scan(&attempts); err != nil || attempts != 1 {
		t.Errorf("a task was tried %d times (%v)", attempts, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("two tasks may have one name")
		}
	}()
	b.Every("test.purge", time.Second, nil)
}

// Two processes serve different systems on one database: each runs its own tasks, whichever of them River elects leader, and
// a task that both have runs once in a period.
func TestEveryOfTwoProcesses(t *testing.T) {
	first := setup(t, jobs.Config{}, nil)
	second := bundle{db: first.db, log: &logged{}}
	second.open(t, jobs.Config{Pool: first.db.Pool}, nil)
	ofFirst, ofSecond := make(chan struct{}, 1000), make(chan struct{}, 1000)
	note := func(ran chan<- struct{}) func(context.Context) error {
		return func(context.Context) error { ran <- struct{}{}; return nil }
	}
	first.Every("one.purge", time.Second, note(ofFirst))
	second.Every("other.purge", time.Second, note(ofSecond))
	both := make(chan struct{}, 1000)
	first.Every("shared.purge", time.Second, note(both))
	second.Every("shared.purge", time.Second, note(both))
	first.start(t)
	second.start(t)
	for range 3 {
		receive(t, "a run of the first's task", ofFirst)
		receive(t, "a run of the second's task", ofSecond)
		receive(t, "a run of their common task", both)
	}
	for _, task := range []string{"one.purge", "other.purge", "shared.purge"} {
		var runs, periods int
		err := first.db.Pool.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT date_trunc('second', scheduled_at))
			FROM platform.river_job WHERE kind = 'platform.task.' || $1`, task).Scan(&runs, &periods)
		if err != nil || runs < 3 || runs != periods {
			t.Errorf("%s: %d runs in %d periods, %v", task, runs, periods, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	if _, err := jobs.Open(jobs.Config{}); err == nil {
		t.Error("no pool and no logger are accepted")
	}
}

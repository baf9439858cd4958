package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// delays are the waits between the attempts at a job: soon for a hiccup, then patiently through a day's outage of a mail
// server. After the last one the job is discarded, and said so in the log.
var delays = []time.Duration{
	2 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour,
}

// retryPolicy is river.ClientRetryPolicy over delays.
type retryPolicy struct{}

// NextRetry is when the job is tried again after its latest failure, which is not yet among its errors.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().UTC().Add(delays[min(len(job.Errors), len(delays)-1)])
}

// giveUp is a worker middleware: it ends a job whose error says that trying again is useless, and logs what ends so. An
// error says it by a method Permanent() bool that answers true, as mail.Error does, or by being river.JobCancel's.
func giveUp(log *slog.Logger) river.WorkerMiddlewareFunc {
	return func(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
		err := work(ctx)
		var permanent interface{ Permanent() bool }
		if errors.As(err, &permanent) && permanent.Permanent() {
			err = river.JobCancel(err)
		}
		var cancelled *river.JobCancelError
		if errors.As(err, &cancelled) { // River does not show these to its error handler
			log.ErrorContext(ctx, "job given up", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err)
		}
		return err
	}
}

// errorHandler logs what went wrong in a job, once per attempt. Arguments of jobs are not logged.
type errorHandler struct{ log *slog.Logger }

// HandleError logs a failed attempt: as a warning while others follow, as an error when it was the last.
func (h *errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	level, message := slog.LevelWarn, "job failed, will be tried again"
	if job.Attempt >= job.MaxAttempts {
		level, message = slog.LevelError, "job given up"
	}
	h.log.Log(ctx, level, message, "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err)
	return nil
}

// HandlePanic logs a panic; the job counts as failed.
func (h *errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "panic", value, "stack", trace)
	return nil
}

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

// cancelPermanent gives a job up when its error says that trying again is useless: when something in it has a method
// Permanent() bool that answers true, as mail.Error does.
func cancelPermanent(ctx context.Context, _ *rivertype.JobRow, work func(context.Context) error) error {
	err := work(ctx)
	var p interface{ Permanent() bool }
	if errors.As(err, &p) && p.Permanent() {
		return river.JobCancel(err)
	}
	return err
}

// errorHandler logs what went wrong in a job, once per attempt. Arguments of jobs are not logged.
type errorHandler struct{ log *slog.Logger }

// HandleError logs a failed attempt: as a warning while others follow, as an error when the job is given up.
func (h *errorHandler) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	var cancelled *river.JobCancelError
	attrs := []any{"kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "error", err}
	if errors.As(err, &cancelled) || job.Attempt >= job.MaxAttempts {
		h.log.ErrorContext(ctx, "job given up", attrs...)
	} else {
		h.log.WarnContext(ctx, "job failed, will be tried again", attrs...)
	}
	return nil
}

// HandlePanic logs a panic; the job counts as failed.
func (h *errorHandler) HandlePanic(ctx context.Context, job *rivertype.JobRow, value any, trace string) *river.ErrorHandlerResult {
	h.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "panic", value, "stack", trace)
	return nil
}

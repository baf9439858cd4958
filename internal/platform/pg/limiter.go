package pg

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// limiter bounds the waits of a pool. pgx has no such settings, but it works under the context that its tracers return:
// that is the one place through which every user of a *pgxpool.Pool passes, generated code and River included.
type limiter struct {
	log   *slog.Logger
	query time.Duration // ≤ 0: unlimited
	away  atomic.Bool   // the last attempt to get a connection failed
}

type cancelKey struct{}

// limit returns ctx bounded by d, and keeps its cancel function in it for release.
func limit(ctx context.Context, d time.Duration, cause error) context.Context {
	ctx, cancel := context.WithTimeoutCause(ctx, d, cause)
	return context.WithValue(ctx, cancelKey{}, cancel)
}

func release(ctx context.Context) {
	if cancel, ok := ctx.Value(cancelKey{}).(context.CancelFunc); ok {
		cancel()
	}
}

func (l *limiter) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	d := acquireTimeout
	if l.away.Load() {
		d = acquireAway
	}
	return limit(ctx, d, errAcquireTimeout)
}

func (l *limiter) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, data pgxpool.TraceAcquireEndData) {
	release(ctx)
	switch {
	case data.Err == nil:
		if l.away.Load() && l.away.CompareAndSwap(true, false) {
			l.log.Info("database connections are to be had again")
		}
	case IsUnavailable(data.Err) && l.away.CompareAndSwap(false, true):
		l.log.Warn("no database connection", "error", data.Err)
	}
}

// bound gives a statement its time limit: the call's own, else the pool's.
func (l *limiter) bound(ctx context.Context) context.Context {
	d := l.query
	if own, ok := ctx.Value(queryTimeoutKey{}).(time.Duration); ok {
		d = own
	}
	if d <= 0 {
		// Shadows the cancel function of an outer call, which is not this statement's to call.
		return context.WithValue(ctx, cancelKey{}, nil)
	}
	return limit(ctx, d, errQueryTimeout)
}

func (l *limiter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return l.bound(ctx)
}

func (l *limiter) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	release(ctx)
}

func (l *limiter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return l.bound(ctx)
}

func (l *limiter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (l *limiter) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) {
	release(ctx)
}

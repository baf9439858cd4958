package tchatator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Times of Run.
const (
	watchPause    = 250 * time.Millisecond // before it tries the database again
	sweepInterval = 10 * time.Second       // between two looks for processes that have died
	shutTimeout   = 5 * time.Second        // for the connection that it keeps to be closed
)

// Run holds this process's place among those that serve, and ends the sessions of users who were banned, or got another
// token, by any process. It keeps one connection of the pool, and returns when ctx ends.
func (a *API) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := a.live.watch(ctx)
		if ctx.Err() != nil {
			break
		}
		a.deps.Log.WarnContext(ctx, "bans by other processes are not heard for now", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(watchPause):
		}
	}
	return nil
}

// watch is Run on one connection.
func (l *Live) watch(ctx context.Context) error {
	conn, err := l.api.deps.Pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	// The connection has a lock and listens: it does not go back to the pool.
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutTimeout)
		defer cancel()
		_ = conn.Hijack().Close(closing) // what it held is gone either way
	}()
	q := db.New(conn)
	if err := l.hold(ctx, q); err != nil {
		return err
	}
	for {
		if err := l.clearStrays(ctx); err != nil {
			return err
		}
		told, err := wait(ctx, conn.Conn())
		if err != nil {
			return err
		}
		if told == nil {
			if _, err := q.DeleteDeadSeats(ctx, l.seats.process); err != nil {
				return fmt.Errorf("DeleteDeadSeats: %w", err)
			}
			continue
		}
		user, err := strconv.ParseInt(told.Payload, 10, 64)
		if err != nil {
			continue // nobody of ours says such a thing
		}
		if one := l.seats.get(user); one != nil {
			if err := l.endForbidden(ctx, []*session{one}); err != nil {
				return err
			}
		}
	}
}

// wait is the next notification, nil when none has come for a while.
func wait(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	limited, cancel := context.WithTimeout(ctx, sweepInterval)
	defer cancel()
	told, err := conn.WaitForNotification(limited)
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return nil, nil //nolint:nilnil // nothing has come, and nothing is wrong
	}
	if err != nil {
		return nil, fmt.Errorf("WaitForNotification: %w", err)
	}
	return told, nil
}

// errStillHeld is a place that the connection before this one has not lost yet.
var errStillHeld = errors.New("the connection before this one has not ended yet")

// hold takes this process's place, hears what others say from now on, and catches up with what they said and did before: the
// place may have been lost for a while.
func (l *Live) hold(ctx context.Context, q *db.Queries) error {
	held, err := q.HoldProcess(ctx, l.seats.process)
	if err == nil && !held {
		err = errStillHeld
	}
	if err != nil {
		return fmt.Errorf("HoldProcess: %w", err)
	}
	if err := q.ListenUsers(ctx); err != nil {
		return fmt.Errorf("ListenUsers: %w", err)
	}
	if _, err := q.DeleteDeadSeats(ctx, l.seats.process); err != nil {
		return fmt.Errorf("DeleteDeadSeats: %w", err)
	}
	list := l.seats.all()
	elsewhere, err := q.ReclaimSeats(ctx, l.seats.process, usersOf(list))
	if err != nil {
		return fmt.Errorf("ReclaimSeats: %w", err)
	}
	for _, user := range elsewhere {
		l.end(user)
	}
	return l.endForbidden(ctx, list)
}

func usersOf(list []*session) []int64 {
	users := make([]int64, len(list))
	for i, one := range list {
		users[i] = one.user
	}
	return users
}

// endForbidden ends those sessions whose user is banned or has another token.
func (l *Live) endForbidden(ctx context.Context, list []*session) error {
	rows, err := l.api.queries.ListAllowed(ctx, usersOf(list))
	if err != nil {
		return fmt.Errorf("ListAllowed: %w", err)
	}
	allowed := map[int64][]byte{}
	for _, row := range rows {
		allowed[row.ID] = row.TokenHash
	}
	for _, one := range list {
		if !bytes.Equal(allowed[one.user], auth.Digest(one.token)) {
			l.hub.Close(one.peer, realtime.ReasonPolicy)
		}
	}
	return nil
}

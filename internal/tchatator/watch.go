package tchatator

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/realtime"
)

// watchPause is how long Run waits before it tries the database again.
const watchPause = 250 * time.Millisecond

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
	if err := l.hold(ctx, conn); err != nil {
		return err
	}
	for {
		told, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
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

// hold takes this process's place, hears what others say from now on, and catches up with what they said before.
func (l *Live) hold(ctx context.Context, conn *pgxpool.Conn) error {
	q := db.New(conn)
	held, err := q.HoldProcess(ctx, l.seats.process)
	if err != nil {
		return fmt.Errorf("HoldProcess: %w", err)
	}
	if !held {
		return fmt.Errorf("hold: the connection before this one has not ended yet")
	}
	if err := q.ListenUsers(ctx); err != nil {
		return fmt.Errorf("ListenUsers: %w", err)
	}
	if _, err := q.DeleteDeadSeats(ctx, l.seats.process); err != nil {
		return fmt.Errorf("DeleteDeadSeats: %w", err)
	}
	return l.endForbidden(ctx, l.seats.all())
}

// endForbidden ends those sessions whose user is banned or has another token.
func (l *Live) endForbidden(ctx context.Context, list []*session) error {
	users := make([]int64, len(list))
	for i, one := range list {
		users[i] = one.user
	}
	rows, err := l.api.queries.ListAllowed(ctx, users)
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

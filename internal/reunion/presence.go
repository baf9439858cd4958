package reunion

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

// A client is there while a row says that a socket acts for it. The row belongs to the process that has the socket, which
// vouches for its rows by a lease that it renews; when the lease has ended, they count as gone. So nothing has to be done by
// a process that dies. One that starts prolongs all leases: whoever was connected to the one that died before it has time to
// return. It cannot know which one that was, and doubts all others: a client that has returned to it, and leaves it, is gone
// although rows of the dead one remain. A process that lives finds out when it next renews its lease, and puts that right.
const (
	grace         = 30 * time.Second // how long a lease lasts
	renewInterval = 5 * time.Second
	sweepInterval = time.Second
)

// lease is what a process knows of its own.
type lease struct {
	mu      sync.Mutex // held while it is tended
	begun   bool
	renewed time.Time
}

// connect writes that this process has a socket that acts for a client.
func (l *Live) connect(ctx context.Context, q *db.Queries, s *seat) error {
	if err := q.InsertServer(ctx, l.server, l.api.now().Add(grace)); err != nil {
		return err
	}
	return q.InsertConnection(ctx, db.InsertConnectionParams{ID: s.id, ServerID: l.server, ClientID: s.client})
}

// seated notes how the writing of a seat ended. Where that is not known, the seat must be given up.
func (l *Live) seated(s *seat, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refused *problem.Error
	if err == nil {
		l.seats[s.id] = s
	} else if l.seats[s.id] == nil && !errors.As(err, &refused) {
		l.strays[s.id] = s
	}
}

// leave gives up a seat. A client whose last one it was is gone, and the host is told. If that cannot be stored now, it is
// tried again until it can.
func (l *Live) leave(ctx context.Context, s *seat) {
	l.mu.Lock()
	delete(l.seats, s.id)
	l.strays[s.id] = s
	l.mu.Unlock()
	if err := l.vacate(ctx, s); err != nil {
		l.log(ctx, "a client's leaving is not stored yet", err)
	}
}

// vacate stores that a stray seat was given up.
func (l *Live) vacate(ctx context.Context, s *seat) error {
	err := l.depart(ctx, s.reunion, s.client, func(q *db.Queries) error { return q.DeleteConnection(ctx, s.id) })
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.strays, s.id)
	return nil
}

// depart takes a connection away from a client, and marks the client as gone if it was the last one.
func (l *Live) depart(ctx context.Context, reunion, client string, disconnect func(*db.Queries) error) error {
	defer l.lanes.client(reunion, client)()
	var status string
	gone := false
	err := l.api.inTx(ctx, func(q *db.Queries) error {
		if _, err := q.LockClient(ctx, client); err != nil {
			return pg.IfNoRows(err, nil) // it was never stored
		}
		if err := disconnect(q); err != nil {
			return err
		}
		var err error
		status, err = q.LeaveClient(ctx, db.LeaveClientParams{ID: client, Now: l.api.now(), ServerID: l.server})
		gone = err == nil
		return pg.IfNoRows(err, nil)
	})
	if err != nil || !gone {
		return err
	}
	return l.emit.ClientDisconnected(ctx, reunion, events.ClientDisconnected{ClientID: client, Status: events.ClientStatus(status)})
}

// Run keeps this process's lease and takes away clients whose process has gone, until ctx ends. It must run as soon as the
// system serves.
func (a *API) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	failing := false
	for {
		err := a.live.tend(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && !failing {
			a.live.log(ctx, "who is connected is not looked after; trying on", err)
		}
		failing = err != nil
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Drain ends all sockets and waits until their last messages are handled. Their clients have time to return to another
// process.
func (a *API) Drain(ctx context.Context) error {
	a.live.mu.Lock()
	a.live.draining = true
	a.live.mu.Unlock()
	if err := errors.Join(a.live.hub.Drain(ctx), a.sockets.Close(ctx)); err != nil {
		return fmt.Errorf("reunion.Drain: %w", err)
	}
	return nil
}

// tend does what is due now.
func (l *Live) tend(ctx context.Context) error {
	l.lease.mu.Lock()
	defer l.lease.mu.Unlock()
	now := l.api.now()
	if !l.lease.begun || now.Sub(l.lease.renewed) >= renewInterval {
		if err := l.renew(ctx, now); err != nil {
			return fmt.Errorf("renew: %w", err)
		}
	}
	l.mu.Lock()
	strays := slices.Collect(maps.Values(l.strays))
	l.mu.Unlock()
	var failed []error // one that cannot be taken away does not keep the others
	for _, s := range strays {
		if err := l.vacate(ctx, s); err != nil {
			failed = append(failed, fmt.Errorf("stray of %s: %w", s.client, err))
		}
	}
	lapsed, err := l.api.queries.ListLapsedConnections(ctx, now)
	if err != nil {
		failed = append(failed, fmt.Errorf("lapsed: %w", err))
	}
	for _, c := range lapsed {
		err := l.depart(ctx, c.ReunionID, c.ClientID, func(q *db.Queries) error { return q.DeleteLapsedConnection(ctx, c.ID, now) })
		if err != nil {
			failed = append(failed, fmt.Errorf("lapsed of %s: %w", c.ClientID, err))
		}
	}
	return errors.Join(failed...)
}

// renew prolongs the lease: the first time those of all processes, so that their clients can return. Whoever lost its lease, or
// was doubted, has its clients back that others counted as gone.
func (l *Live) renew(ctx context.Context, now time.Time) error {
	until, q := now.Add(grace), l.api.queries
	if !l.lease.begun {
		if err := q.DoubtServers(ctx, until, l.server); err != nil {
			return err
		}
	}
	doubted, err := q.RenewServer(ctx, db.RenewServerParams{ID: l.server, LeaseUntil: until, Now: now})
	if errors.Is(err, pgx.ErrNoRows) {
		doubted, err = true, q.RestoreServer(ctx, l.server, until)
	}
	if err == nil && doubted {
		err = l.reseat(ctx)
	}
	if err != nil {
		return err
	}
	if err := q.DeleteLapsedServers(ctx, now); err != nil {
		return err
	}
	if err := l.dismiss(ctx, now); err != nil {
		return err
	}
	l.lease.begun, l.lease.renewed = true, now
	return nil
}

// reseat brings back the clients of this process that others may have counted as gone.
func (l *Live) reseat(ctx context.Context) error {
	l.mu.Lock()
	seats := slices.Collect(maps.Values(l.seats))
	l.mu.Unlock()
	for _, s := range seats {
		if err := l.restore(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// restore brings back the client of a seat. One whose réunion is over stays as it is.
func (l *Live) restore(ctx context.Context, s *seat) error {
	defer l.lanes.client(s.reunion, s.client)()
	l.mu.Lock()
	left := l.seats[s.id] == nil
	l.mu.Unlock()
	if left {
		return nil
	}
	var row db.Client
	returned := false
	err := l.api.inTx(ctx, func(q *db.Queries) error {
		if err := holdOpen(ctx, q, s.reunion); err != nil {
			return err
		}
		found, err := q.LockClient(ctx, s.client)
		if err != nil {
			return err
		}
		if returned = found.DisconnectedAt != nil; returned {
			if row, err = q.ReturnClient(ctx, db.ReturnClientParams{ID: s.client}); err != nil {
				return err
			}
		}
		return l.connect(ctx, q, s)
	})
	if errors.Is(err, errOver) {
		return nil
	}
	if err != nil || !returned {
		return err
	}
	joined, err := joinedClient(row)
	if err != nil {
		return err
	}
	return l.emit.ClientJoined(ctx, s.reunion, joined)
}

// dismiss ends the sockets of sellers whose session has ended.
func (l *Live) dismiss(ctx context.Context, now time.Time) error {
	l.mu.Lock()
	sockets := maps.Clone(l.sellers)
	l.mu.Unlock()
	if len(sockets) == 0 {
		return nil
	}
	lasting, err := l.api.queries.ListSessionsOf(ctx, slices.Collect(maps.Values(sockets)), now)
	if err != nil {
		return err
	}
	lasts := map[uuid.UUID]bool{}
	for _, session := range lasting {
		lasts[session] = true
	}
	for peer, session := range sockets {
		if !lasts[session] {
			l.hub.Close(peer, realtime.ReasonPolicy)
		}
	}
	return nil
}

package reunion

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/page"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// ListReunions answers a page of the caller's réunions, newest first.
func (a *API) ListReunions(ctx context.Context, r api.ListReunionsRequestObject) (api.ListReunionsResponseObject, error) {
	owner := login.CallerOf(ctx).ID
	total, err := a.queries.CountReunionsByOwner(ctx, &owner)
	if err != nil {
		return nil, err
	}
	window := page.Window{Page: r.Params.Page, Limit: r.Params.Limit}
	rows, err := page.Read(ctx, window, total, func(ctx context.Context, skip int64) ([]db.ListReunionsByOwnerRow, error) {
		return a.queries.ListReunionsByOwner(ctx, db.ListReunionsByOwnerParams{OwnerID: &owner, MaxRows: window.Limit, SkipRows: skip})
	})
	if err != nil {
		return nil, err
	}
	return api.ListReunions200JSONResponse{
		Reunions:   convertAll(rows, reunionSummary),
		Pagination: api.Pagination{Page: window.Page, Limit: window.Limit, Total: total, Pages: window.Pages(total)},
	}, nil
}

// CreateReunion makes a réunion of the caller's.
func (a *API) CreateReunion(ctx context.Context, _ api.CreateReunionRequestObject) (api.CreateReunionResponseObject, error) {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	owner := login.CallerOf(ctx).ID
	made := db.Reunion{ID: "reunion-" + id.String(), OwnerID: &owner, Status: string(api.ReunionStatusActive), CreatedAt: a.now()}
	_, err = a.queries.InsertReunion(ctx, db.InsertReunionParams{ID: made.ID, OwnerID: made.OwnerID, CreatedAt: made.CreatedAt})
	if err != nil {
		return nil, err
	}
	full, err := fullReunion(view{reunion: made})
	if err != nil {
		return nil, err
	}
	return api.CreateReunion200JSONResponse{Success: true, Reunion: full}, nil
}

// GetReunion answers one of the caller's réunions with all its clients.
func (a *API) GetReunion(ctx context.Context, r api.GetReunionRequestObject) (api.GetReunionResponseObject, error) {
	seen, err := a.readReunion(ctx, r.ID, ownedBy(login.CallerOf(ctx)))
	if err != nil {
		return nil, err
	}
	full, err := fullReunion(seen)
	if err != nil {
		return nil, err
	}
	return api.GetReunion200JSONResponse(full), nil
}

// CloseReunion ends one of the caller's réunions.
func (a *API) CloseReunion(ctx context.Context, r api.CloseReunionRequestObject) (api.CloseReunionResponseObject, error) {
	if err := a.live.end(ctx, r.ID, ownedBy(login.CallerOf(ctx))); err != nil {
		return nil, err
	}
	return api.CloseReunion200JSONResponse{Success: true}, nil
}

// access says whether somebody may host a réunion.
type access func(db.Reunion) bool

// ownedBy is the access of a seller: to the réunions that are its own.
func ownedBy(who login.Caller) access {
	return func(r db.Reunion) bool { return r.OwnerID != nil && *r.OwnerID == who.ID }
}

// readReunion reads a réunion that somebody may host, as it was at one moment.
func (a *API) readReunion(ctx context.Context, id string, may access) (seen view, err error) {
	moment := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, a.deps.Pool, moment, func(tx pgx.Tx) error {
		q := a.queries.WithTx(tx)
		if seen.reunion, err = findReunion(ctx, q, id, may); err != nil {
			return err
		}
		seen.clients, err = q.ListClients(ctx, id)
		return err
	})
	return seen, err
}

// findReunion reads a réunion that somebody may host.
func findReunion(ctx context.Context, q *db.Queries, id string, may access) (db.Reunion, error) {
	found, err := q.GetReunion(ctx, id)
	if err != nil {
		return db.Reunion{}, pg.IfNoRows(err, errNoReunion)
	}
	if !may(found) {
		return db.Reunion{}, errForbidden
	}
	return found, nil
}

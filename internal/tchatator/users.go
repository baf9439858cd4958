package tchatator

import (
	"context"

	"github.com/guichet-api/guichet/gen/tchatator/api"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// GetUser answers who a user is, and whether it is connected.
func (a *API) GetUser(ctx context.Context, r api.GetUserRequestObject) (api.GetUserResponseObject, error) {
	found, err := a.queries.GetUser(ctx, r.ID)
	if err != nil {
		return nil, pg.IfNoRows(err, errNoUser)
	}
	return api.GetUser200JSONResponse{ID: found.ID, Name: found.Name, Kind: api.UserKind(found.Kind), Connected: found.Connected}, nil
}

type callerKey struct{}

// callerOf is the user who sent the request of ctx; its operation needs credentials.
func callerOf(ctx context.Context) int64 { return ctx.Value(callerKey{}).(int64) }

// authenticate finds who an API token belongs to, for the contract's guard. A banned user has none.
func (a *API) authenticate(ctx context.Context, _, token string) (context.Context, string, error) {
	user, err := a.live.findUser(ctx, token)
	if problem.Is(err, problem.Forbidden) {
		return nil, "", errUnknownClient
	}
	if err != nil {
		return nil, "", err
	}
	return context.WithValue(ctx, callerKey{}, user.ID), user.Kind, nil
}

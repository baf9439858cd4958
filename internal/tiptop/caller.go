package tiptop

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

// caller is who sent a request.
type caller struct {
	id      uuid.UUID
	session uuid.UUID
	role    api.Role
}

type callerKey struct{}

// callerOf is who sent the request of ctx; its operation needs credentials.
func callerOf(ctx context.Context) caller { return ctx.Value(callerKey{}).(caller) }

// authenticate finds who a token belongs to, for the contract's guard. The role is today's: it is read with the session.
func (a *API) authenticate(ctx context.Context, _, token string) (context.Context, string, error) {
	claims, err := a.sessions.Verify(token)
	if err != nil {
		return nil, "", errToken
	}
	session, err := uuid.Parse(claims.Session)
	if err != nil {
		return nil, "", errToken
	}
	user, err := a.queries.GetSessionUser(ctx, session, a.now())
	if errors.Is(err, pgx.ErrNoRows) || err == nil && user.ID.String() != claims.Subject {
		return nil, "", errToken
	}
	if err != nil {
		return nil, "", err
	}
	who := caller{id: user.ID, session: session, role: api.Role(user.Role)}
	return context.WithValue(ctx, callerKey{}, who), user.Role, nil
}

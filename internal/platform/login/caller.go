package login

import (
	"context"

	"github.com/google/uuid"
)

// Caller is who presented a session's token.
type Caller struct {
	ID      uuid.UUID // the account's
	Session uuid.UUID
	Role    string // the account's role now
	Name    string // how others see the account; empty where a system has no use for it
}

type callerKey struct{}

// CallerOf is who sent the request of ctx; its operation needs credentials.
func CallerOf(ctx context.Context) Caller { return ctx.Value(callerKey{}).(Caller) }

// Guard finds who a request's bearer token belongs to. It is the contract's contract.Authenticate.
func (l *Logins) Guard(ctx context.Context, _, token string) (context.Context, string, error) {
	who, err := l.Who(ctx, token)
	if err != nil {
		return nil, "", err
	}
	return context.WithValue(ctx, callerKey{}, who), who.Role, nil
}

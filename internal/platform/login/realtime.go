package login

import (
	"context"
	"fmt"

	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/realtime"
)

// Authenticate finds who a socket's token belongs to: the role, and the Caller for realtime's Peer. It is the Lifecycle's
// Authenticate of a system whose sockets need the same sessions as its requests.
func (l *Logins) Authenticate(ctx context.Context, token string) (role string, caller any, err error) {
	who, err := l.Who(ctx, token)
	if problem.Is(err, problem.Unauthenticated) {
		err = fmt.Errorf("%w: %w", realtime.ErrUnauthenticated, err)
	}
	if err != nil {
		return "", nil, err
	}
	return who.Role, who, nil
}

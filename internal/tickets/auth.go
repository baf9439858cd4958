package tickets

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

var errCredentials = problem.New(problem.Unauthenticated, "Email ou mot de passe incorrect")

// Login begins a session.
func (a *API) Login(ctx context.Context, r api.LoginRequestObject) (api.LoginResponseObject, error) {
	email := login.NormalizeEmail(r.Body.Email)
	var (
		found db.User
		token string
	)
	err := a.logins.Attempt(ctx, email, func() (err error) {
		if found, err = a.checkPassword(ctx, email, r.Body.Password); err == nil {
			token, err = a.beginSession(ctx, found)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.Login200JSONResponse{Token: token, User: sessionUser(found)}, nil
}

// checkPassword finds the account with this address and password. An unknown address takes as long as a wrong password.
func (a *API) checkPassword(ctx context.Context, email, password string) (db.User, error) {
	found, err := a.queries.GetUserByEmail(ctx, email)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return db.User{}, err
	}
	return found, a.logins.CheckPassword(ctx, password, found.PasswordHash) // no row: an empty hash
}

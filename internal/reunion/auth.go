package reunion

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/platform/login"
)

// Login begins a seller's session.
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
	return api.Login200JSONResponse{Token: token, User: seller(found)}, nil
}

// checkPassword finds the account with this address and password. An unknown address takes as long as a wrong password.
func (a *API) checkPassword(ctx context.Context, email, password string) (db.User, error) {
	found, err := a.queries.GetUserByEmail(ctx, email)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return db.User{}, err
	}
	return found, a.logins.CheckPassword(ctx, password, found.PasswordHash) // no row: an empty hash
}

// beginSession answers the token of a new session. The password that u was read with must still be its password.
func (a *API) beginSession(ctx context.Context, u db.User) (string, error) {
	return a.logins.Begin(ctx, u.ID, func(ctx context.Context, s login.Session) (int64, error) {
		return a.queries.InsertSession(ctx, db.InsertSessionParams{
			ID: s.ID, ExpiresAt: s.ExpiresAt, UserID: u.ID, PasswordHash: u.PasswordHash,
		})
	})
}

// findCaller reads whose session this is.
func (a *API) findCaller(ctx context.Context, session uuid.UUID, now time.Time) (login.Caller, error) {
	user, err := a.queries.GetSessionUser(ctx, session, now)
	return login.Caller{ID: user.ID, Role: roleSeller, Name: user.Nom}, err
}

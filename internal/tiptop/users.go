package tiptop

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/oapi-codegen/nullable"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

const (
	textProfileUpdated  = "Profil mis à jour avec succès"
	textPasswordChanged = "Mot de passe modifié avec succès"
	textAccountDeleted  = "Compte supprimé avec succès"
)

var (
	errCurrentPassword = problem.New(problem.Invalid, "Mot de passe actuel incorrect")
	errLastAdmin       = problem.New(problem.Invalid, "Le dernier administrateur ne peut pas supprimer son compte")
)

// GetProfile answers the caller's account.
func (a *API) GetProfile(ctx context.Context, _ api.GetProfileRequestObject) (api.GetProfileResponseObject, error) {
	me, err := a.me(ctx)
	if err != nil {
		return nil, err
	}
	return api.GetProfile200JSONResponse{Success: true, Data: profile(me)}, nil
}

// UpdateProfile changes what the request names; null clears an optional field.
func (a *API) UpdateProfile(ctx context.Context, r api.UpdateProfileRequestObject) (api.UpdateProfileResponseObject, error) {
	b := r.Body
	changed, err := a.queries.UpdateProfile(ctx, db.UpdateProfileParams{
		ID: login.CallerOf(ctx).ID, FirstName: b.FirstName, LastName: b.LastName,
		SetPhone: b.Phone.IsSpecified(), Phone: orNil(b.Phone),
		SetAddress: b.Address.IsSpecified(), Address: orNil(b.Address),
		SetCity: b.City.IsSpecified(), City: orNil(b.City),
		SetPostalCode: b.PostalCode.IsSpecified(), PostalCode: orNil(b.PostalCode),
	})
	if err != nil {
		return nil, pg.IfNoRows(err, errToken)
	}
	return api.UpdateProfile200JSONResponse{Success: true, Message: textProfileUpdated, Data: updatedProfile(changed)}, nil
}

// orNil is a field's value, nil when it is null or absent.
func orNil(field nullable.Nullable[string]) *string {
	value, err := field.Get()
	if err != nil {
		return nil
	}
	return &value
}

// ChangePassword changes the caller's password and ends its sessions. A wrong current password counts as a failed login.
func (a *API) ChangePassword(ctx context.Context, r api.ChangePasswordRequestObject) (api.ChangePasswordResponseObject, error) {
	me, err := a.me(ctx)
	if err != nil {
		return nil, err
	}
	err = a.logins.Attempt(ctx, me.Email, func() error {
		right, err := a.deps.Passwords.Verify(ctx, r.Body.CurrentPassword, me.PasswordHash)
		if err == nil && !right {
			err = errCurrentPassword
		}
		if err != nil {
			return err
		}
		return a.replacePassword(ctx, me, r.Body.NewPassword)
	})
	if err != nil {
		return nil, err
	}
	return api.ChangePassword200JSONResponse{Success: true, Message: textPasswordChanged}, nil
}

// replacePassword changes the password unless somebody else has changed it since it was read.
func (a *API) replacePassword(ctx context.Context, u db.User, password string) error {
	hash, err := a.deps.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		return pg.IfNoRows(setPassword(ctx, q, db.SetPasswordParams{ID: u.ID, NewHash: hash, OldHash: &u.PasswordHash}), errCurrentPassword)
	})
}

// DeleteAccount deletes the caller's account, unless nobody could administer the contest then.
func (a *API) DeleteAccount(ctx context.Context, _ api.DeleteAccountRequestObject) (api.DeleteAccountResponseObject, error) {
	me := login.CallerOf(ctx).ID
	err := a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		admins, err := q.LockAdmins(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(admins, me) && len(admins) == 1 {
			return errLastAdmin
		}
		_, err = q.DeleteUser(ctx, me)
		return pg.IfNoRows(err, errToken)
	})
	if err != nil {
		return nil, err
	}
	return api.DeleteAccount200JSONResponse{Success: true, Message: textAccountDeleted}, nil
}

package tiptop

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
	"github.com/guichet-api/guichet/internal/platform/web"
)

const (
	textRegistered    = "Inscription réussie. Veuillez vérifier votre email pour activer votre compte."
	textLoggedIn      = "Connexion réussie"
	textVerified      = "Email vérifié avec succès! Vous pouvez maintenant vous connecter."
	textForgot        = "Si cet email existe, un lien de réinitialisation a été envoyé."
	textPasswordReset = "Mot de passe réinitialisé avec succès. Vous pouvez maintenant vous connecter."
	textLoggedOut     = "Déconnexion réussie"
)

var (
	errCredentials = problem.New(problem.Unauthenticated, "Email ou mot de passe incorrect")
	errVerifyLink  = problem.New(problem.Invalid, "Lien de vérification invalide ou expiré")
	errResetLink   = problem.New(problem.Invalid, "Lien de réinitialisation invalide ou expiré")
)

// Register adds a client. The mail with the verification link is a job of the same transaction: a mail server that is away
// delays the mail and nothing else.
func (a *API) Register(ctx context.Context, r api.RegisterRequestObject) (api.RegisterResponseObject, error) {
	perAddress := ratelimit.Charge{Subject: Name + "/register/address/" + web.PeerKey(ctx), Limit: a.cfg.Limits.RegisterPerAddress}
	if _, err := a.logins.Charge(ctx, perAddress); err != nil {
		return nil, err
	}
	hash, err := a.deps.Passwords.Hash(ctx, r.Body.Password)
	if err != nil {
		return nil, err
	}
	var added db.User
	err = a.inTx(ctx, func(tx pgx.Tx, q *db.Queries) error {
		added, err = a.insertUser(ctx, q, db.InsertUserParams{
			Email: r.Body.Email, PasswordHash: hash, FirstName: r.Body.FirstName, LastName: r.Body.LastName,
			Phone: r.Body.Phone, Address: r.Body.Address, City: r.Body.City, PostalCode: r.Body.PostalCode,
			Role: string(api.RoleCLIENT),
		})
		if err != nil {
			return err
		}
		return a.mailToken(ctx, tx, purposeVerify, added.Email, verifyLifetime)
	})
	if err != nil {
		return nil, err
	}
	return api.Register201JSONResponse{Success: true, Message: textRegistered, User: userSummary(added)}, nil
}

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
	return api.Login200JSONResponse{Success: true, Message: textLoggedIn, Token: token, User: sessionUser(found)}, nil
}

// checkPassword finds the account with this address and password. An unknown address takes as long as a wrong password.
func (a *API) checkPassword(ctx context.Context, email, password string) (db.User, error) {
	found, err := a.queries.GetUserByEmail(ctx, email)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return db.User{}, err
	}
	return found, a.logins.CheckPassword(ctx, password, found.PasswordHash) // no row: an empty hash
}

// VerifyEmail redeems the token of the verification mail.
func (a *API) VerifyEmail(ctx context.Context, r api.VerifyEmailRequestObject) (api.VerifyEmailResponseObject, error) {
	err := a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		id, err := q.RedeemMailToken(ctx, db.RedeemMailTokenParams{Hash: auth.Digest(r.Token), Purpose: purposeVerify, Now: a.now()})
		if err != nil {
			return pg.IfNoRows(err, errVerifyLink)
		}
		return q.VerifyUser(ctx, id)
	})
	if err != nil {
		return nil, err
	}
	return api.VerifyEmail200JSONResponse{Success: true, Message: textVerified}, nil
}

// ForgotPassword mails a reset link if the account exists. It does the same work if it does not.
func (a *API) ForgotPassword(ctx context.Context, r api.ForgotPasswordRequestObject) (api.ForgotPasswordResponseObject, error) {
	email := login.NormalizeEmail(r.Body.Email)
	perAccount := ratelimit.Charge{Subject: Name + "/forgot/account/" + email, Limit: a.cfg.Limits.ForgotPerAccount}
	if _, err := a.logins.Charge(ctx, perAccount); err != nil {
		return nil, err
	}
	err := a.inTx(ctx, func(tx pgx.Tx, _ *db.Queries) error { return a.mailToken(ctx, tx, purposeReset, email, resetLifetime) })
	if err != nil {
		return nil, err
	}
	return api.ForgotPassword200JSONResponse{Success: true, Message: textForgot}, nil
}

// ResetPassword redeems the token of the reset mail. Nobody makes the server hash passwords with tokens that are none: it looks
// for the token first, and redeems it with the password.
func (a *API) ResetPassword(ctx context.Context, r api.ResetPasswordRequestObject) (api.ResetPasswordResponseObject, error) {
	token := db.RedeemMailTokenParams{Hash: auth.Digest(r.Body.Token), Purpose: purposeReset, Now: a.now()}
	valid, err := a.queries.HasMailToken(ctx, db.HasMailTokenParams(token))
	if err != nil {
		return nil, err
	}
	if !valid {
		return nil, errResetLink
	}
	hash, err := a.deps.Passwords.Hash(ctx, r.Body.Password)
	if err != nil {
		return nil, err
	}
	err = a.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		id, err := q.RedeemMailToken(ctx, token)
		if err != nil {
			return pg.IfNoRows(err, errResetLink)
		}
		return pg.IfNoRows(setPassword(ctx, q, db.SetPasswordParams{ID: id, NewHash: hash}), errResetLink)
	})
	if err != nil {
		return nil, err
	}
	return api.ResetPassword200JSONResponse{Success: true, Message: textPasswordReset}, nil
}

// Logout ends the session that the request's token belongs to.
func (a *API) Logout(ctx context.Context, _ api.LogoutRequestObject) (api.LogoutResponseObject, error) {
	if err := a.queries.DeleteSession(ctx, login.CallerOf(ctx).Session); err != nil {
		return nil, err
	}
	return api.Logout200JSONResponse{Success: true, Message: textLoggedOut}, nil
}

// GetMe answers the caller's account.
func (a *API) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	me, err := a.me(ctx)
	if err != nil {
		return nil, err
	}
	return api.GetMe200JSONResponse{Success: true, User: profile(me)}, nil
}

// me is the caller's account; one that was deleted a moment ago has no valid token any more.
func (a *API) me(ctx context.Context) (db.User, error) {
	found, err := a.queries.GetUser(ctx, login.CallerOf(ctx).ID)
	if err != nil {
		return db.User{}, fmt.Errorf("me: %w", pg.IfNoRows(err, errToken))
	}
	return found, nil
}

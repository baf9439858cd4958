package tiptop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

// What a mailed token may be redeemed for.
const (
	purposeVerify = "verify"
	purposeReset  = "reset"
)

// The mails. They do not greet by name: whoever registers somebody else's address chooses the name.
const (
	subjectVerify = "The Tip Top : vérifiez votre adresse e-mail"
	textVerify    = `Bonjour,

Merci de votre inscription à The Tip Top. Pour activer votre compte, ouvrez ce lien dans les 24 heures :

%s

Si vous n'êtes pas à l'origine de cette inscription, ignorez ce message.

L'équipe The Tip Top
`
	subjectReset = "The Tip Top : réinitialisez votre mot de passe"
	textReset    = `Bonjour,

Vous avez demandé à réinitialiser votre mot de passe. Ce lien est valable une heure et ne sert qu'une fois :

%s

Si vous n'êtes pas à l'origine de cette demande, ignorez ce message : votre mot de passe reste inchangé.

L'équipe The Tip Top
`
)

// mailToken gives the account with this address a new token for a purpose, in place of an older one, and mails it. It does
// the same work when there is no such account; the job then finds nothing to do.
func (a *API) mailToken(ctx context.Context, tx pgx.Tx, purpose, email string, lifetime time.Duration) error {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return err
	}
	err = a.queries.WithTx(tx).PutMailToken(ctx, db.PutMailTokenParams{
		ID: id, Purpose: purpose, Email: email, ExpiresAt: a.now().Add(lifetime),
		Hash: auth.Digest(a.tokens.Token(purpose, id.String())),
	})
	if err != nil {
		return err
	}
	return a.deps.Jobs.Insert(ctx, tx, mailArgs{Token: id}, nil)
}

// mailArgs is the job of mailing a token. It names the token's row and holds no secret: the token is derived again.
type mailArgs struct {
	Token uuid.UUID `json:"token"`
}

// Kind names the job in River's table.
func (mailArgs) Kind() string { return Name + ".mail" }

// mailWorker mails tokens.
type mailWorker struct {
	river.WorkerDefaults[mailArgs]
	api *API
}

// Work mails the token, unless it was used, replaced or has expired meanwhile.
func (w *mailWorker) Work(ctx context.Context, job *river.Job[mailArgs]) error {
	row, err := w.api.queries.GetMailToken(ctx, job.Args.Token)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !row.ExpiresAt.After(w.api.now()) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("mailWorker: %w", err)
	}
	return w.api.deps.Mailer.Send(ctx, w.api.letter(job.Args.Token.String(), row))
}

// letter writes the mail of a token. Its id is the same for every attempt at it.
func (a *API) letter(id string, row db.GetMailTokenRow) mail.Message {
	token := a.tokens.Token(row.Purpose, id)
	m := mail.Message{ID: id, To: row.Email}
	if row.Purpose == purposeVerify {
		m.Subject = subjectVerify
		m.Text = fmt.Sprintf(textVerify, a.cfg.PublicURL.JoinPath("api/auth/verify-email", token))
		return m
	}
	link := a.cfg.PublicURL.JoinPath("api/auth/reset-password")
	link.RawQuery = "token=" + token
	m.Subject = subjectReset
	m.Text = fmt.Sprintf(textReset, link)
	return m
}

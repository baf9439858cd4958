package tickets

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// minPassword is how many characters a password has at least.
const minPassword = 8

var errShortPassword = problem.New(problem.Invalid, fmt.Sprintf("Le mot de passe doit contenir au moins %d caractères", minPassword))

// Operator is what the command line does at the desk, beside the operations of the contract.
type Operator struct{ api *API }

// Operator gives access to what only an operator does.
func (a *API) Operator() Operator { return Operator{api: a} }

// NewUser is an account that the command line or the demo data adds.
type NewUser struct {
	Email    string
	Password string
	Nom      string // what tickets, messages and history call them
	Role     string // admin or agent
}

// User is an account as the command line shows it.
type User struct {
	ID        uuid.UUID
	Email     string
	Nom       string
	Role      string
	CreatedAt time.Time
}

// AddUser adds an account that can log in. A *contract.Error lists mistakes, a *problem.Error tells that the address is taken.
func (o Operator) AddUser(ctx context.Context, u NewUser) (User, error) {
	if err := o.checkCredentials(u.Email, u.Password); err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	if err := o.api.contract.CheckBody("User", api.User{Nom: u.Nom, Email: u.Email, Role: api.Role(u.Role)}); err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	// A name is what tickets are assigned to.
	if err := o.api.contract.CheckBody("Responsable", u.Nom); err != nil {
		return User{}, fmt.Errorf("AddUser: nom: %w", err)
	}
	hash, err := o.api.deps.Passwords.Hash(ctx, u.Password)
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	id, err := uuid.NewV7FromReader(o.api.deps.Rand)
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	row, err := o.api.queries.InsertUser(ctx, db.InsertUserParams{
		ID: id, Email: login.NormalizeEmail(u.Email), PasswordHash: hash, Nom: u.Nom, Role: u.Role, CreatedAt: o.api.now(),
	})
	if pg.Violates(err, uniqueEmail) {
		err = errEmailTaken
	}
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	return user(row), nil
}

// ListUsers calls each for every account, oldest first, until it answers an error.
func (o Operator) ListUsers(ctx context.Context, each func(User) error) error {
	var last db.User
	for {
		rows, err := o.api.queries.ListUsersAfter(ctx, last.CreatedAt, last.ID)
		if err != nil {
			return fmt.Errorf("ListUsers: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for _, row := range rows {
			if err := each(user(row)); err != nil {
				return err
			}
		}
		last = rows[len(rows)-1]
	}
}

// SetPassword changes the password of the account with this address and ends its sessions. The order matters: a login that still
// saw the old password has either begun its session by now, or will find that it cannot.
func (o Operator) SetPassword(ctx context.Context, email, password string) error {
	if err := o.checkCredentials(email, password); err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	hash, err := o.api.deps.Passwords.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	err = pg.InTx(ctx, o.api.deps.Pool, func(tx pgx.Tx) error {
		q := o.api.queries.WithTx(tx)
		id, err := q.SetPassword(ctx, hash, login.NormalizeEmail(email))
		if err != nil {
			return pg.IfNoRows(err, errNoUser)
		}
		return q.DeleteSessionsOfUser(ctx, id)
	})
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	return nil
}

// checkCredentials refuses what nobody could log in with, and passwords that are too short for an account of the firm.
func (o Operator) checkCredentials(email, password string) error {
	if err := o.api.contract.CheckBody("LoginRequest", api.LoginRequest{Email: email, Password: password}); err != nil {
		return err
	}
	if utf8.RuneCountInString(password) < minPassword {
		return errShortPassword
	}
	return nil
}

// IssueToken begins a session of the account with this address and answers its token, valid for 7 days.
func (o Operator) IssueToken(ctx context.Context, email string) (string, error) {
	row, err := o.api.queries.GetUserByEmail(ctx, login.NormalizeEmail(email))
	if err != nil {
		return "", fmt.Errorf("IssueToken: %w", pg.IfNoRows(err, errNoUser))
	}
	token, err := o.api.beginSession(ctx, row)
	if err != nil {
		return "", fmt.Errorf("IssueToken: %w", err)
	}
	return token, nil
}

// beginSession answers the token of a new session. The password that u was read with must still be its password.
func (a *API) beginSession(ctx context.Context, u db.User) (string, error) {
	return a.logins.Begin(ctx, u.ID, func(ctx context.Context, s login.Session) (int64, error) {
		return a.queries.InsertSession(ctx, db.InsertSessionParams{
			ID: s.ID, ExpiresAt: s.ExpiresAt, UserID: u.ID, PasswordHash: u.PasswordHash,
		})
	})
}

// findCaller reads whose session this is. Name and role are today's: they are read with the session.
func (a *API) findCaller(ctx context.Context, session uuid.UUID, now time.Time) (login.Caller, error) {
	user, err := a.queries.GetSessionUser(ctx, session, now)
	return login.Caller{ID: user.ID, Role: user.Role, Name: user.Nom}, err
}

func user(u db.User) User {
	return User{ID: u.ID, Email: u.Email, Nom: u.Nom, Role: u.Role, CreatedAt: u.CreatedAt}
}

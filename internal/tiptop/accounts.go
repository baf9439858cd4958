package tiptop

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// Operator is what the command line does to the contest, beside the operations of the contract.
type Operator struct{ api *API }

// Operator gives access to what only an operator does.
func (a *API) Operator() Operator { return Operator{api: a} }

// NewUser is an account that the command line or the demo data adds.
type NewUser struct {
	Email     string
	Password  string
	FirstName string
	LastName  string
	Role      string // CLIENT, EMPLOYEE or ADMIN
}

// User is an account as the command line shows it.
type User struct {
	ID         uuid.UUID
	Email      string
	FirstName  string
	LastName   string
	Role       string
	IsVerified bool
	CreatedAt  time.Time
}

// AddUser adds an account whose e-mail address counts as verified. It asks of the account what the contract asks of an
// employee's; a *contract.Error lists every mistake, a *problem.Error tells that the address is taken.
func (o Operator) AddUser(ctx context.Context, u NewUser) (User, error) {
	if !api.Role(u.Role).Valid() {
		return User{}, fmt.Errorf("AddUser: there is no role %q: CLIENT, EMPLOYEE and ADMIN are known", u.Role)
	}
	err := o.api.contract.CheckBody("CreateEmployeeRequest", api.CreateEmployeeRequest{
		Email: u.Email, Password: u.Password, FirstName: u.FirstName, LastName: u.LastName,
	})
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	hash, err := o.api.deps.Passwords.Hash(ctx, u.Password)
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	row, err := o.api.insertUser(ctx, o.api.queries, db.InsertUserParams{
		Email: u.Email, PasswordHash: hash, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role, IsVerified: true,
	})
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

// SetPassword changes the password of the account with this address and ends its sessions. The password must be one that
// the contract accepts.
func (o Operator) SetPassword(ctx context.Context, email, password string) error {
	err := o.api.contract.CheckBody("ResetPasswordRequest", api.ResetPasswordRequest{Token: "-", Password: password, ConfirmPassword: password})
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	hash, err := o.api.deps.Passwords.Hash(ctx, password)
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	row, err := o.api.queries.GetUserByEmail(ctx, login.NormalizeEmail(email))
	if err != nil {
		return fmt.Errorf("SetPassword: %w", pg.IfNoRows(err, errNoUser))
	}
	err = o.api.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		return setPassword(ctx, q, db.SetPasswordParams{ID: row.ID, NewHash: hash})
	})
	if err != nil {
		return fmt.Errorf("SetPassword: %w", pg.IfNoRows(err, errNoUser))
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

// insertUser adds an account and fills in what every new one gets: id, age, and the address in lower case.
func (a *API) insertUser(ctx context.Context, q *db.Queries, u db.InsertUserParams) (db.User, error) {
	var err error
	if u.ID, err = uuid.NewV7FromReader(a.deps.Rand); err != nil {
		return db.User{}, err
	}
	u.Email, u.CreatedAt = login.NormalizeEmail(u.Email), a.now()
	row, err := q.InsertUser(ctx, u)
	if pg.Violates(err, uniqueEmail) {
		return db.User{}, errEmailTaken
	}
	return row, err
}

// beginSession answers the token of a new session. The password that u was read with must still be its password.
func (a *API) beginSession(ctx context.Context, u db.User) (string, error) {
	return a.logins.Begin(ctx, u.ID, func(ctx context.Context, s login.Session) (int64, error) {
		return a.queries.InsertSession(ctx, db.InsertSessionParams{
			ID: s.ID, ExpiresAt: s.ExpiresAt, UserID: u.ID, PasswordHash: u.PasswordHash,
		})
	})
}

// findCaller reads whose session this is. The role is today's: it is read with the session.
func (a *API) findCaller(ctx context.Context, session uuid.UUID, now time.Time) (login.Caller, error) {
	user, err := a.queries.GetSessionUser(ctx, session, now)
	return login.Caller{ID: user.ID, Role: user.Role}, err
}

// setPassword changes a password, ends the account's sessions and takes back what might change it again. There is no such row
// (pgx.ErrNoRows) when the account is gone or has another password than p.OldHash. The order matters: a login that still saw
// the old password has either begun its session by now, or will find that it cannot.
func setPassword(ctx context.Context, q *db.Queries, p db.SetPasswordParams) error {
	if err := q.DeleteMailToken(ctx, p.ID, purposeReset); err != nil {
		return err
	}
	if _, err := q.SetPassword(ctx, p); err != nil {
		return err
	}
	return q.DeleteSessionsOfUser(ctx, p.ID)
}

func user(u db.User) User {
	return User{
		ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role, IsVerified: u.IsVerified,
		CreatedAt: u.CreatedAt,
	}
}

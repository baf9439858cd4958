package reunion

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// minPassword is the length of the shortest password that the command line gives a seller, in characters.
const minPassword = 8

var (
	errEmailTaken = problem.New(problem.Invalid, "Cet email est déjà utilisé")
	errPassword   = problem.New(problem.Invalid, "Le mot de passe doit avoir au moins 8 caractères")
	errName       = problem.New(problem.Invalid, "Le nom doit avoir de 1 à 200 caractères")
	errNoUser     = problem.New(problem.NotFound, "Vendeur non trouvé")
)

// Operator is what the command line does to the system, beside the operations of the contract.
type Operator struct{ api *API }

// Operator gives access to what only an operator does.
func (a *API) Operator() Operator { return Operator{api: a} }

// NewUser is a seller that the command line or the demo data adds.
type NewUser struct {
	Email    string
	Password string
	Nom      string
}

// User is a seller as the command line shows it.
type User struct {
	ID        uuid.UUID
	Email     string
	Nom       string
	CreatedAt time.Time
}

// AddUser adds a seller. It asks of address and password what the contract asks of a login's, and eight characters of the
// password; a *contract.Error lists every mistake, a *problem.Error tells the others.
func (o Operator) AddUser(ctx context.Context, u NewUser) (User, error) {
	if name := len([]rune(strings.TrimSpace(u.Nom))); name == 0 || name > 200 || strings.ContainsRune(u.Nom, 0) {
		return User{}, fmt.Errorf("AddUser: %w", errName)
	}
	hash, err := o.hash(ctx, u.Email, u.Password)
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	id, err := uuid.NewV7FromReader(o.api.deps.Rand)
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	row, err := o.api.queries.InsertUser(ctx, db.InsertUserParams{
		ID: id, Email: login.NormalizeEmail(u.Email), PasswordHash: hash, Nom: u.Nom, CreatedAt: o.api.now(),
	})
	if pg.Violates(err, uniqueEmail) {
		err = errEmailTaken
	}
	if err != nil {
		return User{}, fmt.Errorf("AddUser: %w", err)
	}
	return user(row), nil
}

// hash checks an account's address and password, and hashes the password.
func (o Operator) hash(ctx context.Context, email, password string) (string, error) {
	if err := o.api.contract.CheckBody("LoginRequest", api.LoginRequest{Email: email, Password: password}); err != nil {
		return "", err
	}
	if utf8.RuneCountInString(password) < minPassword {
		return "", errPassword
	}
	return o.api.deps.Passwords.Hash(ctx, password)
}

// ListUsers calls each for every seller, oldest first, until it answers an error.
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

// SetPassword changes the password of the seller with this address and ends its sessions. The order matters: a login that
// still saw the old password has either begun its session by now, or will find that it cannot.
func (o Operator) SetPassword(ctx context.Context, email, password string) error {
	hash, err := o.hash(ctx, email, password)
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	err = o.api.inTx(ctx, func(q *db.Queries) error {
		row, err := q.GetUserByEmail(ctx, login.NormalizeEmail(email))
		if err != nil {
			return pg.IfNoRows(err, errNoUser)
		}
		if _, err := q.SetPassword(ctx, hash, row.ID); err != nil {
			return err
		}
		return q.DeleteSessionsOfUser(ctx, row.ID)
	})
	if err != nil {
		return fmt.Errorf("SetPassword: %w", err)
	}
	return nil
}

// IssueToken begins a session of the seller with this address and answers its token, valid for 7 days.
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

func user(u db.User) User { return User{ID: u.ID, Email: u.Email, Nom: u.Nom, CreatedAt: u.CreatedAt} }

package tchatator

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/pg"
)

// The kinds of users.
const (
	kindMember        = "member"
	kindProfessional  = "professional"
	kindAdministrator = "administrator"
)

// Kinds are the kinds of users.
func Kinds() []string { return []string{kindMember, kindProfessional, kindAdministrator} }

// Operator does what the command line does beside the contract. It works beside running servers.
type Operator struct{ api *API }

// Operator returns the command line's side of the system.
func (a *API) Operator() Operator { return Operator{a} }

// User is a user as the command line lists it.
type User struct {
	ID        int64
	Kind      string
	Name      string
	CreatedAt time.Time
	Banned    bool
	Connected bool
}

// AddUser adds a user and returns its API token, which nothing keeps.
func (o Operator) AddUser(ctx context.Context, kind, name string) (User, string, error) {
	if !slices.Contains(Kinds(), kind) {
		return User{}, "", fmt.Errorf("the kind must be one of %s, not %q", strings.Join(Kinds(), ", "), kind)
	}
	if err := checkName(name); err != nil {
		return User{}, "", err
	}
	token, err := o.newToken()
	if err != nil {
		return User{}, "", err
	}
	added, err := o.api.queries.InsertUser(ctx, db.InsertUserParams{
		Kind: kind, Name: name, TokenHash: auth.Digest(token), CreatedAt: o.api.now(),
	})
	if err != nil {
		return User{}, "", fmt.Errorf("AddUser: %w", err)
	}
	return User{ID: added.ID, Kind: added.Kind, Name: added.Name, CreatedAt: added.CreatedAt}, token, nil
}

// maxName is how long a name may be, in characters.
const maxName = 200

func checkName(name string) error {
	if n := utf8.RuneCountInString(name); n == 0 || n > maxName || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fmt.Errorf("the name must be a text of 1 to %d characters", maxName)
	}
	return nil
}

// newToken draws an API token of 64 characters.
func (o Operator) newToken() (string, error) {
	random := make([]byte, 48)
	if _, err := io.ReadFull(o.api.deps.Rand, random); err != nil {
		return "", fmt.Errorf("newToken: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(random), nil
}

// listRows is how many users are read at a time.
const listRows = 500

// ListUsers shows all users, by their numbers.
func (o Operator) ListUsers(ctx context.Context, show func(User) error) error {
	var after int64
	for {
		rows, err := o.api.queries.ListUsers(ctx, after, listRows)
		if err != nil {
			return fmt.Errorf("ListUsers: %w", err)
		}
		for _, row := range rows {
			if err := show(User(row)); err != nil {
				return err
			}
			after = row.ID
		}
		if len(rows) < listRows {
			return nil
		}
	}
}

// IssueToken gives a user a new API token; the one before does not count any more, and its session ends.
func (o Operator) IssueToken(ctx context.Context, user int64) (string, error) {
	token, err := o.newToken()
	if err != nil {
		return "", err
	}
	err = o.api.inTx(ctx, func(q *db.Queries) error {
		changed, err := q.SetToken(ctx, auth.Digest(token), user)
		if err == nil && changed == 0 {
			err = errNoUser
		}
		if err != nil {
			return err
		}
		return q.NotifyUser(ctx, user)
	})
	if err != nil {
		return "", fmt.Errorf("IssueToken: %w", err)
	}
	return token, nil
}

// Ban bans a user and ends its session in every process.
func (o Operator) Ban(ctx context.Context, user int64) error { return o.api.live.ban(ctx, user) }

// errNotBanned is what lifting a ban says when there is none.
var errNotBanned = errors.New("the user is not banned")

// LiftBan lets a banned user in again.
func (o Operator) LiftBan(ctx context.Context, user int64) error {
	lifted, err := o.api.queries.DeleteBan(ctx, user)
	if err == nil && lifted == 0 {
		err = errNotBanned
	}
	return err
}

// errTokenTaken is what the settings' token may not be.
var errTokenTaken = errors.New("admin-api-token is the API token of another user")

// ApplySettings makes what the settings say stand in the database: the administrator with the configured token. A session with
// the token before ends.
func (o Operator) ApplySettings(ctx context.Context) error {
	err := o.api.inTx(ctx, func(q *db.Queries) error {
		changed, err := o.applyToken(ctx, q)
		if err != nil {
			return err
		}
		for _, user := range changed {
			if err := q.NotifyUser(ctx, user); err != nil {
				return err
			}
		}
		return nil
	})
	if pg.Violates(err, "users_token_hash_key") {
		err = errTokenTaken
	}
	if err != nil {
		return fmt.Errorf("ApplySettings: %w", err)
	}
	return nil
}

// applyToken returns whose token may have changed.
func (o Operator) applyToken(ctx context.Context, q *db.Queries) ([]int64, error) {
	if o.api.cfg.AdminToken == "" {
		return q.ClearConfiguredToken(ctx)
	}
	user, err := q.SetConfiguredToken(ctx, db.SetConfiguredTokenParams{
		Name: "admin", TokenHash: auth.Digest(o.api.cfg.AdminToken), CreatedAt: o.api.now(),
	})
	return []int64{user}, err
}

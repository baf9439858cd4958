package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/guichet-api/guichet/internal/tchatator"
)

// tchatatorCommands are what `guichet tchatator` can do. All of it works beside a running server.
type tchatatorCommands struct {
	User struct {
		Add   tchatatorUserAdd   `cmd:"" help:"Add a user and print its API token, once."`
		List  tchatatorUserList  `cmd:"" help:"List all users."`
		Ban   tchatatorUserBan   `cmd:"" help:"Ban a user and end its session, or lift the ban."`
		Token tchatatorUserToken `cmd:"" help:"Give a user a new API token and print it, once; the one before is void."`
	} `cmd:"" help:"Users."`
	Chat tchatatorChat `cmd:"" help:"Chat in this terminal."`
}

// withTchatator runs an administrator's command on the chat.
func (a *app) withTchatator(ctx context.Context, do func(tchatator.Operator) error) error {
	build := func(ctx context.Context, h *house, place site) (tchatator.Operator, error) {
		api, err := newTchatator(ctx, h, place, nil, h.log)
		if err != nil {
			return tchatator.Operator{}, err
		}
		return api.Operator(), nil
	}
	return administer(ctx, a, tchatator.Name, build, do)
}

// tchatatorUserAdd is `guichet tchatator user add`.
type tchatatorUserAdd struct {
	Kind string `enum:"member,professional,administrator" default:"member" help:"member, professional or administrator (default ${default})."`
	Name string `required:"" placeholder:"NAME" help:"The user's name."`
}

// Run adds the user. The token has a line of its own, so that a script can take it.
func (c tchatatorUserAdd) Run(ctx context.Context, a *app) error {
	return a.withTchatator(ctx, func(op tchatator.Operator) error {
		user, token, err := op.AddUser(ctx, c.Kind, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.stdout, "%d %s %s\ntoken: %s\n", user.ID, user.Kind, user.Name, token)
		return err
	})
}

// tchatatorUserList is `guichet tchatator user list`.
type tchatatorUserList struct{}

// Run lists the users.
func (tchatatorUserList) Run(ctx context.Context, a *app) error {
	return a.withTchatator(ctx, func(op tchatator.Operator) error {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tKIND\tCREATED\tCONNECTED\tBANNED\tNAME")
		err := op.ListUsers(ctx, func(u tchatator.User) error {
			_, err := fmt.Fprintf(w, "%d\t%s\t%s\t%t\t%t\t%s\n", u.ID, u.Kind, u.CreatedAt.UTC().Format(time.DateTime), u.Connected, u.Banned, u.Name)
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// tchatatorUserBan is `guichet tchatator user ban`.
type tchatatorUserBan struct {
	ID   int64 `arg:"" help:"The user's number."`
	Lift bool  `help:"Let a banned user in again."`
}

// Run bans the user, or lifts the ban.
func (c tchatatorUserBan) Run(ctx context.Context, a *app) error {
	return a.withTchatator(ctx, func(op tchatator.Operator) error {
		done := "the user is banned, its session is over"
		do := op.Ban
		if c.Lift {
			done, do = "the ban is lifted", op.LiftBan
		}
		if err := do(ctx, c.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintln(a.stdout, done)
		return err
	})
}

// tchatatorUserToken is `guichet tchatator user token`.
type tchatatorUserToken struct {
	ID int64 `arg:"" help:"The user's number."`
}

// Run prints the token alone, so that a script can take it.
func (c tchatatorUserToken) Run(ctx context.Context, a *app) error {
	return a.withTchatator(ctx, func(op tchatator.Operator) error {
		token, err := op.IssueToken(ctx, c.ID)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, token)
		return err
	})
}

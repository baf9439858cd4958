package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/guichet-api/guichet/internal/reunion"
)

// reunionCommands are what `guichet reunion` can do. All of it works beside a running server.
type reunionCommands struct {
	User struct {
		Add      reunionUserAdd      `cmd:"" help:"Add a seller."`
		List     reunionUserList     `cmd:"" help:"List all sellers, oldest first."`
		Password reunionUserPassword `cmd:"" help:"Change a password and end the seller's sessions."`
		Token    reunionUserToken    `cmd:"" help:"Print a token for a seller, valid for 7 days."`
	} `cmd:"" help:"Sellers."`
}

// withReunion runs an administrator's command on the réunions.
func (a *app) withReunion(ctx context.Context, do func(reunion.Operator) error) error {
	build := func(ctx context.Context, h *house, place site) (reunion.Operator, error) {
		api, err := newReunion(ctx, h, place, nil)
		if err != nil {
			return reunion.Operator{}, err
		}
		return api.Operator(), nil
	}
	return administer(ctx, a, reunion.Name, build, do)
}

// reunionUserAdd is `guichet reunion user add`.
type reunionUserAdd struct {
	Email string `required:"" placeholder:"ADDRESS" help:"The seller's e-mail address."`
	Nom   string `default:"Vendeur" placeholder:"NAME" help:"The seller's name (default ${default})."`
	Role  string `enum:"seller" default:"seller" help:"seller: there are no others."`
	passwordFlags
}

// Help is shown below the command's usage.
func (reunionUserAdd) Help() string { return passwordHelp(reunion.Name, `--nom "Marie Martin"`) }

// Run adds the seller.
func (c reunionUserAdd) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withReunion(ctx, func(op reunion.Operator) error {
		user, err := op.AddUser(ctx, reunion.NewUser{Email: c.Email, Password: password, Nom: c.Nom})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%s %s\n", user.ID, user.Email); err != nil {
			return err
		}
		return a.showPassword(password, made)
	})
}

// reunionUserList is `guichet reunion user list`.
type reunionUserList struct{}

// Run lists the sellers.
func (reunionUserList) Run(ctx context.Context, a *app) error {
	return a.withReunion(ctx, func(op reunion.Operator) error {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tCREATED\tADDRESS\tNAME")
		err := op.ListUsers(ctx, func(u reunion.User) error {
			_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", u.ID, u.CreatedAt.UTC().Format(time.DateTime), u.Email, u.Nom)
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// reunionUserPassword is `guichet reunion user password`.
type reunionUserPassword struct {
	Email string `arg:"" help:"The seller's e-mail address."`
	passwordFlags
}

// Help is shown below the command's usage.
func (reunionUserPassword) Help() string { return passwordHelp(reunion.Name, `--nom "Marie Martin"`) }

// Run changes the password.
func (c reunionUserPassword) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withReunion(ctx, func(op reunion.Operator) error {
		if err := op.SetPassword(ctx, c.Email, password); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(a.stdout, "the password is changed, the seller's sessions are over"); err != nil {
			return err
		}
		return a.showPassword(password, made)
	})
}

// reunionUserToken is `guichet reunion user token`.
type reunionUserToken struct {
	Email string `arg:"" help:"The seller's e-mail address."`
}

// Run prints the token alone, so that a script can take it.
func (c reunionUserToken) Run(ctx context.Context, a *app) error {
	return a.withReunion(ctx, func(op reunion.Operator) error {
		token, err := op.IssueToken(ctx, c.Email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, token)
		return err
	})
}

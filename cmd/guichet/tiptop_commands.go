package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/guichet-api/guichet/internal/tiptop"
)

// tiptopCommands are what `guichet tiptop` can do. All of it works beside a running server.
type tiptopCommands struct {
	User struct {
		Add      tiptopUserAdd      `cmd:"" help:"Add an account; its address counts as verified."`
		List     tiptopUserList     `cmd:"" help:"List all accounts, oldest first."`
		Password tiptopUserPassword `cmd:"" help:"Change a password and end the account's sessions."`
		Token    tiptopUserToken    `cmd:"" help:"Print a token for an account, valid for 7 days."`
	} `cmd:"" help:"Accounts."`
	Codes struct {
		Issue tiptopCodesIssue `cmd:"" help:"Issue ticket codes and write them as CSV."`
	} `cmd:"" help:"Ticket codes."`
	Game struct {
		Open   tiptopGameOpen   `cmd:"" help:"Let players play, within the window."`
		Pause  tiptopGamePause  `cmd:"" help:"Let nobody play for now."`
		Window tiptopGameWindow `cmd:"" help:"Set when the contest begins and ends."`
		Status tiptopGameStatus `cmd:"" help:"Tell whether players can play now."`
	} `cmd:"" help:"The contest."`
}

// withTiptop runs an administrator's command on The Tip Top.
func (a *app) withTiptop(ctx context.Context, do func(tiptop.Operator) error) error {
	build := func(ctx context.Context, h *house, place site) (tiptop.Operator, error) {
		api, err := newTiptop(ctx, h, place, nil)
		if err != nil {
			return tiptop.Operator{}, err
		}
		return api.Operator(), nil
	}
	return administer(ctx, a, tiptop.Name, build, do)
}

// tiptopUserAdd is `guichet tiptop user add`.
type tiptopUserAdd struct {
	Email     string `required:"" placeholder:"ADDRESS" help:"The account's e-mail address."`
	Role      string `enum:"CLIENT,EMPLOYEE,ADMIN" default:"CLIENT" help:"CLIENT, EMPLOYEE or ADMIN (default ${default})."`
	FirstName string `default:"Prénom" placeholder:"NAME" help:"First name (default ${default})."`
	LastName  string `default:"Nom" placeholder:"NAME" help:"Last name (default ${default})."`
	passwordFlags
}

// Help is shown below the command's usage.
func (tiptopUserAdd) Help() string { return passwordHelp(tiptop.Name, "--role ADMIN") }

// Run adds the account.
func (c tiptopUserAdd) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		user, err := op.AddUser(ctx, tiptop.NewUser{
			Email: c.Email, Password: password, FirstName: c.FirstName, LastName: c.LastName, Role: c.Role,
		})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%s %s %s\n", user.ID, user.Role, user.Email); err != nil {
			return err
		}
		return a.showPassword(password, made)
	})
}

// tiptopUserList is `guichet tiptop user list`.
type tiptopUserList struct{}

// Run lists the accounts.
func (tiptopUserList) Run(ctx context.Context, a *app) error {
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tROLE\tVERIFIED\tCREATED\tADDRESS\tNAME")
		err := op.ListUsers(ctx, func(u tiptop.User) error {
			_, err := fmt.Fprintf(w, "%s\t%s\t%t\t%s\t%s\t%s %s\n", u.ID, u.Role, u.IsVerified, u.CreatedAt.UTC().Format(time.DateTime),
				u.Email, u.FirstName, u.LastName)
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// tiptopUserPassword is `guichet tiptop user password`.
type tiptopUserPassword struct {
	Email string `arg:"" help:"The account's e-mail address."`
	passwordFlags
}

// Help is shown below the command's usage.
func (tiptopUserPassword) Help() string { return passwordHelp(tiptop.Name, "--role ADMIN") }

// Run changes the password.
func (c tiptopUserPassword) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		if err := op.SetPassword(ctx, c.Email, password); err != nil {
			return err
		}
		return a.showChanged(password, made)
	})
}

// tiptopUserToken is `guichet tiptop user token`.
type tiptopUserToken struct {
	Email string `arg:"" help:"The account's e-mail address."`
}

// Run prints the token alone, so that a script can take it.
func (c tiptopUserToken) Run(ctx context.Context, a *app) error {
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		token, err := op.IssueToken(ctx, c.Email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, token)
		return err
	})
}

package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/guichet-api/guichet/internal/tickets"
)

// ticketsCommands are what `guichet tickets` can do. All of it works beside a running server.
type ticketsCommands struct {
	User struct {
		Add      ticketsUserAdd      `cmd:"" help:"Add an account."`
		List     ticketsUserList     `cmd:"" help:"List all accounts, oldest first."`
		Password ticketsUserPassword `cmd:"" help:"Change a password and end the account's sessions."`
		Token    ticketsUserToken    `cmd:"" help:"Print a token for an account, valid for 7 days."`
	} `cmd:"" help:"Accounts."`
}

// withTickets runs an administrator's command on the ticket desk.
func (a *app) withTickets(ctx context.Context, do func(tickets.Operator) error) error {
	build := func(ctx context.Context, h *house, place site) (tickets.Operator, error) {
		api, err := newTickets(ctx, h, place, nil)
		if err != nil {
			return tickets.Operator{}, err
		}
		return api.Operator(), nil
	}
	return administer(ctx, a, tickets.Name, build, do)
}

// ticketsUserAdd is `guichet tickets user add`.
type ticketsUserAdd struct {
	Email string `required:"" placeholder:"ADDRESS" help:"The account's e-mail address."`
	Nom   string `required:"" placeholder:"NAME" help:"How tickets, messages and histories call the account."`
	Role  string `enum:"admin,agent" default:"agent" help:"admin or agent (default ${default})."`
	passwordFlags
}

// Help is shown below the command's usage.
func (ticketsUserAdd) Help() string {
	return passwordHelp(tickets.Name, `--nom "Marie Martin" --role admin`)
}

// Run adds the account.
func (c ticketsUserAdd) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withTickets(ctx, func(op tickets.Operator) error {
		user, err := op.AddUser(ctx, tickets.NewUser{Email: c.Email, Password: password, Nom: c.Nom, Role: c.Role})
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.stdout, "%s %s %s\n", user.ID, user.Role, user.Email); err != nil {
			return err
		}
		return a.showPassword(password, made)
	})
}

// ticketsUserList is `guichet tickets user list`.
type ticketsUserList struct{}

// Run lists the accounts.
func (ticketsUserList) Run(ctx context.Context, a *app) error {
	return a.withTickets(ctx, func(op tickets.Operator) error {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tROLE\tCREATED\tADDRESS\tNAME")
		err := op.ListUsers(ctx, func(u tickets.User) error {
			_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.ID, u.Role, u.CreatedAt.UTC().Format(time.DateTime), u.Email, u.Nom)
			return err
		})
		return errors.Join(err, w.Flush())
	})
}

// ticketsUserPassword is `guichet tickets user password`.
type ticketsUserPassword struct {
	Email string `arg:"" help:"The account's e-mail address."`
	passwordFlags
}

// Help is shown below the command's usage.
func (ticketsUserPassword) Help() string { return ticketsUserAdd{}.Help() }

// Run changes the password.
func (c ticketsUserPassword) Run(ctx context.Context, a *app) error {
	password, made, err := c.read(a.console)
	if err != nil {
		return err
	}
	return a.withTickets(ctx, func(op tickets.Operator) error {
		if err := op.SetPassword(ctx, c.Email, password); err != nil {
			return err
		}
		return a.showChanged(password, made)
	})
}

// ticketsUserToken is `guichet tickets user token`.
type ticketsUserToken struct {
	Email string `arg:"" help:"The account's e-mail address."`
}

// Run prints the token alone, so that a script can take it.
func (c ticketsUserToken) Run(ctx context.Context, a *app) error {
	return a.withTickets(ctx, func(op tickets.Operator) error {
		token, err := op.IssueToken(ctx, c.Email)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.stdout, token)
		return err
	})
}

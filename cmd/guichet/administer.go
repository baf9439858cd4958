package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// adminConns is how many connections a command's system may open: it does one thing at a time.
const adminConns = 4

// administer runs an administrator's command: on the system named, made by build in a house that holds nothing else. It works
// beside a running server as well as alone.
func administer[System any](ctx context.Context, a *app, name string, build func(context.Context, *house, site) (System, error), do func(System) error) (err error) {
	h, err := a.openHouse(ctx, a.systems)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(context.WithoutCancel(ctx))) }()
	if err := h.furnish(ctx, shares{limits: 1, jobs: 1}); err != nil {
		return err
	}
	system, err := build(ctx, h, site{url: "http://" + h.settings.systems[name].addr, conns: adminConns})
	if err != nil {
		return err
	}
	return orInterrupted(ctx, plainError(do(system)))
}

// plainError is a refusal as a person at a shell reads it: the public sentence, and one line for each thing that is wrong.
func plainError(err error) error {
	var refused *contract.Error
	var public *problem.Error
	switch {
	case errors.As(err, &refused):
		text := refused.Message
		for _, v := range refused.Violations {
			text += "\n  " + v.Field() + ": " + v.Message
		}
		return errors.New(text)
	case errors.As(err, &public):
		return errors.New(public.Message)
	}
	return err
}

// passwordHelp is the help of the commands that take a password; flags are what the system asks of an account besides its
// address.
func passwordHelp(system, flags string) string {
	return fmt.Sprintf(`The password is asked for without showing it, or read as one line from standard input when that is no terminal.

Examples:

    guichet %[1]s user add --email a@example.com %[2]s
    guichet %[1]s user add --email b@example.com %[2]s --generate
    guichet %[1]s user password a@example.com < password.txt`, system, flags)
}

// showChanged says that a password was changed.
func (a *app) showChanged(password string, made bool) error {
	if _, err := fmt.Fprintln(a.stdout, "the password is changed, the account's sessions are over"); err != nil {
		return err
	}
	return a.showPassword(password, made)
}

// showPassword prints a password that was made up: nobody knows it otherwise, and nothing keeps it.
func (a *app) showPassword(password string, made bool) error {
	if !made {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, "password: %s\n", password)
	return err
}

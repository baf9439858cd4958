package main

import (
	"context"
	"errors"
	"fmt"
)

// migrateCommand is `guichet migrate`.
type migrateCommand struct{}

// Help is shown below the command's usage.
func (migrateCommand) Help() string {
	return `serve does the same when it starts. Run it before to see what it does, or to keep a start short. Processes that migrate at
the same time wait for one another, and one works.`
}

// Run migrates every schema.
func (migrateCommand) Run(ctx context.Context, a *app) (err error) {
	s, err := a.settings()
	if err != nil {
		return err
	}
	h := &house{settings: s, log: a.logger(s)}
	defer func() { err = errors.Join(err, h.close(context.WithoutCancel(ctx))) }()
	if err := h.openDatabase(ctx, houseOptions{share: true, progress: a.stderr}); err != nil {
		return err
	}
	applied, err := h.migrate(ctx, a.systems)
	if err != nil {
		return orInterrupted(ctx, err)
	}
	if applied == 0 {
		_, err = fmt.Fprintln(a.stdout, "the database is up to date")
	} else {
		_, err = fmt.Fprintf(a.stdout, "migrations applied: %d\n", applied)
	}
	return err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/tiptop"
)

// tiptopGameOpen is `guichet tiptop game open`.
type tiptopGameOpen struct{}

// Run ends a pause.
func (tiptopGameOpen) Run(ctx context.Context, a *app) error {
	return a.steer(ctx, func(op tiptop.Operator) error { return op.OpenGame(ctx) })
}

// tiptopGamePause is `guichet tiptop game pause`.
type tiptopGamePause struct{}

// Run pauses the contest.
func (tiptopGamePause) Run(ctx context.Context, a *app) error {
	return a.steer(ctx, func(op tiptop.Operator) error { return op.PauseGame(ctx) })
}

// tiptopGameStatus is `guichet tiptop game status`.
type tiptopGameStatus struct{}

// Run tells the state of the contest.
func (tiptopGameStatus) Run(ctx context.Context, a *app) error {
	return a.steer(ctx, func(tiptop.Operator) error { return nil })
}

// tiptopGameWindow is `guichet tiptop game window`.
type tiptopGameWindow struct {
	From string `placeholder:"WHEN" help:"When the contest begins; none lifts the limit."`
	To   string `placeholder:"WHEN" help:"When it ends; a date includes that day; none lifts the limit."`
}

// Help is shown below the command's usage.
func (tiptopGameWindow) Help() string {
	return `WHEN is a date (2026-01-31), a date and time (2026-01-31T18:00), both in the time zone of GUICHET_TZ, or a moment in
RFC 3339 (2026-01-31T18:00:00Z). What is not given stays as it is.

Examples:

    guichet tiptop game window --from 2026-01-01 --to 2026-01-31
    guichet tiptop game window --to none`
}

// Run sets the window.
func (c tiptopGameWindow) Run(ctx context.Context, a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	from, errFrom := parseMoment(c.From, s.zone, false)
	to, errTo := parseMoment(c.To, s.zone, true)
	if err := errors.Join(wrapFlag("--from", errFrom), wrapFlag("--to", errTo)); err != nil {
		return &usageError{err}
	}
	if !from.given && !to.given {
		return &usageError{errors.New("nothing to set: --from, --to or both are needed")}
	}
	return a.steer(ctx, func(op tiptop.Operator) error {
		game, err := op.Game(ctx)
		if err != nil {
			return err
		}
		err = op.SetWindow(ctx, from.or(game.OpensAt), to.or(game.ClosesAt))
		if errors.Is(err, tiptop.ErrWindow) {
			return &usageError{tiptop.ErrWindow}
		}
		return err
	})
}

// steer changes the contest and tells its state afterwards.
func (a *app) steer(ctx context.Context, change func(tiptop.Operator) error) error {
	return a.withTiptop(ctx, func(op tiptop.Operator) error {
		if err := change(op); err != nil {
			return err
		}
		game, err := op.Game(ctx)
		if err != nil {
			return err
		}
		s, err := a.settings()
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(a.stdout, describeGame(game, s.zone))
		return err
	})
}

// describeGame says in words whether players can play.
func describeGame(g tiptop.Game, zone *time.Location) string {
	state := "closed: outside of the window"
	switch {
	case g.Open:
		state = "open"
	case g.Paused:
		state = "closed: paused"
	}
	moment := func(t *time.Time) string {
		if t == nil {
			return "no limit"
		}
		return t.In(zone).Format("2006-01-02 15:04:05 MST")
	}
	return fmt.Sprintf("state  %s\nfrom   %s\nuntil  %s\n", state, moment(g.OpensAt), moment(g.ClosesAt))
}

// bound is one end of a window as the command line gives it.
type bound struct {
	given bool
	at    *time.Time // nil: no limit
}

// or is the bound, or what was there when none was given.
func (b bound) or(before *time.Time) *time.Time {
	if b.given {
		return b.at
	}
	return before
}

// parseMoment reads a date, a date and time, or RFC 3339. As the end of something a date means the end of that day.
func parseMoment(text string, zone *time.Location, end bool) (bound, error) {
	switch text {
	case "":
		return bound{}, nil
	case "none":
		return bound{given: true}, nil
	}
	if date, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			date = date.AddDate(0, 0, 1)
		}
		day := clock.Day(date.Year(), date.Month(), date.Day(), zone)
		return bound{given: true, at: &day}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return bound{given: true, at: &t}, nil
		}
	}
	return bound{}, fmt.Errorf("must be a date such as 2026-01-31, a time such as 2026-01-31T18:00, or none, not %q", text)
}

func wrapFlag(flag string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", flag, err)
}

package tiptop

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Game is the state of the contest.
type Game struct {
	Open     bool // codes can be played now
	Paused   bool
	OpensAt  *time.Time // nil: no beginning
	ClosesAt *time.Time // the first moment after the end; nil: no end
}

// Game tells the state of the contest.
func (o Operator) Game(ctx context.Context) (Game, error) {
	row, err := o.api.queries.GetGame(ctx)
	if err != nil {
		return Game{}, fmt.Errorf("Game: %w", err)
	}
	return Game{Open: isOpen(row, o.api.now()), Paused: row.IsPaused, OpensAt: row.OpensAt, ClosesAt: row.ClosesAt}, nil
}

// OpenGame ends a pause. The window still counts.
func (o Operator) OpenGame(ctx context.Context) error {
	if err := o.api.queries.SetPaused(ctx, false); err != nil {
		return fmt.Errorf("OpenGame: %w", err)
	}
	return nil
}

// PauseGame lets nobody play until OpenGame. Plays that have begun end as they would have.
func (o Operator) PauseGame(ctx context.Context) error {
	if err := o.api.queries.SetPaused(ctx, true); err != nil {
		return fmt.Errorf("PauseGame: %w", err)
	}
	return nil
}

// ErrWindow is a window that ends before it begins.
var ErrWindow = errors.New("the contest must begin before it ends")

// SetWindow sets when codes can be played: from the moment from until just before to. A nil end is open.
func (o Operator) SetWindow(ctx context.Context, from, to *time.Time) error {
	if from != nil && to != nil && !from.Before(*to) {
		return fmt.Errorf("SetWindow: %w", ErrWindow)
	}
	if err := o.api.queries.SetWindow(ctx, from, to); err != nil {
		return fmt.Errorf("SetWindow: %w", err)
	}
	return nil
}

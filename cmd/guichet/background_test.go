package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

func TestBackground(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is full")
	for name, test := range map[string]struct {
		work func(context.Context) error
		want string // of the error; "": none, and the process went on
	}{
		"until the end":   {func(ctx context.Context) error { <-ctx.Done(); return nil }, ""},
		"told to end":     {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, ""},
		"a failure":       {func(context.Context) error { return broken }, "desk: the disk is full"},
		"before its time": {func(context.Context) error { return nil }, "desk: its background work ended"},
	} {
		synctest.Test(t, func(t *testing.T) {
			serving, cancel := context.WithCancel(t.Context())
			failed := make(chan struct{}, 1)
			b := newBackground(serving, func() { failed <- struct{}{} })
			ended := make(chan struct{})
			b.start("desk", func(ctx context.Context) error {
				defer close(ended)
				return test.work(ctx)
			})
			cancel() // the requests end, and work goes on
			synctest.Wait()
			select {
			case <-ended:
				if test.want == "" {
					t.Errorf("%s: it ended with the requests", name)
				}
			default:
				if test.want != "" {
					t.Errorf("%s: it goes on", name)
				}
			}
			err := b.stop()
			<-ended
			if got := len(failed) == 1; got != (test.want != "") || (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
				t.Errorf("%s: told %t, %v", name, got, err)
			}
		})
	}
}

// TestDrainTakesNoLongerThanItMay: systems end their sockets side by side, and one that cannot holds nobody up for ever.
func TestDrainTakesNoLongerThanItMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		h := &house{log: slog.New(slog.NewTextHandler(&log, nil))}
		both := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // the end has come
		h.drain(ctx, []system{{name: "quiet"}, {name: "quick"}, {name: "stuck"}}, []*running{
			{},
			{drain: func(ctx context.Context) error { close(both); return ctx.Err() }},
			{drain: func(ctx context.Context) error { <-both; <-ctx.Done(); return ctx.Err() }},
		})
		if text := log.String(); strings.Count(text, "sockets were cut off") != 1 || !strings.Contains(text, "system=stuck") {
			t.Errorf("the log says %q", text)
		}
	})
}

package inprocess

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/guichet-api/guichet/internal/bench/cost"
	"github.com/guichet-api/guichet/internal/bench/table"
)

// Config says how long to measure.
type Config struct {
	Rounds int           // each measures every contestant several times, in turn; 0: 5
	Slice  time.Duration // CPU time of a turn; 0: 30 ms
	Out    io.Writer
}

// limits are what is asked of Guichet's CPU relative to the unvalidated stubs, by call.
func limits() map[string]table.Limit {
	return map[string]table.Limit{
		"GET by id":      {Must: 1.15, Aim: 1.05},
		"GET list of 20": {Must: 1.15, Aim: 1.05},
		"POST":           {Must: 1.15, Aim: 0.9},
	}
}

// Run measures all contestants, prints the table, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (bool, error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	if cfg.Slice == 0 {
		cfg.Slice = 30 * time.Millisecond
	}
	all, err := contestants()
	if err != nil {
		return false, fmt.Errorf("inprocess: %w", err)
	}
	shown := table.Table{
		Title:   "Whole handler in process, no database",
		Columns: []string{"<call", "<server", "CPU µs/op", "allocs/op", "B/op", "× stubs", "must", "aim", "<verdict"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, each the median of turns of %s; absolute times are this machine's, now.", cfg.Rounds, cfg.Slice),
			"Every server authenticates. The stubs check types and nothing else; the other three validate.",
			"ogen's router holds these three paths only: it refuses the contract's combined patterns.",
		},
	}
	good := true
	for i, c := range calls() {
		best, err := race(ctx, cfg, c, all)
		if err != nil {
			return false, fmt.Errorf("inprocess: %w", err)
		}
		if i > 0 {
			shown.Add()
		}
		for j, one := range all {
			limit := table.Limit{}
			if one.name == nameGuichet {
				limit = limits()[c.name]
			}
			ratio := float64(best[j].CPU) / float64(best[0].CPU)
			good = good && limit.Judge(ratio) != table.Missed
			shown.Add(append([]string{
				c.name, one.name, fmt.Sprintf("%.2f", float64(best[j].CPU)/float64(time.Microsecond)),
				fmt.Sprintf("%.0f", best[j].Allocs), fmt.Sprintf("%.0f", best[j].Bytes), table.Ratio(ratio),
			}, limit.Cells(ratio)...)...)
		}
	}
	if err := shown.Write(cfg.Out); err != nil {
		return false, err
	}
	clean, err := validation(cfg.Out)
	return good && clean, err
}

// race measures one call on every contestant. Answers are verified before and after.
func race(ctx context.Context, cfg Config, c call, all []contestant) ([]cost.Cost, error) {
	senders := make([]*sender, len(all))
	runs := make([]func(int), len(all))
	for i, one := range all {
		senders[i] = newSender(c, one.handler)
		runs[i] = senders[i].send
		if err := senders[i].check(); err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
	}
	best, err := cost.Race(ctx, cfg.Rounds, cfg.Slice, runs)
	if err != nil {
		return nil, err
	}
	for i, one := range all {
		if err := senders[i].check(); err != nil {
			return nil, fmt.Errorf("%s, after the measurement: %w", one.name, err)
		}
	}
	return best, nil
}

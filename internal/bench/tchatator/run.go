package tchatator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/guichet-api/guichet/internal/bench/process"
	"github.com/guichet-api/guichet/internal/bench/table"
)

// Config says how long to measure.
type Config struct {
	Rounds int // 0: 5
	Out    io.Writer
}

// What both contestants do.
const (
	schema      = "tchatator"
	connections = 200
	poolSize    = 28 // connections of the chat's pool, when it is the only system of the process
	firstUser   = 1001
	turns       = 3  // of a round, for each
	each        = 15 // messages of a connection in a turn
)

// limit is what is asked of the server's CPU relative to the floor's.
func limit() table.Limit { return table.Limit{Must: 1.5, Aim: 0.8} }

// result is what a turn took.
type result struct{ cpu, wall time.Duration }

// contestant stores the messages of a turn.
type contestant struct {
	name string
	pid  int
	turn func(ctx context.Context) error
}

// Run measures both, prints the table, and reports whether what is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	s, err := newStage(ctx)
	defer func() { err = errors.Join(err, s.Close()) }()
	if err != nil {
		return false, fmt.Errorf("tchatator: %w", err)
	}
	both := []contestant{s.floor(), s.chat()}
	best := make([]result, len(both))
	for n := range cfg.Rounds + 1 {
		got, err := round(ctx, both)
		if err != nil {
			return false, fmt.Errorf("tchatator: %w", err)
		}
		for i := range got {
			if n > 0 && (best[i].cpu == 0 || got[i].cpu < best[i].cpu) { // the first one is to warm up
				best[i] = got[i]
			}
		}
	}
	if err := s.verify(ctx, (cfg.Rounds+1)*turns*each*connections); err != nil {
		return false, fmt.Errorf("tchatator: %w", err)
	}
	return show(cfg, both, best)
}

// round gives both their turns, one after the other, and answers with the median of each one's.
func round(ctx context.Context, both []contestant) ([]result, error) {
	taken := make([][]result, len(both))
	for turn := range turns {
		for move := range both {
			i := (turn + move) % len(both)
			got, err := measure(ctx, both[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", both[i].name, err)
			}
			taken[i] = append(taken[i], got)
		}
	}
	medians := make([]result, len(both))
	for i, list := range taken {
		slices.SortFunc(list, func(a, b result) int { return int(a.cpu - b.cpu) })
		medians[i] = list[turns/2]
	}
	return medians, nil
}

func measure(ctx context.Context, c contestant) (result, error) {
	before, err := process.CPU(c.pid)
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	if err := c.turn(ctx); err != nil {
		return result{}, err
	}
	wall := time.Since(began)
	after, err := process.CPU(c.pid)
	return result{cpu: after - before, wall: wall}, err
}

func show(cfg Config, both []contestant, best []result) (bool, error) {
	const messages = each * connections
	shown := table.Table{
		Title:   fmt.Sprintf("A chat message, stored and acknowledged, from %d connections at once", connections),
		Columns: []string{"<server", "messages/s", "CPU µs/message", "× floor", "must", "aim", "<verdict"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, each the median of %d turns of %d messages; the clients and PostgreSQL share this machine.", cfg.Rounds, turns, messages),
			"The floor inserts one row for each message and does nothing else; PostgreSQL's CPU is counted for neither.",
		},
	}
	good := true
	for i, c := range both {
		judged := table.Limit{}
		if i > 0 {
			judged = limit()
		}
		ratio := float64(best[i].cpu) / float64(best[0].cpu)
		good = good && judged.Judge(ratio) != table.Missed
		row := []string{
			c.name, fmt.Sprintf("%.0f", messages/best[i].wall.Seconds()),
			fmt.Sprintf("%.1f", float64(best[i].cpu)/float64(time.Microsecond)/messages), table.Ratio(ratio),
		}
		shown.Add(append(row, judged.Cells(ratio)...)...)
	}
	return good, shown.Write(cfg.Out)
}

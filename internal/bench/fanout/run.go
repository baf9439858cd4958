package fanout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/guichet-api/guichet/internal/bench/table"
)

// Command is the word, before a contestant's name and an address, that makes this program one of the servers: Serve.
const Command = "fanout-server"

// Config says how long to measure.
type Config struct {
	Rounds int // 0: 5
	Out    io.Writer
}

const (
	subscribers = 1000
	turns       = 5  // of a round, for each server
	broadcasts  = 16 // of a turn
)

// flight is one way to send: so many broadcasts at once.
type flight struct {
	name   string
	atOnce int
	limit  table.Limit // of Guichet's CPU relative to the loop's
}

func flights() []flight {
	return []flight{
		{"one broadcast in flight", 1, table.Limit{Must: 0.75}},
		{"sixteen in flight", 16, table.Limit{Must: 0.4}},
	}
}

// maxIdle is what an idle connection should not exceed, in KB of 1,000 bytes.
const maxIdle = 12.0

// Run measures both servers, prints the tables, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	both, closeAll, err := start(ctx)
	defer func() { err = errors.Join(err, closeAll()) }()
	if err != nil {
		return false, fmt.Errorf("fanout: %w", err)
	}
	shown := table.Table{
		Title:   fmt.Sprintf("An event to %d WebSocket connections", subscribers),
		Columns: []string{"<in flight", "<server", "CPU µs/delivery", "× loop", "must", "aim", "<verdict"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, each the median of %d turns of %d broadcasts; the subscribers share this machine.", cfg.Rounds, turns, broadcasts),
			"The loop encodes and writes for each connection by itself (coder/websocket's wsjson.Write).",
		},
	}
	good = true
	for i, f := range flights() {
		best, err := race(ctx, both, f, cfg.Rounds)
		if err != nil {
			return false, fmt.Errorf("fanout: %w", err)
		}
		if i > 0 {
			shown.Add()
		}
		for j, a := range both {
			limit := table.Limit{}
			if a.name == nameGuichet {
				limit = f.limit
			}
			ratio := float64(best[j]) / float64(best[0])
			good = good && limit.Judge(ratio) != table.Missed
			row := []string{f.name, a.name, fmt.Sprintf("%.2f", float64(best[j])/float64(time.Microsecond)), table.Ratio(ratio)}
			shown.Add(append(row, limit.Cells(ratio)...)...)
		}
	}
	if err := shown.Write(cfg.Out); err != nil {
		return false, err
	}
	return good, idle(ctx, both, cfg.Out)
}

// start starts both servers, the loop first; closeAll is never nil.
func start(ctx context.Context) (both []*audience, closeAll func() error, err error) {
	dir, err := os.MkdirTemp("", "guichet-bench-")
	closeAll = func() error {
		var failed error
		for _, a := range both {
			failed = errors.Join(failed, a.Close())
		}
		return errors.Join(failed, os.RemoveAll(dir))
	}
	if err != nil {
		return nil, closeAll, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, closeAll, err
	}
	// Both collect garbage as rarely as the product does.
	environment := append(os.Environ(), "GOGC=400")
	for _, name := range []string{namePlain, nameGuichet} {
		a, err := newAudience(ctx, name, dir, executable, environment, subscribers)
		both = append(both, a)
		if err != nil {
			return both, closeAll, err
		}
	}
	return both, closeAll, nil
}

// race measures one flight on both servers in interleaved rounds and answers with each one's best.
func race(ctx context.Context, both []*audience, f flight, rounds int) ([]time.Duration, error) {
	best := make([]time.Duration, len(both))
	for n := range rounds + 1 {
		taken := make([][]time.Duration, len(both))
		for turn := range turns {
			for move := range both {
				i := (turn + move) % len(both)
				cost, err := both[i].turn(ctx, broadcasts, f.atOnce)
				if err != nil {
					return nil, err
				}
				taken[i] = append(taken[i], cost)
			}
		}
		if n == 0 {
			continue // to warm up
		}
		for i, costs := range taken {
			slices.Sort(costs)
			if cost := costs[turns/2]; best[i] == 0 || cost < best[i] {
				best[i] = cost
			}
		}
	}
	return best, nil
}

// idle prints what the servers keep for a connection that has had its share and waits.
func idle(ctx context.Context, both []*audience, out io.Writer) error {
	shown := table.Table{
		Title:   "Memory of an idle connection",
		Columns: []string{"<server", "KB", "aim", "<verdict"},
		Notes:   []string{"Heap and stacks in use after a collection; nothing is asked of it."},
	}
	for _, a := range both {
		now, err := a.use(ctx)
		if err != nil {
			return fmt.Errorf("fanout: %w", err)
		}
		size := (float64(now.Bytes) - float64(a.empty.Bytes)) / 1000 / float64(now.Connections)
		row := []string{a.name, fmt.Sprintf("%.1f", size), "", ""}
		if a.name == nameGuichet {
			row[2] = fmt.Sprintf("≤ %.0f", maxIdle)
			if row[3] = "aim missed"; size <= maxIdle {
				row[3] = "aim met"
			}
		}
		shown.Add(row...)
	}
	return shown.Write(out)
}

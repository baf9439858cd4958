package socketio

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

// Command is the word, before an address, that makes this program our server: Serve.
const Command = "socketio-server"

// The contestants' names, as tables print them.
const (
	nameNode    = "Node socket.io"
	nameGuichet = "guichet"
)

// Config says how long to measure.
type Config struct {
	Rounds int // 0: 5
	Out    io.Writer
}

const (
	idlers     = 5000
	listeners  = 1000
	turns      = 3  // of a round, for each server
	broadcasts = 32 // of a turn
)

// flight is one way to send: so many broadcasts at once.
type flight struct {
	name   string
	atOnce int
	limit  table.Limit // of Guichet's CPU relative to Node's
}

func flights() []flight {
	return []flight{
		{"one broadcast in flight", 1, table.Limit{Must: 0.75, Aim: 0.5}},
		{"sixteen in flight", 16, table.Limit{Must: 0.35, Aim: 0.15}},
	}
}

// memoryLimit is of Guichet's memory for an idle connection relative to Node's.
func memoryLimit() table.Limit { return table.Limit{Must: 0.8, Aim: 0.55} }

// Run measures both servers, prints the tables, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (good bool, err error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	dir, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return false, fmt.Errorf("socketio: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fanOut, err := sending(ctx, cfg, dir)
	if err != nil {
		return false, fmt.Errorf("socketio: %w", err)
	}
	memory, err := idling(ctx, cfg, dir)
	if err != nil {
		return false, fmt.Errorf("socketio: %w", err)
	}
	return fanOut && memory, nil
}

// sending measures what a delivery costs.
func sending(ctx context.Context, cfg Config, dir string) (good bool, err error) {
	programs, err := contestants()
	if err != nil {
		return false, err
	}
	var both []*crowd
	defer func() {
		for _, k := range both {
			err = errors.Join(err, k.Close())
		}
	}()
	for _, program := range programs {
		k, err := gather(ctx, program, dir, listeners)
		both = append(both, k)
		if err != nil {
			return false, err
		}
	}
	shown := table.Table{
		Title:   fmt.Sprintf("A Socket.IO event to %d connections", listeners),
		Columns: []string{"<in flight", "<server", "CPU µs/delivery", "× Node", "must", "aim", "<verdict"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, each the median of %d turns of %d broadcasts; the client shares this machine.", cfg.Rounds, turns, broadcasts),
		},
	}
	good = true
	for i, f := range flights() {
		best, err := race(ctx, both, f, cfg.Rounds)
		if err != nil {
			return false, err
		}
		if i > 0 {
			shown.Add()
		}
		for j, k := range both {
			ratio := float64(best[j]) / float64(best[0])
			cells := judge(k.name, f.limit, ratio, &good)
			shown.Add(append([]string{f.name, k.name, fmt.Sprintf("%.2f", float64(best[j])/float64(time.Microsecond)), table.Ratio(ratio)}, cells...)...)
		}
	}
	return good, shown.Write(cfg.Out)
}

// judge is the last cells of a row; nothing is asked of the peer.
func judge(name string, limit table.Limit, ratio float64, good *bool) []string {
	if name != nameGuichet {
		limit = table.Limit{}
	}
	*good = *good && limit.Judge(ratio) != table.Missed
	return limit.Cells(ratio)
}

// race measures one flight on both servers in interleaved rounds and answers with each one's best.
func race(ctx context.Context, both []*crowd, f flight, rounds int) ([]time.Duration, error) {
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

// idling measures what connections keep that wait, each round with a fresh process.
func idling(ctx context.Context, cfg Config, dir string) (good bool, err error) {
	programs, err := contestants()
	if err != nil {
		return false, err
	}
	best := make([]float64, len(programs))
	for range cfg.Rounds {
		for i, program := range programs {
			size, err := idle(ctx, program, dir)
			if err != nil {
				return false, err
			}
			if best[i] == 0 || size < best[i] {
				best[i] = size
			}
		}
	}
	shown := table.Table{
		Title:   fmt.Sprintf("Memory of an idle Socket.IO connection, of %d", idlers),
		Columns: []string{"<server", "KB", "× Node", "must", "aim", "<verdict"},
		Notes:   []string{fmt.Sprintf("Resident memory after a garbage collection, the best of %d fresh processes; no connection failed.", cfg.Rounds)},
	}
	good = true
	for i, program := range programs {
		ratio := best[i] / best[0]
		shown.Add(append([]string{program.name, fmt.Sprintf("%.1f", best[i]/1000), table.Ratio(ratio)}, judge(program.name, memoryLimit(), ratio, &good)...)...)
	}
	return good, shown.Write(cfg.Out)
}

// idle is the bytes that a fresh server keeps for a connection.
func idle(ctx context.Context, program contestant, dir string) (size float64, err error) {
	k, err := gather(ctx, program, dir, idlers)
	defer func() { err = errors.Join(err, k.Close()) }()
	if err != nil {
		return 0, err
	}
	full, err := k.memory()
	return float64(full-k.empty) / idlers, err
}

package dispatch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/guichet-api/guichet/internal/bench/cost"
	"github.com/guichet-api/guichet/internal/bench/table"
)

// Config says how long to measure.
type Config struct {
	Rounds int           // each measures every contestant several times, in turn; 0: 5
	Slice  time.Duration // CPU time of a turn; 0: 20 ms
	Out    io.Writer
}

// limit is what is asked of Guichet's CPU relative to the faster peer.
var limit = table.Limit{Must: 1, Aim: 0.5}

// What a typical event, the first, aims at. It is printed and never judged.
const (
	aimTime   = 2 * time.Microsecond
	aimAllocs = 12
)

// Run measures all contestants, prints the table, and reports whether everything that is asked of Guichet holds.
func Run(ctx context.Context, cfg Config) (bool, error) {
	if cfg.Rounds == 0 {
		cfg.Rounds = 5
	}
	if cfg.Slice == 0 {
		cfg.Slice = 20 * time.Millisecond
	}
	shown := table.Table{
		Title:   "An event from its bytes to the handler",
		Columns: []string{"<event", "bytes", "<validator", "CPU µs/op", "allocs/op", "B/op", "× faster peer", "must", "aim", "<verdict"},
		Notes: []string{
			fmt.Sprintf("Best of %d interleaved rounds, each the median of turns of %s; absolute times are this machine's, now.", cfg.Rounds, cfg.Slice),
			"Guichet: role, validation, decoding, handler, reply. The peers: reading a tree, validation, decoding by json v2.",
		},
	}
	good := true
	for i, e := range events() {
		all, err := contestants(e)
		if err != nil {
			return false, fmt.Errorf("dispatch: %s: %w", e.title, err)
		}
		best, err := race(ctx, cfg, e, all)
		if err != nil {
			return false, fmt.Errorf("dispatch: %s: %w", e.title, err)
		}
		if i > 0 {
			shown.Add()
		} else {
			shown.Notes = append(shown.Notes, fmt.Sprintf("A typical event, the first, took %.2f µs and %.0f allocations; aim %.0f µs and %d.",
				micros(best[0].CPU), best[0].Allocs, micros(aimTime), aimAllocs))
		}
		faster := float64(min(best[1].CPU, best[2].CPU))
		for j, one := range all {
			asked := table.Limit{}
			if one.name == nameGuichet {
				asked = limit
			}
			ratio := float64(best[j].CPU) / faster
			good = good && asked.Judge(ratio) != table.Missed
			shown.Add(append([]string{
				e.title, fmt.Sprint(len(e.payload)), one.name, fmt.Sprintf("%.2f", micros(best[j].CPU)),
				fmt.Sprintf("%.0f", best[j].Allocs), fmt.Sprintf("%.0f", best[j].Bytes), table.Ratio(ratio),
			}, asked.Cells(ratio)...)...)
		}
	}
	return good, shown.Write(cfg.Out)
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// contestants are Guichet and the two peers, each known to accept the event and to refuse a broken one.
func contestants(e event) ([]contestant, error) {
	systems, err := dispatchers()
	if err != nil {
		return nil, err
	}
	santhosh, err := newSanthosh(e)
	if err != nil {
		return nil, err
	}
	kin, err := newKin(e)
	if err != nil {
		return nil, err
	}
	all := []contestant{newGuichet(e, systems[e.system]), santhosh, kin}
	for _, one := range all {
		if err := one.take([]byte(e.payload)); err != nil {
			return nil, fmt.Errorf("%s: %w", one.name, err)
		}
		if one.take([]byte(e.broken)) == nil {
			return nil, errors.New(one.name + " accepts a broken payload: it does not validate")
		}
	}
	return all, nil
}

// race measures one event. That nobody refuses it is checked on the way.
func race(ctx context.Context, cfg Config, e event, all []contestant) ([]cost.Cost, error) {
	payload, runs := []byte(e.payload), make([]func(int), len(all))
	failed := make([]error, len(all))
	for i, one := range all {
		runs[i] = func(n int) {
			for range n {
				if err := one.take(payload); err != nil {
					failed[i] = err
				}
			}
		}
	}
	best, err := cost.Race(ctx, cfg.Rounds, cfg.Slice, runs)
	return best, errors.Join(append(failed, err)...)
}

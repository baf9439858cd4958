// Package cost measures what functions use of the processor and of memory, side by side.
package cost

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Cost is what one call costs.
type Cost struct {
	CPU    time.Duration // user and system, garbage collection included
	Allocs float64
	Bytes  float64 // allocated
}

// turns are how often a round comes to each contestant: short turns give everybody the same share of a noisy machine.
const turns = 10

// Race measures contestants in interleaved rounds and answers with each one's best. A round is the median of turns that use
// about slice of CPU time. run makes n calls.
func Race(ctx context.Context, rounds int, slice time.Duration, runs []func(n int)) ([]Cost, error) {
	counts, best := make([]int, len(runs)), make([]Cost, len(runs))
	for i, run := range runs {
		var err error
		if counts[i], err = calibrate(run, slice); err != nil {
			return nil, err
		}
	}
	for range rounds {
		costs, err := round(ctx, runs, counts)
		if err != nil {
			return nil, err
		}
		for i, got := range costs {
			if best[i].CPU == 0 || got.CPU < best[i].CPU {
				best[i] = got
			}
		}
	}
	return best, nil
}

// round gives each contestant its turns, one after the other, and answers with the median of each one's: a turn that a
// neighbour on the machine disturbed, or that none did, says little.
func round(ctx context.Context, runs []func(int), counts []int) ([]Cost, error) {
	taken := make([][]Cost, len(runs))
	for turn := range turns {
		for move := range runs {
			i := (turn + move) % len(runs) // each is first, second… in turn
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			got, err := measure(runs[i], counts[i])
			if err != nil {
				return nil, err
			}
			taken[i] = append(taken[i], got)
		}
	}
	medians := make([]Cost, len(runs))
	for i, all := range taken {
		slices.SortFunc(all, func(a, b Cost) int { return cmp.Compare(a.CPU, b.CPU) })
		medians[i] = all[len(all)/2]
	}
	return medians, nil
}

// measure makes n calls and divides what the process used by n. The garbage of what ran before is collected first, and the
// calls' own is part of their cost as often as the collector runs.
func measure(run func(int), n int) (Cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := used()
	if err != nil {
		return Cost{}, err
	}
	run(n)
	end, err := used()
	if err != nil {
		return Cost{}, err
	}
	runtime.ReadMemStats(&after)
	return Cost{
		CPU:    (end - start) / time.Duration(n),
		Allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		Bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
	}, nil
}

// used is the CPU time of this process, user and system: what getrusage(2) tells in ticks, from the clock that counts
// nanoseconds.
func used() (time.Duration, error) {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &at); err != nil {
		return 0, fmt.Errorf("the process's clock: %w", err)
	}
	return time.Duration(at.Nano()), nil
}

// calibrate warms a contestant up and finds how many calls take about the wanted CPU time.
func calibrate(run func(int), wanted time.Duration) (int, error) {
	for n := 100; ; n *= 2 {
		taken, err := measure(run, n)
		if err != nil {
			return 0, err
		}
		if time.Duration(n)*taken.CPU >= wanted/4 {
			return max(n, int(wanted/taken.CPU)), nil
		}
	}
}

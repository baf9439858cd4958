package inprocess

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cost is what one call costs.
type cost struct {
	cpu    time.Duration // user and system
	allocs float64
	bytes  float64 // allocated
}

// measure sends n calls and divides what the process used by n. The garbage of what ran before is collected first, and the
// calls' own is part of their cost as often as the collector runs.
func measure(s *sender, n int) (cost, error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, err := used()
	if err != nil {
		return cost{}, err
	}
	s.send(n)
	end, err := used()
	if err != nil {
		return cost{}, err
	}
	runtime.ReadMemStats(&after)
	return cost{
		cpu:    (end - start) / time.Duration(n),
		allocs: float64(after.Mallocs-before.Mallocs) / float64(n),
		bytes:  float64(after.TotalAlloc-before.TotalAlloc) / float64(n),
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
func calibrate(s *sender, wanted time.Duration) (int, error) {
	const trial = 2000
	s.send(trial)
	taken, err := measure(s, trial)
	if err != nil {
		return 0, err
	}
	return max(trial, int(wanted/max(taken.cpu, 1))), nil
}

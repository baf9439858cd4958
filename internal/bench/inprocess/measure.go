package inprocess

import (
	"runtime"
	"syscall"
	"time"
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

// used is the CPU time of this process, user and system.
func used() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// calibrate warms a contestant up and finds how many calls take about as long as wanted.
func calibrate(s *sender, wanted time.Duration) int {
	const trial = 2000
	s.send(trial)
	start := time.Now()
	s.send(trial)
	return max(trial, int(float64(trial)*float64(wanted)/float64(time.Since(start))))
}

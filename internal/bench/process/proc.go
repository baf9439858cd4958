package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of times in /proc/<pid>/stat: USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// stat is what this package reads of a line of /proc/<pid>/stat.
type stat struct {
	pid, parent int
	name        string
	own         time.Duration // user and system time
	reaped      time.Duration // that of ended children that were waited for
}

// parseStat reads a line of /proc/<pid>/stat, proc_pid_stat(5). The name stands in parentheses and may hold anything.
func parseStat(line string) (stat, error) {
	open, closed := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 1 || closed < open {
		return stat{}, fmt.Errorf("process: no name in %q", line)
	}
	fields := strings.Fields(line[closed+1:])
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("process: %d fields in %q", len(fields), line)
	}
	s := stat{name: line[open+1 : closed]}
	numbers := make([]int64, 6)
	texts := []string{strings.TrimSpace(line[:open]), fields[1], fields[11], fields[12], fields[13], fields[14]}
	for i, text := range texts {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return stat{}, fmt.Errorf("process: %w in %q", err, line)
		}
		numbers[i] = n
	}
	s.pid, s.parent = int(numbers[0]), int(numbers[1])
	s.own = time.Duration(numbers[2]+numbers[3]) * tick
	s.reaped = time.Duration(numbers[4]+numbers[5]) * tick
	return s, nil
}

// CPU is the user and system time that a process has used, all its threads and none of its children. It is what
// /proc/<pid>/stat says in ticks, from the process's own clock (clock_getcpuclockid(3)), which counts nanoseconds.
func CPU(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &at); err != nil {
		return 0, fmt.Errorf("process: the clock of %d: %w", pid, err)
	}
	return time.Duration(at.Nano()), nil
}

// TreeCPU is the user and system time of a process, its children and theirs, ended ones included.
func TreeCPU(pid int) (time.Duration, error) {
	all, err := running()
	if err != nil {
		return 0, err
	}
	if _, found := all[pid]; !found {
		return 0, fmt.Errorf("process: %d does not run", pid)
	}
	var sum time.Duration
	for _, s := range all {
		if descends(all, s.pid, pid) {
			sum += s.own + s.reaped
		}
	}
	return sum, nil
}

// Find is the child of a process that has a name, as /proc/<pid>/comm shows it.
func Find(parent int, name string) (int, error) {
	all, err := running()
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		if s.parent == parent && s.name == name {
			return s.pid, nil
		}
	}
	return 0, fmt.Errorf("process: %d has no child called %s", parent, name)
}

// descends reports whether pid is ancestor or below it.
func descends(all map[int]stat, pid, ancestor int) bool {
	for pid != ancestor {
		s, found := all[pid]
		if !found {
			return false
		}
		pid = s.parent
	}
	return true
}

// running are all processes that this one may look at.
func running() (map[int]stat, error) {
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	all := make(map[int]stat, len(entries))
	for _, entry := range entries {
		line, err := os.ReadFile(entry)
		if err != nil {
			continue // it ended meanwhile
		}
		s, err := parseStat(string(line))
		if err != nil {
			return nil, err
		}
		all[s.pid] = s
	}
	return all, nil
}

// Usage is what a process holds.
type Usage struct {
	RSS int64 // bytes
	FDs int
}

// Use reads what a process holds now.
func Use(pid int) (Usage, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("process: %w", err)
	}
	fields := strings.Fields(string(line))
	if len(fields) < 2 {
		return Usage{}, fmt.Errorf("process: %q in /proc/%d/statm", line, pid)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return Usage{}, fmt.Errorf("process: %w", err)
	}
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil && !errors.Is(err, fs.ErrPermission) {
		return Usage{}, fmt.Errorf("process: %w", err)
	}
	return Usage{RSS: pages * int64(os.Getpagesize()), FDs: len(entries)}, nil
}

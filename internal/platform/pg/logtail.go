//go:build linux || darwin

package pg

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// tailLines is how much of the server's log is kept for error messages.
const tailLines = 20

// logTail reads the server's log, passes it on, and remembers its end.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

func (t *logTail) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = nil
}

// String is the remembered end of the log.
func (t *logTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "\n")
}

// transient reports whether the server refused to start only because the last processes of its predecessor are not gone.
func (t *logTail) transient() bool {
	log := t.String()
	return strings.Contains(log, "pre-existing shared memory block") || strings.Contains(log, `lock file "postmaster.pid" already exists`)
}

// follow reads the log to its end. What PostgreSQL calls a log message is of interest only to who debugs; an ERROR is the
// answer to a statement, which its sender reports.
func (t *logTail) follow(log io.ReadCloser, to *slog.Logger) {
	defer log.Close()
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadString('\n')
		if line = strings.TrimRight(line, "\n"); line != "" {
			t.add(line)
			to.Log(context.Background(), logLevel(line), line)
		}
		if err != nil {
			return
		}
	}
}

func (t *logTail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if extra := len(t.lines) - tailLines; extra > 0 {
		t.lines = t.lines[extra:]
	}
}

func logLevel(line string) slog.Level {
	severity, _, _ := strings.Cut(line, ":")
	switch severity {
	case "PANIC":
		return slog.LevelError
	case "WARNING":
		return slog.LevelWarn
	default:
		return slog.LevelDebug
	}
}

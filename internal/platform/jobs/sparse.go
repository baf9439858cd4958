package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sparse hands River's log on, but repeats no message within a while: River reports an absent database at every poll of
// every one of its services. River's everyday messages become debug messages.
type sparse struct {
	slog.Handler
	seen *seen
}

// repeatAfter is how long a message that was logged is not logged again.
const repeatAfter = 30 * time.Second

type seen struct {
	mu sync.Mutex
	at map[string]time.Time // River's messages are constants: the map stays small
}

func newSparse(h slog.Handler) sparse {
	return sparse{Handler: h, seen: &seen{at: map[string]time.Time{}}}
}

// Enabled reports whether a message of the level, demoted, would be logged.
func (s sparse) Enabled(ctx context.Context, level slog.Level) bool {
	return s.Handler.Enabled(ctx, demote(level))
}

// Handle logs the record unless its message was logged a moment ago.
func (s sparse) Handle(ctx context.Context, r slog.Record) error {
	r.Level = demote(r.Level)
	if r.Level >= slog.LevelWarn && !s.seen.first(r.Message, r.Time) {
		return nil
	}
	return s.Handler.Handle(ctx, r)
}

// WithAttrs keeps what was seen.
func (s sparse) WithAttrs(attrs []slog.Attr) slog.Handler {
	return sparse{s.Handler.WithAttrs(attrs), s.seen}
}

// WithGroup keeps what was seen.
func (s sparse) WithGroup(name string) slog.Handler { return sparse{s.Handler.WithGroup(name), s.seen} }

func (s *seen) first(message string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at, ok := s.at[message]; ok && now.Sub(at) < repeatAfter {
		return false
	}
	s.at[message] = now
	return true
}

func demote(level slog.Level) slog.Level {
	if level == slog.LevelInfo {
		return slog.LevelDebug
	}
	return level
}

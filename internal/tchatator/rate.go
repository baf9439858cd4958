package tchatator

import (
	"sort"
	"time"
)

// rate is how many messages a user may send: at most perMinute in any minute and perHour in any hour; 0 is no limit.
type rate struct {
	perMinute, perHour int
}

// window is how far back the rate looks, and at how many messages.
func (r rate) window() (span time.Duration, messages int) {
	if r.perHour > 0 {
		return time.Hour, max(r.perHour, r.perMinute)
	}
	return time.Minute, r.perMinute
}

// sends are the moments at which a user has sent, oldest first.
type sends []time.Time

// allow reports whether a message may follow now, after forgetting what no limit looks at any more.
func (s *sends) allow(r rate, now time.Time) bool {
	span, messages := r.window()
	if messages == 0 {
		return true
	}
	old := s.until(now.Add(-span))
	*s = (*s)[old:]
	return (r.perHour == 0 || len(*s) < r.perHour) && (r.perMinute == 0 || len(*s)-s.until(now.Add(-time.Minute)) < r.perMinute)
}

// note adds a message that was sent.
func (s *sends) note(r rate, now time.Time) {
	if _, messages := r.window(); messages > 0 {
		*s = append(*s, now)
	}
}

// until is how many were sent at a moment or before.
func (s *sends) until(moment time.Time) int {
	return sort.Search(len(*s), func(i int) bool { return (*s)[i].After(moment) })
}

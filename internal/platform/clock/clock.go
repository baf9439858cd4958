// Package clock is the time as systems see it: the machine's, or one that tests move by hand.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. Times are UTC.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now is the current time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// Fake stands still until it is moved. It is safe for concurrent use.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake makes a clock that shows t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC()} }

// Now is the time the clock was last set to.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock by d, which may be negative.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Set moves the clock to t.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC()
}

// Now is the current time as answers show it and tables keep it: in milliseconds.
func Now(c Clock) time.Time { return c.Now().Truncate(time.Millisecond) }

// StartOfDay is the first moment of the day that t falls on in a place.
func StartOfDay(t time.Time, place *time.Location) time.Time {
	year, month, day := t.In(place).Date()
	return Day(year, month, day, place)
}

// Day is the first moment of a day in a place: midnight, the first of two, or the end of the gap where clocks leave midnight out
// (time.Date may answer a moment of the day before). Days and months out of range are counted on, as time.Date does; a day that
// a place has left out begins with the next.
func Day(year int, month time.Month, day int, place *time.Location) time.Time {
	want := date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
	t := time.Date(year, month, day, 0, 0, 0, 0, place)
	changed, changes := t.ZoneBounds()
	if date(t) < want {
		return changes
	}
	if changed.IsZero() {
		return t
	}
	switch last := changed.Add(-1); {
	case date(last) == want: // the clocks went back over midnight
		_, before := last.Zone()
		_, after := t.Zone()
		return t.Add(time.Duration(after-before) * time.Second)
	case date(changed) == want: // they went forward over it
		return changed
	}
	return t
}

// date is the date that t shows, as a number that grows with it.
func date(t time.Time) int {
	year, month, day := t.Date()
	return (year*100+int(month))*100 + day
}

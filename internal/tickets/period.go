package tickets

import (
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

// period is a span of time: from is part of it, until is not. A nil end is open.
type period struct{ from, until *time.Time }

// parsePeriod reads dateFrom and dateTo: days of a place, or moments. The day, and the moment, that it ends with is part of it.
// The contract has accepted both.
func parsePeriod(from, to *string, place *time.Location) (p period, err error) {
	if from != nil {
		start, _, err := parseMoment(*from, place)
		if err != nil {
			return period{}, err
		}
		p.from = &start
	}
	if to != nil {
		end, day, err := parseMoment(*to, place)
		if err != nil {
			return period{}, err
		}
		if day {
			end = nextDay(end)
		} else {
			end = end.Truncate(time.Microsecond).Add(time.Microsecond) // the database counts in microseconds
		}
		p.until = &end
	}
	return p, nil
}

// parseMoment reads a day, as its beginning in a place, or a moment.
func parseMoment(text string, place *time.Location) (t time.Time, day bool, err error) {
	if len(text) == len(time.DateOnly) {
		if t, err = time.Parse(time.DateOnly, text); err != nil {
			return time.Time{}, true, err
		}
		return clock.Day(t.Year(), t.Month(), t.Day(), place), true, nil
	}
	t, err = time.Parse(time.RFC3339, text)
	return t, false, err
}

// nextDay is the beginning of the day after that of t, in the place of t.
func nextDay(t time.Time) time.Time {
	year, month, day := t.Date()
	return clock.Day(year, month, day+1, t.Location())
}

// How many days a trend shows.
const (
	trendDays    = 30  // unless asked for
	maxTrendDays = 366 // at the most
)

// days are the moments at which the days of a period begin, followed by its end: those of the last year of it at the most, those of
// the last thirty days when it has no beginning. A period that has no end, or ends later, ends with today. Without days it is nil.
func (p period) days(now time.Time, place *time.Location) []time.Time {
	end := nextDay(clock.StartOfDay(now, place))
	if p.until != nil && p.until.Before(end) {
		end = *p.until
	}
	year, month, day := end.Add(-time.Microsecond).In(place).Date()
	count := maxTrendDays
	if p.from == nil {
		count = trendDays
	}
	var bounds []time.Time
	for i := 1 - count; i <= 0; i++ {
		start := clock.Day(year, month, day+i, place)
		if start.Year() < 0 || p.from != nil && !nextDay(start).After(*p.from) {
			continue // no date has that year, or all of it is before the period
		}
		if p.from != nil && start.Before(*p.from) {
			start = *p.from
		}
		if start.Before(end) {
			bounds = append(bounds, start)
		}
	}
	if bounds == nil {
		return nil
	}
	return append(bounds, end)
}

package clock_test

import (
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

func TestNow(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Date(2026, 7, 1, 12, 0, 0, 123_999_999, time.UTC))
	if got, want := clock.Now(fake), time.Date(2026, 7, 1, 12, 0, 0, 123_000_000, time.UTC); !got.Equal(want) {
		t.Errorf("Now = %s, want %s", got, want)
	}
}

// TestDay: clocks that change at midnight, in both directions.
func TestDay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ place, day, want string }{
		{"America/Santiago", "2025-09-06", "2025-09-06T04:00:00Z"},
		{"America/Santiago", "2025-09-07", "2025-09-07T04:00:00Z"}, // begins at 01:00
		{"America/Santiago", "2025-09-08", "2025-09-08T03:00:00Z"},
		{"America/Santiago", "2025-04-05", "2025-04-05T03:00:00Z"}, // 25 hours: 23:00 comes twice
		{"America/Santiago", "2025-04-06", "2025-04-06T04:00:00Z"},
		{"America/Havana", "2025-11-02", "2025-11-02T04:00:00Z"}, // 00:00 comes twice
		{"America/Havana", "2025-11-03", "2025-11-03T05:00:00Z"},
		{"America/Havana", "2025-03-09", "2025-03-09T05:00:00Z"},  // begins at 01:00
		{"America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z"}, // 23:30 became 00:30
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},    // never was
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"Europe/Paris", "2025-03-30", "2025-03-29T23:00:00Z"},
		{"UTC", "2025-03-30", "2025-03-30T00:00:00Z"},
	} {
		place, err := time.LoadLocation(test.place)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, test.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.Day(day.Year(), day.Month(), day.Day(), place).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.place, test.day, got, test.want)
		}
		if next := clock.Day(day.Year(), day.Month(), day.Day()-1, place); next.After(clock.Day(day.Year(), day.Month(), day.Day(), place)) {
			t.Errorf("%s %s: the day before begins later", test.place, test.day)
		}
	}
}

func TestStartOfDay(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for now, want := range map[string]string{
		"2026-07-01T21:59:59Z": "2026-06-30T22:00:00Z", // 23:59 in Paris
		"2026-07-01T22:00:00Z": "2026-07-01T22:00:00Z", // midnight in Paris
		"2026-03-29T12:00:00Z": "2026-03-28T23:00:00Z", // the day has 23 hours
		"2026-10-25T23:30:00Z": "2026-10-25T23:00:00Z", // the day before had 25
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := clock.StartOfDay(at, paris).UTC().Format(time.RFC3339); got != want {
			t.Errorf("StartOfDay(%s) = %s, want %s", now, got, want)
		}
	}
	santiago, err := time.LoadLocation("America/Santiago")
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Date(2025, 9, 7, 4, 0, 0, 0, time.UTC) // 01:00: there is no midnight
	if got := clock.StartOfDay(begin.Add(time.Hour), santiago); !got.Equal(begin) {
		t.Errorf("StartOfDay in Santiago = %s, want %s", got, begin)
	}
}

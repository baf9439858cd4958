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
}

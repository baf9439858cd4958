package tchatator

import (
	"strings"
	"testing"
	"time"
)

func TestRate(t *testing.T) {
	t.Parallel()
	morning := time.Date(2025, 1, 10, 8, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		rate  rate
		every time.Duration // between two tries
		tries int
		want  int // that are allowed
	}{
		{"no limit", rate{}, 0, 1000, 1000},
		{"per minute", rate{perMinute: 3}, time.Second, 60, 3},
		{"the first one is a minute old", rate{perMinute: 3}, 20 * time.Second, 10, 10},
		{"per hour", rate{perHour: 5}, time.Minute, 60, 5},
		{"both, the hour is shorter", rate{perMinute: 3, perHour: 5}, 10 * time.Second, 300, 5},
		{"both, over two hours", rate{perMinute: 12, perHour: 90}, 20 * time.Second, 360, 180},
		{"the hour alone is smaller than the minute", rate{perMinute: 12, perHour: 2}, time.Second, 60, 2},
	} {
		var sent sends
		allowed := 0
		for i := range test.tries {
			now := morning.Add(time.Duration(i) * test.every)
			if sent.allow(test.rate, now) {
				sent.note(test.rate, now)
				allowed++
			}
		}
		if allowed != test.want {
			t.Errorf("%s: %d of %d are allowed, want %d", test.name, allowed, test.tries, test.want)
		}
		if test.rate == (rate{}) && len(sent) > 0 {
			t.Errorf("%s: %d moments are kept", test.name, len(sent))
		}
	}
}

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	right := Config{BlockFor: time.Hour, PerMinute: 12, PerHour: 90, MaxLength: 1000, PageSize: 20, AdminToken: strings.Repeat("x", 64)}
	if err := right.Validate(); err != nil {
		t.Error(err)
	}
	wrong := Config{PerMinute: -1, PerHour: MaxRate + 1, PageSize: MaxPageSize + 1, AdminToken: "short"}
	err := wrong.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{
		"max-messages-per-minutes", "max-messages-per-hours", "max-message-length", "max-message-reception-block", "block-cli-duration",
		"admin-api-token",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the mistake in %s is not told: %v", name, err)
		}
	}
}

func TestFormatDate(t *testing.T) {
	t.Parallel()
	paris := time.FixedZone("", 3600)
	if got := formatDate(time.Date(2025, 1, 10, 15, 30, 0, 999, paris)); got != "2025-01-10 14:30:00" {
		t.Error(got)
	}
	if formatDateOrNil(nil) != nil {
		t.Error("a moment that has not come has a date")
	}
}

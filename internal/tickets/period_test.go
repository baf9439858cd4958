package tickets

import (
	"strings"
	"testing"
	"time"
)

func paris(t *testing.T) *time.Location {
	t.Helper()
	return placeNamed(t, "Europe/Paris")
}

func placeNamed(t *testing.T, name string) *time.Location {
	t.Helper()
	place, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return place
}

func TestParsePeriod(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ from, to, first, last string }{
		"a winter's day":     {"2025-01-10", "2025-01-10", "2025-01-09T23:00:00Z", "2025-01-10T23:00:00Z"},
		"a summer's day":     {"2025-07-10", "2025-07-10", "2025-07-09T22:00:00Z", "2025-07-10T22:00:00Z"},
		"the shortest day":   {"2025-03-30", "2025-03-30", "2025-03-29T23:00:00Z", "2025-03-30T22:00:00Z"},
		"the end of a year":  {"2024-12-31", "2024-12-31", "2024-12-30T23:00:00Z", "2024-12-31T23:00:00Z"},
		"a moment":           {"2025-01-10T10:00:00.5+01:00", "2025-01-10T10:00:00.5+01:00", "2025-01-10T09:00:00.5Z", "2025-01-10T09:00:00.500001Z"},
		"a finer moment":     {"2025-01-10T10:00:00.123456789Z", "2025-01-10T10:00:00.123456789Z", "2025-01-10T10:00:00.123456789Z", "2025-01-10T10:00:00.123457Z"},
		"the last day there": {"0000-01-01", "9999-12-31", "-0001-12-31T23:50:39Z", "9999-12-31T23:00:00Z"},
	} {
		p, err := parsePeriod(&test.from, &test.to, paris(t))
		if err != nil {
			t.Fatal(err)
		}
		first, last := p.from.UTC().Format(time.RFC3339Nano), p.until.UTC().Format(time.RFC3339Nano)
		if first != test.first || last != test.last {
			t.Errorf("%s: from %s until %s, want %s and %s", name, first, last, test.first, test.last)
		}
	}
	day := "2025-09-07" // without midnight
	santiago := placeNamed(t, "America/Santiago")
	p, err := parsePeriod(&day, &day, santiago)
	if err != nil || !p.from.Equal(time.Date(2025, 9, 7, 4, 0, 0, 0, time.UTC)) || !p.until.Equal(time.Date(2025, 9, 8, 3, 0, 0, 0, time.UTC)) {
		t.Errorf("a day in Santiago: from %s until %s, %v", p.from, p.until, err)
	}
	if p, err := parsePeriod(nil, nil, paris(t)); err != nil || p != (period{}) {
		t.Errorf("no period: %+v, %v", p, err)
	}
	for _, wrong := range []string{"2025-02-30", "demain"} {
		if _, err := parsePeriod(&wrong, nil, paris(t)); err == nil {
			t.Errorf("dateFrom %s is read", wrong)
		}
		if _, err := parsePeriod(nil, &wrong, paris(t)); err == nil {
			t.Errorf("dateTo %s is read", wrong)
		}
	}
}

// TestDaysOfPeriod: the days of a trend, by the first and the last of them.
func TestDaysOfPeriod(t *testing.T) {
	t.Parallel()
	place := paris(t)
	now := time.Date(2025, 4, 10, 22, 30, 0, 0, time.UTC) // the 11th in Paris
	for name, test := range map[string]struct {
		from, to    string
		count       int
		first, last string
	}{
		"nothing said":             {"", "", 30, "2025-03-13", "2025-04-11"},
		"a beginning":              {"2025-04-01", "", 11, "2025-04-01", "2025-04-11"},
		"an end":                   {"", "2025-04-01", 30, "2025-03-03", "2025-04-01"},
		"an end to come":           {"2025-04-01", "2025-12-31", 11, "2025-04-01", "2025-04-11"},
		"one day":                  {"2025-03-30", "2025-03-30", 1, "2025-03-30", "2025-03-30"},
		"over the change of clock": {"2025-03-28", "2025-04-01", 5, "2025-03-28", "2025-04-01"},
		"two parts of days":        {"2025-03-28T12:00:00+01:00", "2025-03-29T12:00:00+01:00", 2, "2025-03-28", "2025-03-29"},
		"a part of a day":          {"2025-03-28T12:00:00+01:00", "2025-03-28T13:00:00+01:00", 1, "2025-03-28", "2025-03-28"},
		"a century":                {"1925-01-01", "", 366, "2024-04-11", "2025-04-11"},
		"all time":                 {"0000-01-01", "9999-12-31", 366, "2024-04-11", "2025-04-11"},
		"long ago":                 {"", "0001-01-31", 30, "0001-01-02", "0001-01-31"},
		"the first days":           {"", "0000-01-02", 2, "0000-01-01", "0000-01-02"},
		"before all days":          {"", "0000-01-01T00:00:00+14:00", 0, "", ""},
		"the future":               {"2025-04-12", "", 0, "", ""},
		"backwards":                {"2025-04-02", "2025-04-01", 0, "", ""},
	} {
		p, err := parsePeriod(orAbsent(test.from), orAbsent(test.to), place)
		if err != nil {
			t.Fatal(err)
		}
		bounds := p.days(now, place)
		if test.count == 0 {
			if bounds != nil {
				t.Errorf("%s: %v", name, bounds)
			}
			continue
		}
		if len(bounds) != test.count+1 {
			t.Errorf("%s: %d days, want %d", name, len(bounds)-1, test.count)
			continue
		}
		first, last := dayOf(bounds[0], place), dayOf(bounds[len(bounds)-2], place)
		if first != test.first || last != test.last {
			t.Errorf("%s: from %s to %s, want %s to %s", name, first, last, test.first, test.last)
		}
		for i, bound := range bounds[1:] {
			if !bound.After(bounds[i]) {
				t.Errorf("%s: %s does not come after %s", name, bound, bounds[i])
			}
		}
		if p.from != nil && bounds[0].Before(*p.from) || p.until != nil && bounds[len(bounds)-1].After(*p.until) {
			t.Errorf("%s: %v is more than the period", name, bounds)
		}
	}
}

// TestDaysWithoutMidnight: none is lost, and none counted twice.
func TestDaysWithoutMidnight(t *testing.T) {
	t.Parallel()
	place := placeNamed(t, "America/Santiago")
	from, to := "2025-09-05", "2025-09-08"
	p, err := parsePeriod(&from, &to, place)
	if err != nil {
		t.Fatal(err)
	}
	var days []string
	bounds := p.days(time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC), place)
	for i, bound := range bounds {
		days = append(days, bound.UTC().Format("02T15"))
		if i < len(bounds)-1 && dayOf(bound, place) != "2025-09-0"+string(rune('5'+i)) {
			t.Errorf("day %d is called %s", i, dayOf(bound, place))
		}
	}
	if got := strings.Join(days, " "); got != "05T04 06T04 07T04 08T03 09T03" {
		t.Errorf("days begin at %s", got)
	}
}

func orAbsent(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

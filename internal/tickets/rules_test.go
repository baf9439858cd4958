package tickets

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

func TestDeadline(t *testing.T) {
	t.Parallel()
	created := time.Date(2025, 1, 10, 10, 0, 0, 0, time.UTC)
	for priority, hours := range map[api.Priority]int{
		api.PriorityCritique: 4, api.PriorityHaute: 8, api.PriorityNormale: 24, api.PriorityBasse: 72,
	} {
		if got, want := DefaultSLA().deadline(priority, created), created.Add(time.Duration(hours)*time.Hour); !got.Equal(want) {
			t.Errorf("the deadline of %s is %s, want %s", priority, got, want)
		}
	}
	if got := (SLA{Normale: time.Minute}).deadline(api.PriorityNormale, created); !got.Equal(created.Add(time.Minute)) {
		t.Errorf("the operator's deadline is %s", got)
	}
}

func TestSLAValidate(t *testing.T) {
	t.Parallel()
	if err := DefaultSLA().Validate(); err != nil {
		t.Error(err)
	}
	err := SLA{Critique: -time.Hour, Haute: time.Millisecond * 1500, Normale: 367 * 24 * time.Hour, Basse: time.Second}.Validate()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, priority := range []string{"critique", "haute", "normale"} {
		if !strings.Contains(err.Error(), "SLA of "+priority) {
			t.Errorf("%s is missing in: %v", priority, err)
		}
	}
	if strings.Contains(err.Error(), "basse") {
		t.Errorf("basse is right, but: %v", err)
	}
}

func TestSLAStatus(t *testing.T) {
	t.Parallel()
	created := time.Date(2025, 1, 10, 10, 0, 0, 0, time.UTC)
	deadline := created.Add(4 * time.Hour)
	for after, want := range map[time.Duration]api.SLAStatus{
		-time.Hour:                     api.SLAStatusOk, // a clock that went back
		0:                              api.SLAStatusOk,
		3*time.Hour - time.Millisecond: api.SLAStatusOk,
		3 * time.Hour:                  api.SLAStatusWarning,
		4*time.Hour - time.Millisecond: api.SLAStatusWarning,
		4 * time.Hour:                  api.SLAStatusBreach,
		1000 * time.Hour:               api.SLAStatusBreach,
	} {
		if got := slaStatus(created, deadline, created.Add(after)); got != want {
			t.Errorf("after %s of four hours: %s, want %s", after, got, want)
		}
	}
	// The shortest SLA has its threshold on a whole millisecond too, as the database keeps it.
	if got := warningFrom(created, created.Add(time.Second)); !got.Equal(created.Add(750 * time.Millisecond)) {
		t.Errorf("75 %% of a second is %s", got)
	}
}

func TestSLADetails(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	created := time.Date(2025, 1, 10, 10, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		whole, passed time.Duration
		want          api.SLADetails
	}{
		"the document's":     {62 * time.Hour, 52 * time.Hour, api.SLADetails{TempsEcoule: "2 jours 4h", TempsRestant: "10h", Pourcentage: 83}},
		"just created":       {4 * time.Hour, 0, api.SLADetails{TempsEcoule: "0h", TempsRestant: "4h", Pourcentage: 0}},
		"seconds do not add": {4 * time.Hour, 59 * time.Second, api.SLADetails{TempsEcoule: "0h", TempsRestant: "4h", Pourcentage: 0}},
		"minutes":            {4 * time.Hour, 200*time.Minute + 59*time.Second, api.SLADetails{TempsEcoule: "3h", TempsRestant: "40min", Pourcentage: 83}},
		"one day":            {3 * day, day, api.SLADetails{TempsEcoule: "1 jour", TempsRestant: "2 jours", Pourcentage: 33}},
		"a moment before":    {4 * time.Hour, 4*time.Hour - time.Millisecond, api.SLADetails{TempsEcoule: "3h", TempsRestant: "1min", Pourcentage: 99}},
		"the deadline":       {4 * time.Hour, 4 * time.Hour, api.SLADetails{TempsEcoule: "4h", TempsRestant: "0h", Pourcentage: 100}},
		"overdue":            {4 * time.Hour, 25 * time.Hour, api.SLADetails{TempsEcoule: "1 jour 1h", TempsRestant: "0h", Pourcentage: 625}},
		"a clock behind":     {4 * time.Hour, -time.Hour, api.SLADetails{TempsEcoule: "0h", TempsRestant: "4h", Pourcentage: 0}},
		"a hundred years":    {time.Second, 36500 * day, api.SLADetails{TempsEcoule: "36500 jours", TempsRestant: "0h", Pourcentage: math.MaxInt32}},
		"no time at all":     {0, time.Hour, api.SLADetails{TempsEcoule: "1h", TempsRestant: "0h", Pourcentage: 360_000_000}},
	} {
		if got := slaDetails(created, created.Add(test.whole), created.Add(test.passed)); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// TestSLADetailsAddUp: whatever the moment, both times add up to the whole, to the minute, until nothing is left.
func TestSLADetailsAddUp(t *testing.T) {
	t.Parallel()
	created, whole := time.Date(2025, 1, 10, 10, 0, 0, 0, time.UTC), 59*time.Minute
	for passed := time.Duration(0); passed < whole; passed += 7 * time.Second {
		got := slaDetails(created, created.Add(whole), created.Add(passed))
		minutes := passed.Truncate(time.Minute)
		if got.TempsEcoule != formatDuration(minutes) || got.TempsRestant != formatDuration(whole-minutes) {
			t.Fatalf("after %s: %+v", passed, got)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0h", 59 * time.Second: "0h", time.Minute: "1min", 59 * time.Minute: "59min", time.Hour: "1h", 90 * time.Minute: "1h",
		23*time.Hour + 59*time.Minute: "23h", 24 * time.Hour: "1 jour", 25 * time.Hour: "1 jour 1h", 48*time.Hour + time.Minute: "2 jours",
		52 * time.Hour: "2 jours 4h",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("%s is written %q, want %q", d, got, want)
		}
	}
}

func TestResolvedFreezes(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 1, 10, 10, 0, 0, 0, time.UTC)
	earlier := now.Add(-time.Hour)
	if got := slaMoment(nil, now); !got.Equal(now) {
		t.Errorf("an open ticket's SLA is looked at %s", got)
	}
	if got := slaMoment(&earlier, now); !got.Equal(earlier) {
		t.Errorf("a resolved ticket's SLA is looked at %s", got)
	}
	for _, status := range []api.Status{
		api.StatusNouveau, api.StatusEnCours, api.StatusEnAttenteClient, api.StatusEnAttenteInterne, api.StatusEscalade,
	} {
		if isResolved(status) {
			t.Errorf("%s counts as resolved", status)
		}
	}
	for _, status := range []api.Status{api.StatusResolu, api.StatusClos, api.StatusAnnule} {
		if !isResolved(status) {
			t.Errorf("%s does not count as resolved", status)
		}
	}
}

func TestFormatNumero(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]string{1: "TC-2025-001", 42: "TC-2025-042", 999: "TC-2025-999", 1000: "TC-2025-1000", 123456: "TC-2025-123456"} {
		if got := formatNumero(2025, n); got != want {
			t.Errorf("the %d-th ticket is %s, want %s", n, got, want)
		}
	}
}

func TestNumeroYear(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)
	if before, after := numeroYear(midnight.Add(-time.Millisecond), paris), numeroYear(midnight, paris); before != 2025 || after != 2026 {
		t.Errorf("around midnight in Paris the years are %d and %d", before, after)
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	const id = "550e8400-e29b-41d4-a716-446655440000"
	for text, want := range map[string]bool{
		id: true, strings.ToUpper(id): true, "TC-2025-001": false, "": false, "{" + id + "}": false, "urn:uuid:" + id: false,
		strings.ReplaceAll(id, "-", ""): false, strings.ReplaceAll(id, "-", "x"): false, "é" + id[2:]: false,
	} {
		if got, ok := parseID(text); ok != want || ok && got != uuid.MustParse(id) {
			t.Errorf("parseID(%q) = %s, %t", text, got, ok)
		}
	}
}

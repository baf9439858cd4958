package dispatch

import (
	"strings"
	"testing"
	"time"
)

// TestContestants holds everybody to accepting the events, and to refusing broken ones.
func TestContestants(t *testing.T) {
	t.Parallel()
	for _, e := range events() {
		if _, err := contestants(e); err != nil {
			t.Errorf("%s: %v", e.title, err)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if _, err := Run(t.Context(), Config{Rounds: 1, Slice: time.Millisecond, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "guichet "); lines != len(events()) {
		t.Errorf("%d lines of %d:\n%s", lines, len(events()), out.String())
	}
}

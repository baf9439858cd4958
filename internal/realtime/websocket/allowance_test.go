package websocket

import (
	"testing"
	"time"
)

// TestAllowance: a burst, then one a second.
func TestAllowance(t *testing.T) {
	t.Parallel()
	var a allowance
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := range garbageAtOnce {
		if !a.take(now.Add(time.Duration(n) * time.Millisecond)) {
			t.Fatalf("garbage %d was too much", n)
		}
	}
	if a.take(now.Add(999 * time.Millisecond)) {
		t.Error("a second is not over")
	}
	now = now.Add(3 * time.Second)
	for n, want := range []bool{true, true, false} {
		if a.take(now) != want {
			t.Errorf("garbage %d after three seconds: %v", n, !want)
		}
	}
	for range 10 * garbageAtOnce {
		now = now.Add(time.Second)
		a.take(now)
	}
	if now = now.Add(time.Hour); !a.take(now) {
		t.Error("nothing is regained")
	}
}

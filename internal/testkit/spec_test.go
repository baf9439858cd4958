package testkit

import (
	"strings"
	"testing"
)

// TestPlannedOperations: what a contract publishes ahead of its server is asked of nobody.
func TestPlannedOperations(t *testing.T) {
	t.Parallel()
	served := deskSpec(t)
	planned, err := LoadSpec([]byte(strings.Replace(deskContract, "operationId: getNote\n", "operationId: getNote\n      x-planned: true\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(planned.Operations()), len(served.Operations())-1; got != want {
		t.Errorf("%d operations, want %d", got, want)
	}
	if op, _ := planned.Find("GET", "/notes/7"); op != nil {
		t.Errorf("a request finds %s", op.ID)
	}
	for _, gap := range planned.Coverage(nil).Gaps() {
		if strings.Contains(gap, "getNote") {
			t.Errorf("a vector is asked for: %s", gap)
		}
	}
}

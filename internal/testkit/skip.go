package testkit

import (
	"os"
	"testing"
)

// RequireAll is the variable that turns every skip into a failure; the continuous integration sets it to 1.
const RequireAll = "GUICHET_REQUIRE_ALL"

// Skip skips a test for want of something that the machine lacks, with one line that says what; with GUICHET_REQUIRE_ALL=1
// it fails the test instead.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv(RequireAll) == "1" {
		t.Fatalf("%s (skipping is forbidden by %s=1)", why, RequireAll)
	}
	t.Skip(why)
}

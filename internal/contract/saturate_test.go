package contract

import "testing"

func TestExceedsInt64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "1": false, "9223372036854775807": false, "0009223372036854775807": false, "-9223372036854775809": false,
		"9223372036854775808": true, "99999999999999999999999999": true, "99999999999999999999x": false, "1e99": false,
	} {
		if got := exceedsInt64(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}

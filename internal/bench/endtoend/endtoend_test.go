package endtoend

import (
	"strings"
	"testing"
)

func TestStatements(t *testing.T) {
	t.Parallel()
	texts, err := statements(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range texts {
		if !strings.HasPrefix(text, "-- name: "+name+" :") {
			t.Errorf("%s is recorded as\n%s", name, text)
		}
	}
	if text := texts["ListTicketsByUser"]; !strings.Contains(text, "LIMIT $3 OFFSET $2") {
		t.Errorf("the peer passes skip before limit to\n%s", text)
	}
}

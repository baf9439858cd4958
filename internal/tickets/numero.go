package tickets

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

// formatNumero writes the number of the n-th ticket of a year: TC-2025-001, and TC-2025-1000 after TC-2025-999.
func formatNumero(year int, n int64) string { return fmt.Sprintf("TC-%d-%03d", year, n) }

// numeroYear is the year that a ticket created at a moment counts in: that of the place.
func numeroYear(at time.Time, place *time.Location) int { return at.In(place).Year() }

// parseID reads a ticket's id. Where the contract takes an id or a numero, what is no id is a numero: an id has its 36
// characters, and nothing else that package uuid would read.
func parseID(text string) (id uuid.UUID, ok bool) {
	if len(text) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(text)
	return id, err == nil
}

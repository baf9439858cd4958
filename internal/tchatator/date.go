package tchatator

import "time"

// formatDate writes a moment as the document's dates: in UTC, without saying so.
func formatDate(t time.Time) string { return t.UTC().Format(time.DateTime) }

// formatDateOrNil writes a moment that may not have come.
func formatDateOrNil(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := formatDate(*t)
	return &text
}

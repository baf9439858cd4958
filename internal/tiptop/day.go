package tiptop

import "time"

// startOfDay is the first moment of the day that now falls on in a place.
func startOfDay(now time.Time, place *time.Location) time.Time {
	year, month, day := now.In(place).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, place)
}

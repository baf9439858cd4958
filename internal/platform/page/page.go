// Package page reads lists one page at a time, as the contracts' page and limit ask for them: pages count from 1, and one
// behind the last is empty, however large its number.
package page

import "context"

// Window is the part of a list that a page shows.
type Window struct {
	Page  int64 // from 1
	Limit int32 // rows to a page, from 1
}

// Skip is how many of total rows come before the page, and whether the page begins before they end. It does not overflow.
func (w Window) Skip(total int64) (rows int64, within bool) {
	before := w.Page - 1
	if before >= w.Pages(total) {
		return 0, false
	}
	return before * int64(w.Limit), true
}

// Pages is how many pages a list of total rows has.
func (w Window) Pages(total int64) int64 {
	return total/int64(w.Limit) + min(total%int64(w.Limit), 1)
}

// Read answers the rows of a page, as list reads them after skipping those before it. A page behind the last one is empty
// without asking.
func Read[Row any](ctx context.Context, w Window, total int64, list func(ctx context.Context, skip int64) ([]Row, error)) ([]Row, error) {
	skip, within := w.Skip(total)
	if !within {
		return nil, nil
	}
	return list(ctx, skip)
}

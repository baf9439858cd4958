package tiptop

import (
	"context"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

// window is the part of a list that a page shows.
type window struct {
	page  int64 // from 1
	limit int32 // rows to a page, from 1
}

// skip is how many of total rows come before the page, and whether the page begins before they end. It does not overflow.
func (w window) skip(total int64) (rows int64, within bool) {
	before := w.page - 1
	if before >= pages(total, w.limit) {
		return 0, false
	}
	return before * int64(w.limit), true
}

// pages is how many pages a list has.
func pages(total int64, limit int32) int64 {
	return total/int64(limit) + min(total%int64(limit), 1)
}

// paginate answers a page of a list: its rows, as list reads them, and its place in the whole. A page behind the last one is
// empty without asking.
func paginate[Row any](ctx context.Context, w window, total int64, list func(ctx context.Context, skip int64) ([]Row, error)) ([]Row, api.Pagination, error) {
	place := api.Pagination{Total: total, Page: w.page, Limit: w.limit, TotalPages: pages(total, w.limit)}
	skip, within := w.skip(total)
	if !within {
		return nil, place, nil
	}
	rows, err := list(ctx, skip)
	return rows, place, err
}

package page_test

import (
	"context"
	"math"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/page"
)

func TestRead(t *testing.T) {
	t.Parallel()
	unasked := int64(-1)
	for name, test := range map[string]struct {
		window page.Window
		total  int64
		skip   int64 // unasked: the list is not read
		pages  int64
	}{
		"the first page":           {page.Window{Page: 1, Limit: 10}, 25, 0, 3},
		"the last page":            {page.Window{Page: 3, Limit: 10}, 25, 20, 3},
		"the page behind the last": {page.Window{Page: 4, Limit: 10}, 25, unasked, 3},
		"a full last page":         {page.Window{Page: 2, Limit: 10}, 20, 10, 2},
		"behind a full last page":  {page.Window{Page: 3, Limit: 10}, 20, unasked, 2},
		"an empty list":            {page.Window{Page: 1, Limit: 10}, 0, unasked, 0},
		"the largest page":         {page.Window{Page: math.MaxInt64, Limit: 100}, 25, unasked, 1},
		"the largest list":         {page.Window{Page: math.MaxInt64, Limit: 1}, math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64},
		"a page that would wrap":   {page.Window{Page: math.MaxInt64/100 + 2, Limit: 100}, math.MaxInt64, unasked, math.MaxInt64/100 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			skipped := unasked
			rows, err := page.Read(t.Context(), test.window, test.total, func(_ context.Context, skip int64) ([]string, error) {
				skipped = skip
				return []string{"row"}, nil
			})
			if err != nil || skipped != test.skip || (len(rows) == 1) != (test.skip != unasked) {
				t.Errorf("rows %v, skipped %d, %v; want %d skipped", rows, skipped, err, test.skip)
			}
			if pages := test.window.Pages(test.total); pages != test.pages {
				t.Errorf("%d pages, want %d", pages, test.pages)
			}
		})
	}
}

package table_test

import (
	"math"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/bench/table"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	limit := table.Limit{Must: 1.15, Aim: 1.05}
	for _, c := range []struct {
		name  string
		limit table.Limit
		ratio float64
		want  table.Verdict
	}{
		{"below the aim", limit, 0.8, table.Aimed},
		{"at the aim", limit, 1.05, table.Aimed},
		{"prints as the aim", limit, 1.0504, table.Aimed},
		{"between aim and must", limit, 1.051, table.Passed},
		{"at the must", limit, 1.15, table.Passed},
		{"beyond the must", limit, 1.151, table.Missed},
		{"nothing was measured", limit, math.NaN(), table.Missed},
		{"divided by nothing", limit, math.Inf(1), table.Missed},
		{"no aim", table.Limit{Must: 1}, 0.1, table.Passed},
		{"nothing asked", table.Limit{}, 7, table.Unasked},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := c.limit.Judge(c.ratio); got != c.want {
				t.Errorf("Judge(%v) = %q, want %q", c.ratio, got, c.want)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	shown := table.Table{
		Title:   "Heights",
		Notes:   []string{"in metres"},
		Columns: append([]string{"<what", "×"}, "must", "aim", "<verdict"),
	}
	limit := table.Limit{Must: 1.15, Aim: 0.9}
	shown.Add(append([]string{"élan", table.Ratio(0.875)}, limit.Cells(0.875)...)...)
	shown.Add()
	shown.Add(append([]string{"a giraffe", table.Ratio(2)}, table.Limit{}.Cells(2)...)...)

	var b strings.Builder
	if err := shown.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := `
Heights

  what           ×    must     aim  verdict
  ─────────  ─────  ──────  ──────  ─────────────
  élan       0.875  ≤ 1.15  ≤ 0.90  pass, aim met

  a giraffe  2.000

  in metres
`
	if got := b.String(); got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
}

// Package table judges ratios and prints tables for a terminal.
package table

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Limit is what a ratio must stay within for the run to pass, and what it aims at.
type Limit struct {
	Must float64 // 0: nothing is asked
	Aim  float64 // 0: there is no aim beyond Must
}

// Verdict is what a limit says of a ratio.
type Verdict string

// The verdicts; only Missed fails a run.
const (
	Unasked Verdict = ""
	Aimed   Verdict = "pass, aim met"
	Passed  Verdict = "pass"
	Missed  Verdict = "MISSED"
)

// Judge compares a ratio with the limit. A ratio is rounded to the three decimals that are printed of it, so that a table
// never contradicts its verdict.
func (l Limit) Judge(ratio float64) Verdict {
	ratio = math.Round(ratio*1000) / 1000
	switch {
	case l.Must == 0:
		return Unasked
	case !(ratio <= l.Must): // not a number is a miss too
		return Missed
	case l.Aim != 0 && ratio <= l.Aim:
		return Aimed
	default:
		return Passed
	}
}

// Cells are the three last columns of a row: must, aim and verdict, empty where nothing is asked.
func (l Limit) Cells(ratio float64) []string {
	return []string{bound(l.Must), bound(l.Aim), string(l.Judge(ratio))}
}

func bound(limit float64) string {
	if limit == 0 {
		return ""
	}
	return fmt.Sprintf("≤ %.2f", limit)
}

// Ratio prints a ratio as tables show it.
func Ratio(ratio float64) string { return fmt.Sprintf("%.3f", ratio) }

// Table is a heading, and rows that have as many cells as there are columns. A row without cells is a blank line.
type Table struct {
	Title   string
	Notes   []string // lines below
	Columns []string // a name that starts with < is aligned left, the others right
	Rows    [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// Write prints the table.
func (t *Table) Write(w io.Writer) error {
	widths := make([]int, len(t.Columns))
	heads := make([]string, len(t.Columns))
	for i, name := range t.Columns {
		heads[i] = strings.TrimPrefix(name, "<")
		widths[i] = utf8.RuneCountInString(heads[i])
	}
	for _, row := range t.Rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n\n", t.Title)
	t.line(&b, heads, widths)
	rule := make([]string, len(widths))
	for i, width := range widths {
		rule[i] = strings.Repeat("─", width)
	}
	t.line(&b, rule, widths)
	for _, row := range t.Rows {
		t.line(&b, row, widths)
	}
	if len(t.Notes) > 0 {
		b.WriteString("\n")
	}
	for _, note := range t.Notes {
		fmt.Fprintf(&b, "  %s\n", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *Table) line(b *strings.Builder, cells []string, widths []int) {
	line := strings.Builder{}
	for i, cell := range cells {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		line.WriteString("  ")
		if strings.HasPrefix(t.Columns[i], "<") {
			line.WriteString(cell + pad)
		} else {
			line.WriteString(pad + cell)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

package testkit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// matrix counts the requests by operation, kind and the status that they got.
type matrix struct {
	operations []string
	counts     map[string]map[string]map[int]int
}

func newMatrix() *matrix { return &matrix{counts: map[string]map[string]map[int]int{}} }

func (m *matrix) add(operation, kind string, status int) {
	if m.counts[operation] == nil {
		m.operations = append(m.operations, operation)
		m.counts[operation] = map[string]map[int]int{}
	}
	if m.counts[operation][kind] == nil {
		m.counts[operation][kind] = map[int]int{}
	}
	m.counts[operation][kind][status]++
}

// total is how many requests of a kind were sent.
func (m *matrix) total(kind string) int {
	total := 0
	for _, byKind := range m.counts {
		for _, n := range byKind[kind] {
			total += n
		}
	}
	return total
}

// String is a legend of the kinds with the statuses that they got, and a table with a column for each kind.
func (m *matrix) String() string {
	var b strings.Builder
	all := 0
	for i, kind := range kinds {
		statuses := map[int]int{}
		for _, byKind := range m.counts {
			for status, n := range byKind[kind.name] {
				statuses[status] += n
				all += n
			}
		}
		fmt.Fprintf(&b, "%4d %-20s", i+1, kind.name)
		for _, status := range slices.Sorted(maps.Keys(statuses)) {
			fmt.Fprintf(&b, " %d×%d", status, statuses[status])
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "     %d requests in all\n\n%-20s", all, "")
	for i := range kinds {
		fmt.Fprintf(&b, "%4d", i+1)
	}
	b.WriteByte('\n')
	for _, operation := range m.operations {
		fmt.Fprintf(&b, "%-20s", operation)
		for _, kind := range kinds {
			n := 0
			for _, count := range m.counts[operation][kind.name] {
				n += count
			}
			if n == 0 {
				b.WriteString("   ·")
			} else {
				fmt.Fprintf(&b, "%4d", n)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

package config

import (
	"maps"
	"slices"
)

// nearest is the variable that was asked for and most resembles the name, or "" when none is close: at most a third of the
// name, without its prefix, may differ.
func (r *Reader) nearest(name string) string {
	best, least := "", 1+max(1, (len(name)-len(Prefix))/3)
	for _, candidate := range slices.Sorted(maps.Keys(r.asked)) {
		if d := distance(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is how many letters must be put in, taken out, changed or swapped with their neighbour to get from a to b.
func distance(a, b string) int {
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

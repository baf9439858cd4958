package soak

import "slices"

// growth says how much of a quantity is still noise.
type growth struct {
	share float64 // of what it was
	slack float64 // in its own unit
}

// from compares the last quarter of a series with its second one: the first is the start, when pools and caches fill. It
// answers with both medians and with whether the quantity kept growing.
func (g growth) from(series []float64) (before, after float64, grew bool) {
	quarter := len(series) / 4
	if quarter == 0 {
		return 0, 0, false
	}
	before = median(series[quarter : 2*quarter])
	after = median(series[len(series)-quarter:])
	return before, after, after > before*(1+g.share)+g.slack
}

func median(series []float64) float64 {
	sorted := slices.Sorted(slices.Values(series))
	return sorted[len(sorted)/2]
}

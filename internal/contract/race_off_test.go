//go:build !race

package contract

// slower is how much generous ratios of times grow under the race detector: it is off.
const slower = 1

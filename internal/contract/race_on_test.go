//go:build race

package contract

// slower is how much generous ratios of times grow under the race detector, which costs pools and atomics most.
const slower = 3

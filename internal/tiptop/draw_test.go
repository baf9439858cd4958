package tiptop

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// seeded is random bytes that are the same in every run.
func seeded(seed byte) io.Reader { return rand.NewChaCha8([32]byte{seed}) }

func TestDrawPicksInProportion(t *testing.T) {
	t.Parallel()
	weights := []float64{0.60, 0, 0.15, 0.12, 0.08, 0.05}
	const draws = 200_000
	random, counts := seeded(1), make([]int, len(weights))
	for range draws {
		i, err := draw(random, weights)
		if err != nil {
			t.Fatal(err)
		}
		counts[i]++
	}
	if counts[1] != 0 {
		t.Errorf("the weight 0 was drawn %d times", counts[1])
	}
	chiSquare := 0.0
	for i, w := range weights {
		if w > 0 {
			expected := w * draws
			chiSquare += (float64(counts[i]) - expected) * (float64(counts[i]) - expected) / expected
		}
	}
	// Four degrees of freedom: a fair draw stays below 18.5 in 999 of 1000 seeds.
	if chiSquare > 18.5 {
		t.Errorf("chi-square is %.1f for the counts %v", chiSquare, counts)
	}
}

// TestDrawIsExact forces every pick at the edge of a share: each index owns exactly its share of all picks.
func TestDrawIsExact(t *testing.T) {
	t.Parallel()
	for _, weights := range [][]float64{
		{0.60, 0.15, 0.12, 0.08, 0.05}, {1.0 / 3, 0, 1.0 / 3}, {1, math.SmallestNonzeroFloat64}, {1e-300, 1e300, 0.1},
	} {
		shares, sum := scale(weights), new(big.Int)
		total := new(big.Rat)
		for i, w := range weights {
			sum.Add(sum, shares[i])
			total.Add(total, new(big.Rat).SetFloat64(w))
		}
		first := new(big.Int)
		for i, w := range weights {
			share := new(big.Rat).SetFrac(shares[i], sum)
			if want := new(big.Rat).Quo(new(big.Rat).SetFloat64(w), total); share.Cmp(want) != 0 {
				t.Errorf("%v: the share of %g is %s, want %s", weights, w, share, want)
			}
			if w == 0 {
				continue
			}
			next := new(big.Int).Add(first, shares[i])
			for _, pick := range []*big.Int{first, new(big.Int).Sub(next, big.NewInt(1))} {
				if got, err := draw(forced(pick, sum), weights); err != nil || got != i {
					t.Errorf("%v: the pick %s of %s draws %d, %v; want %d", weights, pick, sum, got, err, i)
				}
			}
			first = next
		}
	}
}

// forced is randomness that makes rand.Int pick a number below sum.
func forced(pick, sum *big.Int) io.Reader {
	size := (new(big.Int).Sub(sum, big.NewInt(1)).BitLen() + 7) / 8
	return bytes.NewReader(pick.FillBytes(make([]byte, size)))
}

func TestDrawNothing(t *testing.T) {
	t.Parallel()
	for _, weights := range [][]float64{nil, {0}, {0, 0, 0}} {
		if got, err := draw(seeded(1), weights); err != nil || got != nothing {
			t.Errorf("draw(%v) = %d, %v", weights, got, err)
		}
	}
}

func TestDrawWithoutRandomness(t *testing.T) {
	t.Parallel()
	if got, err := draw(bytes.NewReader(nil), []float64{0.5, 0.5}); !errors.Is(err, io.EOF) {
		t.Errorf("draw = %d, %v; want io.EOF", got, err)
	}
}

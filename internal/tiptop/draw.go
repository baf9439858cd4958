package tiptop

import (
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"math/big"
)

// nothing is what draw answers when no weight is above zero.
const nothing = -1

// mantissa is how many bits of precision a float64 has.
const mantissa = 53

// draw picks an index with a probability of exactly its weight's share of all weights: weights are finite, and those that are
// not above zero are never picked. Every float64 is an integer times a power of two, so the shares are integers on a common
// scale, and the pick is a uniform integer below their sum: nothing is rounded.
func draw(random io.Reader, weights []float64) (int, error) {
	shares := scale(weights)
	sum := new(big.Int)
	for _, share := range shares {
		sum.Add(sum, share)
	}
	if sum.Sign() == 0 {
		return nothing, nil
	}
	pick, err := rand.Int(random, sum)
	if err != nil {
		return nothing, fmt.Errorf("draw: %w", err)
	}
	for i, share := range shares {
		if pick.Sub(pick, share).Sign() < 0 {
			return i, nil
		}
	}
	panic("draw: the pick is below the sum of all shares")
}

// scale turns weights into integers in the same proportions, zero for those that are not above zero.
func scale(weights []float64) []*big.Int {
	least := math.MaxInt
	for _, w := range weights {
		if w > 0 {
			_, exponent := math.Frexp(w)
			least = min(least, exponent)
		}
	}
	shares := make([]*big.Int, len(weights))
	for i, w := range weights {
		shares[i] = new(big.Int)
		if w > 0 {
			fraction, exponent := math.Frexp(w)
			shares[i].SetInt64(int64(math.Ldexp(fraction, mantissa)))
			shares[i].Lsh(shares[i], uint(exponent-least))
		}
	}
	return shares
}

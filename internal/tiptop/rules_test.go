package tiptop

import (
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/tiptop/db"
)

func TestAmount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		cents int64
		text  string
	}{
		"39.00": {3900, "39.00"}, "69": {6900, "69.00"}, "69.5": {6950, "69.50"}, "0": {0, "0.00"}, "0.07": {7, "0.07"},
		"007.10": {710, "7.10"}, "99999999.99": {9999999999, "99999999.99"},
	} {
		cents, err := parseAmount(text)
		if err != nil || cents != want.cents {
			t.Errorf("parseAmount(%q) = %d, %v; want %d", text, cents, err, want.cents)
		}
		if got := formatAmount(want.cents); got != want.text {
			t.Errorf("formatAmount(%d) = %q, want %q", want.cents, got, want.text)
		}
	}
	for _, text := range []string{"", ".", "x", "1.234", "1,50", "99999999999999999999"} {
		if cents, err := parseAmount(text); err == nil {
			t.Errorf("parseAmount(%q) = %d without an error", text, cents)
		}
	}
}

func TestNewCode(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[A-HJ-NP-Z2-9]{3}-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$`)
	random, seen, letters := seeded(2), map[string]bool{}, map[rune]int{}
	const codes = 20_000
	for range codes {
		code, err := newCode(random)
		if err != nil {
			t.Fatal(err)
		}
		if !shape.MatchString(code) || seen[code] || normalizeCode(code) != code {
			t.Fatalf("the code %q is misshapen or was there before", code)
		}
		seen[code] = true
		for _, letter := range strings.ReplaceAll(code, "-", "") {
			letters[letter]++
		}
	}
	if len(letters) != len(codeAlphabet) {
		t.Errorf("%d letters were used, want %d", len(letters), len(codeAlphabet))
	}
	expected, chiSquare := float64(codes*11)/float64(len(codeAlphabet)), 0.0
	for _, n := range letters {
		chiSquare += math.Pow(float64(n)-expected, 2) / expected
	}
	// 31 degrees of freedom: fair letters stay below 61 in 999 of 1000 seeds.
	if chiSquare > 61 {
		t.Errorf("chi-square is %.1f for the letters %v", chiSquare, letters)
	}
	if _, err := newCode(bytes.NewReader(make([]byte, 7))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("without enough randomness: %v", err)
	}
}

func TestNormalizeCode(t *testing.T) {
	t.Parallel()
	if got := normalizeCode(" abc-Defg-hijk\t"); got != DemoCode {
		t.Errorf("normalizeCode = %q", got)
	}
}

func TestIsOpen(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	before, after := now.Add(-time.Millisecond), now.Add(time.Millisecond)
	for name, test := range map[string]struct {
		game db.GetGameRow
		want bool
	}{
		"no window":        {db.GetGameRow{}, true},
		"paused":           {db.GetGameRow{IsPaused: true}, false},
		"inside":           {db.GetGameRow{OpensAt: &before, ClosesAt: &after}, true},
		"the first moment": {db.GetGameRow{OpensAt: &now}, true},
		"too early":        {db.GetGameRow{OpensAt: &after}, false},
		"the end":          {db.GetGameRow{ClosesAt: &now}, false},
		"just before":      {db.GetGameRow{ClosesAt: &after}, true},
		"too late":         {db.GetGameRow{ClosesAt: &before}, false},
	} {
		if got := isOpen(test.game, now); got != test.want {
			t.Errorf("%s: isOpen = %t", name, got)
		}
	}
}

func TestDemoPrizes(t *testing.T) {
	t.Parallel()
	sum, ids := 0.0, map[string]bool{}
	for _, p := range demoPrizes() {
		sum += p.Probability
		ids[p.ID.String()] = true
		if p.ID.Version() != 7 {
			t.Errorf("%s is of version %d", p.ID, p.ID.Version())
		}
	}
	if math.Abs(sum-1) > 1e-9 || len(ids) != 5 {
		t.Errorf("%d prizes whose probabilities add up to %g", len(ids), sum)
	}
}

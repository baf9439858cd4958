package contract

import (
	"bytes"
	"math/bits"
	"strconv"
)

// decimal is the exact value of a JSON number literal: ± 0.d1d2d3… × 10^exp, where the digits are head followed by tail,
// without leading or trailing zeros. Zero has no digits. It refers to the literal's bytes, so reading one allocates nothing,
// and no arithmetic depends on the exponent, so that no literal is too large to handle.
type decimal struct {
	negative   bool
	head, tail []byte
	exp        int
}

// maxExponent bounds what is read from an exponent; no float64 comes near it.
const maxExponent = 1_000_000_000

// parseDecimal reads a literal that is a valid JSON number.
func parseDecimal(literal []byte) decimal {
	var d decimal
	i := 0
	if literal[0] == '-' {
		d.negative = true
		i++
	}
	start := i
	for i < len(literal) && isDigit(literal[i]) {
		i++
	}
	d.head = literal[start:i]
	if i < len(literal) && literal[i] == '.' {
		start = i + 1
		for i++; i < len(literal) && isDigit(literal[i]); i++ {
		}
		d.tail = literal[start:i]
	}
	d.exp = len(d.head)
	if i < len(literal) {
		d.exp += parseExponent(literal[i+1:])
	}
	return d.normal()
}

// parseExponent reads what follows the letter e, clamped to ±maxExponent.
func parseExponent(s []byte) int {
	negative := s[0] == '-'
	if s[0] == '-' || s[0] == '+' {
		s = s[1:]
	}
	n := 0
	for _, c := range s {
		n = min(n*10+int(c-'0'), maxExponent)
	}
	if negative {
		return -n
	}
	return n
}

// normal removes leading and trailing zeros.
func (d decimal) normal() decimal {
	for len(d.head) > 0 && d.head[0] == '0' {
		d.head = d.head[1:]
		d.exp--
	}
	if len(d.head) == 0 {
		for len(d.tail) > 0 && d.tail[0] == '0' {
			d.tail = d.tail[1:]
			d.exp--
		}
	}
	d.tail = trimZeros(d.tail)
	if len(d.tail) == 0 {
		d.head = trimZeros(d.head)
	}
	if d.zero() {
		return decimal{}
	}
	return d
}

func trimZeros(digits []byte) []byte {
	for len(digits) > 0 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits
}

func (d decimal) zero() bool { return d.digits() == 0 }

// digits is the number of significant digits.
func (d decimal) digits() int { return len(d.head) + len(d.tail) }

func (d decimal) digit(i int) byte {
	if i < len(d.head) {
		return d.head[i]
	}
	return d.tail[i-len(d.head)]
}

// sign is -1, 0 or 1.
func (d decimal) sign() int {
	switch {
	case d.zero():
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// compare is -1, 0 or 1 as d is less than, equal to or greater than e.
func (d decimal) compare(e decimal) int {
	s, t := d.sign(), e.sign()
	switch {
	case s < t:
		return -1
	case s > t:
		return 1
	case s == 0:
		return 0
	}
	if d.exp != e.exp {
		if (d.exp > e.exp) == (s > 0) {
			return 1
		}
		return -1
	}
	n, m := d.digits(), e.digits()
	for i := range min(n, m) {
		if a, b := d.digit(i), e.digit(i); a != b {
			if (a > b) == (s > 0) {
				return 1
			}
			return -1
		}
	}
	switch {
	case n == m:
		return 0
	case (n > m) == (s > 0):
		return 1
	}
	return -1
}

// appendCanonical appends a text that two decimals share exactly when they are equal.
func (d decimal) appendCanonical(dst []byte) []byte {
	if d.negative {
		dst = append(dst, '-')
	}
	dst = append(dst, d.head...)
	dst = append(dst, d.tail...)
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(d.exp), 10)
}

// divisor is a positive decimal of at most 19 digits: mantissa × 10^exp.
type divisor struct {
	mantissa uint64
	exp      int
}

// newDivisor reports false if d is not positive or has too many digits.
func newDivisor(d decimal) (divisor, bool) {
	if d.sign() <= 0 || d.digits() > 19 {
		return divisor{}, false
	}
	v := divisor{exp: d.exp - d.digits()}
	for i := range d.digits() {
		v.mantissa = v.mantissa*10 + uint64(d.digit(i)-'0')
	}
	return v, true
}

// divides reports whether d is an integer multiple of v, exactly.
func (v divisor) divides(d decimal) bool {
	if d.zero() {
		return true
	}
	shift := d.exp - d.digits() - v.exp
	if shift < 0 {
		return false // d's last digit is not zero, so d has more decimals than any multiple of v
	}
	var rest uint64
	if d.digits() <= 19 {
		for i := range d.digits() {
			rest = rest*10 + uint64(d.digit(i)-'0')
		}
		rest %= v.mantissa
	} else {
		for i := range d.digits() {
			rest = v.addMod(v.mulMod(rest, 10), uint64(d.digit(i)-'0')%v.mantissa)
		}
	}
	for power := 10 % v.mantissa; shift > 0 && rest != 0; shift >>= 1 {
		if shift&1 == 1 {
			rest = v.mulMod(rest, power)
		}
		power = v.mulMod(power, power)
	}
	return rest == 0
}

func (v divisor) mulMod(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return bits.Rem64(hi, lo, v.mantissa)
}

func (v divisor) addMod(a, b uint64) uint64 {
	lo, hi := bits.Add64(a, b, 0)
	return bits.Rem64(hi, lo, v.mantissa)
}

// mayOverflow reports whether it takes a closer look to see that a literal fits float64.
func mayOverflow(literal []byte) bool {
	return len(literal) > 300 || bytes.IndexByte(literal, 'e') >= 0 || bytes.IndexByte(literal, 'E') >= 0
}

// fitsFloat reports whether a literal has a finite value of the given size (32 or 64 bits) that is zero only if it is.
func fitsFloat(literal []byte, size int) bool {
	f, err := strconv.ParseFloat(string(literal), size)
	return err == nil && (f != 0 || parseDecimal(literal).zero())
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

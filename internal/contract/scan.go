package contract

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The scanner reads RFC 8259 strictly: what it accepts, jsontext accepts, and the other way round (FuzzScan). It is our own
// because it is told what to expect: a schema-driven walk needs no token objects and no stack of its own.

// stringFlags tell what a string literal contains.
type stringFlags uint8

const (
	escaped  stringFlags = 1 << iota // an escape sequence
	nonASCII                         // a byte above 0x7F, or an escape that may stand for one
	badUTF8                          // invalid UTF-8, or a surrogate without its other half
	hasNUL                           // U+0000
)

func skipSpace(data []byte, pos int) int {
	for pos < len(data) && (data[pos] == ' ' || data[pos] == '\n' || data[pos] == '\t' || data[pos] == '\r') {
		pos++
	}
	return pos
}

// stringEnd returns the position behind the string literal that opens at data[pos]. If the literal is malformed the result
// is -1 minus the offset of the fault.
func stringEnd(data []byte, pos int) (int, stringFlags) {
	var flags stringFlags
	i := pos + 1
	for i < len(data) {
		for i+8 <= len(data) {
			special := specialBytes(binary.LittleEndian.Uint64(data[i:]))
			if special != 0 {
				i += bits.TrailingZeros64(special) >> 3
				break
			}
			i += 8
		}
		if i == len(data) {
			break
		}
		c := data[i]
		switch {
		case c >= utf8.RuneSelf:
			flags |= nonASCII
			r, n := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && n == 1 {
				flags |= badUTF8
			}
			i += n
		case c == '"':
			return i + 1, flags
		case c == '\\':
			n, f := escapeLen(data[i:])
			if n == 0 {
				return -1 - i, flags
			}
			flags |= escaped | f
			i += n
		case c < ' ':
			return -1 - i, flags
		default:
			i++
		}
	}
	return -1 - len(data), flags
}

// specialBytes looks at eight bytes at once. The lowest bit set in the result is the top bit of the first byte that is a
// quote, a backslash, a control character or not ASCII; the result is 0 if there is none.
func specialBytes(x uint64) uint64 {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	quote, backslash := x^'"'*ones, x^'\\'*ones
	return ((x-' '*ones)&^x | (quote-ones)&^quote | (backslash-ones)&^backslash | x) & tops
}

// escapeLen is the length of the escape sequence (or pair of surrogates) at the start of s, 0 if it is none.
func escapeLen(s []byte) (int, stringFlags) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, 0
	case 'u':
		if hex4(s[2:]) < 0 {
			return 0, 0
		}
	default:
		return 0, 0
	}
	r, n := unescapedRune(s)
	switch {
	case r == 0:
		return n, hasNUL
	case r == utf8.RuneError && hex4(s[2:]) != utf8.RuneError:
		return n, nonASCII | badUTF8
	}
	return n, nonASCII
}

// unescapedRune reads the \uXXXX, or the pair of surrogates, at the start of s, and its length in bytes. A surrogate
// without its other half reads as U+FFFD.
func unescapedRune(s []byte) (rune, int) {
	r := hex4(s[2:])
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(s) >= 12 && s[6] == '\\' && s[7] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(s[8:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hex4 is the value of four hexadecimal digits, -1 if there are not as many.
func hex4(s []byte) rune {
	if len(s) < 4 {
		return -1
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// numberEnd returns the position behind the number that starts at data[pos] and whether it is written as an integer,
// without fraction or exponent. If it is malformed the position is -1 minus the offset of the fault.
func numberEnd(data []byte, pos int) (end int, integer bool) {
	i := pos
	if data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	case i < len(data) && isDigit(data[i]):
		i = digitsEnd(data, i)
	default:
		return -1 - i, false
	}
	integer = true
	if i < len(data) && data[i] == '.' {
		integer = false
		start := i + 1
		if i = digitsEnd(data, start); i == start {
			return -1 - i, false
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		integer = false
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		start := i
		if i = digitsEnd(data, start); i == start {
			return -1 - i, false
		}
	}
	return i, integer
}

func digitsEnd(data []byte, i int) int {
	for i < len(data) && isDigit(data[i]) {
		i++
	}
	return i
}

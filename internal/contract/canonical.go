package contract

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// span is a range of bytes.
type span struct{ start, end int }

// canonizer rewrites JSON values so that two values are equal exactly when their canonical bytes are: members sorted,
// strings unescaped, numbers by value. It keeps its buffers, so that a warm one allocates nothing.
type canonizer struct {
	out   []byte
	spans []span
}

// reset forgets what was written.
func (z *canonizer) reset() { z.out, z.spans = z.out[:0], z.spans[:0] }

// write appends the canonical form of the value at data[pos:], which must be valid JSON, and returns where the value ends.
func (z *canonizer) write(data []byte, pos int) int {
	switch c := data[pos]; c {
	case '"':
		end, flags := stringEnd(data, pos)
		z.text(data[pos+1:end-1], flags&escaped != 0)
		return end
	case '{':
		return z.object(data, pos)
	case '[':
		z.out = append(z.out, '[')
		pos = skipSpace(data, pos+1)
		for data[pos] != ']' {
			pos = skipSpace(data, z.write(data, pos))
			z.out = append(z.out, ',')
			if data[pos] == ',' {
				pos = skipSpace(data, pos+1)
			}
		}
		z.out = append(z.out, ']')
		return pos + 1
	case 't', 'f', 'n':
		z.out = append(z.out, c)
		if c == 'f' {
			return pos + len("false")
		}
		return pos + len("true")
	}
	end, _ := numberEnd(data, pos)
	z.out = parseDecimal(data[pos:end]).appendCanonical(z.out)
	return end
}

// text appends a string's content, unescaped. The end mark is a byte that UTF-8 never has.
func (z *canonizer) text(content []byte, escapes bool) {
	z.out = append(z.out, '"')
	if escapes {
		z.out = appendUnescaped(z.out, content)
	} else {
		z.out = append(z.out, content...)
	}
	z.out = append(z.out, 0xFF)
}

func (z *canonizer) object(data []byte, pos int) int {
	start, first := len(z.out), len(z.spans)
	pos = skipSpace(data, pos+1)
	for data[pos] != '}' {
		member := len(z.out)
		pos = skipSpace(data, z.write(data, pos))
		z.out = append(z.out, ':')
		pos = skipSpace(data, z.write(data, skipSpace(data, pos+1)))
		z.spans = append(z.spans, span{member, len(z.out)})
		if data[pos] == ',' {
			pos = skipSpace(data, pos+1)
		}
	}
	members := z.spans[first:]
	slices.SortFunc(members, func(a, b span) int {
		return bytes.Compare(z.out[a.start:a.end], z.out[b.start:b.end])
	})
	unsorted := len(z.out)
	z.out = append(z.out, '{')
	for _, m := range members {
		z.out = append(z.out, z.out[m.start:m.end]...)
		z.out = append(z.out, ',')
	}
	z.out = append(z.out, '}')
	z.out = append(z.out[:start], z.out[unsorted:]...)
	z.spans = z.spans[:first]
	return pos + 1
}

// duplicates reports whether two items of the array at data[pos:] are equal.
func (z *canonizer) duplicates(data []byte, pos int) bool {
	z.reset()
	pos = skipSpace(data, pos+1)
	var items int
	for ; data[pos] != ']'; items++ {
		start := len(z.out)
		pos = skipSpace(data, z.write(data, pos))
		z.spans = append(z.spans, span{start, len(z.out)})
		if data[pos] == ',' {
			pos = skipSpace(data, pos+1)
		}
	}
	slices.SortFunc(z.spans, func(a, b span) int {
		return bytes.Compare(z.out[a.start:a.end], z.out[b.start:b.end])
	})
	for i := 1; i < items; i++ {
		a, b := z.spans[i-1], z.spans[i]
		if bytes.Equal(z.out[a.start:a.end], z.out[b.start:b.end]) {
			return true
		}
	}
	return false
}

// appendUnescaped appends the content of a JSON string literal (without its quotes) with its escapes resolved. A surrogate
// without its other half becomes U+FFFD.
func appendUnescaped(dst, content []byte) []byte {
	for i := 0; i < len(content); {
		c := content[i]
		if c != '\\' {
			dst = append(dst, c)
			i++
			continue
		}
		switch c := content[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, n := unescapedRune(content[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		default:
			dst = append(dst, c)
		}
		i += 2
	}
	return dst
}

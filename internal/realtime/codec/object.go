package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// members calls visit for each member of a JSON object: its name as it is written, quotes included, its value, and where
// the member starts and ends. The object is valid JSON. It reports whether it is an object.
func members(object []byte, visit func(name, value []byte, start, end int)) bool {
	i := skipSpace(object, 0)
	if i == len(object) || object[i] != '{' {
		return false
	}
	for i = skipSpace(object, i+1); object[i] != '}'; i = skipSpace(object, i) {
		if object[i] == ',' {
			i = skipSpace(object, i+1)
		}
		start := i
		i = skipValue(object, i)
		name := object[start:i]
		i = skipSpace(object, i)        // to the colon
		value := skipSpace(object, i+1) // behind it
		i = skipValue(object, value)
		visit(name, object[value:i], start, i)
	}
	return true
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\n' || text[i] == '\r') {
		i++
	}
	return i
}

// skipValue is where the value that starts at i ends. The text is valid JSON.
func skipValue(text []byte, i int) int {
	depth := 0
	for ; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1 + min(depth, 0) // a number's end is the bracket around it
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

// valid returns an error for a frame that is no JSON object.
func valid(frame []byte) error {
	if !json.Valid(frame) {
		return fmt.Errorf("%w: no JSON", ErrMalformed)
	}
	if frame[skipSpace(frame, 0)] != '{' {
		return fmt.Errorf("%w: no object", ErrMalformed)
	}
	return nil
}

// text is the value of a JSON string, and whether it is one.
func text(value []byte) (string, bool) {
	if value[0] != '"' {
		return "", false
	}
	inner := value[1 : len(value)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner), true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// is reports whether a member's name, as it is written, is this one.
func is(written []byte, name string) bool {
	if inner := written[1 : len(written)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner) == name
	}
	s, ok := text(written)
	return ok && s == name
}

// quote writes a JSON string.
func quote(s string) []byte {
	quoted, _ := json.Marshal(s) // a string can be written
	return quoted
}

// appendQuoted appends a JSON string.
func appendQuoted(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			return append(dst, quote(s)...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

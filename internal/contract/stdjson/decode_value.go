package stdjson

import (
	"bytes"
	"encoding"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Positions in data: a negative one says that somebody has given up, and stays negative.

// space is the position of the first byte at or behind at that is no white space.
func space(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\t' || data[at] == '\r') {
		at++
	}
	return at
}

// open passes the bracket that begins an object or a list; more says that there is something in it.
func open(data []byte, at int, bracket, closing byte) (_ int, more bool) {
	if at >= len(data) || data[at] != bracket {
		return -1, false
	}
	if at = space(data, at+1); at < len(data) && data[at] == closing {
		return at + 1, false
	}
	return at, true
}

// next passes what follows a value in an object or a list; more says that another one follows.
func next(data []byte, at int, closing byte) (_ int, more bool) {
	if at < 0 {
		return -1, false
	}
	if at = space(data, at); at < len(data) {
		switch data[at] {
		case ',':
			return space(data, at+1), true
		case closing:
			return at + 1, false
		}
	}
	return -1, false
}

// member passes a name and its colon.
func member(data []byte, at int) (name []byte, _ int) {
	end, plain := literal(data, at)
	if end < 0 || !plain {
		return nil, -1
	}
	name = data[at+1 : end-1]
	if at = space(data, end); at >= len(data) || data[at] != ':' {
		return nil, -1
	}
	return name, space(data, at+1)
}

// literal is where the string literal that begins at at ends. One that is plain has no escapes and is valid UTF-8.
func literal(data []byte, at int) (end int, plain bool) {
	if at >= len(data) || data[at] != '"' {
		return -1, false
	}
	ascii, escapes := true, false
	for i := at + 1; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			return i + 1, !escapes && (ascii || utf8.Valid(data[at+1:i]))
		case c == '\\':
			escapes = true
			i++
		case c < ' ':
			return -1, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return -1, false
}

// text is the string that begins at at.
func text(data []byte, at int) ([]byte, int) {
	end, plain := literal(data, at)
	if end < 0 {
		return nil, -1
	}
	if plain {
		return data[at+1 : end-1], end
	}
	unquoted, err := jsontext.AppendUnquote(nil, data[at:end])
	if err != nil {
		return nil, -1
	}
	return unquoted, end
}

// passNull passes a null, or is -1.
func passNull(data []byte, at int) int { return passWord(data, at, "null") }

// passWord passes a literal, or is -1.
func passWord(data []byte, at int, text string) int {
	if at+len(text) <= len(data) && string(data[at:at+len(text)]) == text {
		return at + len(text)
	}
	return -1
}

// number is where the number that begins at at ends, and how many bytes of it are an integer.
func number(data []byte, at int) (end, integer int) {
	i := at
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	i = digits(data, i)
	if i == first || data[first] == '0' && i > first+1 {
		return -1, 0
	}
	integer = i
	if i < len(data) && data[i] == '.' {
		first = i + 1
		if i = digits(data, first); i == first {
			return -1, 0
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		first = i
		if i = digits(data, first); i == first {
			return -1, 0
		}
	}
	return i, integer
}

func digits(data []byte, at int) int {
	for at < len(data) && '0' <= data[at] && data[at] <= '9' {
		at++
	}
	return at
}

// scalar passes a value that is no object and no list.
func scalar(data []byte, at int) int {
	if at >= len(data) {
		return -1
	}
	switch data[at] {
	case '"':
		_, at = text(data, at)
		return at
	case 'n':
		return passNull(data, at)
	case 't':
		return passWord(data, at, "true")
	case 'f':
		return passWord(data, at, "false")
	}
	at, _ = number(data, at)
	return at
}

// readScalar keeps a value as it is written, unless it is an object or a list.
func readScalar(data []byte, at int, v reflect.Value) int {
	end := scalar(data, at)
	if end >= 0 {
		v.SetBytes(bytes.Clone(data[at:end]))
	}
	return end
}

func readBool(data []byte, at int, v reflect.Value) int {
	if behind := passWord(data, at, "true"); behind >= 0 {
		v.SetBool(true)
		return behind
	}
	return max(passWord(data, at, "false"), passNull(data, at))
}

func readInt(data []byte, at int, v reflect.Value) int {
	if behind := passNull(data, at); behind >= 0 {
		return behind
	}
	end, integer := number(data, at)
	if end < 0 || integer != end {
		return -1
	}
	negative := data[at] == '-'
	if negative {
		at++
	}
	if end-at > 19 { // more than 19 digits might not fit into n
		return -1
	}
	var n uint64
	for _, c := range data[at:end] {
		n = 10*n + uint64(c-'0')
	}
	if n > math.MaxInt64 {
		return -1
	}
	value := int64(n)
	if negative {
		value = -value
	}
	if v.OverflowInt(value) {
		return -1
	}
	v.SetInt(value)
	return end
}

func readFloat(data []byte, at int, v reflect.Value) int {
	if behind := passNull(data, at); behind >= 0 {
		return behind
	}
	end, _ := number(data, at)
	if end < 0 {
		return -1
	}
	value, err := strconv.ParseFloat(string(data[at:end]), v.Type().Bits())
	if err != nil {
		return -1
	}
	v.SetFloat(value)
	return end
}

func readString(data []byte, at int, v reflect.Value) int {
	if behind := passNull(data, at); behind >= 0 {
		return behind
	}
	value, end := text(data, at)
	if end >= 0 {
		v.SetString(string(value))
	}
	return end
}

// readText reads a type that reads itself from text.
func readText(data []byte, at int, v reflect.Value) int {
	value, end := text(data, at)
	if end < 0 || v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(value) != nil {
		return -1
	}
	return end
}

// readTime reads a time in UTC as RFC 3339 has it; other zones are json v2's matter.
func readTime(data []byte, at int, v reflect.Value) int {
	const least = len("2006-01-02T15:04:05Z")
	value, end := text(data, at)
	if end < 0 || len(value) < least || value[len(value)-1] != 'Z' || value[13] != ':' || len(value) > least && value[19] != '.' {
		return -1
	}
	if v.Addr().Interface().(*time.Time).UnmarshalText(value) != nil {
		return -1
	}
	return end
}

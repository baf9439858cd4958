package stdjson

import (
	"encoding"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// Answers are lists of the same few structs, and writing them is most of what a list handler does. Types are therefore
// compiled, once, into functions that append; json v2 writes whatever is out of the ordinary (recursive types, interfaces,
// unusual tags), and a test holds the two to the same bytes.

// appender appends the JSON of v, which is addressable.
type appender func(b []byte, v reflect.Value) ([]byte, error)

// appenders remembers the compiled types: reflect.Type → appender. It grows with the types of the program, not with values.
var appenders sync.Map

// appendValue appends the JSON of v.
func appendValue(b []byte, v any) ([]byte, error) {
	value := reflect.ValueOf(v)
	if !value.IsValid() {
		return append(b, "null"...), nil
	}
	if value.Kind() != reflect.Pointer {
		addressable := reflect.New(value.Type()).Elem()
		addressable.Set(value)
		value = addressable
	} else if value.IsNil() {
		return append(b, "null"...), nil
	} else {
		value = value.Elem()
	}
	return appenderFor(value.Type())(b, value)
}

func appenderFor(t reflect.Type) appender {
	if known, ok := appenders.Load(t); ok {
		return known.(appender)
	}
	known, _ := appenders.LoadOrStore(t, compile(t, nil))
	return known.(appender)
}

// compile makes the appender of t. within are the types that t is part of.
func compile(t reflect.Type, within []reflect.Type) appender {
	if slices.Contains(within, t) {
		return appendByV2 // a recursive type: json v2 looks out for cycles
	}
	within = append(within, t)
	switch t {
	case reflect.TypeFor[time.Time]():
		return appendTime
	case reflect.TypeFor[uuid.UUID]():
		return appendUUID
	case reflect.TypeFor[time.Duration]():
		return appendByV2
	}
	if isNullable(t) {
		return compileNullable(t, within)
	}
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		if implements[jsonv2.MarshalerTo](t) {
			return appendByV2
		}
		if implements[json.Marshaler](t) {
			return appendByMethod
		}
		if implements[encoding.TextMarshaler](t) {
			return appendByV2
		}
	}
	return compileKind(t, within)
}

func compileKind(t reflect.Type, within []reflect.Type) appender {
	switch t.Kind() {
	case reflect.Bool:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendBool(b, v.Bool()), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendInt(b, v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendUint(b, v.Uint(), 10), nil }
	case reflect.Float32, reflect.Float64:
		return appendFloat
	case reflect.String:
		return func(b []byte, v reflect.Value) ([]byte, error) { return appendString(b, v.String()) }
	case reflect.Pointer:
		return compilePointer(t, within)
	case reflect.Slice, reflect.Array:
		return compileList(t, within)
	case reflect.Map:
		return compileMap(t, within)
	case reflect.Struct:
		return compileStruct(t, within)
	}
	return appendByV2
}

// implements tells whether a value of type t, which is addressable, has the methods of M.
func implements[M any](t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[M]())
}

func compilePointer(t reflect.Type, within []reflect.Type) appender {
	if t.Name() != "" || t.Elem().Kind() == reflect.Pointer {
		return appendByV2
	}
	elem := compile(t.Elem(), within)
	return func(b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return append(b, "null"...), nil
		}
		return elem(b, v.Elem())
	}
}

func compileList(t reflect.Type, within []reflect.Type) appender {
	if t.Elem().Kind() == reflect.Uint8 {
		return appendByV2 // Base 64
	}
	elem := compile(t.Elem(), within)
	return func(b []byte, v reflect.Value) (_ []byte, err error) {
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = elem(b, v.Index(i)); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	}
}

func compileMap(t reflect.Type, within []reflect.Type) appender {
	if t.Key().Kind() != reflect.String || implements[encoding.TextMarshaler](t.Key()) || implements[json.Marshaler](t.Key()) ||
		implements[jsonv2.MarshalerTo](t.Key()) {
		return appendByV2
	}
	elem := compile(t.Elem(), within)
	return func(b []byte, v reflect.Value) (_ []byte, err error) {
		names := v.MapKeys()
		slices.SortFunc(names, func(x, y reflect.Value) int {
			switch x, y := x.String(), y.String(); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		value := reflect.New(t.Elem()).Elem()
		b = append(b, '{')
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendString(b, name.String()); err != nil {
				return b, err
			}
			value.Set(v.MapIndex(name))
			if b, err = elem(append(b, ':'), value); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	}
}

// isNullable recognises nullable.Nullable[T], a map[bool]T: no other map with such keys has a JSON form.
func isNullable(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Key().Kind() == reflect.Bool
}

func compileNullable(t reflect.Type, within []reflect.Type) appender {
	elem := compile(t.Elem(), within)
	given := reflect.New(t.Key()).Elem()
	given.SetBool(true)
	return func(b []byte, v reflect.Value) ([]byte, error) {
		value := v.MapIndex(given)
		if !value.IsValid() {
			return append(b, "null"...), nil
		}
		addressable := reflect.New(t.Elem()).Elem()
		addressable.Set(value)
		return elem(b, addressable)
	}
}

// appendByV2 leaves the value to json v2.
func appendByV2(b []byte, v reflect.Value) ([]byte, error) {
	data, err := jsonv2.Marshal(v.Addr().Interface(), writing)
	return append(b, data...), err
}

// appendByMethod takes what MarshalJSON returns, if it is JSON.
func appendByMethod(b []byte, v reflect.Value) ([]byte, error) {
	data, err := v.Addr().Interface().(json.Marshaler).MarshalJSON()
	if err != nil {
		return b, err
	}
	return jsontext.AppendFormat(b, data)
}

const hexDigits = "0123456789abcdef"

func appendUUID(b []byte, v reflect.Value) ([]byte, error) {
	id := v.Addr().Interface().(*uuid.UUID)
	b = append(b, '"')
	for i, octet := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[octet>>4], hexDigits[octet&15])
	}
	return append(b, '"'), nil
}

func appendTime(b []byte, v reflect.Value) ([]byte, error) {
	return appendUTC(b, *v.Addr().Interface().(*time.Time))
}

// appendUTC appends RFC 3339 with three decimals, cut off and not rounded: no time is written as later than it was.
func appendUTC(b []byte, t time.Time) ([]byte, error) {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return b, errors.New("json: year of a time is outside of [0,9999]")
	}
	hour, minute, second := t.Clock()
	b = append(b, '"')
	b = appendTwo(appendTwo(b, year/100), year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, 'T'), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	millisecond := t.Nanosecond() / 1e6
	b = append(b, '.', byte('0'+millisecond/100))
	b = appendTwo(b, millisecond%100)
	return append(b, 'Z', '"'), nil
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

// appendFloat writes a number as ECMAScript does; the very large, the very small and what is no number is json v2's matter.
func appendFloat(b []byte, v reflect.Value) ([]byte, error) {
	f := v.Float()
	if abs := math.Abs(f); abs != 0 && !(abs >= 1e-6 && abs < 1e21) {
		return appendByV2(b, v)
	}
	return strconv.AppendFloat(b, f, 'f', -1, v.Type().Bits()), nil
}

// appendString quotes text; invalid UTF-8 is an error.
func appendString(b []byte, text string) ([]byte, error) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return jsontext.AppendQuote(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"'), nil
}

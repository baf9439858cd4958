package stdjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Requests and events are the same few structs, too. Types are compiled, once, into functions that read; they know what
// ordinary JSON looks like and give up on anything else: an escape in a name, a number that does not fit, a repeated
// member, a syntax error. Then json v2 reads the value from the beginning, so that it alone decides what is an error and
// says which. A fuzz test holds the two to the same values.

// reader reads the JSON value that begins at data[at] into v, which is settable and zero. It returns the position behind
// the value, or -1 when it has given up.
type reader func(data []byte, at int, v reflect.Value) int

// readers remembers the compiled types: reflect.Type → reader; nil for those that are json v2's matter.
var readers sync.Map

// read reads the one JSON value that data holds into what v points to. When it returns false, v is as it was.
func read(data []byte, v any) bool {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return false
	}
	target = target.Elem()
	fn := readerFor(target.Type())
	if fn == nil || !target.IsZero() { // json v2 merges into what is there
		return false
	}
	if at := fn(data, space(data, 0), target); at >= 0 && space(data, at) == len(data) {
		return true
	}
	target.SetZero()
	return false
}

func readerFor(t reflect.Type) reader {
	known, ok := readers.Load(t)
	if !ok {
		known, _ = readers.LoadOrStore(t, compileReader(t, nil))
	}
	return known.(reader)
}

// compileReader makes the reader of t, nil if there is none. within are the types that t is part of.
func compileReader(t reflect.Type, within []reflect.Type) reader {
	if slices.Contains(within, t) {
		return nil // a recursive type: json v2 limits its depth
	}
	within = append(within, t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return readTime
	case t == reflect.TypeFor[time.Duration]():
		return nil
	case t == reflect.TypeFor[jsontext.Value]():
		return readScalar
	case implements[optional](t):
		return compileOptional(t, within)
	case t.Kind() == reflect.Pointer:
		return compilePointerReader(t, within)
	case implements[jsonv2.UnmarshalerFrom](t), implements[json.Unmarshaler](t):
		return nil
	case implements[encoding.TextUnmarshaler](t):
		return readText
	}
	return compileKindReader(t, within)
}

func compileKindReader(t reflect.Type, within []reflect.Type) reader {
	switch t.Kind() {
	case reflect.Bool:
		return readBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return readInt
	case reflect.Float32, reflect.Float64:
		return readFloat
	case reflect.String:
		return readString
	case reflect.Slice:
		return compileSliceReader(t, within)
	case reflect.Map:
		return compileMapReader(t, within)
	case reflect.Struct:
		return compileStructReader(t, within)
	}
	return nil
}

// optional is any *Optional.
type optional interface {
	give() any // makes it a value, and returns a pointer to that
	nullify()
}

func compileOptional(t reflect.Type, within []reflect.Type) reader {
	inner := reflect.TypeOf(reflect.New(t).Interface().(optional).give()).Elem()
	value := compileReader(inner, within)
	if value == nil {
		return nil
	}
	return func(data []byte, at int, v reflect.Value) int {
		target := v.Addr().Interface().(optional)
		if behind := passNull(data, at); behind >= 0 {
			target.nullify()
			return behind
		}
		return value(data, at, reflect.ValueOf(target.give()).Elem())
	}
}

func compilePointerReader(t reflect.Type, within []reflect.Type) reader {
	if t.Name() != "" || t.Elem().Kind() == reflect.Pointer {
		return nil
	}
	elem := compileReader(t.Elem(), within)
	if elem == nil {
		return nil
	}
	return func(data []byte, at int, v reflect.Value) int {
		if behind := passNull(data, at); behind >= 0 {
			return behind
		}
		v.Set(reflect.New(t.Elem()))
		return elem(data, at, v.Elem())
	}
}

func compileSliceReader(t reflect.Type, within []reflect.Type) reader {
	if t.Elem().Kind() == reflect.Uint8 {
		return nil // Base 64
	}
	elem := compileReader(t.Elem(), within)
	if elem == nil {
		return nil
	}
	empty := reflect.MakeSlice(t, 0, 0)
	return func(data []byte, at int, v reflect.Value) int {
		if behind := passNull(data, at); behind >= 0 {
			return behind
		}
		at, more := open(data, at, '[', ']')
		if at >= 0 && !more {
			v.Set(empty)
		}
		for n := 0; more; n++ {
			if n == v.Cap() {
				v.Grow(max(1, 4-n)) // most lists are short
			}
			v.SetLen(n + 1)
			at, more = next(data, elem(data, at, v.Index(n)), ']')
		}
		return at
	}
}

func compileMapReader(t reflect.Type, within []reflect.Type) reader {
	key := t.Key()
	if key.Kind() != reflect.String || implements[encoding.TextUnmarshaler](key) || implements[json.Unmarshaler](key) ||
		implements[jsonv2.UnmarshalerFrom](key) {
		return nil
	}
	elem := compileReader(t.Elem(), within)
	if elem == nil {
		return nil
	}
	return func(data []byte, at int, v reflect.Value) int {
		if behind := passNull(data, at); behind >= 0 {
			return behind
		}
		at, more := open(data, at, '{', '}')
		if at < 0 {
			return -1
		}
		v.Set(reflect.MakeMap(t))
		name, value := reflect.New(key).Elem(), reflect.New(t.Elem()).Elem()
		for more {
			var text []byte
			if text, at = member(data, at); at < 0 {
				return -1
			}
			name.SetString(string(text))
			if v.MapIndex(name).IsValid() {
				return -1
			}
			value.SetZero()
			at = elem(data, at, value)
			v.SetMapIndex(name, value)
			at, more = next(data, at, '}')
		}
		return at
	}
}

// memberReader reads one member of a struct.
type memberReader struct {
	name  string
	index int
	read  reader
}

func compileStructReader(t reflect.Type, within []reflect.Type) reader {
	fields, ok := structFields(t, nil, within)
	if !ok || repeats(fields) || len(fields) > 64 {
		return nil
	}
	members := make([]memberReader, len(fields))
	for i, f := range fields {
		if len(f.index) > 1 {
			return nil
		}
		members[i] = memberReader{f.name, f.index[0], compileReader(t.Field(f.index[0]).Type, within)}
		if members[i].read == nil {
			return nil
		}
	}
	return func(data []byte, at int, v reflect.Value) int {
		if behind := passNull(data, at); behind >= 0 {
			return behind
		}
		var seen uint64
		var strange strangers
		at, more := open(data, at, '{', '}')
		for expected := 0; more; {
			var name []byte
			if name, at = member(data, at); at < 0 {
				return -1
			}
			if i := find(members, name, expected); i >= 0 {
				if seen&(1<<i) != 0 {
					return -1
				}
				seen |= 1 << i
				expected = i + 1
				at = members[i].read(data, at, v.Field(members[i].index))
			} else {
				at = strange.skip(name, data, at)
			}
			at, more = next(data, at, '}')
		}
		return at
	}
}

// find looks a member up, first where it is if members come in the type's order.
func find(members []memberReader, name []byte, expected int) int {
	for i := expected; i < len(members); i++ {
		if string(name) == members[i].name {
			return i
		}
	}
	for i := range min(expected, len(members)) {
		if string(name) == members[i].name {
			return i
		}
	}
	return -1
}

// strangers are the members that a struct does not have. There are few, if any.
type strangers struct {
	names [4][]byte
	n     int
}

// skip passes over a value that nobody reads, unless it is an object or a list.
func (s *strangers) skip(name, data []byte, at int) int {
	if s.n == len(s.names) {
		return -1
	}
	for _, other := range s.names[:s.n] {
		if string(other) == string(name) {
			return -1
		}
	}
	s.names[s.n] = name
	s.n++
	return scalar(data, at)
}

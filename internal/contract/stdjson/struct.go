package stdjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// field is one member of a struct's JSON object.
type field struct {
	index     []int  // as reflect.Value.FieldByIndex takes it; no pointers on the way
	name      string // unquoted
	label     []byte // the quoted name and a colon
	omitEmpty bool
	omitZero  func(reflect.Value) bool // nil: never
	append    appender
}

func compileStruct(t reflect.Type, within []reflect.Type) appender {
	fields, ok := structFields(t, nil, within)
	if !ok || repeats(fields) {
		return appendByV2
	}
	return func(b []byte, v reflect.Value) (_ []byte, err error) {
		b = append(b, '{')
		first := true
		for i := range fields {
			f := &fields[i]
			member := v.Field(f.index[0])
			for _, index := range f.index[1:] {
				member = member.Field(index)
			}
			if f.omitEmpty && isEmpty(member) || f.omitZero != nil && f.omitZero(member) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			if b, err = f.append(append(b, f.label...), member); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	}
}

// structFields are the members of t in their order; ok is false when a field says something that only json v2 knows.
func structFields(t reflect.Type, parent []int, within []reflect.Type) (fields []field, ok bool) {
	for i := range t.NumField() {
		member := t.Field(i)
		tag, tagged := member.Tag.Lookup("json")
		if tag == "-" || !member.IsExported() && !member.Anonymous {
			continue
		}
		index := append(parent[:len(parent):len(parent)], i)
		name, options, _ := strings.Cut(tag, ",")
		if member.Anonymous {
			if tagged || member.Type.Kind() != reflect.Struct || hasMethods(member.Type) {
				return nil, false
			}
			inner, ok := structFields(member.Type, index, within)
			if !ok {
				return nil, false
			}
			fields = append(fields, inner...)
			continue
		}
		if name == "" {
			name = member.Name
		}
		f := field{index: index, name: name}
		if strings.ContainsAny(name, `'"\\`) || !f.options(options, member.Type) {
			return nil, false
		}
		label, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return nil, false
		}
		f.label = append(label, ':')
		f.append = compile(member.Type, within)
		fields = append(fields, f)
	}
	return fields, true
}

// options reads what follows the name in a tag; it is false when something there is json v2's matter.
func (f *field) options(list string, t reflect.Type) bool {
	for list != "" {
		var option string
		option, list, _ = strings.Cut(list, ",")
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			if implements[interface{ IsZero() bool }](t) {
				if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
					return false
				}
				f.omitZero = func(v reflect.Value) bool { return v.Addr().Interface().(interface{ IsZero() bool }).IsZero() }
			} else {
				f.omitZero = reflect.Value.IsZero
			}
		default:
			return false
		}
	}
	return true
}

// hasMethods tells whether a type writes itself.
func hasMethods(t reflect.Type) bool {
	return implements[jsonv2.MarshalerTo](t) || implements[json.Marshaler](t) || implements[encoding.TextMarshaler](t)
}

// repeats tells whether two fields have one name; json v2 knows which of them counts.
func repeats(fields []field) bool {
	seen := map[string]bool{}
	for _, f := range fields {
		if seen[f.name] {
			return true
		}
		seen[f.name] = true
	}
	return false
}

// isEmpty is what encoding/json means by omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

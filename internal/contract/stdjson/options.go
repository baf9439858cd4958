package stdjson

import (
	"reflect"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// writing is how json v2 writes what the compiled types leave to it; immutable.
var writing = json.JoinOptions(
	json.Deterministic(true),
	jsonv1.OmitEmptyWithLegacySemantics(true),
	json.WithMarshalers(json.JoinMarshalers(
		json.MarshalToFunc(func(enc *jsontext.Encoder, t *time.Time) error {
			b, err := appendUTC(enc.AvailableBuffer(), *t)
			if err != nil {
				return err
			}
			return enc.WriteValue(b)
		}),
		json.MarshalToFunc(func(enc *jsontext.Encoder, v nullableValue) error {
			value := reflect.Indirect(reflect.ValueOf(v)).MapIndex(reflect.ValueOf(true))
			if !value.IsValid() {
				return enc.WriteToken(jsontext.Null)
			}
			return json.MarshalEncode(enc, value.Interface())
		}),
	)),
)

// nullableValue is any nullable.Nullable.
type nullableValue interface {
	IsNull() bool
	IsSpecified() bool
}

// nullableTarget is a pointer to any nullable.Nullable.
type nullableTarget interface {
	nullableValue
	SetNull()
	SetUnspecified()
}

// readingNullables reads what is inside a nullable.Nullable by the same rules as everything else; its own method would leave
// it to encoding/json.
var readingNullables = json.WithUnmarshalers(json.UnmarshalFromFunc(func(dec *jsontext.Decoder, target nullableTarget) error {
	if dec.PeekKind() == 'n' {
		target.SetNull()
		_, err := dec.ReadToken()
		return err
	}
	nullable := reflect.ValueOf(target).Elem()
	value := reflect.New(nullable.Type().Elem())
	if err := json.UnmarshalDecode(dec, value.Interface()); err != nil {
		return err
	}
	given := reflect.MakeMapWithSize(nullable.Type(), 1)
	given.SetMapIndex(reflect.ValueOf(true), value.Elem())
	nullable.Set(given)
	return nil
}))

// nullables remembers which types hold a nullable.Nullable: reflect.Type → bool. The others are spared the search for it.
var nullables sync.Map

// readingFor are the options to read into v.
func readingFor(v any) json.Options {
	t := reflect.TypeOf(v)
	known, ok := nullables.Load(t)
	if !ok {
		known, _ = nullables.LoadOrStore(t, t != nil && holdsNullable(t, map[reflect.Type]bool{}))
	}
	if known.(bool) {
		return readingNullables
	}
	return nil
}

func holdsNullable(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch {
	case isNullable(t):
		return true
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if holdsNullable(t.Field(i).Type, seen) {
				return true
			}
		}
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Array, t.Kind() == reflect.Map:
		return holdsNullable(t.Elem(), seen)
	}
	return false
}

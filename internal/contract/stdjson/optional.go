package stdjson

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Optional is a member that may be absent, null or a value; its zero value is absent. Fields of this type are tagged
// omitzero.
type Optional[T any] struct {
	value T
	state state
}

type state uint8

const (
	absent state = iota
	null
	given
)

// Some is a member with a value.
func Some[T any](v T) Optional[T] { return Optional[T]{v, given} }

// Null is a member that is null.
func Null[T any]() Optional[T] { return Optional[T]{state: null} }

// Get is the value; ok is false when the member is absent or null.
func (o Optional[T]) Get() (value T, ok bool) { return o.value, o.state == given }

// Or is the value, or instead if the member is absent or null.
func (o Optional[T]) Or(instead T) T {
	if o.state == given {
		return o.value
	}
	return instead
}

// IsNull reports whether the member is there and null.
func (o Optional[T]) IsNull() bool { return o.state == null }

// IsZero reports whether the member is absent.
func (o Optional[T]) IsZero() bool { return o.state == absent }

// MarshalJSONTo writes the value, or null.
func (o Optional[T]) MarshalJSONTo(enc *jsontext.Encoder) error {
	if o.state != given {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, &o.value)
}

// UnmarshalJSONFrom reads a value or null.
func (o *Optional[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' {
		*o = Null[T]()
		_, err := dec.ReadToken()
		return err
	}
	*o = Optional[T]{state: given}
	return json.UnmarshalDecode(dec, &o.value)
}

func (o *Optional[T]) give() any {
	o.state = given
	return &o.value
}

func (o *Optional[T]) nullify() { o.state = null }

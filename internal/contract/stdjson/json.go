// Package stdjson has encoding/json's names and json v2's rules, so that generated code, which is written against
// encoding/json, reads and writes what the contracts promise without being touched.
//
// Reading: member names match exactly, a repeated name is an error, and so is invalid UTF-8. Members that the Go type
// does not have are skipped: what a request may contain is the validator's matter.
//
// Writing: times are RFC 3339 in UTC with exactly three decimals; nil slices are [] and nil maps {}; maps are sorted by
// name; <, > and & are not escaped; omitempty means what it means in encoding/json (a pointer to "" is written). A field of
// type nullable.Nullable is the value, or null when it is null or was never set.
package stdjson

import (
	"bytes"
	stdlib "encoding/json"
	"io"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// RawMessage is encoding/json's own type, because the runtime of the generated code takes and returns it.
type RawMessage = stdlib.RawMessage

// Marshal is the JSON of v, without a newline.
func Marshal(v any) ([]byte, error) {
	scratch := acquireScratch()
	defer scratch.release()
	var err error
	if scratch.b, err = appendValue(scratch.b, v); err != nil {
		return nil, err
	}
	return bytes.Clone(scratch.b), nil
}

// MarshalIndent is Marshal with every element on a line of its own, which begins with prefix and as many indents as the
// element is deep.
func MarshalIndent(v any, prefix, indent string) ([]byte, error) {
	return json.Marshal(v, writing, jsontext.WithIndentPrefix(prefix), jsontext.WithIndent(indent))
}

// Unmarshal reads the one JSON value that data holds into v, which must be a pointer. It keeps no reference to data.
func Unmarshal(data []byte, v any) error {
	if read(data, v) {
		return nil
	}
	return json.Unmarshal(data, v, readingFor(v))
}

// UnmarshalUnions is Unmarshal for types that hold interfaces of their own: readers has a function for each of them.
func UnmarshalUnions(data []byte, v any, readers *json.Unmarshalers) error {
	if read(data, v) {
		return nil
	}
	return json.Unmarshal(data, v, json.WithUnmarshalers(readers))
}

// Encoder writes values to a stream.
type Encoder struct{ w io.Writer }

// NewEncoder returns an encoder that writes to w.
func NewEncoder(w io.Writer) *Encoder { return &Encoder{w} }

// Encode writes the JSON of v in one Write and, unlike encoding/json, no newline after it. Nothing is written when v cannot
// be encoded.
func (e *Encoder) Encode(v any) error {
	scratch := acquireScratch()
	defer scratch.release()
	var err error
	if scratch.b, err = appendValue(scratch.b, v); err != nil {
		return err
	}
	_, err = e.w.Write(scratch.b)
	return err
}

// Decoder reads values from a stream.
type Decoder struct{ d *jsontext.Decoder }

// NewDecoder returns a decoder that reads from r and buffers what it reads.
func NewDecoder(r io.Reader) *Decoder { return &Decoder{jsontext.NewDecoder(r)} }

// Decode reads the next value into v, which must be a pointer. At the end of the stream it returns io.EOF.
func (d *Decoder) Decode(v any) error { return json.UnmarshalDecode(d.d, v, readingFor(v)) }

// scratch is a buffer to write a value in before its length is known.
type scratch struct{ b []byte }

// scratches holds nothing but free buffers.
var scratches = sync.Pool{New: func() any { return &scratch{make([]byte, 0, 4<<10)} }}

func acquireScratch() *scratch { return scratches.Get().(*scratch) }

// release keeps the buffer unless a rare, huge value made it huge.
func (s *scratch) release() {
	if cap(s.b) <= 256<<10 {
		s.b = s.b[:0]
		scratches.Put(s)
	}
}

package stdjson

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// writing is how values are written; immutable.
var writing = json.JoinOptions(
	json.Deterministic(true),
	jsonv1.OmitEmptyWithLegacySemantics(true),
	json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, t *time.Time) error {
		b := append(enc.AvailableBuffer(), '"')
		b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
		return enc.WriteValue(append(b, '"'))
	})),
)

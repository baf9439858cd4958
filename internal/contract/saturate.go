package contract

import (
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// extSaturate marks an integer of the query of which every value beyond the largest means the largest: a page that far
// behind the last one is as empty as the page before it.
const extSaturate = "x-saturate"

// largestInt64 is what saturated values become.
const largestInt64 = "9223372036854775807"

// saturation reads x-saturate.
func (l *loading) saturation(pointer string, p *parameter, doc *openapi3.Parameter) {
	value, given := doc.Extensions[extSaturate]
	if !given {
		return
	}
	pointer += "/" + extSaturate
	switch kind, schema := schemaType(doc.Schema.Value); {
	case value != true:
		l.refusef(pointer, "%s must be true", extSaturate)
	case p.in != InQuery || kind != "integer" || schema.Format == "int32":
		l.refusef(pointer, "%s is for int64 parameters of the query", extSaturate)
	}
	p.saturated = []string{largestInt64}
}

// exceedsInt64 tells that text is a whole number larger than any int64.
func exceedsInt64(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	_, err := strconv.ParseUint(text, 10, 63)
	return err != nil && text != ""
}

package contract

import (
	"fmt"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// keyword is one keyword of OpenAPI 3.0's schema object as the differential test counts it.
type keyword struct {
	name    string
	kinds   Kinds // the values it speaks of
	present func(*openapi3.Schema) bool
	clear   func(*openapi3.Schema) // takes it away; a value refused with it and accepted without it was refused by it
}

var keywords = []keyword{
	{"type", anything, func(s *openapi3.Schema) bool { return s.Type != nil }, func(s *openapi3.Schema) { s.Type = nil }},
	{"format (text)", String, func(s *openapi3.Schema) bool { return s.Format != "" && s.Type.Is("string") }, func(s *openapi3.Schema) { s.Format = "" }},
	{"format (integer)", Number, func(s *openapi3.Schema) bool { return s.Format != "" && s.Type.Is("integer") }, func(s *openapi3.Schema) { s.Format = "" }},
	{"format (number)", Number, func(s *openapi3.Schema) bool { return s.Format != "" && s.Type.Is("number") }, func(s *openapi3.Schema) { s.Format = "" }},
	{"enum", anything, func(s *openapi3.Schema) bool { return s.Enum != nil }, func(s *openapi3.Schema) { s.Enum = nil }},
	{"multipleOf", Number, func(s *openapi3.Schema) bool { return s.MultipleOf != nil }, func(s *openapi3.Schema) { s.MultipleOf = nil }},
	{"minimum", Number, func(s *openapi3.Schema) bool { return s.Min != nil }, func(s *openapi3.Schema) { s.Min = nil }},
	{"maximum", Number, func(s *openapi3.Schema) bool { return s.Max != nil }, func(s *openapi3.Schema) { s.Max = nil }},
	{"exclusiveMinimum", Number, func(s *openapi3.Schema) bool { return s.Min != nil && s.ExclusiveMin.IsTrue() }, func(s *openapi3.Schema) { s.ExclusiveMin.Bool = nil }},
	{"exclusiveMaximum", Number, func(s *openapi3.Schema) bool { return s.Max != nil && s.ExclusiveMax.IsTrue() }, func(s *openapi3.Schema) { s.ExclusiveMax.Bool = nil }},
	{"minLength", String, func(s *openapi3.Schema) bool { return s.MinLength > 0 }, func(s *openapi3.Schema) { s.MinLength = 0 }},
	{"maxLength", String, func(s *openapi3.Schema) bool { return s.MaxLength != nil }, func(s *openapi3.Schema) { s.MaxLength = nil }},
	{"pattern", String, func(s *openapi3.Schema) bool { return s.Pattern != "" }, func(s *openapi3.Schema) { s.Pattern = "" }},
	{"items", Array, func(s *openapi3.Schema) bool { return s.Items != nil }, func(s *openapi3.Schema) { s.Items = nil }},
	{"minItems", Array, func(s *openapi3.Schema) bool { return s.MinItems > 0 }, func(s *openapi3.Schema) { s.MinItems = 0 }},
	{"maxItems", Array, func(s *openapi3.Schema) bool { return s.MaxItems != nil }, func(s *openapi3.Schema) { s.MaxItems = nil }},
	{"uniqueItems", Array, func(s *openapi3.Schema) bool { return s.UniqueItems }, func(s *openapi3.Schema) { s.UniqueItems = false }},
	{"minProperties", Object, func(s *openapi3.Schema) bool { return s.MinProps > 0 }, func(s *openapi3.Schema) { s.MinProps = 0 }},
	{"maxProperties", Object, func(s *openapi3.Schema) bool { return s.MaxProps != nil }, func(s *openapi3.Schema) { s.MaxProps = nil }},
	{"required", Object, func(s *openapi3.Schema) bool { return s.Required != nil }, func(s *openapi3.Schema) { s.Required = nil }},
	{"properties", Object, func(s *openapi3.Schema) bool { return len(s.Properties) > 0 }, func(s *openapi3.Schema) { s.Properties = nil }},
	{"additionalProperties", Object, func(s *openapi3.Schema) bool { return s.AdditionalProperties != openapi3.AdditionalProperties{} }, func(s *openapi3.Schema) { s.AdditionalProperties = openapi3.AdditionalProperties{} }},
	{"allOf", anything, func(s *openapi3.Schema) bool { return s.AllOf != nil }, func(s *openapi3.Schema) { s.AllOf = nil }},
	{"oneOf", anything, func(s *openapi3.Schema) bool { return s.OneOf != nil && s.Discriminator == nil }, func(s *openapi3.Schema) { s.OneOf = nil }},
	{"anyOf", anything, func(s *openapi3.Schema) bool { return s.AnyOf != nil && s.Discriminator == nil }, func(s *openapi3.Schema) { s.AnyOf = nil }},
	{"not", anything, func(s *openapi3.Schema) bool { return s.Not != nil }, func(s *openapi3.Schema) { s.Not = nil }},
	{"discriminator", Object, func(s *openapi3.Schema) bool { return s.Discriminator != nil }, func(s *openapi3.Schema) { s.OneOf, s.AnyOf, s.Discriminator = nil, nil, nil }},
	{"nullable: true", Null, func(s *openapi3.Schema) bool { return s.Nullable }, nil},
	{"nullable: false", Null, func(s *openapi3.Schema) bool { return !s.Nullable }, func(s *openapi3.Schema) { s.Nullable = true }},
	{"readOnly", Object, func(s *openapi3.Schema) bool { return hasReadOnly(s) }, withoutReadOnly},
	{"default", Object, func(s *openapi3.Schema) bool { return hasPresets(s) }, withoutPresets},
}

// oneSided are the keywords that can only accept or only refuse: null is accepted where nullable says so, which is the
// other side of its refusal where it does not.
var oneSided = []string{"nullable: true", "nullable: false"}

func hasReadOnly(s *openapi3.Schema) bool {
	for _, p := range s.Properties {
		if p.Value.ReadOnly {
			return true
		}
	}
	return false
}

func withoutReadOnly(s *openapi3.Schema) {
	properties := openapi3.Schemas{}
	for name, p := range s.Properties {
		copied := *p.Value
		copied.ReadOnly = false
		properties[name] = copied.NewRef()
	}
	s.Properties = properties
}

func hasPresets(s *openapi3.Schema) bool {
	for _, p := range s.Properties {
		if p.Value.Default != nil {
			return true
		}
	}
	return false
}

// withoutPresets takes away the properties that have a default: what was refused for their sake was not replaced by it.
func withoutPresets(s *openapi3.Schema) {
	properties := openapi3.Schemas{}
	for name, p := range s.Properties {
		if p.Value.Default == nil {
			properties[name] = p
		}
	}
	s.Properties = properties
}

// keywordCounts counts by keyword the values that had to do with it.
type keywordCounts struct{ accepted, refused map[string]int }

func newKeywordCounts() keywordCounts {
	return keywordCounts{map[string]int{}, map[string]int{}}
}

// add counts a value for the keywords of its schema, after the program has judged it.
func (c keywordCounts) add(sub subject, text string, r *Report) {
	s := sub.schema
	value, err := decode([]byte(text))
	if err != nil || r.failed && excused(sub, text) {
		return
	}
	for _, k := range keywords {
		if !k.present(s) || k.kinds&kindOf(strings.TrimSpace(text)[0]) == 0 {
			continue
		}
		if !r.failed {
			c.accepted[k.name]++
			continue
		}
		if k.clear == nil {
			continue
		}
		less := *s
		k.clear(&less)
		if visit(&less, value) == nil {
			c.refused[k.name]++
		}
	}
}

// missing lists the keywords that lack accepted or refused values.
func (c keywordCounts) missing() []string {
	var missing []string
	for _, k := range keywords {
		if c.accepted[k.name]+c.refused[k.name] == 0 ||
			(c.accepted[k.name] == 0 || c.refused[k.name] == 0) && !slices.Contains(oneSided, k.name) {
			missing = append(missing, k.name)
		}
	}
	return missing
}

func (c keywordCounts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %9s %9s\n", "keyword", "accepted", "refused")
	for _, k := range keywords {
		fmt.Fprintf(&b, "%-22s %9d %9d\n", k.name, c.accepted[k.name], c.refused[k.name])
	}
	return b.String()
}

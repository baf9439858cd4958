package contract

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// exception is a place where compiled programs and kin-openapi may differ. schema and value are an example of it.
type exception struct {
	name, reason  string
	schema, value string
	applies       func(s subject, value string) bool
}

// subject is a schema under test.
type subject struct {
	schema  *openapi3.Schema
	text    string // as JSON
	program *Program
}

// matches is an exception for values that match a regular expression and schemas that contain a text, or refer to a
// component that may.
func matches(expression, schema string) func(subject, string) bool {
	re := regexp.MustCompile(expression)
	return func(s subject, value string) bool {
		return re.MatchString(value) && (strings.Contains(s.text, schema) || strings.Contains(s.text, `"$ref"`))
	}
}

// ecma finds patterns that use what ECMA 262 and Go read differently.
var ecma = regexp.MustCompile(`"pattern":"[^"]*(\\\\[sSbu0]|\.)`)

// exceptions are all the places where the two may differ when unknown fields are ignored.
var exceptions = []exception{
	{
		"integer literals", "1.0 and 1e2 are integers to kin-openapi; Go's integer decoders refuse them, and so do we",
		`{"type":"integer"}`, `1e2`, matches(`\d+(\.\d+)?[eE][+-]?\d+|\d+\.0+\b`, `"type":"integer"`),
	},
	{
		"large integers", "an integer must fit int64 whatever its format, because that is what it is decoded into",
		`{"type":"integer"}`, `9223372036854775808`, matches(`\d{19}`, `"type":"integer"`),
	},
	{
		"negative zero", "-0 and 0 are equal; kin-openapi compares unique items by their text",
		`{"type":"array","items":{},"uniqueItems":true}`, `[0,-0]`, matches(`-0(\.0*)?([^.\d]|$)`, `"uniqueItems":true`),
	},
	{
		"sixteen digits", "numbers are exact decimals here; kin-openapi rounds them to float64 and allows for that in multipleOf",
		`{"type":"number","multipleOf":0.1}`, `4.800000000000001`, matches(`\d(\.?\d){15}`, ``),
	},
	{
		"large multiples", "the float64 next to 1e308 is not 1e308, and has other divisors",
		`{"type":"number","multipleOf":3}`, `1e308`, matches(`[eE]\+?\d\d`, `"multipleOf":`),
	},
	{
		"ECMA patterns", "patterns are read as ECMA 262 means them; kin-openapi gives them to Go, where \\s, . and [\\b] are something else",
		`{"pattern":"^\\s$"}`, "\"\u00a0\"",
		func(s subject, _ string) bool { return ecma.MatchString(s.text) },
	},
	{
		"null that is read-only", "kin-openapi does not see a read-only property whose value is null",
		`{"type":"object","properties":{"a":{"nullable":true,"readOnly":true}}}`, `{"a":null}`,
		func(s subject, value string) bool {
			return strings.Contains(value, "null") && strings.Contains(s.text, `"readOnly":true`)
		},
	},
	{
		"read-only around not", "kin-openapi lets `not` leave out what the schema around it requires read-only",
		`{"type":"object","properties":{"a":{"readOnly":true}},"not":{"required":["a"]}}`, `{}`,
		func(s subject, _ string) bool {
			return strings.Contains(s.text, `"not":`) && strings.Contains(s.text, `"readOnly":true`)
		},
	},
	{
		"taken for empty", "kin-openapi takes a schema for {} whose only keywords hold {}, such as `not: {}`, and skips them",
		`{"not":{}}`, `1`, func(s subject, _ string) bool { return takenForEmpty(s.schema, map[*openapi3.Schema]bool{}) },
	},
}

// excused reports whether the two may differ about a value.
func excused(s subject, value string) bool {
	return slices.ContainsFunc(exceptions, func(e exception) bool { return e.applies(s, value) })
}

// TestExceptions shows that every exception is one: the two differ, and its predicate sees it.
func TestExceptions(t *testing.T) {
	t.Parallel()
	for _, e := range exceptions {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			var s openapi3.Schema
			if err := json.Unmarshal([]byte(e.schema), &s); err != nil {
				t.Fatal(err)
			}
			value, err := decode([]byte(e.value))
			if err != nil {
				t.Fatal(err)
			}
			sub := subject{&s, e.schema, mustCompile(t, &s, IgnoreUnknown)}
			got := sub.program.Validate([]byte(e.value), NewReport(InBody, "", "en"))
			if want := visit(&s, value) == nil; got == want {
				t.Errorf("no difference any more (%s): both say %v", e.reason, got)
			}
			if !e.applies(sub, e.value) {
				t.Errorf("the predicate does not see its own example")
			}
		})
	}
}

func takenForEmpty(s *openapi3.Schema, seen map[*openapi3.Schema]bool) bool {
	if seen[s] {
		return false
	}
	seen[s] = true
	if s.IsEmpty() && encode(s) != "{}" {
		return true
	}
	return slices.ContainsFunc(childrenOf(s), func(c *openapi3.SchemaRef) bool { return takenForEmpty(c.Value, seen) })
}

func childrenOf(s *openapi3.Schema) []*openapi3.SchemaRef {
	children := slices.Concat(s.OneOf, s.AnyOf, s.AllOf)
	for _, c := range s.Properties {
		children = append(children, c)
	}
	for _, c := range []*openapi3.SchemaRef{s.Not, s.Items, s.AdditionalProperties.Schema} {
		if c != nil {
			children = append(children, c)
		}
	}
	return children
}

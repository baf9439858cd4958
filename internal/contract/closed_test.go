package contract

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestClosed holds objects that refuse unknown fields, oneOf, anyOf, allOf and not among their keywords, against JSON Schema's
// unevaluatedProperties, which means the same where the rest of the schema does.
func TestClosed(t *testing.T) {
	t.Parallel()
	pairs, accepted, unknown := 0, 0, 0
	for seed := range uint64(1500) {
		g := newGenerator(seed)
		s := g.fields(3)
		p, err := NewCompiler(CompilerConfig{File: "generated", Lang: "en"}).OpenAPI(s.NewRef(), "")
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, encode(s))
		}
		oracle := jsonSchema(t, s)
		for range 8 {
			text := g.someFields(2)
			value, err := decode([]byte(text))
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			r := NewReport(InBody, "", "en")
			got, want := p.Validate([]byte(text), r), oracle.Validate(value)
			if got != (want == nil) {
				t.Fatalf("seed %d: compiled: %v %v\njsonschema: %v\nschema: %s\nvalue: %s", seed, got, r.Violations(), want, encode(s), text)
			}
			pairs++
			if got {
				accepted++
			}
			if strings.Contains(violations(r), " unknown") {
				unknown++
			}
		}
	}
	t.Logf("%d pairs, %d accepted, %d with unknown fields", pairs, accepted, unknown)
	if pairs < 10_000 || accepted < 2000 || unknown < 2000 {
		t.Errorf("%d pairs, %d accepted, %d with unknown fields: too few", pairs, accepted, unknown)
	}
}

// fieldNames are few, so that the schemas of a value often name the same.
var fieldNames = []string{"a", "b", "c", "d"}

// fields makes a schema of objects that says little but which fields they have, in parts that are at most depth levels deep.
func (g *generator) fields(depth int) *openapi3.Schema {
	s := &openapi3.Schema{Properties: openapi3.Schemas{}}
	for _, name := range fieldNames {
		switch {
		case g.chance(20):
			s.Properties[name] = openapi3.NewIntegerSchema().NewRef()
		case depth > 0 && g.chance(10):
			s.Properties[name] = g.fields(depth - 1).NewRef()
		}
	}
	if g.chance(30) {
		s.Required = []string{pick(g, fieldNames...)}
	}
	if g.chance(5) {
		s.WithAnyAdditionalProperties()
	}
	for depth > 0 && g.chance(60) {
		part := g.fields(depth - 1).NewRef()
		switch g.IntN(7) {
		case 0, 1:
			s.AllOf = append(s.AllOf, part)
		case 2, 3:
			s.OneOf = append(s.OneOf, part)
		case 4, 5:
			s.AnyOf = append(s.AnyOf, part)
		default:
			s.Not = part
		}
	}
	return s
}

// someFields makes an object with some of the fields.
func (g *generator) someFields(depth int) string {
	var list []string
	for _, name := range fieldNames {
		switch {
		case g.chance(25):
			list = append(list, `"`+name+`":1`)
		case depth > 0 && g.chance(10):
			list = append(list, `"`+name+`":`+g.someFields(depth-1))
		}
	}
	return "{" + strings.Join(list, ",") + "}"
}

// jsonSchema is a schema as JSON Schema says it, closed where we close it.
func jsonSchema(t *testing.T, s *openapi3.Schema) *jsonschema.Schema {
	t.Helper()
	var document map[string]any
	if err := json.Unmarshal([]byte(encode(s)), &document); err != nil {
		t.Fatal(err)
	}
	closeObjects(document, true)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:///schema", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("mem:///schema")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// closeObjects closes the schema of a value, and those of the values in it, if a schema of the value has properties. What is
// below not stays open.
func closeObjects(schema map[string]any, root bool) {
	if root && namesFields(schema) {
		schema["unevaluatedProperties"] = false
	}
	for _, part := range parts(schema) {
		closeObjects(part, false)
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, inner := range []any{schema["items"], schema["additionalProperties"]} {
		if inner, ok := inner.(map[string]any); ok {
			closeObjects(inner, true)
		}
	}
	for _, inner := range properties {
		closeObjects(inner.(map[string]any), true)
	}
}

func namesFields(schema map[string]any) bool {
	if properties, _ := schema["properties"].(map[string]any); len(properties) > 0 {
		return true
	}
	for _, part := range parts(schema) {
		if namesFields(part) {
			return true
		}
	}
	return false
}

// parts are the schemas of allOf, oneOf and anyOf, which see the same value.
func parts(schema map[string]any) []map[string]any {
	var all []map[string]any
	for _, keyword := range []string{"allOf", "oneOf", "anyOf"} {
		list, _ := schema[keyword].([]any)
		for _, part := range list {
			all = append(all, part.(map[string]any))
		}
	}
	return all
}

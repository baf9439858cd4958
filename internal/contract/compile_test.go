package contract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestRefusals shows what is refused when a document is compiled, and where the refusal points.
func TestRefusals(t *testing.T) {
	t.Parallel()
	lines := map[string]int{"": 1, "/s": 10, "/s/properties/a": 12, "/s/properties/a/format": 14}
	tests := []struct{ schema, want string }{
		{`{"properties":{"a":{"type":"string","format":"postcode"}}}`, `api.yaml:14: #/s/properties/a/format: format "postcode" of type string is not supported`},
		{`{"properties":{"a":{"minLenght":2}}}`, `api.yaml:12: #/s/properties/a/minLenght: keyword "minLenght" is not supported`},
		{`{"type":"integer","format":"email"}`, `api.yaml:10: #/s/format: format "email" is not supported for this type`},
		{`{"format":"date"}`, `api.yaml:10: #/s/format: format "date" is not supported for this type`},
		{`{"pattern":"(?=.*[A-Z])x"}`, `api.yaml:10: #/s/pattern: pattern "(?=.*[A-Z])x": only (?:…) and (?<name>…) groups can be expressed`},
		{`{"pattern":"(a)\\1"}`, `api.yaml:10: #/s/pattern: pattern "(a)\\1": \1 cannot be expressed`},
		{`{"pattern":"a**"}`, "api.yaml:10: #/s/pattern: pattern \"a**\": error parsing regexp: invalid nested repetition operator: `**`"},
		{`{"multipleOf":0}`, `api.yaml:10: #/s/multipleOf: multipleOf must be greater than zero`},
		{`{"multipleOf":-1}`, `api.yaml:10: #/s/multipleOf: multipleOf must be greater than zero`},
		{`{"maximum":9223372036854775807}`, `api.yaml:10: #/s/maximum: 9.223372036854776e+18 is too large to be held exactly; use the format int64 for its limits`},
		{`{"minimum":1e300}`, ``},
		{`{"type":["string","null"]}`, "api.yaml:10: #/s/type: type \"null\" is not OpenAPI 3.0's\napi.yaml:10: #/s/type: a list of types is not OpenAPI 3.0's"},
		{`{"const":1}`, `api.yaml:10: #/s/const: keyword "const" is not OpenAPI 3.0's in this form`},
		{`{"exclusiveMinimum":1}`, `api.yaml:10: #/s/exclusiveMinimum: keyword "exclusiveMinimum" is not OpenAPI 3.0's in this form`},
		{`{"patternProperties":{"a":{}}}`, `api.yaml:10: #/s/patternProperties: keyword "patternProperties" is not OpenAPI 3.0's in this form`},
		{`{"allOf":[{"type":"string"},{"type":"integer"}]}`, `api.yaml:10: #/s: the types of allOf exclude each other`},
		{`{"discriminator":{"propertyName":"kind"}}`, `api.yaml:10: #/s/discriminator: a discriminator chooses between the branches of oneOf or anyOf, and there are none`},
		{`{"oneOf":[{}],"discriminator":{"propertyName":"kind"}}`, `api.yaml:10: #/s/discriminator: branch 0 is no $ref, so that no value can choose it`},
		{`{"oneOf":[{"$ref":"#/x/A"}],"discriminator":{"propertyName":"kind","mapping":{"b":"#/x/B"}}}`, `api.yaml:10: #/s/discriminator/mapping/b: #/x/B is none of the branches`},
		{`{"oneOf":[{"$ref":"#/x/A"}],"discriminator":{"propertyName":""}}`, `api.yaml:10: #/s/discriminator: propertyName is missing`},
		{`{"items":{"$ref":"other.yaml#/x/A"}}`, `api.yaml:10: #/s/items/$ref: a reference into another document (other.yaml#/x/A) is not supported`},
		{`{"properties":{"a":{"x-equals":"b"}}}`, `api.yaml:12: #/s/properties/a/x-equals: there is no property "b" beside "a"`},
		{`{"properties":{"a":{"x-equals":1}}}`, `api.yaml:12: #/s/properties/a/x-equals: a text is expected here`},
		{`{"properties":{"a":{"minLength":3,"x-message":"z"}}}`, `api.yaml:12: #/s/properties/a/x-message: x-message has no keyword to speak for: pattern, format, enum, x-equals, oneOf or anyOf`},
		{`{"properties":{"a":{"x-message":""}}}`, `api.yaml:12: #/s/properties/a/x-message: a text is expected here`},
		{`{"properties":{"a":{"$ref":"#/x/A","x-message":"z"}}}`, `api.yaml:12: #/s/properties/a/x-message: x-message beside $ref has no keyword to speak for; put it into the component`},
		{`{"properties":{"a":{"$ref":"#/x/A","x-equals":"b"},"b":{},"c":{"x-order":1}},"x-go-type":"T"}`, ``},
		{`{"properties":{"a":{"x-equal":"b"},"b":{}}}`, `api.yaml:12: #/s/properties/a/x-equal: unknown extension x-equal`},
		{`{"enum":[1,{"a":[9007199254740993]}]}`, `api.yaml:10: #/s/enum: a number here is too large to be held exactly`},
		{`{"default":-9007199254740993}`, `api.yaml:10: #/s/default: a number here is too large to be held exactly`},
		{`{"enum":[9007199254740991,1e300]}`, ``},
		{`{"enum":[]}`, `api.yaml:10: #/s/enum: an enum without values accepts nothing`},
		{`{"pattern":"\\uD83D\\uDE00"}`, `api.yaml:10: #/s/pattern: pattern "\\uD83D\\uDE00": half a surrogate pair cannot be expressed: write \u{…}`},
		{`{"pattern":"\\x{41}"}`, `api.yaml:10: #/s/pattern: pattern "\\x{41}": \x needs two hexadecimal digits`},
		{`{"pattern":"\\x4"}`, `api.yaml:10: #/s/pattern: pattern "\\x4": \x needs two hexadecimal digits`},
		{`{"type":"integer","minimum":1,"default":0}`, `api.yaml:10: #/s/default: the default 0 is refused:  must be at least 1`},
		{`{"type":"string","format":"markdown","deprecated":true,"title":"t","description":"d","example":"e","externalDocs":{"url":"u"},"xml":{"name":"n"}}`, ``},
	}
	for _, test := range tests {
		s := schemaOf(t, test.schema)
		for _, child := range childrenOf(s) {
			if child.Ref != "" {
				child.Value = &openapi3.Schema{}
			}
		}
		c := NewCompiler(CompilerConfig{File: "api.yaml", Line: func(pointer string) int { return lines[pointer] }, Annotations: []string{"markdown"}})
		_, err := c.OpenAPI(s.NewRef(), "/s")
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.schema, got, test.want)
		}
		if _, err := c.OpenAPI(openapi3.NewStringSchema().NewRef(), "/t"); err != nil {
			t.Errorf("the compiler cannot be used after a refusal: %v", err)
		}
	}
}

// TestRefusesItself refuses a schema that no value can decide.
func TestRefusesItself(t *testing.T) {
	t.Parallel()
	s := &openapi3.Schema{}
	s.AllOf = openapi3.SchemaRefs{{Value: &openapi3.Schema{Not: openapi3.NewSchemaRef("#/s", s)}}}
	_, err := NewCompiler(CompilerConfig{File: "api.yaml"}).OpenAPI(s.NewRef(), "/s")
	if err == nil || err.Error() != "api.yaml: #/s/allOf/0/not: the schema refuses itself" {
		t.Error(err)
	}
}

func TestTooManyProperties(t *testing.T) {
	t.Parallel()
	s := openapi3.NewObjectSchema()
	for i := range maxProperties + 1 {
		s.WithProperty(fmt.Sprint(i), openapi3.NewStringSchema())
	}
	_, err := NewCompiler(CompilerConfig{File: "api.yaml"}).OpenAPI(s.NewRef(), "/s")
	if err == nil || err.Error() != "api.yaml: #/s: more than 4096 properties" {
		t.Error(err)
	}
}

func TestMissingSchema(t *testing.T) {
	t.Parallel()
	_, err := NewCompiler(CompilerConfig{File: "api.yaml"}).OpenAPI(nil, "/s")
	if err == nil || err.Error() != "api.yaml: #/s: a schema is missing" {
		t.Error(err)
	}
}

// TestCompiledOnce shows that a component that many operations use is one node.
func TestCompiledOnce(t *testing.T) {
	t.Parallel()
	shared := openapi3.NewSchemaRef("#/components/schemas/S", openapi3.NewObjectSchema().WithProperty("a", openapi3.NewStringSchema()))
	c := NewCompiler(CompilerConfig{})
	first, err := c.OpenAPI(shared, "/a")
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.OpenAPI(&openapi3.SchemaRef{Value: &openapi3.Schema{Type: &openapi3.Types{"array"}, Items: shared}}, "/b")
	if err != nil {
		t.Fatal(err)
	}
	if second.root.array.items != first.root {
		t.Error("compiled twice")
	}
}

// TestJSONSchema compiles what only the other dialect has.
func TestJSONSchema(t *testing.T) {
	t.Parallel()
	str, integer := &Schema{Dialect: AsyncAPI, Types: String}, &Schema{Dialect: AsyncAPI, Types: Integer}
	tests := []struct {
		name     string
		schema   *Schema
		yes, no  []string
		keywords string
	}{
		{"null is a type", &Schema{Types: String | Null}, []string{`null`, `"a"`}, []string{`1`}, "type"},
		{"no type allows null", &Schema{MinLength: 2}, []string{`null`, `1`}, []string{`"a"`}, "minLength"},
		{"types", &Schema{Types: Integer | String, Maximum: "3"}, []string{`3`, `"x"`}, []string{`4`}, "maximum"},
		{"integers among types", &Schema{Types: Integer | String}, []string{`3`}, []string{`9223372036854775808`}, "format"},
		{"format of nullable", &Schema{Types: Integer | Null, Format: "int32"}, []string{`null`, `1`}, []string{`2147483648`}, "format"},
		{"const", &Schema{Enum: [][]byte{[]byte(`{"a":[1]}`)}}, []string{`{"a":[1.0]}`}, []string{`{"a":1}`, `{}`}, "enum"},
		{"const null", &Schema{Enum: [][]byte{[]byte(`null`)}}, []string{`null`}, []string{`0`}, "enum"},
		{"tuple", &Schema{Types: Array, Prefix: []*Schema{str, integer}, Items: str}, []string{`[]`, `["a",1,"b"]`}, []string{`[1]`, `["a",1,2]`}, "type"},
		{"tuples of allOf", &Schema{AllOf: []*Schema{{Dialect: AsyncAPI, Prefix: []*Schema{str}}, {Dialect: AsyncAPI, Items: str}}}, []string{`["a","b"]`}, []string{`[1]`, `["a",1]`}, "type"},
		{"exclusive", &Schema{ExclusiveMinimum: "0", Minimum: "-1"}, []string{`1`}, []string{`0`}, "exclusiveMinimum"},
		{"null in enum", &Schema{Enum: [][]byte{[]byte(`null`), []byte(`1`)}}, []string{`null`, `1`}, []string{`2`}, "enum"},
		{"not null", &Schema{Not: &Schema{Dialect: AsyncAPI, Types: Null}}, []string{`1`}, []string{`null`}, "type"},
		{"null in one branch", &Schema{OneOf: []*Schema{{Dialect: AsyncAPI, Types: Null}, str}}, []string{`null`, `"a"`}, []string{`1`}, "type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.schema.Dialect = AsyncAPI
			p, err := NewCompiler(CompilerConfig{File: "events.yaml", Lang: "en"}).Compile(test.schema)
			if err != nil {
				t.Fatal(err)
			}
			r := NewReport(InBody, "", "")
			for _, value := range test.yes {
				if r.Reset(InBody, "", "en"); !p.Validate([]byte(value), r) {
					t.Errorf("%s: %v", value, r.Violations())
				}
			}
			for _, value := range test.no {
				if r.Reset(InBody, "", "en"); p.Validate([]byte(value), r) || !strings.Contains(violations(r), test.keywords) {
					t.Errorf("%s: %v", value, r.Violations())
				}
			}
		})
	}
}

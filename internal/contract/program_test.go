package contract

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// registration is a schema with about everything that a form has.
const registration = `{
	"type": "object",
	"required": ["email", "password", "confirm", "firstName", "lastName", "accept"],
	"properties": {
		"email": {"type": "string", "format": "email", "maxLength": 255},
		"password": {"type": "string", "maxLength": 72, "allOf": [
			{"minLength": 8}, {"pattern": "[A-Z]", "x-message": "doit contenir une majuscule"},
			{"pattern": "[0-9]", "x-message": "doit contenir un chiffre"}]},
		"confirm": {"type": "string", "x-equals": "password"},
		"firstName": {"type": "string", "minLength": 1, "maxLength": 50},
		"lastName": {"type": "string", "minLength": 1, "maxLength": 50},
		"age": {"type": "integer", "minimum": 18, "maximum": 120},
		"kind": {"type": "string", "enum": ["PHYSICAL", "DIGITAL"], "default": "DIGITAL"},
		"accept": {"type": "boolean", "enum": [true]},
		"address": {"type": "object", "properties": {
			"a/b~c": {"type": "string"}, "lines": {"type": "array", "items": {"type": "string", "minLength": 2}},
			"country": {"type": "string", "default": "FR"}}}
	}
}`

// violations writes violations as lines of pointer and keyword.
func violations(r *Report) string {
	var b strings.Builder
	for _, v := range r.Violations() {
		fmt.Fprintf(&b, "%s %s\n", v.Pointer, v.Keyword)
	}
	return b.String()
}

// TestAllViolations shows that everything wrong with a value is said at once, with its place.
func TestAllViolations(t *testing.T) {
	t.Parallel()
	const body = `{
		"email": "marie", "password": "abc", "confirm": "abd", "age": 17, "kind": "OTHER", "accept": false, "Email": "x",
		"address": {"a/b~c": 1, "lines": ["ok", "x", 3], "city\/~": "Paris"}, "age": 20, "lastName": "Dup\u0000ont"
	}`
	const want = `/email format
/password minLength
/password pattern
/password pattern
/age minimum
/kind enum
/accept enum
/Email unknown
/address/a~1b~0c type
/address/lines/1 minLength
/address/lines/2 type
/address/city~1~0 unknown
/age duplicate
/lastName nul
/firstName required
/confirm x-equals
`
	r := NewReport(InBody, "", "fr")
	if mustCompile(t, schemaOf(t, registration), RefuseUnknown).Validate([]byte(body), r) {
		t.Fatal("accepted")
	}
	if got := violations(r); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	const pets = `{"oneOf":[
		{"type":"object","required":["bark"],"properties":{"bark":{"type":"boolean"},"legs":{"type":"integer","default":4}}},
		{"type":"object","required":["wings"],"properties":{"wings":{"type":"integer"},"legs":{"type":"integer","default":2}}}]}`
	tests := []struct{ name, schema, value, want string }{
		{"nested", registration, `{"email":"a@b.fr","password":"Abcdefg1","confirm":"Abcdefg1","firstName":"a","lastName":"b","accept":true,"address":{ }}`,
			`{"email":"a@b.fr","password":"Abcdefg1","confirm":"Abcdefg1","firstName":"a","lastName":"b","accept":true,"address":{ "country":"FR"},"kind":"DIGITAL"}`},
		{"several into an empty object", `{"properties":{"a":{"default":1},"é\"":{"default":"x"},"c":{}}}`, `{}`, `{"a":1,"é\"":"x"}`},
		{"chosen branch of oneOf", pets, `{"wings":2}`, `{"wings":2,"legs":2}`},
		{"first match of anyOf", strings.Replace(pets, "oneOf", "anyOf", 1), `{"wings":2,"bark":true}`, `{"wings":2,"bark":true,"legs":4}`},
		{"not of a later match", `{"anyOf":[{"properties":{"a":{"default":1}}},{"properties":{"b":{"default":2}}}]}`, `{}`, `{"a":1}`},
		{"not of a branch that fails later", `{"oneOf":[
			{"required":["a"],"properties":{"a":{},"o":{"properties":{"x":{"default":1},"y":{}}}}},
			{"required":["b"],"properties":{"b":{},"o":{"properties":{"x":{},"y":{"default":2}}}}}]}`, `{"o":{},"b":1}`, `{"o":{"y":2},"b":1}`},
		{"allOf", `{"allOf":[{"properties":{"a":{"default":1}}},{"properties":{"b":{"default":{}}}}]}`, `{"b":2}`, `{"b":2,"a":1}`},
		{"the same property twice", `{"properties":{"a":{"default":1},"o":{"properties":{"x":{"default":1}}}},"anyOf":[{"properties":{"a":{"default":2},"o":{"properties":{"x":{"default":2}}}}}]}`,
			`{"o":{}}`, `{"o":{"x":1},"a":1}`},
		{"in items", `{"items":{"properties":{"a":{"default":[]}}}}`, `[{},{"a":[1]},{}]`, `[{"a":[]},{"a":[1]},{"a":[]}]`},
		{"a default is completed", `{"properties":{"o":{"type":"object","default":{},"properties":{"x":{"default":1}}}}}`, `{}`, `{"o":{"x":1}}`},
		{"beside allOf", `{"properties":{"a":{"allOf":[{"type":"string"}],"default":"z"}}}`, `{}`, `{"a":"z"}`},
		{"null is a value", `{"properties":{"a":{"nullable":true,"default":1}}}`, `{"a":null}`, `{"a":null}`},
		{"not", `{"not":{"required":["z"],"properties":{"a":{"default":1}}}}`, `{}`, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := NewReport(InBody, "", "en")
			if !mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).Validate([]byte(test.value), r) {
				t.Fatal(r.Violations())
			}
			if got := string(r.WithDefaults([]byte(test.value))); got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
	t.Run("nothing to insert gives the same slice", func(t *testing.T) {
		t.Parallel()
		p := mustCompile(t, schemaOf(t, `{"properties":{"a":{"default":1},"b":{"type":"string"}}}`), RefuseUnknown)
		for _, text := range []string{`{"a":2}`, `{"b":"refused as a whole","c":1}`} {
			value := []byte(text)
			r := NewReport(InBody, "", "en")
			p.Validate(value, r)
			if got := r.WithDefaults(value); &got[0] != &value[0] {
				t.Errorf("%s became %s", value, got)
			}
		}
	})
}

func TestProgramDefault(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type":"integer","default":20}`:           `20 20 true`,
		`{"type":"string","default":"a\"é"}`:        `"a\"é" a"é true`,
		`{"type":"integer"}`:                        `  false`,
		`{"allOf":[{"default":"x"}]}`:               `"x" x true`,
		`{"type":"array","items":{},"default":[1]}`: `[1] [1] true`,
	} {
		json, text, ok := mustCompile(t, schemaOf(t, schema), RefuseUnknown).Default()
		if got := fmt.Sprintf("%s %s %v", json, text, ok); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}

// TestUnknownFields shows which fields an object knows when schemas are combined.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	const a, b = `{"properties":{"a":{"type":"integer"}}}`, `{"properties":{"b":{"type":"integer"}},"required":["b"]}`
	tests := []struct{ name, schema, value, want string }{
		{"no properties: a map", `{"type":"object"}`, `{"x":1}`, ""},
		{"properties", a, `{"a":1,"x":1}`, "/x unknown\n"},
		{"case matters", a, `{"A":1}`, "/A unknown\n"},
		{"additionalProperties true", `{"properties":{"a":{}},"additionalProperties":true}`, `{"x":1}`, ""},
		{"additionalProperties schema", `{"properties":{"a":{}},"additionalProperties":{"type":"string"}}`, `{"x":1}`, "/x type\n"},
		{"allOf: the union", `{"allOf":[` + a + `,` + b + `],"properties":{"c":{}}}`, `{"a":1,"b":2,"c":3,"x":4}`, "/x unknown\n"},
		{"allOf opened by one", `{"allOf":[` + a + `,{"additionalProperties":true}]}`, `{"x":4}`, ""},
		{"allOf closed by one", `{"allOf":[` + a + `,{"properties":{"b":{}},"additionalProperties":false}]}`, `{"a":1}`, "/a additionalProperties\n"},
		{"allOf: a property that two describe", `{"allOf":[{"properties":{"o":` + a + `}},{"properties":{"o":` + b + `}}]}`, `{"o":{"a":1,"b":1,"x":1}}`, "/o/x unknown\n"},
		{"oneOf: what the match knows", `{"properties":{"c":{}},"oneOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},` + b + `]}`, `{"b":1,"c":1,"a":1,"x":1}`, "/a unknown\n/x unknown\n"},
		{"anyOf: what all matches know", `{"anyOf":[` + a + `,` + b + `]}`, `{"b":1,"a":1}`, ""},
		{"anyOf: one match", `{"anyOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},` + b + `]}`, `{"b":1,"a":1}`, "/a unknown\n"},
		{"a branch in a branch", `{"oneOf":[{"anyOf":[` + a + `,` + b + `]}]}`, `{"a":1,"b":2,"x":1}`, "/x unknown\n"},
		{"a branch that is open", `{"properties":{"a":{}},"anyOf":[{"required":["b"],"additionalProperties":true}]}`, `{"b":1,"x":1}`, ""},
		{"required alone declares nothing", `{"properties":{"a":{}},"anyOf":[{"required":["b"]}]}`, `{"b":1}`, "/b unknown\n"},
		{"not leaves fields alone", `{"properties":{"a":{}},"not":{"properties":{"a":{"type":"integer"}}}}`, `{"a":1}`, " not\n"},
		{"nested in a branch", `{"oneOf":[{"properties":{"o":` + a + `}}]}`, `{"o":{"x":1}}`, "/o/x unknown\n"},
		{"an open object in a branch", `{"oneOf":[{"properties":{"o":{"anyOf":[{"additionalProperties":true}]}}}]}`, `{"o":{"q":1},"x":1}`, "/x unknown\n"},
		{"the nearest branch's fields", `{"oneOf":[` + b + `,{"properties":{"a":{"type":"string"}}}]}`, `{"a":1,"x":1}`, "/a type\n/x unknown\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := NewReport(InBody, "", "en")
			ok := mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).Validate([]byte(test.value), r)
			if got := violations(r); got != test.want || ok != (test.want == "") {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// TestNearestBranch shows whose violations are reported when no branch matches.
func TestNearestBranch(t *testing.T) {
	t.Parallel()
	const shapes = `{"oneOf":[{"type":"string"},
		{"type":"object","required":["radius"],"properties":{"shape":{"enum":["circle"]},"radius":{"type":"number"}}},
		{"type":"object","required":["sides"],"properties":{"shape":{"enum":["polygon"]},"sides":{"type":"array","items":{"type":"number","minimum":0}}}}]}`
	for value, want := range map[string]string{
		`7`:                                     " type\n",
		`{"shape":"circle","radius":"x"}`:       "/radius type\n",
		`{"shape":"polygon","sides":[1,-1]}`:    "/sides/1 minimum\n",
		`{"shape":"polygon","sides":[1],"x":1}`: "/x unknown\n",
		`{"shape":"circle"}`:                    "/radius required\n",
	} {
		r := NewReport(InBody, "", "en")
		mustCompile(t, schemaOf(t, shapes), RefuseUnknown).Validate([]byte(value), r)
		if got := violations(r); got != want {
			t.Errorf("%s:\n%swant\n%s", value, got, want)
		}
	}
	const events = `{"oneOf":[
		{"properties":{"kind":{"enum":["a"]},"data":{"properties":{"v":{"type":"string"}}}}},
		{"properties":{"kind":{"enum":["b"]},"data":{"properties":{"v":{"type":"string"}}}}}]}`
	r := NewReport(InBody, "", "en")
	mustCompile(t, schemaOf(t, strings.Replace(events, `"v":{"type":"string"}`, `"v":{}`, 1)), RefuseUnknown).Validate([]byte(`{"kind":"b","data":{"v":1}}`), r)
	if got := violations(r); got != "/data/v type\n" { // one violation in each, and the second is deeper
		t.Error(got)
	}
}

func TestDiscriminator(t *testing.T) {
	t.Parallel()
	load := func(mapping string) *openapi3.Schema {
		doc, err := openapi3.NewLoader().LoadFromData([]byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{},"components":{"schemas":{
			"Pet":{"required":["kind"],"oneOf":[{"$ref":"#/components/schemas/Cat"},{"$ref":"#/components/schemas/Dog"}],"discriminator":{"propertyName":"kind"` + mapping + `}},
			"Cat":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"},"lives":{"type":"integer"}}},
			"Dog":{"type":"object","required":["kind","bark"],"properties":{"kind":{"type":"string"},"bark":{"type":"boolean"}}}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		return doc.Components.Schemas["Pet"].Value
	}
	const mapped = `,"mapping":{"cat":"#/components/schemas/Cat","d\"g":"Dog","wolf":"Dog"}`
	tests := []struct{ mapping, value, want string }{
		{"", `{"kind":"Cat","lives":3}`, ""},
		{"", `{"lives":3,"kind":"Dog"}`, "/lives unknown\n/bark required\n"},
		{"", `{"kind":"Dog","lives":3,"bark":1}`, "/bark type\n/lives unknown\n"},
		{"", `{"kind":"cat"}`, "/kind discriminator\n"},
		{"", `{"kind":3,"x":1}`, "/kind type\n"},
		{"", `{}`, "/kind required\n"},
		{"", `[]`, " type\n"},
		{mapped, `{"kind":"cat"}`, ""},
		{mapped, `{"kind":"d\u0022g","bark":true}`, ""},
		{mapped, `{"kind":"wolf"}`, "/bark required\n"},
		{mapped, `{"kind":"Cat"}`, "/kind discriminator\n"},
	}
	for _, test := range tests {
		r := NewReport(InBody, "", "fr")
		mustCompile(t, load(test.mapping), RefuseUnknown).Validate([]byte(test.value), r)
		got := strings.Split(violations(r), "\n")
		want := strings.Split(test.want, "\n")
		if strings.Join(sorted(got), "\n") != strings.Join(sorted(want), "\n") {
			t.Errorf("%s %s: %q", test.mapping, test.value, violations(r))
		}
	}
	r := NewReport(InBody, "", "fr")
	mustCompile(t, load(mapped), RefuseUnknown).Validate([]byte(`{"kind":"cow"}`), r)
	if got := r.Violations()[0].Message; got != `doit être l'une des valeurs suivantes : cat, d"g, wolf` {
		t.Error(got)
	}
}

func sorted(lines []string) []string {
	slices.Sort(lines)
	return lines
}

func TestRecursion(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{},"components":{"schemas":{
		"Tree":{"type":"object","required":["v"],"properties":{"v":{"type":"integer"},"kids":{"type":"array","items":{"$ref":"#/components/schemas/Tree"}},"next":{"allOf":[{"$ref":"#/components/schemas/Tree"},{"type":"object","properties":{"last":{"type":"boolean"}}}]}}},
		"Base":{"type":"object","required":["kind"],"properties":{"kind":{"type":"string"}},"discriminator":{"propertyName":"kind"},"oneOf":[{"$ref":"#/components/schemas/Sub"}]},
		"Sub":{"allOf":[{"$ref":"#/components/schemas/Base"},{"type":"object","properties":{"n":{"type":"integer"}}}]}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ component, value, want string }{
		{"Tree", `{"v":1,"kids":[{"v":2,"kids":[{"v":"x"}]},{}],"next":{"v":1,"last":true,"next":{"v":2,"last":1}}}`, "/kids/0/kids/0/v type\n/kids/1/v required\n/next/next/last type\n"},
		{"Base", `{"kind":"Sub","n":1}`, ""},
		{"Base", `{"kind":"Sub","n":"1"}`, "/n type\n"},
		{"Sub", `{"kind":"Sub","n":"1","x":1}`, "/n type\n/x unknown\n"},
	}
	c := NewCompiler(CompilerConfig{File: "t", Lang: "en"})
	for _, test := range tests {
		p, err := c.OpenAPI(openapi3.NewSchemaRef("#/components/schemas/"+test.component, doc.Components.Schemas[test.component].Value), "/x")
		if err != nil {
			t.Fatal(err)
		}
		r := NewReport(InBody, "", "en")
		p.Validate([]byte(test.value), r)
		if got := violations(r); got != test.want {
			t.Errorf("%s %s:\n%s", test.component, test.value, got)
		}
	}
}

// TestConcurrent runs one program from many goroutines; the race detector watches.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, schemaOf(t, everything), RefuseUnknown)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 200 {
				r := AcquireReport(InBody, "", "fr")
				value := everyValue
				if i%2 == 1 {
					value = `{"s":1,"x":2}`
				}
				if ok := p.Validate([]byte(value), r); ok != (i%2 == 0) {
					t.Error(r.Violations())
				}
				r.Release()
			}
		})
	}
	group.Wait()
}

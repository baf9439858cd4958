package contract

import (
	"fmt"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestComplexity shows that alternatives that nest in themselves, where every level reads the rest twice, end.
func TestComplexity(t *testing.T) {
	t.Parallel()
	tree := openapi3.NewObjectSchema()
	ref := openapi3.NewSchemaRef("#/components/schemas/Tree", tree)
	tree.AnyOf = openapi3.SchemaRefs{
		{Value: &openapi3.Schema{Properties: openapi3.Schemas{"n": ref}, Required: []string{"a"}}},
		{Value: &openapi3.Schema{Properties: openapi3.Schemas{"n": ref}, Required: []string{"b"}}},
		{Value: &openapi3.Schema{Properties: openapi3.Schemas{"n": ref}, Required: []string{"c"}}},
	}
	p := mustCompile(t, tree, IgnoreUnknown)
	for lang, want := range map[string]string{"fr": "est trop complexe pour être vérifié", "en": "is too complex to be checked"} {
		r := NewReport(InBody, "", lang)
		p.Validate([]byte(strings.Repeat(`{"n":`, 60)+"{}"+strings.Repeat("}", 60)), r)
		if got := r.Violations(); len(got) != 1 || got[0].Keyword != "complexity" || got[0].Message != want {
			t.Error(got)
		}
	}
	r := NewReport(InBody, "", "en")
	if p.Validate([]byte(`{"n":{"n":{"c":1},"b":2},"c":3}`), r); len(r.Violations()) != 0 {
		t.Error(r.Violations())
	}
}

// TestHostile shows that what is large or strange costs no more than it weighs, and that the list of violations ends.
func TestHostile(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&names, `"n%d":%d,`, i, i)
	}
	digits := strings.Repeat("9", 200_000)
	const free, number = `{}`, `{"type":"number","multipleOf":0.7,"minimum":1}`
	tests := []struct{ name, schema, value, want string }{
		{"100,000 names", free, "{" + names.String() + `"z":1}`, ""},
		{"100,000 names and one twice", free, "{" + names.String() + `"\u006e77":1}`, "/n77 duplicate\n"},
		{"100,000 names as an item", `{"type":"array","items":{},"uniqueItems":true}`, "[{" + names.String() + `"z":1},{` + names.String() + `"z":1.0}]`, " uniqueItems\n"},
		{"many digits", number, digits, " range\n"},
		{"many decimals", number, "1." + digits, " multipleOf\n"},
		{"large exponent", number, "1e" + digits, " range\n"},
		{"small exponent", number, "1e-" + digits, " range\n"},
		{"zero with a large exponent", `{"type":"number","maximum":0}`, "0e" + digits, ""},
		{"many digits of an integer", `{"type":"integer","multipleOf":7}`, "-" + digits, " range\n"},
		{"thousand quotes", `{"enum":["a"]}`, `"` + strings.Repeat(`\"`, 500_000) + `"`, " enum\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := NewReport(InBody, "", "en")
			mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).Validate([]byte(test.value), r)
			if got := violations(r); got != test.want {
				t.Errorf("got %.200s", got)
			}
		})
	}
	t.Run("wrong everywhere", func(t *testing.T) {
		t.Parallel()
		r := NewReport(InBody, "", "en")
		p := mustCompile(t, schemaOf(t, `{"type":"array","items":{"type":"string"}}`), RefuseUnknown)
		if p.Validate([]byte("[1"+strings.Repeat(",1", 100_000)+"]"), r) || len(r.Violations()) != maxViolations {
			t.Errorf("%d violations", len(r.Violations()))
		}
		r.Reset(InBody, "", "en")
		if p.Validate([]byte("[1"+strings.Repeat(",1", 100_000)+"!"), r) || violations(r) != " syntax\n" {
			t.Errorf("%d violations", len(r.Violations()))
		}
	})
}

// TestEncoding shows what of a text is refused in every place that has texts.
func TestEncoding(t *testing.T) {
	t.Parallel()
	tests := []struct{ value, want string }{
		{`{"a":"x\u0000"}`, "/a nul\n"},
		{`{"a":"\ud800"}`, "/a utf8\n"},
		{`{"a":"\ude00\ud83d"}`, "/a utf8\n"},
		{"{\"a\":\"\xff\\u0000\"}", "/a utf8\n/a nul\n"},
		{"{\"\xff\":1}", "/\uFFFD utf8\n"},
		{`{"\u0000":1}`, "/\x00 nul\n"},
		{"{\"a\":\"\x00\"}", " syntax\n"},
		{`{"b":["\u0000",{"c":"\u0000"}]}`, "/b/0 nul\n/b/1/c nul\n"},
		{`{"o":"\u0000"}`, "/o nul\n"},
	}
	p := mustCompile(t, schemaOf(t, `{"additionalProperties":true,"properties":{"a":{"type":"string"},"o":{"oneOf":[{"type":"string"},{"type":"number"}]}}}`), RefuseUnknown)
	for _, test := range tests {
		r := NewReport(InBody, "", "en")
		p.Validate([]byte(test.value), r)
		if got := violations(r); got != test.want {
			t.Errorf("%q: %q, want %q", test.value, got, test.want)
		}
	}
}

// TestBranchesJudgeTheRest shows that what is wrong with the encoding of a value is no matter of its branches.
func TestBranchesJudgeTheRest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, value, want string }{
		{`{"not":{"type":"string"}}`, `"\u0000"`, " nul\n not\n"},
		{`{"not":{"type":"number"}}`, `1e400`, " range\n not\n"},
		{`{"not":{"properties":{"a":{}}}}`, `{"a":1,"a":2}`, "/a duplicate\n not\n"},
		{`{"oneOf":[{"type":"string","maxLength":1},{"type":"string","minLength":2}]}`, `"\ud800x"`, " utf8\n"},
	} {
		r := NewReport(InBody, "", "en")
		mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).Validate([]byte(test.value), r)
		if got := violations(r); got != test.want {
			t.Errorf("%s %s: %q, want %q", test.schema, test.value, got, test.want)
		}
	}
}

// TestLongNames shows that an answer does not repeat a hostile name for everything that is wrong below it.
func TestLongNames(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, schemaOf(t, `{"additionalProperties":true}`), RefuseUnknown)
	for _, test := range []struct{ name, want string }{
		{strings.Repeat("a", maxName), strings.Repeat("a", maxName)},
		{strings.Repeat("a", maxName+1), strings.Repeat("a", maxName) + "…"},
		{strings.Repeat("a", maxName-1) + "éa", strings.Repeat("a", maxName-1) + "é…"},
		{strings.Repeat("a", maxName-1) + `\u00e9a`, strings.Repeat("a", maxName-1) + "é…"},
		{strings.Repeat(`\n`, maxName), strings.Repeat("\n", maxName/2) + "…"},
	} {
		r := NewReport(InBody, "", "en")
		p.Validate([]byte(`{"`+test.name+`":["\u0000","\u0000"]}`), r)
		if got, want := violations(r), "/"+test.want+"/0 nul\n/"+test.want+"/1 nul\n"; got != want {
			t.Errorf("%q: %q, want %q", test.name, got, want)
		}
	}
	r := NewReport(InBody, "", "en")
	p.Validate([]byte(`{"`+strings.Repeat("\x80", 1000)+`":1}`), r)
	if got := violations(r); got != "/\uFFFD… utf8\n" {
		t.Errorf("a name that is no text: %q", got)
	}
}

package contract

import (
	"testing"
)

func TestValidateText(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, text, want string }{
		{`{"type":"string"}`, `7`, ""},
		{`{"type":"string","maxLength":2}`, `a"\`, " maxLength\n"},
		{`{"type":"string","maxLength":3}`, "a\"\t", ""},
		{`{"type":"string"}`, "a\x00", " nul\n"},
		{`{"type":"string"}`, "a\xff", " utf8\n"},
		{`{"type":"integer","minimum":1}`, `7`, ""},
		{`{"type":"integer","minimum":1}`, `0`, " minimum\n"},
		{`{"type":"integer"}`, `+7`, " type\n"},
		{`{"type":"integer"}`, `07`, " type\n"},
		{`{"type":"integer"}`, ` 7`, " type\n"},
		{`{"type":"integer"}`, `7 `, " type\n"},
		{`{"type":"integer"}`, ``, " type\n"},
		{`{"type":"integer"}`, `1e2`, " type\n"},
		{`{"type":"integer"}`, `9223372036854775808`, " format\n"},
		{`{"type":"number"}`, `1e400`, " range\n"},
		{`{"type":"number"}`, `NaN`, " type\n"},
		{`{"type":"boolean"}`, `true`, ""},
		{`{"type":"boolean"}`, `TRUE`, " type\n"},
		{`{"type":"boolean"}`, `1`, " type\n"},
		{`{"oneOf":[{"type":"integer","maximum":9},{"type":"string","enum":["all"]}]}`, `7`, ""},
		{`{"oneOf":[{"type":"integer","maximum":9},{"type":"string","enum":["all","12"]}]}`, `12`, ""},
		{`{"oneOf":[{"type":"integer","maximum":9},{"type":"string","enum":["all"]}]}`, `some`, " enum\n"},
		{`{}`, `[1,`, ""},
	}
	for _, test := range tests {
		r := NewReport(InQuery, "q", "fr")
		mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).ValidateText(test.text, r)
		var got string
		for _, v := range r.Violations() {
			got += v.Pointer + " " + v.Keyword + "\n"
			if v.In != InQuery || v.Name != "q" || v.Field() != "q" {
				t.Errorf("%+v", v)
			}
		}
		if got != test.want {
			t.Errorf("%s %q: %q, want %q", test.schema, test.text, got, test.want)
		}
	}
}

func TestValidateTexts(t *testing.T) {
	t.Parallel()
	const ids = `{"type":"array","minItems":1,"uniqueItems":true,"items":{"type":"integer","minimum":1}}`
	tests := []struct {
		schema string
		texts  []string
		want   string
	}{
		{ids, []string{"1", "2"}, ""},
		{ids, nil, " minItems\n"},
		{ids, []string{"1", "x", "0", "1"}, "/1 type\n/2 minimum\n uniqueItems\n"},
		{`{"type":"array","items":{}}`, []string{"1", "a,b", "\x00"}, "/2 nul\n"},
		{`{"type":"array"}`, []string{`"`}, ""},
		{`{"type":"array","items":{"type":"string","enum":["a","1"]}}`, []string{"a", "1", "b"}, "/2 enum\n"},
	}
	for _, test := range tests {
		r := NewReport(InQuery, "ids", "fr")
		mustCompile(t, schemaOf(t, test.schema), RefuseUnknown).ValidateTexts(test.texts, r)
		if got := violations(r); got != test.want {
			t.Errorf("%s %q: %q, want %q", test.schema, test.texts, got, test.want)
		}
	}
}

// TestReport shows how one report serves several values.
func TestReport(t *testing.T) {
	t.Parallel()
	p := mustCompile(t, schemaOf(t, `{"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"array","items":{"type":"integer"}}}}}}`), RefuseUnknown)
	r := AcquireReport(InBody, "", "fr")
	p.Validate([]byte(`{"a":{"b":[1,"x"]}}`), r)
	r.At(InQuery, "q")
	mustCompile(t, schemaOf(t, `{"type":"integer"}`), RefuseUnknown).ValidateText("x", r)
	all := r.Violations()
	if len(all) != 2 || all[0].Field() != "a.b.1" || all[1].Field() != "q" {
		t.Fatal(all)
	}
	r.Release()
	other := AcquireReport(InHeader, "h", "en")
	defer other.Release()
	if other.Violations() != nil {
		t.Error("violations of an earlier use")
	}
	p.Validate([]byte(`[]`), other)
	if all[0].Field() != "a.b.1" || other.Violations()[0].Message != "must be an object" {
		t.Error("violations are shared")
	}
}

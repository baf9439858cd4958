package contract

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// FuzzScan holds the scanner against jsontext: both accept and refuse the same bytes. Nothing but the depth, which
// jsontext limits further down, and numbers that no float64 holds, which are no matter of syntax, may make a difference.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `nul`, `tru e`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":{"b":[1,2,{}]}} `, `[1,]`, `{"a":1,}`, `[,]`, `{,}`,
		`"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\ud83d\u0041"`, "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", `"\x"`, `"\u12g4"`, "\"\x01\"", "\"a\tb\"", "\"\x1f345678\"", "\"1234567\x7f\"", `"\u0000"`,
		`-`, `-0`, `01`, `1.`, `.5`, `1e`, `1e+`, `1E-7`, `-1.50e+10`, `1 2`, `[1 2]`, `{"a" 1}`, `{"a":}`, `{a:1}`, "\ufeff{}", "[1]\x00", `""x`,
	} {
		f.Add([]byte(seed))
	}
	any := &Program{root: anyNode}
	f.Fuzz(func(t *testing.T, data []byte) {
		want := validJSON(data)
		r := NewReport(InBody, "", "en")
		any.Validate(data, r)
		got := true
		for _, v := range r.Violations() {
			switch v.Keyword {
			case "range", "nul":
			case "depth":
				t.Skip()
			default:
				got = false
			}
		}
		if got != want {
			t.Fatalf("scanner %v %v, jsontext %v: %q", got, r.Violations(), want, data)
		}
	})
}

// validJSON reports whether data is one JSON value to jsontext.
func validJSON(data []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	if _, err := d.ReadValue(); err != nil {
		return false
	}
	_, err := d.ReadToken()
	return err == io.EOF
}

// FuzzValidate holds compiled programs against kin-openapi for schemas and values that the fuzzer makes up.
func FuzzValidate(f *testing.F) {
	for seed := range uint64(300) {
		g := newGenerator(seed)
		s := g.schema(2)
		f.Add([]byte(encode(s)), []byte(g.value(s, 3)))
	}
	for _, e := range exceptions {
		f.Add([]byte(e.schema), []byte(e.value))
	}
	f.Fuzz(func(t *testing.T, schema, value []byte) {
		var s openapi3.Schema
		if json.Unmarshal(schema, &s) != nil || !acceptable(&s) {
			t.Skip()
		}
		p, err := NewCompiler(CompilerConfig{File: "fuzz", Lang: "fr", UnknownFields: IgnoreUnknown}).OpenAPI(s.NewRef(), "")
		r := NewReport(InBody, "", "")
		if err != nil {
			t.Skip()
		}
		got := p.Validate(value, r)
		if got != (len(r.Violations()) == 0) {
			t.Fatalf("%v with %v", got, r.Violations())
		}
		if _, err := decode(value); err != nil || bytes.Contains(value, []byte(`\u0000`)) {
			return
		}
		agree(t, subject{&s, encode(&s), p}, string(value), NewReport(InBody, "", "en"))
	})
}

// acceptable reports whether kin-openapi takes a schema at all. It has no $ref, which nothing would resolve here.
func acceptable(s *openapi3.Schema) (ok bool) {
	defer func() {
		if recover() != nil { // kin-openapi panics on some schemas that no loader would let through
			ok = false
		}
	}()
	return !hasRefs(s) && s.Validate(context.Background(), openapi3.EnableSchemaFormatValidation()) == nil
}

func hasRefs(s *openapi3.Schema) bool {
	for _, c := range childrenOf(s) {
		if c == nil || c.Ref != "" || c.Value == nil || hasRefs(c.Value) {
			return true
		}
	}
	return false
}

// FuzzValidateText looks for texts that break the reading of parameters.
func FuzzValidateText(f *testing.F) {
	for _, text := range []string{"", "1", "-", "1.0", "true", "é", "\x00", "\xff", `"`, `\`, "null", "[1]"} {
		f.Add(text)
	}
	programs := []*Program{
		mustCompile(f, openapi3.NewStringSchema(), RefuseUnknown),
		mustCompile(f, openapi3.NewIntegerSchema(), RefuseUnknown),
		mustCompile(f, openapi3.NewOneOfSchema(openapi3.NewBoolSchema(), openapi3.NewFloat64Schema(), openapi3.NewStringSchema()), RefuseUnknown),
	}
	f.Fuzz(func(t *testing.T, text string) {
		for i, p := range programs {
			r := NewReport(InQuery, "q", "fr")
			ok := p.ValidateText(text, r)
			if ok != (len(r.Violations()) == 0) {
				t.Fatalf("%d: %v with %v", i, ok, r.Violations())
			}
			if i == 0 && ok != validText(text) {
				t.Fatalf("%q: %v, %v", text, ok, r.Violations())
			}
		}
	})
}

// validText reports whether a text is free of what no string may contain.
func validText(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

package contract

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// register is a typical small body, tickets a typical list.
const (
	registerSchema = `{
		"type": "object",
		"required": ["email", "password", "confirm", "firstName", "lastName", "birthDate", "accept"],
		"properties": {
			"email": {"type": "string", "format": "email", "maxLength": 255},
			"password": {"type": "string", "minLength": 8, "maxLength": 72},
			"confirm": {"type": "string", "x-equals": "password"},
			"firstName": {"type": "string", "minLength": 1, "maxLength": 50},
			"lastName": {"type": "string", "minLength": 1, "maxLength": 50},
			"birthDate": {"type": "string", "format": "date"},
			"phone": {"type": "string", "maxLength": 20},
			"kind": {"type": "string", "enum": ["PHYSICAL", "DIGITAL", "VOUCHER"]},
			"accept": {"type": "boolean"}
		}
	}`
	registerBody = `{"email":"marie.dupont@example.com","password":"Secret-123","confirm":"Secret-123","firstName":"Marie",` +
		`"lastName":"Dupont","birthDate":"1990-05-17","phone":"+33612345678","kind":"DIGITAL","accept":true}`
	ticketSchema = `{"type":"array","maxItems":1000,"items":{"type":"object","required":["id","title","status"],"properties":{
		"id":{"type":"string","format":"uuid"},"title":{"type":"string","maxLength":200},"at":{"type":"string","format":"date-time"},
		"status":{"type":"string","enum":["nouveau","en_cours","resolu"]},"amount":{"type":"number","minimum":0,"multipleOf":0.01}}}}`
	ticketItem = `{"id":"018f9f9e-7b1a-7c3d-8e5f-0123456789ab","title":"Fuite d'eau au sous-sol","status":"en_cours","at":"2025-01-31T09:30:00.000Z","amount":1250.50}`
)

func ticketList(n int) string { return "[" + strings.Repeat(ticketItem+",", n-1) + ticketItem + "]" }

// everything uses all that could tempt a validator to allocate.
const everything = `{"type":"object","required":["s"],"properties":{
	"s":{"type":"string","pattern":"^[a-zé]+$","minLength":2,"maxLength":9},
	"e":{"type":"string","minLength":2},
	"n":{"type":"number","minimum":-1.5,"maximum":1e6,"multipleOf":0.01},
	"list":{"type":"array","items":{"type":"object","properties":{"k":{"type":"integer"}}},"uniqueItems":true},
	"map":{"type":"object","additionalProperties":{"type":"array","items":{"type":"string"}}},
	"free":{"type":"object"},
	"any":{"enum":[{"a":[1,2]},"x",3]},
	"pet":{"oneOf":[{"type":"object","required":["bark"],"properties":{"bark":{"type":"boolean"}}},
		{"type":"object","required":["wings"],"properties":{"wings":{"type":"integer","minimum":1},"legs":{"default":2}}},
		{"type":"string","format":"uuid"}]},
	"not":{"not":{"type":"string"}},
	"sum":{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}}},{"anyOf":[{"properties":{"b":{"type":"integer"}}},{"required":["a"]}]}]},
	"ip":{"type":"string","format":"ipv4"},"uri":{"type":"string","format":"uri"},"d":{"type":"string","format":"date-time"}
}}`

const everyValue = `{"s":"\u0065té","\u0065":"a\nb","n":123456.78,"list":[{"k":1},{"k":2},{"k":-3},{}],"map":{"x":["a"],"y":[],"long name é":["\"","b"]},
	"free":{"deep":{"deeper":[null,true,1.5e-3,{"x":{}}]},"a":1,"b":2},"any":{"a":[1.0,2e0]},"pet":{"wings":2},"not":5,"sum":{"a":1,"b":2},
	"ip":"127.0.0.1","uri":"https://example.com/a?b=c","d":"2025-01-31T09:30:00+01:00"}`

// TestAllocations asserts that a valid value costs no memory.
func TestAllocations(t *testing.T) {
	tests := []struct{ name, schema, value string }{
		{"register", registerSchema, registerBody},
		{"list of 100", ticketSchema, ticketList(100)},
		{"everything", everything, everyValue},
		{"discriminated", "", `{"kind":"wolf","bark":true}`},
	}
	for _, test := range tests {
		var s *openapi3.Schema
		if test.schema == "" {
			g := newGenerator(0)
			s = &openapi3.Schema{Discriminator: &openapi3.Discriminator{PropertyName: "kind"}}
			s.OneOf = openapi3.SchemaRefs{g.component("Cat"), g.component("Dog")}
			s.Discriminator.Mapping = map[string]openapi3.MappingRef{"wolf": {Ref: "Dog"}}
		} else {
			s = schemaOf(t, test.schema)
		}
		p, value := mustCompile(t, s, RefuseUnknown), []byte(test.value)
		r := NewReport(InBody, "", "fr")
		validate := func() {
			r.Reset(InBody, "", "fr")
			if !p.Validate(value, r) {
				t.Fatalf("%s: %v", test.name, r.Violations())
			}
		}
		validate() // grows the report's buffers
		if n := testing.AllocsPerRun(100, validate); n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
	p := mustCompile(t, openapi3.NewIntegerSchema().WithMin(1), RefuseUnknown)
	r := NewReport(InQuery, "page", "fr")
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(InQuery, "page", "fr")
		if !p.ValidateText("17", r) {
			t.Fatal(r.Violations())
		}
	}); n != 0 {
		t.Errorf("text: %v allocations", n)
	}
}

func BenchmarkValidate(b *testing.B) {
	for _, bench := range []struct{ name, schema, value string }{
		{"register", registerSchema, registerBody},
		{"list of 100", ticketSchema, ticketList(100)},
		{"everything", everything, everyValue},
	} {
		b.Run(bench.name, func(b *testing.B) {
			p, value := mustCompile(b, schemaOf(b, bench.schema), RefuseUnknown), []byte(bench.value)
			r := NewReport(InBody, "", "fr")
			b.ReportAllocs()
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				r.Reset(InBody, "", "fr")
				if !p.Validate(value, r) {
					b.Fatal(r.Violations())
				}
			}
		})
	}
}

// BenchmarkRefuse is the price of a body that is wrong in three places.
func BenchmarkRefuse(b *testing.B) {
	p := mustCompile(b, schemaOf(b, registerSchema), RefuseUnknown)
	value := []byte(strings.NewReplacer("1990-05-17", "1990", "DIGITAL", "OTHER", `"accept":true`, `"accept":1`).Replace(registerBody))
	r := NewReport(InBody, "", "fr")
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(InBody, "", "fr")
		if p.Validate(value, r) || len(r.Violations()) != 3 {
			b.Fatal(fmt.Sprint(r.Violations()))
		}
	}
}

// BenchmarkScan is why the scanner is our own: reading the same bytes without any schema, beside jsontext.
func BenchmarkScan(b *testing.B) {
	value := []byte(ticketList(100))
	b.Run("ours", func(b *testing.B) {
		p := &Program{root: anyNode}
		r := NewReport(InBody, "", "fr")
		b.ReportAllocs()
		b.SetBytes(int64(len(value)))
		for b.Loop() {
			if !p.Validate(value, r) {
				b.Fatal(r.Violations())
			}
		}
	})
	b.Run("jsontext", func(b *testing.B) {
		reader := bytes.NewReader(value)
		d := jsontext.NewDecoder(reader)
		b.ReportAllocs()
		b.SetBytes(int64(len(value)))
		for b.Loop() {
			reader.Reset(value)
			d.Reset(reader)
			for {
				if _, err := d.ReadToken(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}

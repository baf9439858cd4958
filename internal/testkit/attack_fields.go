package testkit

import (
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// fieldKind breaks one rule of a schema at every place that has it, in the body and in parameters. That the value is really
// wrong there, kin says.
func fieldKind(name string) func(*raid, *Draft) []attempt {
	return func(_ *raid, d *Draft) []attempt {
		var all []attempt
		schema := bodySchema(d.Operation)
		for _, p := range d.places() {
			for _, value := range wrongValues(name, p.schema, p.value) {
				bad := d.with(p, value, name+" "+value.String())
				body, err := parseJSON(string(bad.Body), 1)
				if err == nil && !accepts(schema, body) {
					all = append(all, bad)
				}
			}
		}
		return append(all, wrongParameters(name, d)...)
	}
}

// wrongValues are values that may break a rule.
func wrongValues(kind string, schema *openapi3.SchemaRef, value *node) []*node {
	f := facetsOf(schema)
	switch kind {
	case "null":
		return []*node{{kind: 'n', text: "null"}}
	case "type":
		wrong := []*node{literal(true), literal(42), literal("text"), {kind: '['}, {kind: '{'}, {kind: '[', values: []*node{value}}}
		if f.is("integer") {
			wrong = append(wrong, &node{kind: '0', text: "1.5"}, &node{kind: '0', text: "1e-1"}, literal("1"))
		}
		return wrong
	case "range":
		return wrongNumbers(f)
	case "length":
		if value.kind == '[' {
			return wrongLists(schema.Value, value)
		}
	}
	var wrong []*node
	for _, text := range wrongTexts(kind, f) {
		wrong = append(wrong, literal(text))
	}
	return wrong
}

// wrongLists are lists with an item too few or too many.
func wrongLists(schema *openapi3.Schema, list *node) []*node {
	var wrong []*node
	if schema.MinItems > 0 {
		wrong = append(wrong, &node{kind: '[', values: list.values[:schema.MinItems-1]})
	}
	if schema.MaxItems != nil && len(list.values) > 0 {
		long := &node{kind: '['}
		for range *schema.MaxItems + 1 {
			long.values = append(long.values, list.values[0])
		}
		wrong = append(wrong, long)
	}
	return wrong
}

// wrongNumbers are numbers beyond the bounds, and beyond those that numbers of the format have.
func wrongNumbers(f facets) []*node {
	var wrong []*node
	if !f.is("integer") && !f.is("number") {
		return nil
	}
	beyond := func(bound *float64, by float64) {
		if bound != nil {
			wrong = append(wrong, &node{kind: '0', text: strconv.FormatFloat(*bound+by, 'f', -1, 64)})
		}
	}
	beyond(f.min, -1)
	beyond(f.max, 1)
	if f.is("number") {
		beyond(f.min, -0.001)
		beyond(f.max, 0.001)
	}
	if f.min != nil && f.max != nil || f.is("integer") {
		for _, text := range []string{"1e400", "-1e400", new(big.Int).Lsh(big.NewInt(1), 63).String(), "123456789012345678901234567890"} {
			wrong = append(wrong, &node{kind: '0', text: text})
		}
	}
	return wrong
}

// wrongTexts are texts that may break a rule.
func wrongTexts(kind string, f facets) []string {
	if !f.is("string") {
		return nil
	}
	var wrong []string
	switch kind {
	case "length":
		if f.minLength > 0 {
			wrong = append(wrong, "", strings.Repeat("é", int(f.minLength)-1))
		}
		if f.maxLength != nil {
			wrong = append(wrong, strings.Repeat("é", int(*f.maxLength)+1), strings.Repeat("x", 10*int(*f.maxLength)))
		}
	case "format":
		wrong = map[string][]string{
			"uuid":      {"", "1", "018f2c3a-7b10-7cc2-9a51-0123456789", "018f2c3a-7b10-7cc2-9a51-0123456789abc", "018f2c3a_7b10_7cc2_9a51_0123456789ab", "{018f2c3a-7b10-7cc2-9a51-0123456789ab}", "018f2c3a7b107cc29a510123456789ab"},
			"email":     {"", "user", "user@", "@example.com", "a b@example.com", "user@example.com\n", "User <user@example.com>", "a@b@c.de"},
			"date-time": {"", "yesterday", "2025-11-08", "2025-11-08T14:08:57", "2025-13-08T14:08:57Z", "2025-11-08 14:08:57Z"},
			"date":      {"", "yesterday", "2025-13-08", "08/11/2025", "2025-11-08T00:00:00Z"},
		}[f.format]
	case "pattern":
		if len(f.patterns) == 0 {
			return nil
		}
		for _, char := range []string{" ", "~", "a", "A", "0", "é", "\n"} {
			wrong = append(wrong, strings.Repeat(char, max(1, int(f.minLength))))
		}
	case "enum":
		for _, value := range f.enum {
			text := fmt.Sprint(value)
			wrong = append(wrong, text+" ", swapFirst(text), "")
		}
		if len(f.enum) > 0 {
			wrong = append(wrong, "UNKNOWN")
		}
	}
	return wrong
}

// wrongParameters break a rule in each parameter. An empty path parameter would be another route.
func wrongParameters(kind string, d *Draft) []attempt {
	var all []attempt
	for _, p := range parametersOf(d.Operation) {
		schema := itemOf(p)
		f := facetsOf(schema)
		for _, text := range wrongParameterTexts(kind, f) {
			if p.In == "path" && (text == "" || strings.ContainsAny(text, "/")) || text == "" && p.AllowEmptyValue {
				continue // another route; no value at all
			}
			if f.is("string") && accepts(schema, literal(text)) || saturates(p, text) {
				continue
			}
			request := d.request()
			path, query, _ := strings.Cut(request.Path, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				continue
			}
			if p.In == "path" {
				segments := strings.Split(path, "/")
				place := slices.Index(strings.Split(d.Operation.Path, "/"), "{"+p.Name+"}")
				segments[place] = url.PathEscape(text)
				path = strings.Join(segments, "/")
			} else {
				values.Set(p.Name, text)
			}
			if len(values) > 0 {
				path += "?" + values.Encode()
			}
			request.Path = path
			all = append(all, attempt{Request: request, what: fmt.Sprintf("parameter %s: %s %.40q", p.Name, kind, text), fields: []string{p.Name, p.Name + ".0"}})
		}
	}
	return all
}

func wrongParameterTexts(kind string, f facets) []string {
	number := f.is("integer") || f.is("number")
	switch {
	case kind == "type" && f.is("integer"):
		return []string{"", "one", "1.5", "0x1", "1e1", "1 ", " 1", "+1", "--1", "1,000", "true", "null", "١"}
	case kind == "type" && number:
		return []string{"", "one", "NaN", "Infinity", "0x1", "1,5"}
	case kind == "type" && f.is("boolean"):
		return []string{"", "yes", "TRUE", "1"}
	case kind == "range" && number:
		var texts []string
		for _, n := range wrongNumbers(f) {
			if !f.is("integer") || !strings.ContainsAny(n.text, ".e") {
				texts = append(texts, n.text)
			}
		}
		return texts
	}
	return wrongTexts(kind, f)
}

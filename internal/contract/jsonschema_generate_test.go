package contract_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// draft7Keywords are all keywords that say something about values and that JSON Schema knows.
var draft7Keywords = []string{
	"type", "enum", "const", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "pattern", "items", "additionalItems", "minItems", "maxItems", "uniqueItems", "properties",
	"required", "additionalProperties", "minProperties", "maxProperties", "allOf", "oneOf", "anyOf", "not", "$ref",
}

// draft7 makes schemas, and values that nearly or fully conform to them, from a seed.
type draft7 struct{ *rand.Rand }

func newDraft7(seed uint64) draft7 { return draft7{rand.New(rand.NewPCG(seed, 7))} }

func (g draft7) often(percent int) bool { return g.IntN(100) < percent }

func (g draft7) one(from ...any) any { return from[g.IntN(len(from))] }

var formatSamples = map[string][2][]string{
	"uuid":      {{"550e8400-e29b-41d4-a716-446655440000"}, {"550e8400", "550e8400-e29b-41d4-a716-44665544000g"}},
	"date":      {{"2025-01-31", "2024-02-29"}, {"2025-02-30", "2025-1-1", "x"}},
	"date-time": {{"2025-01-31T10:00:00Z", "2025-01-31T10:00:00.5+02:00"}, {"2025-01-31", "2025-01-31T25:00:00Z"}},
	"ipv4":      {{"127.0.0.1"}, {"127.0.0", "256.1.1.1"}},
}

// schema makes a schema; the first one holds the definitions that $ref refers to.
func (g draft7) schema(depth int) map[string]any {
	s := g.part(depth)
	if ref := s["$ref"]; ref != nil { // nothing may stand beside it
		s = map[string]any{"allOf": []any{s}}
	}
	s["definitions"] = map[string]any{
		"text": map[string]any{"type": "string", "maxLength": 3},
		"tree": map[string]any{"type": "object", "required": []any{"a"}, "properties": map[string]any{"a": map[string]any{"type": "integer"}, "b": map[string]any{"$ref": "#/definitions/tree"}}},
	}
	return s
}

func (g draft7) part(depth int) map[string]any {
	s := map[string]any{}
	switch {
	case depth > 0 && g.often(8):
		return map[string]any{"$ref": g.one("#/definitions/text", "#/definitions/tree")}
	case g.often(6):
		s["const"] = g.any(1)
		return s
	case g.often(8):
		s["enum"] = g.distinct()
		return s
	}
	kind := g.one("string", "integer", "number", "array", "object", "boolean", "null").(string)
	switch {
	case g.often(20):
		s["type"] = []any{kind, g.one("null", "boolean")}
		if kind == "null" || kind == "boolean" {
			s["type"] = []any{kind, "string"}
		}
	case g.often(80):
		s["type"] = kind
	}
	switch kind {
	case "string":
		g.text(s)
	case "integer", "number":
		g.number(s)
	case "array":
		g.array(s, depth)
	case "object":
		g.object(s, depth)
	}
	if depth > 0 && g.often(15) {
		g.combine(s, depth)
	}
	return s
}

func (g draft7) text(s map[string]any) {
	if g.often(30) {
		s["minLength"] = g.IntN(4)
	}
	if g.often(30) {
		s["maxLength"] = 1 + g.IntN(5)
	}
	if g.often(25) {
		s["pattern"] = g.one("^a", "b$", "^[a-c]+$", "é|x")
	}
	if s["type"] == "string" && len(s) == 1 && g.often(50) {
		s["format"] = g.one("uuid", "date", "date-time", "ipv4")
	}
}

func (g draft7) number(s map[string]any) {
	for _, name := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"} {
		if g.often(25) {
			s[name] = g.one(-3, 0, 1, 2.5, 4)
		}
	}
	if g.often(25) {
		s["multipleOf"] = g.one(1, 2, 0.5, 0.1)
	}
}

func (g draft7) array(s map[string]any, depth int) {
	if depth > 0 && g.often(70) {
		if g.often(50) {
			s["items"] = g.part(depth - 1)
		} else {
			s["items"] = []any{g.part(depth - 1), g.part(depth - 1)}
			switch g.IntN(3) {
			case 0:
				s["additionalItems"] = false
			case 1:
				s["additionalItems"] = g.part(depth - 1)
			}
		}
	}
	if g.often(25) {
		s["minItems"] = g.IntN(3)
	}
	if g.often(25) {
		s["maxItems"] = g.IntN(4)
	}
	if g.often(25) {
		s["uniqueItems"] = true
	}
}

func (g draft7) object(s map[string]any, depth int) {
	if depth > 0 && g.often(80) {
		properties := map[string]any{}
		for _, name := range []string{"a", "b", "é/~"} {
			if g.often(60) {
				properties[name] = g.part(depth - 1)
			}
		}
		s["properties"] = properties
	}
	if g.often(40) {
		s["required"] = []any{g.one("a", "b", "c")}
	}
	switch {
	case g.often(20):
		s["additionalProperties"] = g.often(50)
	case depth > 0 && g.often(20):
		s["additionalProperties"] = g.part(depth - 1)
	}
	if g.often(15) {
		s["minProperties"] = g.IntN(3)
	}
	if g.often(15) {
		s["maxProperties"] = g.IntN(4)
	}
}

func (g draft7) combine(s map[string]any, depth int) {
	switch name := g.one("allOf", "oneOf", "anyOf", "not").(string); name {
	case "not":
		s["not"] = g.part(depth - 1)
	default:
		s[name] = []any{g.part(depth - 1), g.part(depth - 1)}
	}
}

// any makes a value without a schema in mind. Numbers like 1.0 are left out: JSON Schema calls them integers, the compiled
// contract does not, because no Go integer reads them.
func (g draft7) any(depth int) any {
	switch g.IntN(9) {
	case 0:
		return nil
	case 1:
		return g.often(50)
	case 2:
		return g.IntN(9) - 4
	case 3:
		return g.one(0.5, 2.5, 1.1, -0.3)
	case 4, 5:
		return g.one("", "a", "ab", "abc", "éé", "x", "abcabc")
	case 6:
		if depth > 0 {
			list := []any{}
			for range g.IntN(4) {
				list = append(list, g.any(depth-1))
			}
			return list
		}
	}
	object := map[string]any{}
	for _, name := range []string{"a", "b", "c", "é/~"} {
		if depth > 0 && g.often(40) {
			object[name] = g.any(depth - 1)
		}
	}
	return object
}

// distinct is a list of values without two that are equal.
func (g draft7) distinct() []any {
	var list []any
	seen := []string{}
	for range 1 + g.IntN(3) {
		v := g.one(nil, true, 1, 2, "a", "abc", []any{1}, map[string]any{"a": 1})
		if text := fmt.Sprint(v); !slices.Contains(seen, text) {
			list, seen = append(list, v), append(seen, text)
		}
	}
	return list
}

// value is the JSON of a value that a schema may well accept.
func (g draft7) value(schema map[string]any, depth int) string {
	text, err := json.Marshal(g.near(schema, depth))
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (g draft7) near(s map[string]any, depth int) any {
	if depth < 0 || g.often(12) {
		return g.any(2)
	}
	if ref, ok := s["$ref"].(string); ok {
		if strings.HasSuffix(ref, "text") {
			return g.one("", "abc", "abcd")
		}
		return map[string]any{"a": g.one(1, 1, "x"), "b": map[string]any{"a": 2}}
	}
	if v, ok := s["const"]; ok {
		return v
	}
	if list, ok := s["enum"].([]any); ok {
		return g.one(list...)
	}
	for _, name := range []string{"allOf", "oneOf", "anyOf"} {
		if parts, ok := s[name].([]any); ok && g.often(50) {
			return g.near(parts[g.IntN(len(parts))].(map[string]any), depth-1)
		}
	}
	kind := s["type"]
	if list, ok := kind.([]any); ok {
		kind = g.one(list...)
	}
	switch kind {
	case "string":
		if format, ok := s["format"].(string); ok {
			return g.sample(formatSamples[format][g.IntN(2)])
		}
		return g.one("", "a", "ab", "abc", "éé", "x", "cab", "abcabc")
	case "integer", "number":
		return g.one(-3, -2, 0, 1, 2, 3, 4, 5, 2.5, 0.5, 0.3)
	case "boolean":
		return g.often(50)
	case "null":
		return nil
	case "array":
		return g.nearArray(s, depth)
	}
	return g.nearObject(s, depth)
}

func (g draft7) sample(from []string) string { return from[g.IntN(len(from))] }

func (g draft7) nearArray(s map[string]any, depth int) any {
	list := []any{}
	for i := range g.IntN(4) {
		item, _ := s["items"].(map[string]any)
		if tuple, ok := s["items"].([]any); ok {
			if i < len(tuple) {
				item = tuple[i].(map[string]any)
			} else {
				item, _ = s["additionalItems"].(map[string]any)
			}
		}
		list = append(list, g.near(item, depth-1))
	}
	return list
}

func (g draft7) nearObject(s map[string]any, depth int) any {
	object := map[string]any{}
	properties, _ := s["properties"].(map[string]any)
	for _, name := range []string{"a", "b", "c", "é/~"} {
		if !g.often(60) {
			continue
		}
		member, ok := properties[name].(map[string]any)
		if !ok {
			member, _ = s["additionalProperties"].(map[string]any)
		}
		object[name] = g.near(member, depth-1)
	}
	return object
}

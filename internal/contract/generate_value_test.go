package contract

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// value makes JSON text for a schema: mostly what it asks, sometimes a little beside it.
func (g *generator) value(s *openapi3.Schema, depth int) string {
	if len(s.Enum) > 0 && g.chance(70) {
		return encode(pick(g, s.Enum...))
	}
	if s.Nullable && g.chance(15) {
		return "null"
	}
	if g.chance(7) || depth < 0 {
		return g.anything(depth)
	}
	if branches := append(append(openapi3.SchemaRefs{}, s.OneOf...), s.AnyOf...); len(branches) > 0 && g.chance(80) {
		value := g.value(pick(g, branches...).Value, depth-1)
		if s.Discriminator != nil {
			value = strings.Replace(value, `"kind":`, `"kind":"`+pick(g, "cat", "dog", "wolf", "cow")+`","was":`, 1)
		}
		return value
	}
	if len(s.AllOf) > 0 && g.chance(60) {
		return g.allOf(s, depth)
	}
	if s.Not != nil && g.chance(30) {
		return g.value(s.Not.Value, depth-1)
	}
	switch {
	case s.Type.Is("string"), s.Type == nil && (s.Pattern != "" || s.MaxLength != nil):
		return g.text(s)
	case s.Type.Is("integer"), s.Type.Is("number"), s.Type == nil && (s.Min != nil || s.Max != nil || s.MultipleOf != nil):
		return g.number(s)
	case s.Type.Is("boolean"):
		return pick(g, "true", "false")
	case s.Type.Is("array"):
		return g.array(s, depth)
	case s.Type.Is("object"), len(s.Properties) > 0:
		return "{" + strings.Join(g.members(s, depth), ",") + "}"
	}
	return g.anything(depth)
}

func (g *generator) allOf(s *openapi3.Schema, depth int) string {
	var members []string
	for _, part := range append(openapi3.SchemaRefs{s.NewRef()}, s.AllOf...) {
		if part.Value.Type.Is("object") {
			members = append(members, g.members(part.Value, depth-1)...)
		}
	}
	if members == nil {
		return g.value(pick(g, s.AllOf...).Value, depth-1)
	}
	seen := map[string]bool{}
	var unique []string
	for _, m := range members {
		name, _, _ := strings.Cut(m, `":`)
		if !seen[name] {
			seen[name] = true
			unique = append(unique, m)
		}
	}
	return "{" + strings.Join(unique, ",") + "}"
}

func (g *generator) members(s *openapi3.Schema, depth int) []string {
	var members []string
	for _, name := range propertyNamesOf(s) {
		ref := s.Properties[name]
		if ref == nil {
			ref = (&openapi3.Schema{}).NewRef()
		}
		if ref.Value.ReadOnly && g.chance(80) {
			continue
		}
		if g.chance(75) && depth > 0 {
			members = append(members, encode(name)+":"+g.value(ref.Value, depth-1))
		}
	}
	for range g.IntN(3) {
		if !g.chance(25) {
			continue
		}
		extra := &openapi3.Schema{}
		if more := s.AdditionalProperties.Schema; more != nil {
			extra = more.Value
		}
		members = append(members, encode("x"+strconv.Itoa(g.IntN(1000)+1000*len(members)))+":"+g.value(extra, depth-1))
	}
	g.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return members
}

func propertyNamesOf(s *openapi3.Schema) []string {
	names := append([]string(nil), s.Required...)
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (g *generator) array(s *openapi3.Schema, depth int) string {
	n := g.IntN(4)
	if s.MaxItems != nil {
		n = int(*s.MaxItems) + g.IntN(3) - 1
	}
	var items []string
	for range n {
		if len(items) > 0 && g.chance(15) {
			items = append(items, pick(g, items...))
			continue
		}
		items = append(items, g.value(s.Items.Value, depth-1))
	}
	return "[" + strings.Join(items, pick(g, ",", " , ", ",\n")) + "]"
}

func (g *generator) text(s *openapi3.Schema) string {
	samples := sample{yes: []string{"", "a", "ab", "abc", "été", "日本語", "a\"b\\", "\x01\n\t", "😀", "é/~"}}
	if s.Pattern != "" {
		samples = patterns[s.Pattern]
	}
	if s.Format != "" {
		samples = formats[s.Format]
	}
	text := pick(g, samples.yes...)
	if len(samples.no) > 0 && g.chance(30) {
		text = pick(g, samples.no...)
	}
	if s.Pattern == "" && s.Format == "" && s.MaxLength != nil {
		text = strings.Repeat(pick(g, "x", "é", "😀"), max(0, int(*s.MaxLength)+g.IntN(4)-2))
	}
	if g.chance(20) {
		return escapeAll(text)
	}
	return encode(text)
}

// escapeAll writes a JSON string with nothing but \u escapes.
func escapeAll(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		if r > 0xFFFF {
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x`, 0xD800+r>>10)
			r = 0xDC00 + r&0x3FF
		}
		fmt.Fprintf(&b, `\u%04X`, r)
	}
	b.WriteByte('"')
	return b.String()
}

func (g *generator) number(s *openapi3.Schema) string {
	base := float64(g.IntN(40) - 20)
	switch {
	case s.Min != nil && g.chance(50):
		base = *s.Min
	case s.Max != nil && g.chance(70):
		base = *s.Max
	}
	step := pick(g, 0, 1, -1, 0, 0.5, -0.25)
	if s.Type.Is("integer") && g.chance(85) {
		step = pick(g, 0.0, 1, -1)
		base = float64(int64(base))
	}
	if s.MultipleOf != nil && g.chance(60) {
		base, step = *s.MultipleOf*float64(g.IntN(50)), pick(g, 0, 0, 0.005)
	}
	text := strconv.FormatFloat(base+step, 'f', pick(g, -1, -1, -1, 3), 64)
	switch {
	case g.chance(4), s.Format == "float" && g.chance(20):
		return pick(g, "2147483647", "2147483648", "-2147483648", "-2147483649", "1e39", "3.5e38", "1e308")
	case g.chance(3):
		return pick(g, "1.0", "1e2", "-0", "0.0", "1E+1", "100e-2", "12.50")
	}
	return text
}

// anything makes a value that no schema asks for.
func (g *generator) anything(depth int) string {
	if depth > 0 && g.chance(25) {
		return pick(g, "["+g.anything(depth-1)+"]", `{"a":`+g.anything(depth-1)+"}", `{"kind":`+g.anything(depth-1)+`,"b":2}`)
	}
	return pick(g, "null", "true", "false", "0", "1", "-3", "2.5", `""`, `"a"`, `"été"`, "[]", "{}", `{"v":1}`, `{"a":1,"b":2}`)
}

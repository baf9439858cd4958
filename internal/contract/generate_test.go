package contract

import (
	"math/rand/v2"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// generator makes schemas that use every keyword and values on both sides of their limits.
type generator struct {
	*rand.Rand
	components map[string]*openapi3.Schema
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6775696368657400))}
	tree := &openapi3.Schema{Type: &openapi3.Types{"object"}, Required: []string{"v"}}
	tree.Properties = openapi3.Schemas{
		"v":    openapi3.NewIntegerSchema().NewRef(),
		"next": openapi3.NewSchemaRef("#/components/schemas/Tree", tree),
		"kids": {Value: &openapi3.Schema{Type: &openapi3.Types{"array"}, Items: openapi3.NewSchemaRef("#/components/schemas/Tree", tree)}},
	}
	g.components = map[string]*openapi3.Schema{
		"Tree": tree,
		"Cat": {Type: &openapi3.Types{"object"}, Required: []string{"kind"}, Properties: openapi3.Schemas{
			"kind":  {Value: openapi3.NewStringSchema()},
			"lives": {Value: openapi3.NewIntegerSchema().WithMin(0).WithMax(9)},
		}},
		"Dog": {Type: &openapi3.Types{"object"}, Required: []string{"kind", "bark"}, Properties: openapi3.Schemas{
			"kind": {Value: openapi3.NewStringSchema()},
			"bark": {Value: openapi3.NewBoolSchema()},
		}},
	}
	return g
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

func (g *generator) component(name string) *openapi3.SchemaRef {
	return openapi3.NewSchemaRef("#/components/schemas/"+name, g.components[name])
}

// sample is a text with what a pattern or format says of it.
type sample struct{ yes, no []string }

var patterns = map[string]sample{
	`^[A-Z]{3}-\d{2}$`:   {[]string{"ABC-12", "XYZ-00"}, []string{"abc-12", "ABC-123", "ABC-1", ""}},
	`[0-9]`:              {[]string{"a1", "7"}, []string{"abc", ""}},
	`^(?:a|b)+$`:         {[]string{"a", "abba"}, []string{"", "abc"}},
	`^\u0061\s?é.$`:      {[]string{"aéx", "a éx"}, []string{"aé", "a\néé\n"}},
	`^[^\s@/]+\/[\w.]*$`: {[]string{"x/y.z", "q/"}, []string{"x y/z", "/", "x"}},
}

var formats = map[string]sample{
	"date":          {[]string{"2024-02-29", "2025-12-31"}, []string{"2023-02-29", "2025-1-01", "2025-13-01", ""}},
	"date-time":     {[]string{"2025-01-31T09:30:00Z", "2025-01-31T09:30:00.123+02:00"}, []string{"2025-01-31", "2025-01-31 09:30:00Z", "2025-01-31T24:00:00Z", "2025-01-31T09:30:00"}},
	"time":          {[]string{"09:30:00Z", "23:59:59.9-01:00"}, []string{"9:30:00Z", "09:30", "24:00:00Z"}},
	"uuid":          {[]string{"018f9f9e-7b1a-7c3d-8e5f-0123456789AB"}, []string{"018f9f9e7b1a7c3d8e5f0123456789ab", "018f9f9e-7b1a-7c3d-8e5f-0123456789ag", ""}},
	"email":         {[]string{"a@b.fr", "marie.d+x@ex-ample.com"}, []string{"a", "@b.fr", "a@", "a b@c.fr", "a@b..fr"}},
	"byte":          {[]string{"", "QUJD", "QQ==", "QUI="}, []string{"Q", "QQ=", "Q@==", "QR=="}},
	"uri":           {[]string{"https://x.fr/a?b=c#d", "urn:a:b", "http://[::1]:80/"}, []string{"/a/b", "x", "http://x y", "1a:b"}},
	"uri-reference": {[]string{"/a/b", "../x?y", "https://x.fr", ""}, []string{"http://x y", "%zz", "1a:b"}},
	"hostname":      {[]string{"a.fr", "x-y.example"}, []string{"-a.fr", "a..b", "a_b", ""}},
	"ipv4":          {[]string{"127.0.0.1"}, []string{"256.0.0.1", "1.2.3", "::1"}},
	"ipv6":          {[]string{"::1", "2001:db8::8"}, []string{"127.0.0.1", ":::", "fe80::1%eth0"}},
	"password":      {[]string{"x", ""}, nil},
	"binary":        {[]string{"x", "é"}, nil},
}

func keysOf(m map[string]sample) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// schema makes a schema at most depth levels deep.
func (g *generator) schema(depth int) *openapi3.Schema {
	s := &openapi3.Schema{}
	kinds := []string{"string", "string", "integer", "number", "boolean", ""}
	if depth > 0 {
		kinds = append(kinds, "object", "object", "object", "array", "array")
	}
	kind := pick(g, kinds...)
	if kind != "" {
		s.Type = &openapi3.Types{kind}
	}
	switch kind {
	case "string":
		g.stringKeywords(s)
	case "integer", "number":
		g.numberKeywords(s, kind)
	case "object":
		g.objectKeywords(s, depth)
	case "array":
		g.arrayKeywords(s, depth)
	case "":
		pick(g, g.stringKeywords, func(s *openapi3.Schema) { g.numberKeywords(s, "") },
			func(s *openapi3.Schema) { g.objectKeywords(s, depth) }, func(*openapi3.Schema) {})(s)
		s.Format = ""
		s.Properties = nilIfEmpty(s.Properties)
	}
	s.Nullable = g.chance(12)
	if g.chance(10) {
		s.Enum = g.enum(s)
	}
	if depth > 0 && g.chance(25) {
		g.combine(s, depth)
	}
	return s
}

func nilIfEmpty(p openapi3.Schemas) openapi3.Schemas {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (g *generator) stringKeywords(s *openapi3.Schema) {
	switch g.IntN(4) {
	case 0:
		s.Pattern = pick(g, keysOf(patterns)...)
	case 1:
		s.Format = pick(g, keysOf(formats)...)
	case 2:
		s.MinLength = uint64(g.IntN(4))
		s.WithMaxLength(int64(s.MinLength) + g.Int64N(3))
	}
}

func (g *generator) numberKeywords(s *openapi3.Schema, kind string) {
	switch {
	case kind == "integer" && g.chance(30):
		s.Format = pick(g, "int32", "int64")
	case kind == "number" && g.chance(30):
		s.Format = pick(g, "float", "double")
	}
	if g.chance(40) {
		s.WithMin(pick(g, -10, 0, 0.5, 1, 2147483640, -0.001))
		s.ExclusiveMin.Bool = pick(g, nil, new(true), new(false))
	}
	if g.chance(40) {
		s.WithMax(pick(g, 0, 1, 10, 10.25, 1e15, 4294967296))
		s.ExclusiveMax.Bool = pick(g, nil, new(true), new(false))
	}
	if g.chance(30) {
		s.MultipleOf = new(pick(g, 1, 3, 0.01, 0.5, 0.1, 2.5, 7))
	}
}

func (g *generator) arrayKeywords(s *openapi3.Schema, depth int) {
	s.Items = g.ref(depth - 1)
	if g.chance(40) {
		s.MinItems = uint64(g.IntN(3))
	}
	if g.chance(40) {
		s.WithMaxItems(int64(s.MinItems) + g.Int64N(3))
	}
	s.UniqueItems = g.chance(40)
}

var propertyNames = []string{"a", "b", "c", "long name", "é/~", ""}

func (g *generator) objectKeywords(s *openapi3.Schema, depth int) {
	s.Properties = openapi3.Schemas{}
	for _, name := range propertyNames[:g.IntN(len(propertyNames)+1)] {
		if g.chance(60) {
			ref := g.ref(depth - 1)
			s.Properties[name] = ref
			if ref.Ref == "" {
				ref.Value.ReadOnly = g.chance(5)
				ref.Value.WriteOnly = !ref.Value.ReadOnly && g.chance(5)
				if g.chance(30) && !ref.Value.ReadOnly {
					g.preset(ref.Value)
				}
			}
		}
		// A property that is required and has a default is required to us, and filled in by kin-openapi.
		if p := s.Properties[name]; g.chance(30) && (p == nil || p.Value.Default == nil) {
			s.Required = append(s.Required, name)
		}
	}
	switch g.IntN(6) {
	case 0:
		s.WithoutAdditionalProperties()
	case 1:
		s.WithAnyAdditionalProperties()
	case 2:
		s.AdditionalProperties = openapi3.AdditionalProperties{Schema: g.ref(depth - 1)}
	}
	if g.chance(15) {
		s.MinProps = uint64(g.IntN(3))
	}
	if g.chance(15) {
		s.WithMaxProperties(int64(s.MinProps) + g.Int64N(4))
	}
}

// preset gives a schema a default that it accepts, if one is found.
func (g *generator) preset(s *openapi3.Schema) {
	for range 5 {
		text := g.value(s, 2)
		value, err := decode([]byte(text))
		if err == nil && value != nil && visit(s, value) == nil && !excused(subject{schema: s, text: encode(s)}, encode(value)) {
			s.Default = value
			return
		}
	}
}

func (g *generator) ref(depth int) *openapi3.SchemaRef {
	if g.chance(6) {
		return g.component("Tree")
	}
	return g.schema(max(depth, 0)).NewRef()
}

func (g *generator) combine(s *openapi3.Schema, depth int) {
	branches := func() openapi3.SchemaRefs {
		var refs openapi3.SchemaRefs
		for range 1 + g.IntN(3) {
			refs = append(refs, g.ref(depth-1))
		}
		return refs
	}
	switch g.IntN(6) {
	case 0:
		for range 20 {
			if part := g.schema(depth - 1); s.Type == nil || part.Type == nil || part.Type.Is((*s.Type)[0]) {
				s.AllOf = append(s.AllOf, part.NewRef())
			}
			if len(s.AllOf) == 2 {
				break
			}
		}
	case 1:
		s.OneOf = branches()
	case 2:
		s.AnyOf = branches()
	case 3:
		s.Not = g.ref(depth - 1)
	default:
		*s = openapi3.Schema{Nullable: s.Nullable, Discriminator: &openapi3.Discriminator{PropertyName: "kind"}}
		refs := openapi3.SchemaRefs{g.component("Cat"), g.component("Dog")}
		s.Discriminator.Mapping = map[string]openapi3.MappingRef{
			"cat": {Ref: "#/components/schemas/Cat"}, "dog": {Ref: "Dog"}, "wolf": {Ref: "#/components/schemas/Dog"},
		}
		if g.chance(50) {
			s.OneOf = refs
		} else {
			s.AnyOf = refs
		}
	}
}

func (g *generator) enum(s *openapi3.Schema) []any {
	var values []any
	for range 1 + g.IntN(4) {
		value, err := decode([]byte(g.value(s, 2)))
		if err == nil {
			values = append(values, value)
		}
	}
	return values
}

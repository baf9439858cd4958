package contract

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"
)

// builder compiles the schemas of one value: a root schema, what its allOf adds, and the branches of its oneOf and anyOf,
// which see the same bytes and, for an object, share the numbering of names.
type builder struct {
	c     *Compiler
	open  bool // no implicit refusal of unknown fields
	group group
	names bool // one of the schemas has properties
}

func (c *Compiler) builder(s *Schema, open bool) *builder {
	b := &builder{c: c, open: open || c.cfg.UnknownFields == IgnoreUnknown, group: group{bits: map[string]int{}}}
	b.collect(s, nil)
	b.group.words = (len(b.group.bits)+1)/64 + 1
	if b.closed() {
		var properties []property
		for name, bit := range b.group.bits {
			properties = append(properties, property{name: name, bit: bit})
		}
		slices.SortFunc(properties, func(x, y property) int { return x.bit - y.bit })
		b.group.names = newNameTable(properties)
	}
	return b
}

// closed reports whether fields that no schema names are refused.
func (b *builder) closed() bool { return b.names && !b.open }

// collect numbers the names that the schemas of the value mention.
func (b *builder) collect(s *Schema, stack []*Schema) {
	facets := facetsOf(s, stack)
	for _, f := range facets {
		for _, p := range f.Properties {
			b.names = true
			b.number(p.Name)
		}
		for _, name := range f.Required {
			b.number(name)
		}
	}
	stack = append(slices.Clip(stack), facets...)
	for _, f := range facets {
		for _, branch := range slices.Concat(f.OneOf, f.AnyOf) {
			if !slices.Contains(stack, branch) {
				b.collect(branch, stack)
			}
		}
	}
	if len(b.group.bits) > maxProperties {
		b.c.refuse(s.Pointer, "more than %d properties", maxProperties)
	}
}

func (b *builder) number(name string) {
	if _, ok := b.group.bits[name]; !ok {
		b.group.bits[name] = len(b.group.bits) + 1 // 0 is everyName
	}
}

// facetsOf are the schemas that all apply to the value that s applies to: s itself and, recursively, what its allOf
// lists. One that is being applied already (stack) adds nothing.
func facetsOf(s *Schema, stack []*Schema) []*Schema {
	var facets []*Schema
	var visit func(*Schema)
	visit = func(s *Schema) {
		if slices.Contains(stack, s) || slices.Contains(facets, s) {
			return
		}
		facets = append(facets, s)
		for _, part := range s.AllOf {
			visit(part)
		}
	}
	visit(s)
	return facets
}

// fill compiles s into one node, together with its allOf. stack are the schemas around it that see the same value.
func (b *builder) fill(n *node, s *Schema, stack []*Schema) {
	facets := facetsOf(s, stack)
	n.kinds = notNull
	stack = append(slices.Clip(stack), facets...)
	for _, f := range facets {
		if f.Message != "" && !speaks(f) {
			b.c.refuse(f.Pointer+"/x-message", "x-message has no keyword to speak for: pattern, format, enum, x-equals, oneOf or anyOf")
		}
		n.kinds &= kindsOf(f)
		b.scalar(n, f)
		b.branches(n, f, stack)
		if f.Default != nil && n.preset == nil {
			n.preset = f.Default
			b.c.presets = append(b.c.presets, presetSource{n, f})
		}
	}
	if n.kinds == 0 && slices.ContainsFunc(facets, func(f *Schema) bool { return kindsOf(f) != 0 }) {
		b.c.refuse(s.Pointer, "the types of allOf exclude each other")
	}
	if n.kinds&(Integer|Number) == Integer && !slices.ContainsFunc(n.numbers, func(r numberRule) bool { return r.integer }) {
		n.numbers = append(n.numbers, numberRule{integer: true, size: 64})
	}
	if acceptsNull(s, nil) {
		n.kinds |= Null
	}
	n.array = b.array(facets)
	n.object = b.object(facets, stack)
	n.whole = len(n.enums)+len(n.alts)+len(n.nots) > 0
}

// speaks tells whether a schema has a keyword whose sentence its x-message replaces. What a discriminator chooses has its own.
func speaks(s *Schema) bool {
	return s.Pattern != "" || s.Format != "" || len(s.Enum) > 0 || s.Equals != "" || len(s.OneOf)+len(s.AnyOf) > 0 && s.Discriminator == nil
}

// kindsOf are the types that a schema by itself allows, but for null.
func kindsOf(s *Schema) Kinds {
	if s.Types == 0 {
		return notNull
	}
	return s.Types & notNull
}

// acceptsNull decides about null when a schema is compiled, because it is a single value. In OpenAPI 3.0 it follows
// kin-openapi: nullable accepts null whatever enum says, and a schema that combines others leaves null to them.
func acceptsNull(s *Schema, stack []*Schema) bool {
	if slices.Contains(stack, s) {
		return true
	}
	if s.Dialect == OpenAPI30 && s.Nullable {
		return true
	}
	stack = append(slices.Clip(stack), s)
	accepts := func(s *Schema) bool { return acceptsNull(s, stack) }
	if s.Not != nil && accepts(s.Not) {
		return false
	}
	count := 0
	for _, branch := range s.OneOf {
		if accepts(branch) {
			count++
		}
	}
	if len(s.OneOf) > 0 && count != 1 ||
		len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, accepts) ||
		slices.ContainsFunc(s.AllOf, func(s *Schema) bool { return !accepts(s) }) {
		return false
	}
	if s.Dialect == OpenAPI30 {
		return len(s.OneOf)+len(s.AnyOf)+len(s.AllOf) > 0
	}
	isNull := func(json []byte) bool { return string(json) == "null" }
	return (s.Types == 0 || s.Types&Null != 0) && (len(s.Enum) == 0 || slices.ContainsFunc(s.Enum, isNull))
}

// scalar adds what a schema says of strings and numbers, and its enum.
func (b *builder) scalar(n *node, s *Schema) {
	if r := b.stringRule(s); r.min > 0 || r.max < math.MaxUint64 || r.pattern != nil || r.format != nil {
		n.strings = append(n.strings, r)
	}
	if r := b.numberRule(s); r.size > 0 || r.min != nil || r.max != nil || r.exclusiveMin != nil || r.exclusiveMax != nil ||
		r.multipleOf.mantissa > 0 {
		n.numbers = append(n.numbers, r)
	}
	if len(s.Enum) > 0 {
		n.enums = append(n.enums, newEnumRule(s))
	}
}

func (b *builder) stringRule(s *Schema) stringRule {
	r := stringRule{min: s.MinLength, max: limit(s.MaxLength), message: s.Message}
	if s.Pattern != "" {
		var err error
		if r.pattern, err = compilePattern(s.Pattern); err != nil {
			b.c.refuse(s.Pointer+"/pattern", "%v", err)
		}
	}
	if s.Format != "" && s.Types&^Null == String && !slices.Contains(b.c.cfg.Annotations, s.Format) {
		var ok bool
		if r.format, ok = textFormatNamed(s.Format); !ok {
			b.c.refuse(s.Pointer+"/format", "format %q of type string is not supported", s.Format)
		}
	}
	return r
}

func (b *builder) numberRule(s *Schema) numberRule {
	r := numberRule{
		min: newBound(s.Minimum), max: newBound(s.Maximum),
		exclusiveMin: newBound(s.ExclusiveMinimum), exclusiveMax: newBound(s.ExclusiveMaximum),
		multipleText: s.MultipleOf, message: s.Message,
	}
	if s.MultipleOf != "" {
		var ok bool
		if r.multipleOf, ok = newDivisor(parseDecimal([]byte(s.MultipleOf))); !ok {
			b.c.refuse(s.Pointer+"/multipleOf", "multipleOf must be greater than zero")
		}
	}
	switch types := s.Types &^ Null; {
	case types == Integer:
		r.integer = true
		r.size = 64
		if s.Format == formatInt32 {
			r.size = 32
		}
	case types == Number|Integer && s.Format == formatFloat:
		r.size = 32
	}
	b.numberFormat(s)
	return r
}

// numberFormat refuses the formats of types other than string that are not known.
func (b *builder) numberFormat(s *Schema) {
	types := s.Types &^ Null
	if s.Format == "" || types == String || slices.Contains(b.c.cfg.Annotations, s.Format) {
		return
	}
	known := types == Integer && (s.Format == formatInt32 || s.Format == formatInt64) ||
		types == Number|Integer && (s.Format == formatFloat || s.Format == "double")
	if !known {
		b.c.refuse(s.Pointer+"/format", "format %q is not supported for this type", s.Format)
	}
}

// newBound is nil for an absent bound.
func newBound(literal string) *bound {
	if literal == "" {
		return nil
	}
	float, _ := strconv.ParseFloat(literal, 64) // front ends write literals that fit
	return &bound{parseDecimal([]byte(literal)), float, literal}
}

// beyond reports whether a number is strictly on the given side of the bound (1: above, -1: below), both exactly and as
// the float64 that a handler will see.
func (b *bound) beyond(d decimal, literal []byte, side int) bool {
	if d.compare(b.value) != side {
		return false
	}
	if d.digits() <= 15 {
		return true
	}
	float, err := strconv.ParseFloat(string(literal), 64)
	return err == nil && float != b.float
}

// formatName is the format whose range the rule checks.
func (n *numberRule) formatName() string {
	switch {
	case !n.integer:
		return formatFloat
	case n.size == 32:
		return formatInt32
	}
	return formatInt64
}

// fitsInteger reports whether an integer fits the given number of bits, with sign.
func fitsInteger(d decimal, size int) bool {
	text := "9223372036854775807"
	if size == 32 {
		text = "2147483647"
	}
	limit := parseDecimal([]byte(text))
	if d.negative { // -2^n: one more than the largest
		d.negative = false
		if size == 32 {
			limit = parseDecimal([]byte("2147483648"))
		} else {
			limit = parseDecimal([]byte("9223372036854775808"))
		}
	}
	return d.compare(limit) <= 0
}

// maxShown is how many values of an enum a message lists.
const maxShown = 20

func newEnumRule(s *Schema) enumRule {
	e := enumRule{single: len(s.Enum) == 1, message: s.Message}
	var shown []string
	for _, json := range s.Enum {
		text := string(json)
		if json[0] == '"' {
			text = string(appendUnescaped(nil, json[1:len(json)-1]))
			e.plain = append(e.plain, text)
		}
		shown = append(shown, text)
		e.canonical = append(e.canonical, canonical(json))
	}
	slices.SortFunc(e.canonical, bytes.Compare)
	e.text = list(shown)
	return e
}

// list writes values for a message.
func list(values []string) string {
	if len(values) > maxShown {
		return strings.Join(values[:maxShown], ", ") + ", …"
	}
	return strings.Join(values, ", ")
}

func canonical(json []byte) []byte {
	var z canonizer
	z.write(json, 0)
	return z.out
}

// limit is an upper limit, the largest number if there is none.
func limit(n *uint64) uint64 {
	if n == nil {
		return math.MaxUint64
	}
	return *n
}

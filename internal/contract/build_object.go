package contract

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// array merges what the schemas say of arrays.
func (b *builder) array(facets []*Schema) *arrayRule {
	a := &arrayRule{max: math.MaxUint64}
	length := 0
	for _, f := range facets {
		a.min = max(a.min, f.MinItems)
		a.max = min(a.max, limit(f.MaxItems))
		a.unique = a.unique || f.UniqueItems
		length = max(length, len(f.Prefix))
	}
	for i := range length + 1 { // the last round is for the items behind the longest prefix
		var parts []*Schema
		for _, f := range facets {
			if i < len(f.Prefix) {
				parts = append(parts, f.Prefix[i])
			} else {
				parts = append(parts, f.Items)
			}
		}
		item := b.c.root(b.c.merge(parts), b.open)
		if i < length {
			a.prefix = append(a.prefix, item)
		} else {
			a.items = item
		}
	}
	return a
}

// object merges what the schemas say of objects.
func (b *builder) object(facets, stack []*Schema) *objectRule {
	o := &objectRule{max: math.MaxUint64, words: b.group.words, known: make([]uint64, b.group.words)}
	for _, f := range facets {
		o.min = max(o.min, f.MinProperties)
		o.max = min(o.max, limit(f.MaxProperties))
		if f.Additional == AdditionalAllowed || f.Additional == AdditionalSchema {
			setBit(o.known, everyName)
		}
		for _, p := range f.Properties {
			setBit(o.known, b.group.bits[p.Name])
		}
	}
	root := len(stack) == len(facets)
	alternatives := slices.ContainsFunc(facets, func(f *Schema) bool { return len(f.OneOf)+len(f.AnyOf) > 0 })
	implicit := b.closed() && root && !alternatives && !hasBit(o.known, everyName)

	properties := map[string]*property{}
	for _, f := range facets {
		for _, p := range f.Properties {
			properties[p.Name] = &property{name: p.Name}
		}
		for _, name := range f.Required {
			properties[name] = &property{name: name}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		p := properties[name]
		p.bit = b.group.bits[name]
		p.node, p.refuse = b.property(facets, name)
		if p.refuse == accepted && implicit && !hasBit(o.known, p.bit) {
			p.refuse = unknownField
		}
	}
	o.extra, o.refuse = b.additional(facets)
	if o.refuse == accepted && implicit {
		o.refuse = unknownField
	}
	b.equals(o, facets, properties)
	b.required(o, facets, stack)
	var list []property
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		list = append(list, *properties[name])
	}
	o.names = newNameTable(list)
	b.presets(o, facets, properties)
	return o
}

// property merges what the schemas say of one property, be it by name or as an additional one.
func (b *builder) property(facets []*Schema, name string) (*node, refusal) {
	var parts []*Schema
	refuse := accepted
	for _, f := range facets {
		i, found := slices.BinarySearchFunc(f.Properties, name, func(p Property, name string) int {
			return strings.Compare(p.Name, name)
		})
		switch {
		case found:
			parts = append(parts, f.Properties[i].Schema)
			if f.Properties[i].Schema.ReadOnly {
				refuse = readOnlyProperty
			}
		case f.Additional == AdditionalSchema:
			parts = append(parts, f.AdditionalOf)
		case f.Additional == AdditionalRefused:
			refuse = max(refuse, additionalField)
		}
	}
	return b.c.root(b.c.merge(parts), b.open), refuse
}

// additional merges what the schemas say of fields that none of them names.
func (b *builder) additional(facets []*Schema) (*node, refusal) {
	var parts []*Schema
	refuse := accepted
	for _, f := range facets {
		switch f.Additional {
		case AdditionalSchema:
			parts = append(parts, f.AdditionalOf)
		case AdditionalRefused:
			refuse = additionalField
		}
	}
	return b.c.root(b.c.merge(parts), b.open), refuse
}

// required collects the names that must be there. One that a schema of the same value calls read-only need not: it is
// required of responses.
func (b *builder) required(o *objectRule, facets, stack []*Schema) {
	readOnly := map[string]bool{}
	for _, s := range stack {
		for _, p := range s.Properties {
			readOnly[p.Name] = readOnly[p.Name] || p.Schema.ReadOnly
		}
	}
	for _, f := range facets {
		for _, name := range f.Required {
			if readOnly[name] {
				continue
			}
			if o.required == nil {
				o.required = make([]uint64, b.group.words)
			}
			setBit(o.required, b.group.bits[name])
		}
	}
}

// equals gives the properties that are compared their slots.
func (b *builder) equals(o *objectRule, facets []*Schema, properties map[string]*property) {
	slots := 0
	slot := func(p *property) int {
		if p.slot == 0 {
			slots++
			p.slot = slots
		}
		return p.slot
	}
	for _, f := range facets {
		for _, p := range f.Properties {
			if p.Schema.Equals == "" {
				continue
			}
			sibling := properties[p.Schema.Equals]
			if sibling == nil {
				b.c.refuse(p.Schema.Pointer+"/x-equals", "there is no property %q beside %q", p.Schema.Equals, p.Name)
				continue
			}
			o.equals = append(o.equals, equalRule{
				slot: slot(properties[p.Name]), sibling: slot(sibling),
				name: p.Name, other: sibling.name, message: p.Schema.Message,
			})
		}
	}
}

// presets lists the properties that have a default.
func (b *builder) presets(o *objectRule, facets []*Schema, properties map[string]*property) {
	for _, f := range facets {
		for _, p := range f.Properties {
			known := properties[p.Name]
			if known.refuse != accepted || slices.ContainsFunc(o.presets, func(d preset) bool { return d.name == p.Name }) {
				continue
			}
			if hasDefault(p.Schema) {
				o.presets = append(o.presets, preset{known.bit, p.Name, known.node})
			}
		}
	}
}

func hasDefault(s *Schema) bool {
	return slices.ContainsFunc(facetsOf(s, nil), func(f *Schema) bool { return f.Default != nil })
}

// branches adds what a schema says by not, oneOf and anyOf.
func (b *builder) branches(n *node, s *Schema, stack []*Schema) {
	if s.Not != nil {
		n.nots = append(n.nots, b.not(s, stack))
	}
	if len(s.OneOf) > 0 {
		n.alts = append(n.alts, b.alternative(true, s.OneOf, s, stack))
	}
	if len(s.AnyOf) > 0 {
		n.alts = append(n.alts, b.alternative(false, s.AnyOf, s, stack))
	}
}

// alternative compiles the branches that s lists under oneOf or anyOf.
func (b *builder) alternative(one bool, branches []*Schema, s *Schema, stack []*Schema) alternative {
	a := alternative{one: one, message: s.Message}
	for _, branch := range branches {
		a.branches = append(a.branches, b.branch(branch, stack))
	}
	d := s.Discriminator
	if d == nil {
		return a
	}
	a.discriminator = d.Property
	var values []string
	for _, choose := range d.Branches {
		if i := slices.Index(branches, choose.Schema); i >= 0 { // it may belong to the other of oneOf and anyOf
			a.choices = append(a.choices, choice{choose.Value, a.branches[i]})
			values = append(values, choose.Value)
		}
	}
	a.allowed = list(values)
	return a
}

// branch compiles a branch of oneOf or anyOf. One that is being applied already accepts what it is given.
func (b *builder) branch(s *Schema, stack []*Schema) *node {
	if slices.Contains(stack, s) {
		return anyNode
	}
	n := &node{}
	b.fill(n, s, stack)
	return n
}

// not compiles the schema of a not, with names and numbering of its own.
func (b *builder) not(s *Schema, stack []*Schema) *node {
	if reaches(s.Not, stack, nil) {
		b.c.refuse(s.Pointer+"/not", "the schema refuses itself")
		return anyNode
	}
	return b.c.root(s.Not, true)
}

// reaches reports whether s applies one of the targets to the value that it sees itself.
func reaches(s *Schema, targets, seen []*Schema) bool {
	if slices.Contains(targets, s) {
		return true
	}
	if slices.Contains(seen, s) {
		return false
	}
	seen = append(slices.Clip(seen), s)
	parts := slices.Concat(s.AllOf, s.OneOf, s.AnyOf)
	if s.Not != nil {
		parts = append(parts, s.Not)
	}
	return slices.ContainsFunc(parts, func(part *Schema) bool { return reaches(part, targets, seen) })
}

package asyncapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/contract"
)

// schemaWriter writes schemas of the intermediate form as Go literals. Components become variables, so that what is used
// twice is written once and cycles stay cycles; the rest stands in its place.
type schemaWriter struct {
	names map[*contract.Schema]string
	order []*contract.Schema
	taken map[string]bool
	seen  []*contract.Schema
}

// collect finds the schemas that become variables. within are those around s.
func (w *schemaWriter) collect(s *contract.Schema, within []*contract.Schema) {
	if s == nil {
		return
	}
	_, pointer, _ := strings.Cut(s.Pointer, "#")
	name, component := strings.CutPrefix(pointer, "/components/schemas/")
	component = component && !strings.Contains(name, "/")
	if _, known := w.names[s]; !known && (component || slices.Contains(within, s)) {
		w.variable(s, name)
	}
	if slices.Contains(w.seen, s) {
		return
	}
	w.seen = append(w.seen, s)
	within = append(slices.Clip(within), s)
	for _, p := range s.Properties {
		w.collect(p.Schema, within)
	}
	for _, list := range [][]*contract.Schema{s.Prefix, s.AllOf, s.OneOf, s.AnyOf, {s.Items, s.AdditionalOf, s.Not}} {
		for _, part := range list {
			w.collect(part, within)
		}
	}
	if s.Discriminator != nil {
		for _, b := range s.Discriminator.Branches { // compared by identity
			if _, known := w.names[b.Schema]; !known {
				w.variable(b.Schema, last("/"+name)+"Branch")
			}
			w.collect(b.Schema, within)
		}
	}
}

func (w *schemaWriter) variable(s *contract.Schema, name string) {
	base := lowerFirst(goName(last("/"+name))) + "Schema"
	name = base
	for i := 2; w.taken[name]; i++ {
		name = fmt.Sprintf("%s%d", base, i)
	}
	w.taken[name] = true
	w.names[s] = name
	w.order = append(w.order, s)
}

// reference is an expression for a schema.
func (w *schemaWriter) reference(s *contract.Schema) string {
	if name := w.names[s]; name != "" {
		return "&" + name
	}
	return "&contract.Schema" + w.literal(s)
}

// literal is what stands in braces behind contract.Schema.
func (w *schemaWriter) literal(s *contract.Schema) string {
	var items []string
	p := func(format string, args ...any) { items = append(items, fmt.Sprintf(format, args...)) }
	text := func(name, value string) {
		if value != "" {
			p("%s: %q", name, value)
		}
	}
	if s.Dialect != contract.AsyncAPI {
		p("Dialect: contract.OpenAPI30")
	}
	if s.Types != 0 {
		p("Types: %s", kinds(s.Types))
	}
	if s.Nullable {
		p("Nullable: true")
	}
	if len(s.Enum) > 0 {
		p("Enum: contract.Values(%s)", rawList(s.Enum))
	}
	if s.Default != nil {
		p("Default: []byte(%s)", raw(s.Default))
	}
	text("Format", s.Format)
	text("Minimum", s.Minimum)
	text("Maximum", s.Maximum)
	text("ExclusiveMinimum", s.ExclusiveMinimum)
	text("ExclusiveMaximum", s.ExclusiveMaximum)
	text("MultipleOf", s.MultipleOf)
	text("Pattern", s.Pattern)
	w.counts(s, p)
	if s.UniqueItems {
		p("UniqueItems: true")
	}
	if len(s.Required) > 0 {
		p("Required: []string{%s}", quoted(s.Required))
	}
	w.parts(s, p)
	text("Equals", s.Equals)
	text("Message", s.Message)
	if s.ReadOnly {
		p("ReadOnly: true")
	}
	return braces(items)
}

// braces puts items into braces: on one line if they fit.
func braces(items []string) string {
	if line := "{" + strings.Join(items, ", ") + "}"; len(line) <= 90 && !strings.Contains(line, "\n") {
		return line
	}
	return "{\n" + strings.Join(items, ",\n") + ",\n}"
}

func (w *schemaWriter) counts(s *contract.Schema, p func(string, ...any)) {
	for _, c := range []struct {
		name string
		min  uint64
		max  *uint64
	}{{"Length", s.MinLength, s.MaxLength}, {"Items", s.MinItems, s.MaxItems}, {"Properties", s.MinProperties, s.MaxProperties}} {
		if c.min > 0 {
			p("Min%s: %d", c.name, c.min)
		}
		if c.max != nil {
			p("Max%s: contract.Limit(%d)", c.name, *c.max)
		}
	}
}

// parts writes the schemas inside a schema.
func (w *schemaWriter) parts(s *contract.Schema, p func(string, ...any)) {
	for _, list := range []struct {
		name    string
		schemas []*contract.Schema
	}{{"Prefix", s.Prefix}, {"AllOf", s.AllOf}, {"OneOf", s.OneOf}, {"AnyOf", s.AnyOf}} {
		if len(list.schemas) == 0 {
			continue
		}
		var items []string
		for _, item := range list.schemas {
			items = append(items, w.reference(item))
		}
		p("%s: []*contract.Schema%s", list.name, braces(items))
	}
	if s.Items != nil {
		p("Items: %s", w.reference(s.Items))
	}
	if s.Not != nil {
		p("Not: %s", w.reference(s.Not))
	}
	if len(s.Properties) > 0 {
		var items []string
		for _, property := range s.Properties {
			items = append(items, fmt.Sprintf("{Name: %q, Schema: %s}", property.Name, w.reference(property.Schema)))
		}
		p("Properties: []contract.Property%s", braces(items))
	}
	switch s.Additional {
	case contract.AdditionalAllowed:
		p("Additional: contract.AdditionalAllowed")
	case contract.AdditionalRefused:
		p("Additional: contract.AdditionalRefused")
	case contract.AdditionalSchema:
		p("Additional: contract.AdditionalSchema")
		p("AdditionalOf: %s", w.reference(s.AdditionalOf))
	}
	if d := s.Discriminator; d != nil {
		var items []string
		for _, b := range d.Branches {
			items = append(items, fmt.Sprintf("{Value: %q, Schema: %s}", b.Value, w.reference(b.Schema)))
		}
		p("Discriminator: &contract.Discriminator{Property: %q, Branches: []contract.DiscriminatorBranch%s}", d.Property, braces(items))
	}
}

func kinds(k contract.Kinds) string {
	var names []string
	for _, kind := range []struct {
		bit  contract.Kinds
		name string
	}{
		{contract.Null, "Null"}, {contract.Boolean, "Boolean"}, {contract.Integer, "Integer"}, {contract.Number, "Number"},
		{contract.String, "String"}, {contract.Array, "Array"}, {contract.Object, "Object"},
	} {
		if k&kind.bit != 0 {
			names = append(names, "contract."+kind.name)
		}
	}
	return strings.Join(names, " | ")
}

func raw(json []byte) string {
	if strings.ContainsAny(string(json), "`") {
		return fmt.Sprintf("%q", json)
	}
	return "`" + string(json) + "`"
}

func rawList(values [][]byte) string {
	var list []string
	for _, value := range values {
		list = append(list, raw(value))
	}
	return strings.Join(list, ", ")
}

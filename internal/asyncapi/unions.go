package asyncapi

import (
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/contract"
)

// alternatives reads oneOf and anyOf: null and one other is a value that may be null; several that code holds alike are
// that one; the rest is a union whose branches the discriminator tells apart, or else their JSON types.
func (t *typeReader) alternatives(typ *Type, name, keyword string) {
	s := typ.Schema
	if len(s.Properties) > 0 || len(s.AllOf) > 0 || len(s.OneOf) > 0 && len(s.AnyOf) > 0 {
		t.refuse(typ.at, "%s beside properties, allOf or another choice is not supported", keyword)
		return
	}
	list, _ := typ.at.Member(keyword)
	var branches []contract.Place
	for _, item := range list.Items() {
		if t.text(item, "type") == "null" {
			typ.Nullable = true
		} else {
			branches = append(branches, item)
		}
	}
	if len(branches) == 1 {
		inner := *t.read(branches[0], name)
		inner.Schema, inner.at, inner.Nullable = s, typ.at, true
		*typ = inner
		return
	}
	var types []*Type
	for i, branch := range branches {
		types = append(types, t.read(branch, name+string(rune('A'+i%26))))
	}
	if same := types[0]; slices.IndexFunc(types, func(o *Type) bool { return o.Kind != same.Kind }) < 0 && same.Kind <= Bytes && same.Kind != Raw ||
		!slices.ContainsFunc(types, func(o *Type) bool { return o.Kind != Text && o.Kind != Time && o.Kind != UUID }) {
		typ.Kind = same.Kind
		if slices.ContainsFunc(types, func(o *Type) bool { return o.Kind != same.Kind }) {
			typ.Kind = Text
		}
		return
	}
	typ.Kind = Union
	t.name(typ, name)
	for i, branch := range branches {
		t.branch(typ, name, branch, types[i])
	}
	t.tellApart(typ)
}

func (t *typeReader) branch(union *Type, name string, at contract.Place, typ *Type) {
	switch typ.Kind {
	case Struct, Tuple:
		union.Branches = append(union.Branches, Branch{Name: typ.Name, Type: typ})
		return
	case Raw, Union, Const:
		t.refuse(at, "a branch of this kind is not supported: a union is of objects, lists, texts, numbers and truth values")
		return
	}
	scalar := name + map[Kind]string{
		Bool: "Bool", Int32: "Int", Int64: "Int", Float: "Number", Text: "Text", Time: "Time", UUID: "UUID", Bytes: "Bytes",
		List: "List", Map: "Map", Enum: "Value",
	}[typ.Kind]
	if ref, ok := at.Member("$ref"); ok && typ.Kind != Enum {
		scalar = goName(last(ref.Node.Value))
	}
	if typ.Kind == Enum {
		scalar = typ.Name
	} else if t.scalars[scalar] == nil {
		if other, taken := t.names[scalar]; taken {
			t.refuse(at, "code would call this %s, like what stands at %s", scalar, other)
		}
		t.names[scalar] = at
	}
	t.scalars[scalar] = typ
	union.Branches = append(union.Branches, Branch{Name: scalar, Type: typ})
}

// tellApart finds how code sees which branch a value is.
func (t *typeReader) tellApart(union *Type) {
	if d := union.Schema.Discriminator; d != nil {
		union.Property = d.Property
		for i := range union.Branches {
			b := &union.Branches[i]
			for _, choice := range d.Branches {
				if choice.Schema == b.Type.Schema {
					b.Values = append(b.Values, choice.Value)
				}
			}
			if b.Type.Kind != Struct {
				t.refuse(union.at, "branch %s of a discriminated union is no object", b.Name)
			}
		}
		return
	}
	seen := map[string]string{}
	for _, b := range union.Branches {
		kind := jsonKind(b.Type.Kind)
		if other, twice := seen[kind]; twice {
			t.refuse(union.at, "%s and %s are both a JSON %s: a discriminator must tell them apart", other, b.Name, kind)
		}
		seen[kind] = b.Name
	}
}

// jsonKind is the JSON type of a kind's values.
func jsonKind(k Kind) string {
	switch k {
	case Bool:
		return "boolean"
	case Int32, Int64, Float:
		return "number"
	case List, Tuple:
		return "array"
	case Map, Struct:
		return "object"
	}
	return "string"
}

var initialisms = []string{"ID", "URL", "HTTP", "API", "JSON", "SLA", "UUID", "IP", "SFU"}

// goName is a name as Go exports it: words joined, initialisms in capitals, accents dropped.
func goName(text string) string {
	var words []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, r := range unaccent(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			word.WriteRune(r)
			lower = true
			continue
		case r >= 'A' && r <= 'Z':
			if lower {
				flush()
			}
			word.WriteRune(r)
		default:
			flush()
		}
		lower = false
	}
	flush()
	var name strings.Builder
	for _, w := range words {
		if upper := strings.ToUpper(w); slices.Contains(initialisms, upper) {
			name.WriteString(upper)
		} else if w == upper {
			name.WriteString(upper[:1] + strings.ToLower(upper[1:]))
		} else {
			name.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	if name.Len() == 0 || name.String()[0] >= '0' && name.String()[0] <= '9' {
		return "N" + name.String()
	}
	return name.String()
}

// unaccent writes the letters of French without their accents.
func unaccent(text string) string {
	return strings.NewReplacer("é", "e", "è", "e", "ê", "e", "ë", "e", "à", "a", "â", "a", "ç", "c", "î", "i", "ï", "i",
		"ô", "o", "ù", "u", "û", "u", "œ", "oe", "É", "E", "È", "E", "À", "A", "Ç", "C").Replace(text)
}

// singular names an item of a list.
func singular(name string) string {
	if short, ok := strings.CutSuffix(name, "s"); ok && !strings.HasSuffix(short, "s") {
		return short
	}
	return name + "Item"
}

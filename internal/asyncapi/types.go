package asyncapi

import (
	"bytes"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/contract"
	"go.yaml.in/yaml/v3"
)

// typeReader decides which type in code a schema becomes.
type typeReader struct {
	*reader
	front    *contract.JSONSchemas
	compiler *contract.Compiler
	known    map[*yaml.Node]*Type // schemas that have a name
	names    map[string]contract.Place
	scalars  map[string]*Type // branches of unions that are no objects, by name
}

func newTypeReader(r *reader) *typeReader {
	t := &typeReader{
		reader: r, known: map[*yaml.Node]*Type{}, names: map[string]contract.Place{}, scalars: map[string]*Type{},
		front: &contract.JSONSchemas{Resolve: r.resolve, Refuse: r.refuse},
	}
	t.compiler = contract.NewCompiler(contract.CompilerConfig{
		Lang: "en", UnknownFields: contract.IgnoreUnknown, Place: func(s string) string { return s },
	})
	return t
}

// payload is the type of a message's payload; arguments are the names of a tuple's places.
func (t *typeReader) payload(at contract.Place, key string, arguments []string) *Type {
	_, shared := at.Member("$ref")
	typ := t.read(at, goName(key))
	if !shared && typ.Name == "" && typ.Kind != Struct {
		t.front.Schema(at)
	}
	if arguments == nil {
		return typ
	}
	if typ.Kind != Tuple || len(typ.Fields) != len(arguments) {
		t.refuse(at, "x-arguments names %d arguments; the payload is a tuple of as many", len(arguments))
		return typ
	}
	for i, name := range arguments {
		typ.Fields[i].Name = name
	}
	return typ
}

// read reads the schema at a place. A schema that has no name and needs one gets the given one.
func (t *typeReader) read(at contract.Place, name string) *Type {
	if _, isRef := at.Member("$ref"); isRef {
		target, ok := t.follow(at)
		if !ok {
			return &Type{at: at}
		}
		if typ := t.known[target.Node]; typ != nil {
			return typ
		}
		return t.build(target, goName(last(target.Pointer)))
	}
	if typ := t.known[at.Node]; typ != nil {
		return typ
	}
	return t.build(at, name)
}

func (t *typeReader) build(at contract.Place, name string) *Type {
	typ := &Type{at: at, Doc: t.words(at), Schema: t.front.Schema(at)}
	t.known[at.Node] = typ
	s := typ.Schema
	typ.Nullable = s.Nullable || s.Types&contract.Null != 0 && s.Types != contract.Null
	switch {
	case len(s.OneOf) > 0:
		t.alternatives(typ, name, "oneOf")
	case len(s.AnyOf) > 0:
		t.alternatives(typ, name, "anyOf")
	case len(s.AllOf) > 0:
		t.all(typ, name)
	default:
		t.plain(typ, name)
	}
	return typ
}

// plain reads a schema that combines no others.
func (t *typeReader) plain(typ *Type, name string) {
	s := typ.Schema
	if len(s.Enum) > 0 && t.values(typ, name) {
		return
	}
	switch s.Types &^ contract.Null {
	case contract.Boolean:
		typ.Kind = Bool
	case contract.Integer:
		typ.Kind = Int64
		if s.Format == "int32" {
			typ.Kind = Int32
		}
	case contract.Integer | contract.Number:
		typ.Kind = Float
	case contract.String:
		typ.Kind = map[string]Kind{"date-time": Time, "uuid": UUID, "byte": Bytes}[s.Format]
		if typ.Kind == Raw {
			typ.Kind = Text
		}
	case contract.Array:
		t.list(typ, name)
	case contract.Object:
		t.object(typ, name)
	default:
		typ.Kind = Raw
	}
}

// values reads const and enum; false leaves the type to the other keywords (numbers, for example).
func (t *typeReader) values(typ *Type, name string) bool {
	values := slices.DeleteFunc(slices.Clone(typ.Schema.Enum), func(v []byte) bool { return string(v) == "null" })
	if len(values) < len(typ.Schema.Enum) && (typ.Schema.Types == 0 || typ.Nullable) {
		typ.Nullable = len(values) > 0
	}
	if len(values) == 1 && !typ.Nullable && values[0][0] != '{' && values[0][0] != '[' {
		typ.Kind, typ.Value = Const, values[0]
		return true
	}
	if len(values) == 0 || slices.ContainsFunc(values, func(v []byte) bool { return v[0] != '"' }) {
		return false
	}
	typ.Kind = Enum
	seen := map[string]string{}
	for _, v := range values {
		text := unquote(v)
		if other, twice := seen[goName(text)]; twice {
			t.refuse(typ.at, "the values %q and %q would have one name in code", other, text)
		}
		seen[goName(text)] = text
		typ.Values = append(typ.Values, text)
	}
	t.name(typ, name)
	return true
}

func (t *typeReader) list(typ *Type, name string) {
	items, ok := typ.at.Member("items")
	switch {
	case !ok:
		typ.Kind, typ.Elem = List, &Type{at: typ.at}
	case items.Node.Kind == yaml.SequenceNode:
		t.tuple(typ, name, items)
	default:
		typ.Kind, typ.Elem = List, t.read(items, singular(name))
	}
}

func (t *typeReader) tuple(typ *Type, name string, items contract.Place) {
	typ.Kind = Tuple
	t.name(typ, name)
	for i, item := range items.Items() {
		place := string(rune('A' + i%26))
		typ.Fields = append(typ.Fields, &Field{Name: place, Type: t.read(item, name+place), Required: true})
	}
	s := typ.Schema
	if n := uint64(len(s.Prefix)); s.MinItems != n || s.MaxItems == nil || *s.MaxItems != n {
		t.refuse(typ.at, "a tuple has all its places and no more: minItems: %d and additionalItems: false", n)
	}
	if typ.Nullable {
		t.refuse(typ.at, "a tuple that may be null is not supported")
	}
}

func (t *typeReader) object(typ *Type, name string) {
	s := typ.Schema
	more, _ := typ.at.Member("additionalProperties")
	if s.Additional == contract.AdditionalSchema {
		typ.Elem = t.read(more, name+"Value")
	}
	if len(s.Properties) == 0 && s.Additional != contract.AdditionalRefused {
		typ.Kind = Raw
		if typ.Elem != nil {
			typ.Kind = Map
		}
		return
	}
	typ.Kind = Struct
	t.name(typ, name)
	t.fields(typ, typ.at, name)
}

// fields adds the properties that stand at a place.
func (t *typeReader) fields(typ *Type, at contract.Place, name string) {
	required := t.required(at)
	properties, _ := at.Member("properties")
	names, values := properties.Members()
	for i, key := range names {
		f := &Field{Name: key, Required: slices.Contains(required, key), Doc: t.text(values[i], "description")}
		f.Type = t.read(values[i], name+goName(key))
		f.Wires, f.Keys, f.Length = t.wires(values[i]), t.texts(values[i], "x-key"), t.text(values[i], "x-length")
		if f.Doc == "" && f.Type.Name == "" {
			f.Doc = f.Type.Doc
		}
		if slices.ContainsFunc(typ.Fields, func(other *Field) bool { return goName(other.Name) == goName(key) }) {
			t.refuse(values[i], "there are two properties that code would call %s", goName(key))
			continue
		}
		typ.Fields = append(typ.Fields, f)
	}
	for _, key := range required {
		if !slices.Contains(names, key) && typ.at.Node == at.Node {
			t.refuse(at, "required %q is none of the properties", key)
		}
	}
}

func (t *typeReader) required(at contract.Place) []string {
	if _, ok := at.Member("required"); !ok {
		return nil
	}
	return t.texts(at, "required")
}

// all reads allOf: one schema under a name of its own, or several objects made one.
func (t *typeReader) all(typ *Type, name string) {
	parts, _ := typ.at.Member("allOf")
	if items := parts.Items(); len(items) == 1 && len(typ.Schema.Properties) == 0 {
		inner := *t.read(items[0], name)
		inner.Schema, inner.at = typ.Schema, typ.at
		if typ.Doc != "" {
			inner.Doc = typ.Doc
		}
		*typ = inner
		return
	}
	typ.Kind = Struct
	t.name(typ, name)
	t.fields(typ, typ.at, name)
	for _, item := range parts.Items() {
		part := t.read(item, "")
		if part.Kind != Struct {
			t.refuse(item, "allOf of several schemas is supported for objects with properties")
			continue
		}
		for _, f := range part.Fields {
			if !slices.ContainsFunc(typ.Fields, func(other *Field) bool { return other.Name == f.Name }) {
				typ.Fields = append(typ.Fields, f)
			}
		}
	}
}

// reserved are the names that generated code has for itself.
var reserved = []string{
	"Handler", "Errors", "Config", "Dispatcher", "New", "Emitter", "NewEmitter", "Listener", "Connection", "ConnectionConfig",
	"NewConnection", "Surface", "Checker", "NewChecker",
}

// name gives a type its name in code and lists it.
func (t *typeReader) name(typ *Type, name string) {
	if name == "" {
		return
	}
	if slices.Contains(reserved, name) {
		t.refuse(typ.at, "generated code has a %s of its own: give this one another name", name)
		return
	}
	if other, taken := t.names[name]; taken {
		t.refuse(typ.at, "code would call this %s, like what stands at %s: give one of them a name of its own", name, other)
		return
	}
	t.names[name] = typ.at
	typ.Name = name
	t.doc.Types = append(t.doc.Types, typ)
}

// program compiles a type's schema. Properties that exist on some wires only are not required: on others they are not there.
func (t *typeReader) program(typ *Type) *contract.Program {
	p, err := t.compiler.Compile(typ.Schema)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			t.problems = append(t.problems, problemOf(t.sources, line))
		}
		return &contract.Program{}
	}
	return p
}

// finish compiles every payload, so that what the validator does not know is refused here and not at start.
func (t *typeReader) finish() {
	for _, typ := range t.doc.Types {
		for _, f := range typ.Fields {
			if f.Wires != nil {
				typ.Schema.Required = slices.DeleteFunc(typ.Schema.Required, func(name string) bool { return name == f.Name })
			}
		}
	}
	used := map[*Type]bool{}
	for _, m := range t.messages {
		if m.Type != nil {
			t.program(m.Type)
			mark(m.Type, used)
		}
	}
	names := map[string]bool{} // a type that may be null is the same type under another pointer
	for typ := range used {
		names[typ.Name] = true
	}
	t.doc.Types = slices.DeleteFunc(t.doc.Types, func(typ *Type) bool { return !names[typ.Name] })
}

// mark notes the types that a payload is made of. A part of an allOf, for example, is none by itself.
func mark(typ *Type, used map[*Type]bool) {
	if typ == nil || used[typ] {
		return
	}
	used[typ] = true
	mark(typ.Elem, used)
	for _, f := range typ.Fields {
		mark(f.Type, used)
	}
	for _, b := range typ.Branches {
		mark(b.Type, used)
	}
}

// problemOf turns "file#/pointer: text" of the compiler into a problem with its line.
func problemOf(s *sources, line string) problem {
	place, text, _ := strings.Cut(line, ": ")
	file, _, _ := strings.Cut(place, "#")
	p := problem{file: file, line: 1, text: text}
	root := s.read[file]
	_, pointer, _ := strings.Cut(place, "#")
	for pointer != "" {
		if at, err := s.resolve(root, "#"+pointer); err == nil {
			p.line = at.Node.Line
			break
		}
		pointer = pointer[:max(strings.LastIndexByte(pointer, '/'), 0)]
	}
	return p
}

func unquote(json []byte) string {
	text, err := contract.Unquote(json)
	if err != nil {
		return string(bytes.Trim(json, `"`))
	}
	return text
}

package contract

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Place is one node of a contract document.
type Place struct {
	File    string
	Pointer string // JSON pointer (RFC 6901) in File
	Dialect Dialect
	Node    *yaml.Node
}

// Child is the place of a member or an item.
func (p Place) Child(name string, node *yaml.Node) Place {
	p.Pointer += "/" + escapePointer(name)
	p.Node = node
	return p
}

// String is file and line.
func (p Place) String() string {
	if p.Node == nil {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Node.Line)
}

// Member is the value of a mapping's member; ok is false if there is none.
func (p Place) Member(name string) (value Place, ok bool) {
	if p.Node == nil || p.Node.Kind != yaml.MappingNode {
		return Place{}, false
	}
	if node := memberOf(p.Node, name); node != nil {
		return p.Child(name, node), true
	}
	return Place{}, false
}

// Items are a sequence's items.
func (p Place) Items() []Place {
	if p.Node == nil || p.Node.Kind != yaml.SequenceNode {
		return nil
	}
	var items []Place
	for i, node := range p.Node.Content {
		items = append(items, p.Child(strconv.Itoa(i), node))
	}
	return items
}

// Members are a mapping's members in the document's order; key is the name's own node.
func (p Place) Members() (names []string, values []Place) {
	if p.Node == nil || p.Node.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(p.Node.Content); i += 2 {
		names = append(names, p.Node.Content[i].Value)
		values = append(values, p.Child(p.Node.Content[i].Value, p.Node.Content[i+1]))
	}
	return names, values
}

// JSONSchemas is the front end for the schemas of AsyncAPI 3 documents (JSON Schema draft 7, of which it knows what the
// intermediate form can say) and of what they refer to: a schema in an OpenAPI 3.0 file keeps that dialect. Each schema
// is read once, so that cycles stay cycles.
type JSONSchemas struct {
	// Resolve finds what a $ref that stands at a place refers to.
	Resolve func(at Place, ref string) (Place, error)
	// Refuse notes that something is not supported.
	Refuse func(at Place, format string, args ...any)

	schemas map[*yaml.Node]*Schema
}

// schemaAnnotations are keywords that say nothing about values; internal/asyncapi reads the extensions among them. Other
// extensions are refused, so that a misspelt one is no silent no; those of OpenAPI documents are contract.Load's matter.
var schemaAnnotations = []string{
	"title", "description", "examples", "example", "deprecated", "writeOnly", "$comment", "externalDocs", "xml",
	"x-key", "x-wires", "x-length",
	"definitions", // read where a $ref leads into them
}

// schemaKeywords are those that are understood.
var schemaKeywords = []string{
	"type", "enum", "const", "default", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minLength", "maxLength", "pattern", "items", "additionalItems", "minItems", "maxItems", "uniqueItems", "properties",
	"required", "additionalProperties", "minProperties", "maxProperties", "allOf", "oneOf", "anyOf", "not", "discriminator",
	"readOnly", "nullable", "x-message", "x-equals",
}

// Schema reads the schema at a place.
func (f *JSONSchemas) Schema(at Place) *Schema {
	if f.schemas == nil {
		f.schemas = map[*yaml.Node]*Schema{}
	}
	if s := f.schemas[at.Node]; s != nil {
		return s
	}
	s := &Schema{Dialect: at.Dialect, Pointer: at.File + "#" + at.Pointer}
	if ref, ok := at.Member("$ref"); ok {
		return f.reference(at, ref)
	}
	f.schemas[at.Node] = s
	switch {
	case at.Node.Kind == yaml.ScalarNode && at.Node.Value == "true" && at.Dialect == AsyncAPI:
		return s
	case at.Node.Kind != yaml.MappingNode:
		f.Refuse(at, "a schema is a mapping")
		return s
	}
	names, values := at.Members()
	for i, name := range names {
		if !slices.Contains(schemaKeywords, name) && !slices.Contains(schemaAnnotations, name) &&
			!(at.Dialect == OpenAPI30 && strings.HasPrefix(name, "x-")) {
			f.Refuse(values[i], "keyword %q is not supported", name)
		}
	}
	r := schemaReader{f, s, at}
	r.general()
	r.numbers()
	r.strings()
	r.arrays()
	r.objects()
	r.combined()
	return s
}

// reference is what a $ref refers to. The language ignores what stands beside it, so that it is refused.
func (f *JSONSchemas) reference(at, ref Place) *Schema {
	names, values := at.Members()
	for i, name := range names {
		if name != "$ref" && !slices.Contains(schemaAnnotations, name) && at.Dialect == AsyncAPI {
			f.Refuse(values[i], "%q beside $ref has no effect: wrap the $ref in allOf", name)
		}
	}
	target, err := f.Resolve(at, ref.Node.Value)
	if err != nil {
		f.Refuse(ref, "%v", err)
		return &Schema{Dialect: at.Dialect, Pointer: at.File + "#" + at.Pointer}
	}
	for hop, seen := target, 0; ; seen++ {
		next, ok := hop.Member("$ref")
		if !ok {
			break
		}
		if seen > 32 {
			f.Refuse(ref, "%s refers to itself", ref.Node.Value)
			return &Schema{Dialect: at.Dialect, Pointer: at.File + "#" + at.Pointer}
		}
		if hop, err = f.Resolve(hop, next.Node.Value); err != nil {
			f.Refuse(next, "%v", err)
			break
		}
	}
	return f.Schema(target)
}

// schemaReader reads one schema's schemaKeywords.
type schemaReader struct {
	*JSONSchemas
	s  *Schema
	at Place
}

func (r schemaReader) general() {
	if types, ok := r.at.Member("type"); ok {
		list := types.Items()
		if types.Node.Kind == yaml.ScalarNode {
			list = []Place{types}
		} else if r.at.Dialect == OpenAPI30 || len(list) == 0 {
			r.Refuse(types, "one type is expected here")
		}
		for _, name := range list {
			r.s.Types |= r.kind(name)
		}
	}
	if list, ok := r.at.Member("enum"); ok {
		for _, value := range list.Items() {
			r.s.Enum = append(r.s.Enum, r.json(value))
		}
		if len(r.s.Enum) == 0 {
			r.Refuse(list, "enum lists at least one value")
		}
	}
	if value, ok := r.at.Member("const"); ok {
		switch {
		case r.at.Dialect == OpenAPI30:
			r.Refuse(value, "const is not OpenAPI 3.0's")
		case r.s.Enum != nil:
			r.Refuse(value, "const beside enum: say one of them")
		default:
			r.s.Enum = [][]byte{r.json(value)}
		}
	}
	if value, ok := r.at.Member("default"); ok {
		r.s.Default = r.json(value)
	}
	if value, ok := r.at.Member("nullable"); ok {
		r.s.Nullable = r.truth(value)
		if r.at.Dialect != OpenAPI30 {
			r.Refuse(value, "nullable is OpenAPI's: say type [… , 'null']")
		}
	}
	r.s.Format = r.text("format")
	r.s.Message = r.text("x-message")
	r.s.Equals = r.text("x-equals")
	if value, ok := r.at.Member("readOnly"); ok {
		r.s.ReadOnly = r.truth(value)
	}
}

func (r schemaReader) kind(name Place) Kinds {
	switch name.Node.Value {
	case "boolean":
		return Boolean
	case "integer":
		return Integer
	case "number":
		return Number | Integer
	case "string":
		return String
	case "array":
		return Array
	case "object":
		return Object
	case "null", "":
		if r.at.Dialect == AsyncAPI && name.Node.Value == "null" {
			return Null
		}
	}
	r.Refuse(name, "there is no type %q", name.Node.Value)
	return 0
}

func (r schemaReader) numbers() {
	r.s.Minimum, r.s.Maximum, r.s.MultipleOf = r.number("minimum"), r.number("maximum"), r.number("multipleOf")
	if r.at.Dialect == AsyncAPI {
		r.s.ExclusiveMinimum, r.s.ExclusiveMaximum = r.number("exclusiveMinimum"), r.number("exclusiveMaximum")
		return
	}
	if value, ok := r.at.Member("exclusiveMinimum"); ok && r.truth(value) {
		r.s.Minimum, r.s.ExclusiveMinimum = "", r.s.Minimum
	}
	if value, ok := r.at.Member("exclusiveMaximum"); ok && r.truth(value) {
		r.s.Maximum, r.s.ExclusiveMaximum = "", r.s.Maximum
	}
}

func (r schemaReader) strings() {
	r.s.MinLength, r.s.MaxLength = r.least("minLength"), r.most("maxLength")
	r.s.Pattern = r.text("pattern")
}

func (r schemaReader) arrays() {
	r.s.MinItems, r.s.MaxItems = r.least("minItems"), r.most("maxItems")
	if value, ok := r.at.Member("uniqueItems"); ok {
		r.s.UniqueItems = r.truth(value)
	}
	items, ok := r.at.Member("items")
	switch {
	case !ok:
	case items.Node.Kind != yaml.SequenceNode:
		r.s.Items = r.Schema(items)
		return
	case r.at.Dialect == OpenAPI30:
		r.Refuse(items, "a list of items is not OpenAPI 3.0's")
	}
	for _, item := range items.Items() {
		r.s.Prefix = append(r.s.Prefix, r.Schema(item))
	}
	more, ok := r.at.Member("additionalItems")
	switch {
	case !ok:
	case r.s.Prefix == nil:
		r.Refuse(more, "additionalItems has no effect without a list of items")
	case more.Node.Kind == yaml.ScalarNode && !r.truth(more):
		if length := uint64(len(r.s.Prefix)); r.s.MaxItems == nil || *r.s.MaxItems > length {
			r.s.MaxItems = Limit(length)
		}
	case more.Node.Kind == yaml.MappingNode:
		r.s.Items = r.Schema(more)
	}
}

func (r schemaReader) objects() {
	r.s.MinProperties, r.s.MaxProperties = r.least("minProperties"), r.most("maxProperties")
	if list, ok := r.at.Member("required"); ok {
		for _, name := range list.Items() {
			r.s.Required = append(r.s.Required, name.Node.Value)
		}
	}
	if properties, ok := r.at.Member("properties"); ok {
		names, values := properties.Members()
		for i, name := range names {
			r.s.Properties = append(r.s.Properties, Property{name, r.Schema(values[i])})
		}
		slices.SortFunc(r.s.Properties, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	}
	more, ok := r.at.Member("additionalProperties")
	switch {
	case !ok:
	case more.Node.Kind == yaml.MappingNode:
		r.s.Additional, r.s.AdditionalOf = AdditionalSchema, r.Schema(more)
	case r.truth(more):
		r.s.Additional = AdditionalAllowed
	default:
		r.s.Additional = AdditionalRefused
	}
}

func (r schemaReader) combined() {
	r.s.AllOf, r.s.OneOf, r.s.AnyOf = r.list("allOf"), r.list("oneOf"), r.list("anyOf")
	if not, ok := r.at.Member("not"); ok {
		r.s.Not = r.Schema(not)
	}
	if d, ok := r.at.Member("discriminator"); ok {
		r.discriminator(d)
	}
}

func (r schemaReader) list(keyword string) []*Schema {
	at, ok := r.at.Member(keyword)
	if !ok {
		return nil
	}
	var list []*Schema
	for _, item := range at.Items() {
		list = append(list, r.Schema(item))
	}
	if len(list) == 0 {
		r.Refuse(at, "%s lists at least one schema", keyword)
	}
	return list
}

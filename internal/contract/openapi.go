package contract

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// openapiFront reads kin-openapi's schemas of an OpenAPI 3.0 document into the intermediate form, each once, so that
// cycles stay cycles.
type openapiFront struct {
	schemas map[*openapi3.Schema]*Schema
	refuse  func(pointer, format string, args ...any)
}

// OpenAPI compiles an OpenAPI 3.0 schema that stands at the JSON pointer where. kin-openapi must have validated the
// document. Everything that is not supported is one error (errors.Join), with file and line, the first time that it is met.
func (c *Compiler) OpenAPI(ref *openapi3.SchemaRef, where string) (*Program, error) {
	if ref == nil {
		return nil, fmt.Errorf("%s: #%s: a schema is missing", c.cfg.File, where)
	}
	front, ok := c.front.(*openapiFront)
	if !ok {
		front = &openapiFront{schemas: map[*openapi3.Schema]*Schema{}, refuse: c.refuse}
		c.front = front
	}
	return c.Compile(front.schema(ref, where))
}

// schema reads the schema at the JSON pointer where, or the component that it refers to.
func (f *openapiFront) schema(ref *openapi3.SchemaRef, where string) *Schema {
	if ref.Ref != "" {
		target, local := strings.CutPrefix(ref.Ref, "#")
		if !local {
			f.refuse(where+"/$ref", "a reference into another document (%s) is not supported", ref.Ref)
			return &Schema{Dialect: OpenAPI30, Pointer: where}
		}
		return f.beside(ref, f.value(ref.Value, target), where)
	}
	return f.value(ref.Value, where)
}

// beside reads the extensions that stand beside a $ref: they belong to this use of the component.
func (f *openapiFront) beside(ref *openapi3.SchemaRef, target *Schema, where string) *Schema {
	s := &Schema{Pointer: where, AllOf: []*Schema{target}, ReadOnly: target.ReadOnly}
	f.extensions(s, ref.Extensions)
	if s.Equals == "" && s.Message == "" {
		return target
	}
	if s.Message != "" && s.Equals == "" {
		f.refuse(where+"/x-message", "x-message beside $ref has no keyword to speak for; put it into the component")
		return target
	}
	return s
}

func (f *openapiFront) value(k *openapi3.Schema, where string) *Schema {
	if k == nil {
		f.refuse(where, "the reference is not resolved")
		return &Schema{Dialect: OpenAPI30, Pointer: where}
	}
	if s := f.schemas[k]; s != nil {
		return s
	}
	s := &Schema{Dialect: OpenAPI30, Pointer: where, Nullable: k.Nullable, ReadOnly: k.ReadOnly, Format: k.Format}
	f.schemas[k] = s
	f.unsupported(k, where)
	f.extensions(s, k.Extensions)
	s.Types = f.types(k, where)
	if k.Enum != nil && len(k.Enum) == 0 {
		f.refuse(where+"/enum", "an enum without values accepts nothing")
	}
	for _, v := range k.Enum {
		s.Enum = append(s.Enum, f.json(v, where+"/enum"))
	}
	if k.Default != nil {
		s.Default = f.json(k.Default, where+"/default")
	}
	f.number(s, k)
	s.MinLength, s.MaxLength, s.Pattern = k.MinLength, k.MaxLength, k.Pattern
	s.MinItems, s.MaxItems, s.UniqueItems = k.MinItems, k.MaxItems, k.UniqueItems
	s.MinProperties, s.MaxProperties, s.Required = k.MinProps, k.MaxProps, k.Required
	f.children(s, k)
	f.discriminator(s, k)
	return s
}

func (f *openapiFront) children(s *Schema, k *openapi3.Schema) {
	s.Items = f.optional(k.Items, s.Pointer+"/items")
	for _, name := range slices.Sorted(maps.Keys(k.Properties)) {
		child := f.schema(k.Properties[name], s.Pointer+"/properties/"+escapePointer(name))
		s.Properties = append(s.Properties, Property{name, child})
	}
	switch more := k.AdditionalProperties; {
	case more.Schema != nil:
		s.Additional = AdditionalSchema
		s.AdditionalOf = f.schema(more.Schema, s.Pointer+"/additionalProperties")
	case more.Has != nil && *more.Has:
		s.Additional = AdditionalAllowed
	case more.Has != nil:
		s.Additional = AdditionalRefused
	}
	s.AllOf = f.list(k.AllOf, s.Pointer+"/allOf")
	s.OneOf = f.list(k.OneOf, s.Pointer+"/oneOf")
	s.AnyOf = f.list(k.AnyOf, s.Pointer+"/anyOf")
	s.Not = f.optional(k.Not, s.Pointer+"/not")
}

// optional is schema for a keyword that may be absent.
func (f *openapiFront) optional(ref *openapi3.SchemaRef, where string) *Schema {
	if ref == nil {
		return nil
	}
	return f.schema(ref, where)
}

func (f *openapiFront) list(refs openapi3.SchemaRefs, where string) []*Schema {
	var list []*Schema
	for i, ref := range refs {
		list = append(list, f.schema(ref, where+"/"+strconv.Itoa(i)))
	}
	return list
}

func (f *openapiFront) types(k *openapi3.Schema, where string) Kinds {
	var kinds Kinds
	for _, name := range k.Type.Slice() {
		switch name {
		case openapi3.TypeBoolean:
			kinds |= Boolean
		case openapi3.TypeInteger:
			kinds |= Integer
		case openapi3.TypeNumber:
			kinds |= Number | Integer
		case openapi3.TypeString:
			kinds |= String
		case openapi3.TypeArray:
			kinds |= Array
		case openapi3.TypeObject:
			kinds |= Object
		default:
			f.refuse(where+"/type", "type %q is not OpenAPI 3.0's", name)
		}
	}
	if len(k.Type.Slice()) > 1 {
		f.refuse(where+"/type", "a list of types is not OpenAPI 3.0's")
	}
	return kinds
}

func (f *openapiFront) number(s *Schema, k *openapi3.Schema) {
	s.Minimum = f.decimal(k.Min, s.Pointer+"/minimum")
	s.Maximum = f.decimal(k.Max, s.Pointer+"/maximum")
	s.MultipleOf = f.decimal(k.MultipleOf, s.Pointer+"/multipleOf")
	if k.ExclusiveMin.IsTrue() {
		s.Minimum, s.ExclusiveMinimum = "", s.Minimum
	}
	if k.ExclusiveMax.IsTrue() {
		s.Maximum, s.ExclusiveMaximum = "", s.Maximum
	}
}

// decimal writes a number as it stands in the document. kin-openapi holds it as float64; where that may have rounded it,
// it is refused.
func (f *openapiFront) decimal(v *float64, pointer string) string {
	if v == nil {
		return ""
	}
	text := strconv.FormatFloat(*v, 'g', -1, 64)
	if rounded(*v) {
		f.refuse(pointer, "%s is too large to be held exactly; use the format int64 for its limits", text)
	}
	return text
}

// rounded reports whether a value that kin-openapi has decoded, or one in it, may be another number than the document's.
func rounded(v any) bool {
	switch v := v.(type) {
	case float64:
		return math.Abs(v) >= 1<<53 && parseDecimal(strconv.AppendFloat(nil, v, 'g', -1, 64)).digits() > 15
	case []any:
		return slices.ContainsFunc(v, rounded)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), rounded)
	}
	return false
}

// json writes a value that kin-openapi has decoded.
func (f *openapiFront) json(v any, pointer string) []byte {
	if rounded(v) {
		f.refuse(pointer, "a number here is too large to be held exactly")
	}
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		f.refuse(pointer, "%v", err)
		return []byte("null")
	}
	return text
}

// extensions reads x-equals and x-message and refuses keywords that OpenAPI 3.0 does not have and extensions that nobody
// reads: "x-equal" instead of "x-equals" would compare nothing.
func (f *openapiFront) extensions(s *Schema, extensions map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		switch {
		case name == "x-equals":
			s.Equals = f.text(extensions[name], s.Pointer+"/x-equals")
		case name == "x-message":
			s.Message = f.text(extensions[name], s.Pointer+"/x-message")
		case !strings.HasPrefix(name, "x-"):
			f.refuse(s.Pointer+"/"+escapePointer(name), "keyword %q is not supported", name)
		case !foreignExtension(name):
			f.refuse(s.Pointer+"/"+escapePointer(name), "unknown extension %s", name)
		}
	}
}

func (f *openapiFront) text(v any, pointer string) string {
	text, ok := v.(string)
	if !ok || text == "" {
		f.refuse(pointer, "a text is expected here")
	}
	return text
}

// unsupported refuses what kin-openapi reads but OpenAPI 3.0 does not have.
func (f *openapiFront) unsupported(k *openapi3.Schema, where string) {
	for _, keyword := range []struct {
		name string
		used bool
	}{
		{"const", k.Const != nil}, {"examples", k.Examples != nil}, {"prefixItems", k.PrefixItems != nil},
		{"contains", k.Contains != nil}, {"minContains", k.MinContains != nil}, {"maxContains", k.MaxContains != nil},
		{"patternProperties", k.PatternProperties != nil}, {"dependentSchemas", k.DependentSchemas != nil},
		{"propertyNames", k.PropertyNames != nil}, {"dependentRequired", k.DependentRequired != nil},
		{"unevaluatedItems", k.UnevaluatedItems.Has != nil || k.UnevaluatedItems.Schema != nil},
		{"unevaluatedProperties", k.UnevaluatedProperties.Has != nil || k.UnevaluatedProperties.Schema != nil},
		{"if", k.If != nil}, {"then", k.Then != nil}, {"else", k.Else != nil}, {"$defs", k.Defs != nil},
		{"$schema", k.SchemaDialect != ""}, {"$comment", k.Comment != ""}, {"$id", k.SchemaID != ""},
		{"$anchor", k.Anchor != ""}, {"$dynamicRef", k.DynamicRef != ""}, {"$dynamicAnchor", k.DynamicAnchor != ""},
		{"contentMediaType", k.ContentMediaType != ""}, {"contentEncoding", k.ContentEncoding != ""},
		{"contentSchema", k.ContentSchema != nil}, {"allowEmptyValue", k.AllowEmptyValue},
		{"exclusiveMinimum", k.ExclusiveMin.Value != nil}, {"exclusiveMaximum", k.ExclusiveMax.Value != nil},
	} {
		if keyword.used {
			f.refuse(where+"/"+keyword.name, "keyword %q is not OpenAPI 3.0's in this form", keyword.name)
		}
	}
	if k.Always != nil {
		f.refuse(where, "a boolean schema is not OpenAPI 3.0's")
	}
}

// discriminator resolves the values of the discriminating property to branches: those of mapping, and the names of the
// components that the branches refer to.
func (f *openapiFront) discriminator(s *Schema, k *openapi3.Schema) {
	if k.Discriminator == nil {
		return
	}
	where := s.Pointer + "/discriminator"
	refs := slices.Concat(k.OneOf, k.AnyOf)
	branches := slices.Concat(s.OneOf, s.AnyOf)
	if len(refs) == 0 {
		f.refuse(where, "a discriminator chooses between the branches of oneOf or anyOf, and there are none")
		return
	}
	values := map[string]*Schema{}
	byRef := map[string]*Schema{}
	named := map[*Schema]bool{}
	for i, ref := range refs {
		if ref.Ref == "" {
			f.refuse(where, "branch %d is no $ref, so that no value can choose it", i)
			continue
		}
		byRef[ref.Ref] = branches[i]
	}
	for value, mapped := range k.Discriminator.Mapping {
		target := mapped.Ref
		if !strings.Contains(target, "/") {
			target = "#/components/schemas/" + target
		}
		branch := byRef[target]
		if branch == nil {
			f.refuse(where+"/mapping/"+escapePointer(value), "%s is none of the branches", mapped.Ref)
			continue
		}
		values[value] = branch
		named[branch] = true
	}
	for ref, branch := range byRef {
		if name := ref[strings.LastIndexByte(ref, '/')+1:]; !named[branch] && values[name] == nil {
			values[name] = branch
		}
	}
	s.Discriminator = &Discriminator{Property: k.Discriminator.PropertyName}
	for _, value := range slices.Sorted(maps.Keys(values)) {
		s.Discriminator.Branches = append(s.Discriminator.Branches, DiscriminatorBranch{value, values[value]})
	}
	if s.Discriminator.Property == "" {
		f.refuse(where, "propertyName is missing")
	}
}

package testkit

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
)

// parametersOf are the parameters of an operation, those of its path included.
func parametersOf(op *Operation) []*openapi3.Parameter {
	var all []*openapi3.Parameter
	for _, ref := range slices.Concat(op.Item.Parameters, op.Spec.Parameters) {
		all = append(all, ref.Value)
	}
	return all
}

// itemOf is the schema of a parameter's text: of a list, that of its items. Lists of one item look alike in every style.
func itemOf(p *openapi3.Parameter) *openapi3.SchemaRef {
	if p.Schema.Value.Items != nil {
		return p.Schema.Value.Items
	}
	return p.Schema
}

// bodySchema is the schema of an operation's JSON body, or nil.
func bodySchema(op *Operation) *openapi3.SchemaRef {
	if op.Spec.RequestBody == nil {
		return nil
	}
	if media := op.Spec.RequestBody.Value.Content.Get("application/json"); media != nil {
		return media.Schema
	}
	return nil
}

// rolesOf are the roles that the contract lets in; none means any.
func rolesOf(op *Operation) []string {
	list, _ := op.Spec.Extensions["x-roles"].([]any)
	var roles []string
	for _, role := range list {
		if name, ok := role.(string); ok {
			roles = append(roles, name)
		}
	}
	return roles
}

// isPublic tells whether an operation needs no credentials.
func isPublic(spec *Spec, op *Operation) bool {
	if op.Spec.Security != nil {
		return len(*op.Spec.Security) == 0
	}
	return len(spec.Doc.Security) == 0
}

// accepts asks kin whether a value obeys a schema.
func accepts(schema *openapi3.SchemaRef, value *node) bool {
	return schema.Value.VisitJSON(value.plain(), openapi3.WithStringFormatValidators(formats()), openapi3.EnableFormatValidation()) == nil
}

// openapiAccepts asks openapi3filter whether a request obeys its operation.
func openapiAccepts(ctx context.Context, spec *Spec, draft *Draft, request Request) error {
	_, params := spec.Find(request.Method, request.Path)
	input, err := spec.input(ctx, draft.Operation, params, request)
	if err != nil {
		return err
	}
	input.Request.Body = http.NoBody
	if request.Body != nil {
		input.Request.Body = readCloser{bytes.NewReader(request.Body)}
	}
	return openapi3filter.ValidateRequest(ctx, input)
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// facets are the rules of a schema that a single value can break, with those of its allOf.
type facets struct {
	types     []string
	enum      []any
	format    string
	patterns  []string
	min, max  *float64
	minLength uint64
	maxLength *uint64
}

func facetsOf(ref *openapi3.SchemaRef) facets {
	s := ref.Value
	f := facets{enum: s.Enum, format: s.Format, min: s.Min, max: s.Max, minLength: s.MinLength, maxLength: s.MaxLength}
	if s.Type != nil {
		f.types = s.Type.Slice()
	}
	if s.Pattern != "" {
		f.patterns = append(f.patterns, s.Pattern)
	}
	for _, part := range s.AllOf {
		f.merge(facetsOf(part))
	}
	return f
}

func (f *facets) merge(part facets) {
	f.types = append(f.types, part.types...)
	f.patterns = append(f.patterns, part.patterns...)
	f.minLength = max(f.minLength, part.minLength)
	if part.enum != nil {
		f.enum = part.enum
	}
	if part.format != "" {
		f.format = part.format
	}
	if part.min != nil {
		f.min = part.min
	}
	if part.max != nil {
		f.max = part.max
	}
	if part.maxLength != nil {
		f.maxLength = part.maxLength
	}
}

func (f facets) is(name string) bool { return slices.Contains(f.types, name) }

// alternatives are the schemas that an object may have to obey beside its own: all of allOf, and of oneOf and anyOf those
// that accept it.
func alternatives(ref *openapi3.SchemaRef, value *node) []*openapi3.SchemaRef {
	all := []*openapi3.SchemaRef{ref}
	for _, part := range ref.Value.AllOf {
		all = append(all, alternatives(part, value)...)
	}
	for _, part := range slices.Concat(ref.Value.OneOf, ref.Value.AnyOf) {
		if accepts(part, value) {
			all = append(all, alternatives(part, value)...)
		}
	}
	return all
}

// propertyOf is the schema of an object's member, or nil.
func propertyOf(ref *openapi3.SchemaRef, object *node, name string) *openapi3.SchemaRef {
	for _, schema := range alternatives(ref, object) {
		if property := schema.Value.Properties[name]; property != nil {
			return property
		}
	}
	return nil
}

// requires tells whether an object must have a member.
func requires(ref *openapi3.SchemaRef, object *node, name string) bool {
	for _, schema := range alternatives(ref, object) {
		if slices.Contains(schema.Value.Required, name) {
			return true
		}
	}
	return false
}

// place is one value inside a body.
type place struct {
	path   string // "address.city"
	schema *openapi3.SchemaRef
	parent *node // an object or array; nil for the body itself
	index  int
	value  *node
}

// placesIn lists the values of a body that schemas describe, the body itself first.
func placesIn(schema *openapi3.SchemaRef, body *node) []place {
	return placesBelow(place{schema: schema, value: body})
}

func placesBelow(p place) []place {
	all := []place{p}
	for i, value := range p.value.values {
		inner := place{parent: p.value, index: i, value: value}
		if p.value.kind == '[' {
			inner.path, inner.schema = join(p.path, strconv.Itoa(i)), itemsOf(p.schema, p.value)
		} else {
			inner.path, inner.schema = join(p.path, p.value.names[i]), propertyOf(p.schema, p.value, p.value.names[i])
		}
		if inner.schema != nil {
			all = append(all, placesBelow(inner)...)
		}
	}
	return all
}

func itemsOf(ref *openapi3.SchemaRef, array *node) *openapi3.SchemaRef {
	for _, schema := range alternatives(ref, array) {
		if schema.Value.Items != nil {
			return schema.Value.Items
		}
	}
	return nil
}

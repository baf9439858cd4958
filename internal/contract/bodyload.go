package contract

import (
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// requestBody compiles the operation's request body, which stands at pointer.
func (l *loading) requestBody(pointer string, op *Operation) {
	if op.doc.RequestBody == nil || op.doc.RequestBody.Value == nil {
		return
	}
	if slices.Contains([]string{"GET", "HEAD", "DELETE"}, op.Method) {
		l.refusef(pointer, "a %s has no request body", op.Method)
		return
	}
	pointer = l.resolve(pointer)
	doc := op.doc.RequestBody.Value
	l.extensions(pointer, doc.Extensions)
	rule := &requestBody{required: doc.Required}
	names := make([]string, 0, len(doc.Content))
	for name := range doc.Content {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		l.mediaType(child(pointer+"/content", name), name, doc.Content[name], rule)
	}
	op.body = rule
}

// mediaType compiles one media type of a request body.
func (l *loading) mediaType(pointer, name string, doc *openapi3.MediaType, rule *requestBody) {
	media := mediaType{name: name}
	l.extensions(pointer, doc.Extensions)
	if doc.Schema == nil || doc.Schema.Value == nil {
		l.refusef(pointer, "%s has no schema", name)
		return
	}
	schema := doc.Schema.Value
	l.examples(pointer, doc.Example, doc.Examples, schema, openapi3.VisitAsRequest())
	kind, _ := schemaType(schema)
	switch name {
	case "application/json":
		media.program = l.compile(doc.Schema, pointer+"/schema")
	case "text/plain":
		media.kind = textBody
		if kind != "string" {
			l.refusef(pointer+"/schema", "text/plain must be a string")
		}
		media.program = l.compile(doc.Schema, pointer+"/schema")
	case "application/octet-stream":
		media.kind = streamBody
		if kind != "string" || schema.Format != "binary" || constrained(schema) {
			l.refusef(pointer+"/schema", "application/octet-stream passes through unread: its schema must be {type: string, format: binary}")
		}
	case "multipart/form-data":
		// Its schema tells readers which parts there are. They are the handler's to read and to check.
		media.kind = multipartBody
		if kind != "object" {
			l.refusef(pointer+"/schema", "multipart/form-data must be an object")
		}
	default:
		l.refusef(pointer, "request body %s is not supported: write application/json, application/octet-stream, text/plain "+
			"or multipart/form-data", name)
		return
	}
	if len(doc.Encoding) > 0 && media.kind != multipartBody {
		l.refusef(pointer+"/encoding", "encoding of %s is not supported", name)
	}
	rule.media = append(rule.media, media)
}

// constrained tells whether a schema asks more of a string than its type and format.
func constrained(schema *openapi3.Schema) bool {
	return schema.MinLength > 0 || schema.MaxLength != nil || schema.Pattern != "" || len(schema.Enum) > 0 || schema.Default != nil ||
		len(schema.AllOf)+len(schema.AnyOf)+len(schema.OneOf) > 0 || schema.Not != nil
}

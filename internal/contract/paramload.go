package contract

import (
	"encoding/json"
	"net/textproto"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// parameter compiles one parameter, which stands at pointer.
func (l *loading) parameter(pointer string, op *Operation, doc *openapi3.Parameter) {
	p := &parameter{name: doc.Name, key: doc.Name, in: doc.In, required: doc.Required}
	l.extensions(pointer, doc.Extensions, extSaturate)
	before := len(l.refusals)
	l.parameterForm(pointer, doc)
	if doc.Schema == nil || doc.Schema.Value == nil {
		if len(doc.Content) == 0 {
			l.refusef(pointer, "parameter %s has no schema", doc.Name)
		}
		return
	}
	p.program = l.compile(doc.Schema, pointer+"/schema")
	l.parameterType(pointer, p, doc)
	l.style(pointer, p, doc)
	l.saturation(pointer, p, doc)
	l.emptiness(pointer, p, doc)
	if len(l.refusals) > before || p.program == nil {
		return
	}
	l.defaults(pointer, p)
	l.examples(pointer, doc.Example, doc.Examples, doc.Schema.Value)
	switch p.in {
	case InPath:
		p.index = slices.Index(pathNames(op.Path), p.name)
		op.path = append(op.path, p)
	case InQuery:
		op.query = append(op.query, p)
	case InHeader:
		p.key = textproto.CanonicalMIMEHeaderKey(p.name)
		op.header = append(op.header, p)
	case InCookie:
		op.cookie = append(op.cookie, p)
	}
}

// parameterForm refuses what a parameter may say in OpenAPI and nobody here would act upon.
func (l *loading) parameterForm(pointer string, doc *openapi3.Parameter) {
	if len(doc.Content) > 0 {
		l.refusef(pointer+"/content", "parameter %s: content is not supported", doc.Name)
	}
	if doc.AllowReserved {
		l.refusef(pointer+"/allowReserved", "parameter %s: allowReserved is not supported", doc.Name)
	}
	switch key := textproto.CanonicalMIMEHeaderKey(doc.Name); {
	case doc.In == InHeader && (key == "Accept" || key == "Content-Type" || key == "Authorization"):
		l.refusef(pointer, "header %s is not a parameter: OpenAPI ignores it here", doc.Name)
	case doc.In == InCookie && !cookieSafe(doc.Name):
		l.refusef(pointer, "%q cannot be the name of a cookie", doc.Name)
	}
}

// parameterType refuses objects and values of unclear type, and tells arrays from single values.
func (l *loading) parameterType(pointer string, p *parameter, doc *openapi3.Parameter) {
	schema := doc.Schema.Value
	if schema.Nullable {
		l.refusef(pointer+"/schema", "parameter %s: a text is never null", p.name)
	}
	switch kind, holder := schemaType(schema); {
	case isPrimitive(kind):
	case kind == "array" && holder.Items != nil && holder.Items.Value != nil:
		p.array = true
		if kind, _ := schemaType(holder.Items.Value); !isPrimitive(kind) {
			l.refusef(pointer+"/schema/items", "parameter %s: items must be strings, numbers, integers or booleans", p.name)
		}
	case kind == "":
		l.refusef(pointer+"/schema", "parameter %s: the schema must have a type", p.name)
	default:
		l.refusef(pointer+"/schema", "parameter %s: type %s is not supported", p.name, kind)
	}
}

func isPrimitive(kind string) bool {
	return kind == "string" || kind == "number" || kind == "integer" || kind == "boolean"
}

// schemaType is the one type that a schema, or a member of its allOf, gives the value, and the schema that says so.
func schemaType(schema *openapi3.Schema) (kind string, holder *openapi3.Schema) {
	if schema.Type != nil && len(*schema.Type) == 1 {
		return (*schema.Type)[0], schema
	}
	for _, part := range schema.AllOf {
		if part.Value != nil {
			if kind, holder := schemaType(part.Value); kind != "" {
				return kind, holder
			}
		}
	}
	return "", nil
}

// style reads style and explode. Only the styles that the generated stubs read without ambiguity are supported.
func (l *loading) style(pointer string, p *parameter, doc *openapi3.Parameter) {
	style := doc.Style
	if style == "" {
		style = map[string]string{InPath: "simple", InHeader: "simple", InQuery: "form", InCookie: "form"}[p.in]
	}
	p.explode = style == "form"
	if doc.Explode != nil {
		p.explode = *doc.Explode
	}
	p.sep = map[string]string{"spaceDelimited": " ", "pipeDelimited": "|"}[style]
	if p.sep == "" {
		p.sep = ","
	}
	switch {
	case p.in == InQuery && style == "form", (p.in == InPath || p.in == InHeader) && style == "simple":
	case p.in == InQuery && (style == "spaceDelimited" || style == "pipeDelimited") && p.array && !p.explode:
	case p.in == InCookie && style == "form" && (!p.array || !p.explode):
	case p.in == InCookie && style == "form":
		l.refusef(pointer, "parameter %s: an array in a cookie needs explode: false", p.name)
	default:
		l.refusef(pointer, "parameter %s: style %s with explode %t is not supported in %s", p.name, style, p.explode, p.in)
	}
}

// emptiness reads allowEmptyValue: "?q=" means what the request without q means. OpenAPI leaves open what an empty value is;
// where it would be a value, or nothing may be absent, the keyword is refused.
func (l *loading) emptiness(pointer string, p *parameter, doc *openapi3.Parameter) {
	if !doc.AllowEmptyValue {
		return
	}
	pointer += "/allowEmptyValue"
	switch {
	case p.in != InQuery || p.required:
		l.refusef(pointer, "parameter %s: allowEmptyValue is for optional parameters in the query", p.name)
	case p.program != nil && !p.array && p.program.ValidateText("", NewReport(InQuery, p.name, "")):
		l.refusef(pointer, "parameter %s: allowEmptyValue makes an empty value absent, which the schema accepts as a value", p.name)
	}
	p.empty = true
}

// defaults reads the schema's default as the texts that a request would have had.
func (l *loading) defaults(pointer string, p *parameter) {
	value, text, ok := p.program.Default()
	if !ok {
		return
	}
	pointer += "/schema/default"
	if p.required {
		l.refusef(pointer, "parameter %s is required: its default would never be used", p.name)
		return
	}
	texts := []string{text}
	if p.array {
		texts = itemTexts(value)
		if !p.explode {
			if slices.ContainsFunc(texts, func(item string) bool { return strings.Contains(item, p.sep) }) || len(texts) == 0 {
				l.refusef(pointer, "parameter %s: the default cannot be written with %q between its items", p.name, p.sep)
				return
			}
			texts = []string{strings.Join(texts, p.sep)}
		}
	}
	if p.in == InCookie && !cookieSafe(texts[0]) {
		l.refusef(pointer, "parameter %s: the default cannot be the value of a cookie", p.name)
		return
	}
	p.defaults = slices.Clip(texts)
}

// itemTexts are the items of a JSON array of strings, numbers and booleans as parameter texts.
func itemTexts(array []byte) []string {
	var items []json.RawMessage
	if json.Unmarshal(array, &items) != nil {
		return nil
	}
	texts := make([]string, len(items))
	for i, item := range items {
		if json.Unmarshal(item, &texts[i]) != nil {
			texts[i] = string(item)
		}
	}
	return texts
}

// pathNames are the names in a path template, in their order, which is that of Echo's values.
func pathNames(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		if name, ok := templateName(segment); ok {
			names = append(names, name)
		}
	}
	return names
}

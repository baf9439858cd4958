package contract

import (
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemas looks at every schema of the document, those of answers included: one that the compiler does not support is
// refused, and so is a default or an example that its own schema refuses. kin-openapi has looked at these too, without formats.
func (l *loading) schemas() {
	_ = l.contract.Doc.WalkSchemas(func(pointer string, ref *openapi3.SchemaRef) error {
		if l.compile(ref, pointer) != nil {
			l.example(child(pointer, "example"), ref.Value.Example, ref.Value)
			l.example(child(pointer, "default"), ref.Value.Default, ref.Value)
		}
		return nil
	})
}

// responses checks the examples of an operation's answers.
func (l *loading) responses(pointer string, doc *openapi3.Operation) {
	if doc.Responses == nil {
		return
	}
	answers := doc.Responses.Map()
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		where := l.resolve(child(pointer, status))
		if answers[status].Value == nil {
			continue
		}
		content := answers[status].Value.Content
		for _, name := range slices.Sorted(maps.Keys(content)) {
			if media := content[name]; media.Schema != nil && media.Schema.Value != nil {
				l.examples(child(where+"/content", name), media.Example, media.Examples, media.Schema.Value, openapi3.VisitAsResponse())
			}
		}
	}
}

// examples checks the examples that stand beside a schema, below pointer.
func (l *loading) examples(pointer string, one any, many openapi3.Examples, schema *openapi3.Schema,
	as ...openapi3.SchemaValidationOption) {
	l.example(child(pointer, "example"), one, schema, as...)
	for _, name := range slices.Sorted(maps.Keys(many)) {
		if example := many[name].Value; example != nil {
			l.example(child(pointer+"/examples", name), example.Value, schema, as...)
		}
	}
}

// example refuses a value that the schema refuses, formats included.
func (l *loading) example(pointer string, value any, schema *openapi3.Schema, as ...openapi3.SchemaValidationOption) {
	if value == nil {
		return
	}
	options := append([]openapi3.SchemaValidationOption{
		openapi3.WithStringFormatValidators(kinFormats()), openapi3.DisableSchemaErrorDetails(),
	}, as...)
	if err := schema.VisitJSON(value, options...); err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		l.refusef(pointer, "%s", message)
	}
}

package contract

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Contract is an OpenAPI document, every operation of which is compiled. It is immutable.
type Contract struct {
	File       string       // as given to Load; named in refusals
	Lang       string       // "fr" or "en", from x-language
	Doc        *openapi3.T  // the document; not to be changed
	Operations []*Operation // those that are served, in document order
	Planned    []*Operation // x-planned: published ahead of their server; nothing guards or serves them

	byID    map[string]*Operation
	byRoute map[string]map[string]*Operation // Echo path → method
}

// Load reads and compiles an OpenAPI 3.0 document. file is how refusals call it, and appears nowhere else.
//
// The error, if any, joins every refusal, one "file:line: what is wrong" each: what kin-openapi finds invalid (examples and
// defaults that their schemas refuse included), and everything that the document asks for and this package would ignore.
func Load(spec []byte, file string) (*Contract, error) {
	src, err := readSource(spec, file)
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true
	doc, err := loader.LoadFromData(spec)
	if err != nil {
		_, located := src.locate(err)
		return nil, located
	}
	if !doc.IsOpenAPI30() {
		return nil, src.at(src.line("/openapi"), "OpenAPI %s is not supported: write 3.0.3", doc.OpenAPI)
	}
	l := &loading{source: src, refused: map[int]bool{}, said: map[string]bool{}}
	l.contract = &Contract{File: file, Doc: doc, byID: map[string]*Operation{}, byRoute: map[string]map[string]*Operation{}}
	if err := doc.Validate(context.Background(), openapi3.EnableMultiError()); err != nil {
		for _, one := range flatten(err) {
			l.refuse(src.locate(one))
		}
	}
	l.document()
	if len(l.refusals) > 0 {
		return nil, errors.Join(l.refusals...)
	}
	return l.contract, nil
}

// Operation is the operation with the given operationId, planned ones included, or nil.
func (c *Contract) Operation(id string) *Operation { return c.byID[id] }

// at is the operation that Echo's matched route stands for, or nil.
func (c *Contract) at(method, route string) *Operation { return c.byRoute[route][method] }

// loading is one document on its way to a Contract. It collects every refusal.
type loading struct {
	*source
	contract *Contract
	compiler *Compiler
	refusals []error
	refused  map[int]bool    // lines that kin-openapi refused: what else is said of them are echoes
	said     map[string]bool // a schema is looked at wherever it is used, and refused once
}

// refuse adds what kin-openapi refused.
func (l *loading) refuse(line int, err error) {
	l.refused[line] = true
	l.add(err)
}

func (l *loading) add(err error) {
	if !l.said[err.Error()] {
		l.said[err.Error()] = true
		l.refusals = append(l.refusals, err)
	}
}

func (l *loading) refusef(pointer, format string, args ...any) {
	if line := l.line(pointer); !l.refused[line] {
		l.add(l.at(line, format, args...))
	}
}

// compile is the schema half's compiler with its refusals collected; nil means refused.
func (l *loading) compile(ref *openapi3.SchemaRef, where string) *Program {
	program, err := l.compiler.OpenAPI(ref, where)
	if err != nil {
		if !l.refused[l.line(where)] {
			l.add(err)
		}
		return nil
	}
	return program
}

func (l *loading) document() {
	doc := l.contract.Doc
	l.language()
	l.extensions("", doc.Extensions, "x-language")
	l.compiler = NewCompiler(CompilerConfig{File: l.file, Lang: l.contract.Lang, Line: l.source.line})
	if doc.Components != nil {
		for _, name := range slices.Sorted(maps.Keys(doc.Components.SecuritySchemes)) {
			l.securityScheme(child("/components/securitySchemes", name), doc.Components.SecuritySchemes[name].Value)
		}
	}
	paths := doc.Paths.Map()
	for _, path := range slices.SortedFunc(maps.Keys(paths), func(a, b string) int {
		return l.line(child("/paths", a)) - l.line(child("/paths", b))
	}) {
		l.pathItem(path, paths[path])
	}
	l.schemas()
}

// language reads x-language, which says in what language people read this contract's messages.
func (l *loading) language() {
	l.contract.Lang = "en"
	value, given := l.contract.Doc.Extensions["x-language"]
	if !given {
		return
	}
	if lang, ok := value.(string); ok && (lang == "fr" || lang == "en") {
		l.contract.Lang = lang
		return
	}
	l.refusef("/x-language", "x-language must be fr or en")
}

// extensions refuses x- names that nobody reads: "x-role" instead of "x-roles" would open an operation to everybody.
func (l *loading) extensions(pointer string, given map[string]any, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(known, name) && !foreignExtension(name) {
			l.refusef(child(pointer, name), "unknown extension %s", name)
		}
	}
}

// foreignExtension tells whether other readers of the document (the code generator, documentation pages) know an extension.
func foreignExtension(name string) bool {
	return slices.ContainsFunc([]string{"x-go-", "x-oapi-codegen-", "x-enum-varnames", "x-enumNames", "x-order", "x-omitempty",
		"x-deprecated-reason", "x-tagGroups", "x-logo", "x-codeSamples"}, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func (l *loading) pathItem(path string, item *openapi3.PathItem) {
	pointer := child("/paths", path)
	route, ok := echoRoute(path)
	if !ok {
		l.refusef(pointer, "path %s: a segment must be a {name} or plain text (letters, digits, - . _ ~)", path)
	}
	if item.Ref != "" {
		l.refusef(pointer+"/$ref", "$ref of a whole path is not supported")
	}
	if len(item.Servers) > 0 {
		l.refusef(pointer+"/servers", "servers of a path are not supported")
	}
	l.extensions(pointer, item.Extensions)
	operations := item.Operations()
	where := func(method string) string { return pointer + "/" + strings.ToLower(method) }
	for _, method := range slices.SortedFunc(maps.Keys(operations), func(a, b string) int {
		return l.line(where(a)) - l.line(where(b))
	}) {
		l.operation(where(method), &Operation{Method: method, Path: path, Route: route}, item, operations[method])
	}
}

// echoRoute is a path template as Echo writes it. Templates that Echo would read differently are not ok.
func echoRoute(path string) (route string, ok bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	var b strings.Builder
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		b.WriteByte('/')
		if name, ok := templateName(segment); ok {
			b.WriteByte(':')
			b.WriteString(name)
			continue
		}
		if segment == "" && i+1 < len(segments) || segment == "." || segment == ".." || strings.Trim(segment, unreserved) != "" {
			return "", false
		}
		b.WriteString(segment)
	}
	return b.String(), true
}

const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"

// templateName is the name in "{name}".
func templateName(segment string) (name string, ok bool) {
	inner, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(inner, "}")
	return name, ok && name != "" && strings.Trim(name, unreserved) == ""
}

// locate gives an error of kin-openapi the line of what it is about: its own Origin, or else the path, operation or
// component that it names.
func (s *source) locate(err error) (int, error) {
	line, pointer := 0, ""
	for e := err; e != nil; e = errors.Unwrap(e) {
		if n := originLine(e); n > 0 {
			line = n
		}
		switch e := e.(type) {
		case *openapi3.SectionValidationError:
			pointer = "/" + e.Section
		case *openapi3.PathValidationError:
			pointer = child("/paths", e.Path)
		case *openapi3.OperationValidationError:
			pointer += "/" + strings.ToLower(e.Method)
		case *openapi3.ComponentValidationError:
			pointer = child("/components/"+componentSections()[e.Section], e.Name)
		}
	}
	if line == 0 {
		line = s.line(pointer)
	}
	// Below the first line kin-openapi prints the schema and the value, which stand at that line anyway.
	message, _, _ := strings.Cut(err.Error(), "\n")
	return line, s.at(line, "%s", message)
}

// componentSections maps kin-openapi's words for the parts of components to the document's.
func componentSections() map[string]string {
	return map[string]string{"schema": "schemas", "parameter": "parameters", "header": "headers", "request body": "requestBodies",
		"response": "responses", "security scheme": "securitySchemes", "example": "examples", "link": "links", "callback": "callbacks"}
}

// originLine is the line in the field Origin that many of kin-openapi's error types have.
func originLine(err error) int {
	v := reflect.Indirect(reflect.ValueOf(err))
	if v.Kind() != reflect.Struct {
		return 0
	}
	field := v.FieldByName("Origin")
	if !field.IsValid() {
		return 0
	}
	if origin, ok := field.Interface().(*openapi3.Origin); ok && origin != nil && origin.Key != nil {
		return origin.Key.Line
	}
	return 0
}

// flatten undoes kin-openapi's nesting of several errors below one context.
func flatten(err error) []error {
	var multi openapi3.MultiError
	if m, ok := err.(openapi3.MultiError); ok {
		multi = m
	} else {
		return []error{err}
	}
	var all []error
	for _, one := range multi {
		all = append(all, flatten(one)...)
	}
	return all
}

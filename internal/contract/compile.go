package contract

import "github.com/getkin/kin-openapi/openapi3"

// UnknownFields says what becomes of object members that no schema names.
type UnknownFields uint8

// An explicit additionalProperties always decides for its own object.
const (
	RefuseUnknown UnknownFields = iota // HTTP bodies: an object with properties is closed
	IgnoreUnknown                      // event wires: clients send more than the documents say
)

// CompilerConfig is what a Compiler needs to know of the document.
type CompilerConfig struct {
	File          string                   // named in refusals
	Lang          string                   // "fr" or "en": language of messages when a Report names none
	Line          func(pointer string) int // line of a JSON pointer in File, 0 if unknown; may be nil
	UnknownFields UnknownFields
	Annotations   []string // formats that are accepted and not checked
}

// Compiler turns schemas into programs, each component once.
type Compiler struct{ cfg CompilerConfig }

// NewCompiler returns a compiler for one document.
func NewCompiler(cfg CompilerConfig) *Compiler { return &Compiler{cfg: cfg} }

// OpenAPI compiles an OpenAPI 3.0 schema that stands at the JSON pointer where. A keyword that is not supported is an
// error that names file and line.
func (c *Compiler) OpenAPI(ref *openapi3.SchemaRef, where string) (*Program, error) {
	return &Program{}, nil
}

package contract

// Dialect is the schema language a Schema was written in; it decides what null means and nothing else.
type Dialect uint8

// The two schema languages of the contracts.
const (
	OpenAPI30 Dialect = iota // null only where `nullable: true` says so
	AsyncAPI                 // JSON Schema: null is a type like the others
)

// Schema is one schema in the form that belongs to neither contract language.
type Schema struct {
	Dialect Dialect
	Pointer string // JSON pointer into the document
	Line    int    // 1-based line in the document, 0 if unknown
}

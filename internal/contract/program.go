package contract

// Program is a compiled schema. It is immutable and safe for concurrent use.
type Program struct{}

// Validate checks that value is exactly one JSON value that the schema accepts; violations go to r.
func (p *Program) Validate(value []byte, r *Report) bool { return true }

// ValidateText checks a parameter's text, read as the type that the schema gives it (integer, number, boolean, string).
func (p *Program) ValidateText(text string, r *Report) bool { return true }

// ValidateTexts checks the texts of an array parameter, each read as the type that the schema's items have.
func (p *Program) ValidateTexts(texts []string, r *Report) bool { return true }

// Default is the schema's default as JSON and as parameter text (a string without its quotes).
func (p *Program) Default() (json []byte, text string, ok bool) { return nil, "", false }

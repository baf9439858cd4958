package asyncapi

// TypeScript generates the TypeScript module of a document.
func (d *Document) TypeScript() []byte { return nil }

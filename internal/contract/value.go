package contract

import (
	"fmt"
	"net/http"

	"github.com/guichet-api/guichet/internal/contract/stdjson"
)

// CheckBody holds a value of a generated type to the schema of that name below components, as the guard holds a request's
// body to it: for commands, which do not come through the guard. What the schema refuses is an *Error with status 400. The
// schema is compiled each time.
func (c *Contract) CheckBody(schema string, value any) error {
	ref := c.Doc.Components.Schemas[schema]
	if ref == nil {
		return fmt.Errorf("contract.CheckBody: %s has no schema %q", c.File, schema)
	}
	compiler := NewCompiler(CompilerConfig{File: c.File, Lang: c.Lang})
	program, err := compiler.OpenAPI(ref, "/components/schemas/"+schema)
	if err != nil {
		return fmt.Errorf("contract.CheckBody: %w", err)
	}
	text, err := stdjson.Marshal(value)
	if err != nil {
		return fmt.Errorf("contract.CheckBody: %w", err)
	}
	report := NewReport(InBody, "", c.Lang)
	if program.Validate(text, report) {
		return nil
	}
	return &Error{Status: http.StatusBadRequest, Message: statusText(c.Lang, http.StatusBadRequest), Violations: report.Violations()}
}

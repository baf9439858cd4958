package contract

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/contract/stdjson"
)

// Binder decodes JSON bodies for the generated stubs: exactly the bytes that the guard validated, member names to the
// letter. It is set as echo.Echo's Binder; the zero value works.
type Binder struct{}

// errUnguarded is a route that reads a body that nothing has validated.
var errUnguarded = errors.New("contract.Binder: this body was not validated: the route has no guard")

// Bind implements echo.Binder. A request without a body is io.EOF, which stubs of an optional body take for its absence. A
// value that the contract allows and the Go type cannot hold is an *Error of status 400.
func (Binder) Bind(target any, c echo.Context) error {
	r := c.Request()
	body, ok := r.Body.(*received)
	if !ok {
		if r.Body == nil || r.Body == http.NoBody {
			return io.EOF
		}
		return errUnguarded
	}
	err := stdjson.Unmarshal(body.data, target)
	if err == nil {
		return nil
	}
	refusal := &Error{Status: http.StatusBadRequest, Cause: err}
	var pointer jsontext.Pointer
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		pointer = semantic.JSONPointer
	}
	lang := body.lang
	refusal.Message = statusText(lang, refusal.Status)
	refusal.Violations = []Violation{{In: InBody, Pointer: string(pointer), Keyword: "type", Message: ruleText(lang, "type")}}
	return refusal
}

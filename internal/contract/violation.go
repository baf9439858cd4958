package contract

import (
	"strings"
)

// Where a violation was found, as OpenAPI names the places.
const (
	InBody   = "body"
	InPath   = "path"
	InQuery  = "query"
	InHeader = "header"
	InCookie = "cookie"
)

// Violation is one rule of the contract that a value broke.
type Violation struct {
	In      string // body, path, query, header or cookie
	Pointer string // JSON pointer (RFC 6901) into the body, or below the parameter: "" is the value itself
	Name    string // the parameter's name; empty for the body
	Keyword string // the schema keyword or rule that was broken: "minLength", "required", "utf8"…
	Message string // one readable sentence in the contract's language
}

// Field is the place as people write it: "address.city", "lines.3.quantity", "page". The body itself is "".
func (v Violation) Field() string {
	path := strings.ReplaceAll(strings.TrimPrefix(v.Pointer, "/"), "/", ".")
	path = strings.ReplaceAll(strings.ReplaceAll(path, "~1", "/"), "~0", "~")
	switch {
	case v.Name == "":
		return path
	case path == "":
		return v.Name
	}
	return v.Name + "." + path
}

// Error is a request that the contract refuses.
type Error struct {
	Status     int         // 400, 401, 403, 404, 405, 413 or 415; 426 and 503 of realtime wires
	Message    string      // one sentence in the contract's language
	Violations []Violation // every violation found; empty unless Status is 400
	Cause      error       // what Authenticate returned, or the wire said, if that is why
}

func (e *Error) Error() string {
	if len(e.Violations) == 0 {
		return e.Message
	}
	var b strings.Builder
	b.WriteString(e.Message)
	for i, v := range e.Violations {
		if i == 0 {
			b.WriteString(": ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(v.Field())
		b.WriteByte(' ')
		b.WriteString(v.Message)
	}
	return b.String()
}

// Unwrap is the cause, so that errors.As finds what Authenticate returned.
func (e *Error) Unwrap() error { return e.Cause }

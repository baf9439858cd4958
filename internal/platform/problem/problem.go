// Package problem names the few kinds of failure a client may be told about.
//
// A handler returns a *problem.Error with a public message; the system's errors.go translates it once into that system's
// own envelope. Any other error is logged at the edge and shown as the generic server error.
package problem

import (
	"errors"
	"net/http"
	"time"
)

// Kind says whose fault a failure is; each kind has one HTTP status.
type Kind int

// The kinds, with the status that Kind.Status gives them.
const (
	Invalid         Kind = iota + 1 // 400: the request contradicts a rule of the system
	Unauthenticated                 // 401: no valid credential
	Forbidden                       // 403: a valid credential without the right
	NotFound                        // 404: no such thing, or not for this caller
	Conflict                        // 409: the state has moved on
	TooMany                         // 429: over a rate limit; see Error.RetryAfter
	Unavailable                     // 503: a dependency is away
	Internal                        // 500: a failure the contract documents by name
)

var statuses = [...]int{
	Invalid:         http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	Conflict:        http.StatusConflict,
	TooMany:         http.StatusTooManyRequests,
	Unavailable:     http.StatusServiceUnavailable,
	Internal:        http.StatusInternalServerError,
}

// Status is the HTTP status of the kind.
func (k Kind) Status() int { return statuses[k] }

// Error is a failure that the client may read.
type Error struct {
	Kind       Kind
	Message    string        // public, in the system's language
	RetryAfter time.Duration // with TooMany and Unavailable: when to come back; 0 says nothing
}

// New makes an Error of the given kind with a public message.
func New(kind Kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// TooManyFor makes a TooMany error that tells when to come back.
func TooManyFor(retryAfter time.Duration, message string) *Error {
	return &Error{Kind: TooMany, Message: message, RetryAfter: retryAfter}
}

func (e *Error) Error() string { return e.Message }

// Is reports whether err is, or wraps, an Error of the given kind.
func Is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

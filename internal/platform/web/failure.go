package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// Failure is what a client may know of an error. Each system puts it into its own envelope.
type Failure struct {
	Status     int
	Message    string
	Violations []contract.Violation // of the contract; none for other failures
	RetryAfter time.Duration        // as Refuse takes it
}

// Words are a system's sentences for failures that say nothing a client may read.
type Words struct {
	Server      string // 500
	Unavailable string // 503: the database is away
}

// Failure says what a client may know of err: what the contract refuses, a problem, a database that is away, or nothing but
// that the server failed.
func (w Words) Failure(err error) Failure {
	var (
		refused *contract.Error
		public  *problem.Error
	)
	switch {
	case errors.As(err, &refused):
		return Failure{Status: refused.Status, Message: refused.Message, Violations: refused.Violations}
	case errors.As(err, &public):
		return Failure{Status: public.Kind.Status(), Message: public.Message, RetryAfter: public.RetryAfter}
	case pg.IsUnavailable(err):
		return Failure{Status: http.StatusServiceUnavailable, Message: w.Unavailable}
	}
	return Failure{Status: http.StatusInternalServerError, Message: w.Server}
}

package reunion

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
)

// What a client is told when the fault is not its own, and of what the contract refuses.
const (
	textServerError  = "Erreur serveur"
	textUnavailable  = "Service momentanément indisponible"
	textTooMany      = "Trop de tentatives, veuillez réessayer plus tard"
	textMissing      = "Données manquantes"
	textUnknownEvent = "Événement inconnu"
)

// Refusals that several operations share.
var (
	errToken       = problem.New(problem.Unauthenticated, "Token invalide ou expiré")
	errCredentials = problem.New(problem.Unauthenticated, "Email ou mot de passe incorrect")
	errForbidden   = problem.New(problem.Forbidden, "Accès refusé")
	errOver        = problem.New(problem.Forbidden, "Cette réunion est terminée")
	errNoReunion   = problem.New(problem.NotFound, "Réunion non trouvée")
)

// Constraints whose violation is more than a server error.
const (
	uniqueEmail     = "users_email_key"
	surveyOfReunion = "surveys_reunion_id_fkey"
)

// answerError is the one place where a failure becomes an answer: the contract's envelope, whoever raised it. What no client
// may read becomes the generic server error; the request's log line tells the rest.
func (a *API) answerError(err error, c echo.Context) {
	status, body, retryAfter := envelope(a.contract.EchoError(c, err))
	web.Refuse(c, status, retryAfter, body)
}

// envelope is what a failure looks like to the client.
func envelope(err error) (status int, body api.Error, retryAfter time.Duration) {
	failure := web.Words{Server: textServerError, Unavailable: textUnavailable}.Failure(err)
	var (
		refused *contract.Error
		unknown *realtime.UnknownEvent
	)
	switch {
	case errors.As(err, &refused) && refused.Status == http.StatusBadRequest:
		failure.Message = textMissing
	case errors.As(err, &unknown):
		failure = web.Failure{Status: http.StatusNotFound, Message: textUnknownEvent}
	case failure.Status == http.StatusInternalServerError && errors.Is(err, realtime.ErrUnauthenticated):
		failure = web.Failure{Status: errToken.Kind.Status(), Message: errToken.Message} // what a socket presented is no token at all
	}
	return failure.Status, api.Error{Message: failure.Message, Details: details(failure.Violations)}, failure.RetryAfter
}

// details are the contract's violations as the envelope lists them.
func details(violations []contract.Violation) []api.ErrorDetail {
	var list []api.ErrorDetail
	for _, v := range violations {
		list = append(list, api.ErrorDetail{Field: v.Field(), Message: v.Message})
	}
	return list
}

// message is what a failure looks like to a socket.
func message(err error) string {
	_, body, _ := envelope(err)
	return body.Message
}

// refusals says the same on the wire of events.
type refusals struct{ log *slog.Logger }

var _ events.Errors = refusals{}

// Refusal is the ack of a command that failed.
func (refusals) Refusal(_ context.Context, _ *realtime.Peer, _ string, err error) events.Refusal {
	return events.Refusal{Message: message(err)}
}

// ReunionError is the event of a command that failed. Every failure comes by here once: what no client may read is logged.
func (r refusals) ReunionError(ctx context.Context, peer *realtime.Peer, event string, err error) events.ReunionError {
	status, body, _ := envelope(err)
	if status >= http.StatusInternalServerError {
		r.log.ErrorContext(ctx, "event failed", "system", Name, "event", event, "peer", peer.ID(), "status", status, "error", err)
	}
	return events.ReunionError{Message: body.Message}
}

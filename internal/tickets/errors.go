package tickets

import (
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
)

// What a client is told when the fault is not its own, and of events that there are not.
const (
	textServerError  = "Erreur serveur"
	textTooMany      = "Trop de tentatives, veuillez réessayer plus tard"
	textUnavailable  = "Service momentanément indisponible"
	textUnknownEvent = "Événement inconnu"
)

// Refusals that several operations share.
var (
	errToken      = problem.New(problem.Unauthenticated, "Token invalide ou expiré")
	errNoTicket   = problem.New(problem.NotFound, "Ticket introuvable")
	errNoClient   = problem.New(problem.Invalid, "Client introuvable")
	errNoChantier = problem.New(problem.Invalid, "Chantier introuvable")
	errNoUser     = problem.New(problem.NotFound, "Utilisateur introuvable")
	errEmailTaken = problem.New(problem.Invalid, "Cet email est déjà utilisé")
)

// answerError is the one place where a failure becomes an answer: the contract's envelope, whoever raised it. What no client
// may read becomes the generic server error; the request's log line tells the rest.
func (a *API) answerError(err error, c echo.Context) {
	status, body, retryAfter := envelope(a.contract.EchoError(c, err))
	web.Refuse(c, status, retryAfter, body)
}

// envelope is what a failure looks like to the client.
func envelope(err error) (status int, body api.Error, retryAfter time.Duration) {
	var unknown *realtime.UnknownEvent
	if errors.As(err, &unknown) {
		return http.StatusNotFound, api.Error{Message: textUnknownEvent}, 0
	}
	failure := web.Words{Server: textServerError, Unavailable: textUnavailable}.Failure(err)
	return failure.Status, api.Error{Message: failure.Message, Details: details(failure.Violations)}, failure.RetryAfter
}

// publicMessage is what a failure looks like where there is no envelope: on Socket.IO.
func publicMessage(err error) string {
	_, body, _ := envelope(err)
	return body.Message
}

// details are the contract's violations as the envelope lists them.
func details(violations []contract.Violation) []api.ErrorDetail {
	var list []api.ErrorDetail
	for _, v := range violations {
		list = append(list, api.ErrorDetail{Field: v.Field(), Message: v.Message})
	}
	return list
}

// Constraints whose violation is more than a server error.
const (
	uniqueEmail    = "users_email_key"
	clientOfTicket = "tickets_client_id_fkey"
)

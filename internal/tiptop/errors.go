package tiptop

import (
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
)

// What a client is told when the fault is not its own.
const (
	textServerError = "Erreur serveur"
	textTooMany     = "Trop de tentatives, veuillez réessayer plus tard"
	textUnavailable = "Service momentanément indisponible"
)

// Refusals that several operations share.
var (
	errToken      = problem.New(problem.Unauthenticated, "Token invalide ou expiré")
	errForbidden  = problem.New(problem.Forbidden, "Accès refusé")
	errNoTicket   = problem.New(problem.NotFound, "Ticket non trouvé")
	errNoUser     = problem.New(problem.NotFound, "Utilisateur non trouvé")
	errNoPrize    = problem.New(problem.NotFound, "Prix non trouvé")
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
	failure := web.Words{Server: textServerError, Unavailable: textUnavailable}.Failure(err)
	return failure.Status, api.Error{Error: failure.Message, Details: details(failure.Violations)}, failure.RetryAfter
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
	uniqueEmail  = "users_email_key"
	ticketOfUser = "tickets_user_id_fkey"
	uniqueCode   = "codes_pkey"
)

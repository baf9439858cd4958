package tchatator

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tchatator/api"
	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
)

// What a client is told when the fault is not its own, and what the contract refuses by itself.
const (
	textServerError   = "Erreur serveur"
	textUnavailable   = "Service momentanément indisponible"
	textUnknownClient = "Client non identifié"
	textForbidden     = "Action non autorisée"
	textFormat        = "Message mal formaté"
)

// Refusals. The document knows few codes: who or what is not there is 403 to a command.
var (
	errUnknownClient = problem.New(problem.Unauthenticated, textUnknownClient)
	errDenied        = problem.New(problem.Forbidden, "Accès refusé")
	errBanned        = problem.New(problem.Forbidden, "Utilisateur banni")
	errConnected     = problem.New(problem.Forbidden, "Utilisateur déjà connecté")
	errForbidden     = problem.New(problem.Forbidden, textForbidden)
	errNoReceiver    = problem.New(problem.NotFound, "Destinataire inconnu")
	errNoMessage     = problem.New(problem.NotFound, "Message inconnu")
	errNoUser        = problem.New(problem.NotFound, "Utilisateur inconnu")
	errFormat        = problem.New(problem.Invalid, textFormat)
	errTooMany       = problem.New(problem.TooMany, "Trop de messages envoyés")
)

// Refusal says a refused command in the contract's words. What is no refusal is logged, and told as a failure of the server.
func (l *Live) Refusal(ctx context.Context, peer *realtime.Peer, event string, err error) events.Refusal {
	var (
		refused *contract.Error
		unknown *realtime.UnknownEvent
		public  *problem.Error
	)
	switch {
	case errors.As(err, &refused):
		return contractRefusal(refused.Status)
	case errors.As(err, &unknown):
		return contractRefusal(http.StatusBadRequest)
	case errors.As(err, &public):
		return events.Refusal{Error: codeOf(public.Kind), Message: public.Message}
	case pg.IsUnavailable(err):
		l.log.WarnContext(ctx, "command not carried out: the database is away", "command", event, "peer", peer.ID(), "error", err)
		return events.Refusal{Error: events.Code503Unavail, Message: textUnavailable}
	}
	l.log.ErrorContext(ctx, "command failed", "command", event, "peer", peer.ID(), "error", err)
	return events.Refusal{Error: events.Code500Error, Message: textServerError}
}

// contractRefusal says what the contract refused by itself.
func contractRefusal(status int) events.Refusal {
	switch status {
	case http.StatusUnauthorized:
		return events.Refusal{Error: events.Code401Unauth, Message: textUnknownClient}
	case http.StatusForbidden:
		return events.Refusal{Error: events.Code403Denied, Message: textForbidden}
	}
	return events.Refusal{Error: events.Code416Misfmt, Message: textFormat}
}

// codeOf is the document's code for a kind of refusal.
func codeOf(kind problem.Kind) events.Code {
	switch kind {
	case problem.Unauthenticated:
		return events.Code401Unauth
	case problem.Invalid:
		return events.Code416Misfmt
	case problem.TooMany:
		return events.Code426Toomrq
	}
	return events.Code403Denied
}

// answerError is the one place where a failure of a request becomes an answer.
func (a *API) answerError(err error, c echo.Context) {
	status, body := envelope(a.contract.EchoError(c, err))
	web.Refuse(c, status, 0, body)
}

// envelope is what a failure looks like over HTTP: with the document's code where it has one.
func envelope(err error) (status int, body api.Error) {
	failure := web.Words{Server: textServerError, Unavailable: textUnavailable}.Failure(err)
	body = api.Error{Error: httpCode(failure.Status), Message: failure.Message}
	for _, v := range failure.Violations {
		body.Details = append(body.Details, api.ErrorDetail{Field: v.Field(), Message: v.Message})
	}
	return failure.Status, body
}

// httpCode writes a status like the document's codes.
func httpCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return string(events.Code416Misfmt)
	case http.StatusUnauthorized:
		return string(events.Code401Unauth)
	case http.StatusForbidden:
		return string(events.Code403Denied)
	case http.StatusInternalServerError:
		return string(events.Code500Error)
	case http.StatusServiceUnavailable:
		return string(events.Code503Unavail)
	}
	return strconv.Itoa(status) + "/" + strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
}

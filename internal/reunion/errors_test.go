package reunion

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
)

func TestEnvelope(t *testing.T) {
	t.Parallel()
	violations := []contract.Violation{{In: contract.InBody, Pointer: "/email", Message: "est obligatoire"}}
	for name, test := range map[string]struct {
		err        error
		status     int
		body       api.Error
		retryAfter time.Duration
	}{
		"the contract's refusal": {&contract.Error{Status: 415, Message: "non"}, 415, api.Error{Message: "non"}, 0},
		"violations": {
			fmt.Errorf("x: %w", &contract.Error{Status: 400, Message: "non", Violations: violations}), 400,
			api.Error{Message: "Données manquantes", Details: []api.ErrorDetail{{Field: "email", Message: "est obligatoire"}}}, 0,
		},
		"a refusal":         {fmt.Errorf("x: %w", errNoReunion), 404, api.Error{Message: "Réunion non trouvée"}, 0},
		"over":              {errOver, 403, api.Error{Message: "Cette réunion est terminée"}, 0},
		"too many":          {problem.TooManyFor(time.Second, "trop"), 429, api.Error{Message: "trop"}, time.Second},
		"an unknown event":  {&realtime.UnknownEvent{Event: "x"}, 404, api.Error{Message: "Événement inconnu"}, 0},
		"no credential":     {fmt.Errorf("%w: %w", realtime.ErrUnauthenticated, errors.New("secret")), 401, api.Error{Message: "Token invalide ou expiré"}, 0},
		"the database away": {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), 503, api.Error{Message: "Service momentanément indisponible"}, 0},
		"too slow":          {context.DeadlineExceeded, 503, api.Error{Message: "Service momentanément indisponible"}, 0},
		"a wrong statement": {&pgconn.PgError{Code: "42601", Message: "secret"}, 500, api.Error{Message: "Erreur serveur"}, 0},
		"no row":            {pgx.ErrNoRows, 500, api.Error{Message: "Erreur serveur"}, 0},
		"a panic":           {&web.PanicError{Value: "secret"}, 500, api.Error{Message: "Erreur serveur"}, 0},
		"a handler's panic": {&realtime.Panic{Value: "secret"}, 500, api.Error{Message: "Erreur serveur"}, 0},
		"anything else":     {errors.New("secret"), 500, api.Error{Message: "Erreur serveur"}, 0},
	} {
		status, body, retryAfter := envelope(test.err)
		if status != test.status || body.Message != test.body.Message || len(body.Details) != len(test.body.Details) || retryAfter != test.retryAfter {
			t.Errorf("%s: %d %+v %s", name, status, body, retryAfter)
		}
		for i, detail := range body.Details {
			if detail != test.body.Details[i] {
				t.Errorf("%s: %+v", name, detail)
			}
		}
	}
}

// TestEventsAreLogged: what no client may read is logged, once; what a client did wrong is not.
func TestEventsAreLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	words := refusals{slog.New(slog.NewJSONHandler(&log, nil))}
	peer := realtime.NewPeer("p1", realtime.WireSocketIO, "127.0.0.1")
	for _, err := range []error{errOver, &realtime.UnknownEvent{Event: "x"}, &realtime.Panic{Value: "secret"}} {
		event, ack := words.ReunionError(t.Context(), peer, "x", err), words.Refusal(t.Context(), peer, "x", err)
		if event.Message != ack.Message {
			t.Errorf("%q and %q", event.Message, ack.Message)
		}
	}
	if lines := strings.Count(log.String(), "\n"); lines != 1 || !strings.Contains(log.String(), `panic: secret`) {
		t.Errorf("the log is\n%s", log.String())
	}
}

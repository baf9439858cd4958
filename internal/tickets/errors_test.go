package tickets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
)

// mustJSON is a value as it is sent.
func mustJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := stdjson.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	violations := []contract.Violation{{In: contract.InBody, Pointer: "/data/niveau", Message: "est obligatoire"}}
	for name, test := range map[string]struct {
		err        error
		status     int
		body       api.Error
		retryAfter time.Duration
	}{
		"the contract's refusal": {&contract.Error{Status: 415, Message: "non"}, 415, api.Error{Message: "non"}, 0},
		"violations": {
			fmt.Errorf("x: %w", &contract.Error{Status: 400, Message: "non", Violations: violations}), 400,
			api.Error{Message: "non", Details: []api.ErrorDetail{{Field: "data.niveau", Message: "est obligatoire"}}}, 0,
		},
		"a refusal":         {fmt.Errorf("x: %w", errNoTicket), 404, api.Error{Message: "Ticket introuvable"}, 0},
		"too many":          {problem.TooManyFor(time.Second, "trop"), 429, api.Error{Message: "trop"}, time.Second},
		"the database away": {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), 503, api.Error{Message: "Service momentanément indisponible"}, 0},
		"too slow":          {context.DeadlineExceeded, 503, api.Error{Message: "Service momentanément indisponible"}, 0},
		"an unknown event":  {&realtime.UnknownEvent{Event: "x"}, 404, api.Error{Message: "Événement inconnu"}, 0},
		"a wrong statement": {&pgconn.PgError{Code: "42601", Message: "secret"}, 500, api.Error{Message: "Erreur serveur"}, 0},
		"no row":            {pgx.ErrNoRows, 500, api.Error{Message: "Erreur serveur"}, 0},
		"a panic":           {&web.PanicError{Value: "secret"}, 500, api.Error{Message: "Erreur serveur"}, 0},
		"anything else":     {errors.New("secret"), 500, api.Error{Message: "Erreur serveur"}, 0},
	} {
		status, body, retryAfter := envelope(test.err)
		if status != test.status || body.Message != test.body.Message || !slices.Equal(body.Details, test.body.Details) || retryAfter != test.retryAfter {
			t.Errorf("%s: %d %+v %s", name, status, body, retryAfter)
		}
	}
}

// TestUnforeseen: a failure that nobody has foreseen is told as such, and nothing else is told of it.
func TestUnforeseen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean := d.account(demoNom)
	d.exec(`ALTER TABLE clients RENAME TO secret`)
	d.client = testkit.NewClient(t, nil, d.url) // the contract lists no 500
	failed := d.call("GET", "/api/clients", jean.token, nil).is(500, textServerError)
	if want := `{"message":"Erreur serveur"}`; string(failed.Body) != want {
		t.Errorf("%s", failed.Body)
	}
}

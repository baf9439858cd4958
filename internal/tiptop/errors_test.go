package tiptop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
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
		"the contract's refusal": {&contract.Error{Status: 415, Message: "non"}, 415, api.Error{Error: "non"}, 0},
		"violations": {
			fmt.Errorf("x: %w", &contract.Error{Status: 400, Message: "non", Violations: violations}), 400,
			api.Error{Error: "non", Details: []api.ErrorDetail{{Field: "email", Message: "est obligatoire"}}}, 0,
		},
		"a refusal":         {fmt.Errorf("x: %w", errNoTicket), 404, api.Error{Error: "Ticket non trouvé"}, 0},
		"too many":          {problem.TooManyFor(time.Second, "trop"), 429, api.Error{Error: "trop"}, time.Second},
		"the database away": {fmt.Errorf("x: %w", io.ErrUnexpectedEOF), 503, api.Error{Error: "Service momentanément indisponible"}, 0},
		"too slow":          {context.DeadlineExceeded, 503, api.Error{Error: "Service momentanément indisponible"}, 0},
		"a wrong statement": {&pgconn.PgError{Code: "42601", Message: "secret"}, 500, api.Error{Error: "Erreur serveur"}, 0},
		"no row":            {pgx.ErrNoRows, 500, api.Error{Error: "Erreur serveur"}, 0},
		"a panic":           {&web.PanicError{Value: "secret"}, 500, api.Error{Error: "Erreur serveur"}, 0},
		"anything else":     {errors.New("secret"), 500, api.Error{Error: "Erreur serveur"}, 0},
	} {
		status, body, retryAfter := envelope(test.err)
		if status != test.status || body.Error != test.body.Error || len(body.Details) != len(test.body.Details) || retryAfter != test.retryAfter {
			t.Errorf("%s: %d %+v %s", name, status, body, retryAfter)
		}
		for i, detail := range body.Details {
			if detail != test.body.Details[i] {
				t.Errorf("%s: %+v", name, detail)
			}
		}
	}
}

// TestErrorsWithoutOperation asks for what the contract does not have.
func TestErrorsWithoutOperation(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	c.call("GET", "/api/nothing", "", nil).is(404, "Route inconnue")
	answer := c.call("DELETE", "/api/auth/login", "", nil).is(405, "Méthode non autorisée")
	if allow := answer.Header.Get("Allow"); allow != "OPTIONS, POST" {
		t.Errorf("Allow: %q", allow)
	}
	answer = c.call("GET", "/api/auth/me", "x", nil).is(401, "Token invalide ou expiré")
	if challenge := answer.Header.Get("WWW-Authenticate"); challenge != "Bearer" {
		t.Errorf("WWW-Authenticate: %q", challenge)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	c.must(c.Ready(t.Context()))
	c.call("GET", "/", "", nil).is(200, "✅ API The Tip Top en ligne et opérationnelle -branche dev- !")
	c.call("GET", "/db-check", "", nil).is(200, "✅ DB connectée branche dev")
	metrics := c.call("GET", "/metrics", "", nil)
	const series = `guichet_http_requests_total{code="200",operation="checkHealth",system="tiptop"} 1`
	if kind := metrics.Header.Get("Content-Type"); metrics.Status != http.StatusOK || kind != "text/plain; version=0.0.4; charset=utf-8; escaping=underscores" ||
		!bytes.Contains(metrics.Body, []byte(series)) {
		t.Errorf("%d %s:\n%s", metrics.Status, kind, metrics.Body)
	}
	c.db.Pool.Close()
	if err := c.Ready(t.Context()); err == nil {
		t.Error("ready without a database")
	}
}

package tchatator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// TestContractHolds sends, for every operation of the history, valid requests and every kind of broken one, made from the
// contract.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Tchatator)
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, tchatator.Config{}, "")
	w := c.textAs(1)
	w.ask(send(tokenOf(1), 2, "Bonjour"), 3)
	w.ask("DISCONNECTED\n", 0)
	w.ended()
	account := func(ctx context.Context, kind string) (tchatator.User, string, error) {
		return c.Operator().AddUser(ctx, kind, "Somebody")
	}
	revoked, old, err := account(t.Context(), "member")
	if err == nil {
		_, err = c.Operator().IssueToken(t.Context(), revoked.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	banned, expired, err := account(t.Context(), "member")
	if err == nil {
		err = c.Operator().Ban(t.Context(), banned.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	testkit.Attack{
		Spec: contract, URL: c.url, DB: c.db, Seed: 2025_01_10,
		Except: []string{"platform.river_leader", "platform.river_queue", "platform.river_client", "platform.river_client_queue"},
		Roles:  tchatator.Kinds(),
		Token: func(ctx context.Context, kind string) (string, error) {
			_, token, err := account(ctx, kind)
			return token, err
		},
		// An API token does not expire: a ban takes its place.
		Refused: map[string]string{"foreign token": strings.Repeat("f", 64), "expired token": expired, "revoked token": old},
		Prepare: func(_ context.Context, draft *testkit.Draft) error {
			switch draft.Operation.ID {
			case "getMessage":
				draft.Token, draft.Params["id"] = tokenOf(2), "1"
			case "getUser":
				draft.Params["id"] = fmt.Sprint(revoked.ID)
			}
			return nil
		},
		Settle: func(context.Context) error { return nil },
		Fields: func(body []byte) []string {
			var envelope struct {
				Details []struct {
					Field string `json:"field"`
				} `json:"details"`
			}
			if err := json.Unmarshal(body, &envelope); err != nil {
				return nil
			}
			var fields []string
			for _, detail := range envelope.Details {
				fields = append(fields, detail.Field)
			}
			return fields
		},
		Absent: []string{ // no operation takes a body, or belongs to a role
			"wrong role", "missing", "null", "length", "format", "pattern", "enum", "unequal", "unknown field", "duplicate key", "wrong case",
			"no body", "not JSON", "trailing data", "deep nesting", "oversized", "media type", "content coding",
		},
	}.Run(t)
}

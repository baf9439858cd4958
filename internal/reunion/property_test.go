package reunion_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// changing are the tables that change on their own.
var changing = []string{
	"platform.river_leader", "platform.river_queue", "platform.river_client", "platform.river_client_queue", "reunion.servers",
}

// TestContractHolds sends, for every operation, valid requests and every kind of broken one, made from the contract.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Reunion)
	if err != nil {
		t.Fatal(err)
	}
	d := startDemo(t, options{})
	s := &stage{demo: d}
	_, s.token = s.seller()
	testkit.Attack{
		Spec: contract, URL: d.url, DB: d.db, Seed: 2023_04_01,
		Except: changing,
		Roles:  []string{"seller"},
		Token: func(context.Context, string) (string, error) {
			_, token := s.seller()
			return token, nil
		},
		Refused: map[string]string{"foreign token": s.foreignToken(), "expired token": s.expiredToken(), "revoked token": s.revokedToken()},
		Prepare: s.prepare,
		Settle:  func(context.Context) error { return nil },
		Fields:  violatedFields,
		Absent:  []string{"wrong role", "pattern", "enum", "unequal"},
	}.Run(t)
}

// violatedFields reads the details of the system's envelope.
func violatedFields(body []byte) []string {
	var envelope api.Error
	if err := json.Unmarshal(body, &envelope); err != nil {
		return nil
	}
	var fields []string
	for _, detail := range envelope.Details {
		fields = append(fields, detail.Field)
	}
	return fields
}

// stage prepares what requests are about.
type stage struct {
	*demo
	token  string // of the seller who owns what exists
	people int
}

const stagePassword = "Password123"

// seller adds a seller who is logged in.
func (s *stage) seller() (added reunion.User, token string) {
	s.t.Helper()
	s.people++
	added, err := s.Operator().AddUser(s.t.Context(), reunion.NewUser{
		Email: fmt.Sprintf("vendeur-%d@example.com", s.people), Password: stagePassword, Nom: "Vendeur",
	})
	if err == nil {
		token, err = s.Operator().IssueToken(s.t.Context(), added.Email)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return added, token
}

// reunion is an active one of the stage's seller.
func (s *stage) reunion() (id string) {
	s.t.Helper()
	id = "reunion-" + uuid.NewString()
	host := s.connect(s.t, s.token)
	host.must("join-reunion-host", fmt.Sprintf("%q", id))
	host.leave()
	return id
}

// foreignToken is one that another installation signed.
func (s *stage) foreignToken() string {
	other, err := newAPI(parts{clock: s.clock, seed: "other", secret: "another secret, thirty-two of them", pool: s.db.Pool, platform: s.db.Pool})
	if err != nil {
		s.t.Fatal(err)
	}
	added, _ := s.seller()
	token, err := other.Operator().IssueToken(s.t.Context(), added.Email)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// expiredToken is one of a week ago.
func (s *stage) expiredToken() string {
	s.clock.Advance(-7 * 24 * time.Hour)
	defer s.clock.Advance(7 * 24 * time.Hour)
	_, token := s.seller()
	return token
}

// revokedToken is one of before the password was changed.
func (s *stage) revokedToken() string {
	added, token := s.seller()
	if err := s.Operator().SetPassword(s.t.Context(), added.Email, stagePassword+"4"); err != nil {
		s.t.Fatal(err)
	}
	return token
}

// prepare puts into a draft what must exist for it to succeed.
func (s *stage) prepare(_ context.Context, draft *testkit.Draft) error {
	switch draft.Operation.ID {
	case "login":
		added, _ := s.seller()
		draft.Body["email"], draft.Body["password"] = added.Email, stagePassword
	case "getReunion", "closeReunion", "listSurveys":
		draft.Token, draft.Params["id"] = s.token, s.reunion()
	case "submitSurvey":
		draft.Params["id"] = s.reunion()
	}
	return nil
}

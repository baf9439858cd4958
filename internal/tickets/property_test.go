package tickets

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/internal/testkit"
)

// TestContractHolds sends, for every operation, valid requests and every kind of broken one, made from the contract.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	contract, err := contractOnce()
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, options{demo: true})
	s := &stage{desk: d, token: d.token(demoEmail)}
	testkit.Attack{
		Spec: contract, URL: d.url, DB: d.db, Seed: 2025_01_10,
		Roles:   []string{"agent"},
		Token:   func(context.Context, string) (string, error) { return d.account("Awa Ndiaye").token, nil },
		Refused: map[string]string{"foreign token": s.foreignToken(), "expired token": s.expiredToken(), "revoked token": s.revokedToken()},
		Prepare: s.prepare,
		Settle:  d.settle,
		Fields:  violatedFields,
		Absent:  []string{"wrong role", "unequal"},
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
	*desk
	token string
}

// foreignToken is one that another installation signed.
func (s *stage) foreignToken() string {
	other, err := newAPI(parts{clock: s.clock, pool: s.db.Pool, seed: "other", secret: "another secret, thirty-two of them"})
	s.must(err)
	token, err := other.Operator().IssueToken(s.t.Context(), demoEmail)
	s.must(err)
	return token
}

// expiredToken is one of a week ago.
func (s *stage) expiredToken() string {
	s.clock.Advance(-7 * 24 * time.Hour)
	defer s.clock.Advance(7 * 24 * time.Hour)
	return s.account("Awa Ndiaye").token
}

// revokedToken is one whose account has a new password.
func (s *stage) revokedToken() string {
	who := s.account("Awa Ndiaye")
	s.must(s.Operator().SetPassword(s.t.Context(), who.email, "password456"))
	return who.token
}

// file is one that belongs to a ticket.
func (s *stage) file(ticket uuid.UUID) uuid.UUID {
	id := uuid.New()
	s.exec(`INSERT INTO piece_jointes (id, ticket_id, nom, type, taille, url) VALUES ($1, $2, 'photo.jpg', 'image/jpeg', 1, '-')`, id, ticket)
	return id
}

// prepare puts into a draft what must exist for it to succeed.
func (s *stage) prepare(_ context.Context, draft *testkit.Draft) error {
	switch draft.Operation.ID {
	case "login":
		draft.Body["email"], draft.Body["password"] = s.account("Awa Ndiaye").email, password
	case "createTicket", "createChantier":
		for member, id := range map[string]uuid.UUID{"clientId": demoClient, "chantierId": demoChantier} {
			if draft.Body[member] != nil {
				draft.Body[member] = id.String()
			}
		}
		if draft.Body["dateDebut"] != nil && draft.Body["dateFin"] != nil {
			draft.Body["dateFin"] = draft.Body["dateDebut"]
		}
	case "getTicket", "updateTicket", "listMessages":
		draft.Params["id"] = s.create(s.token, api.PriorityNormale).Numero
	case "addMessage":
		ticket := s.create(s.token, api.PriorityNormale).ID
		draft.Params["id"] = ticket.String()
		if draft.Body["pieceJointes"] != nil {
			draft.Body["pieceJointes"] = []any{s.file(ticket).String()}
		}
	case "runAction":
		draft.Params["id"] = s.ticketFor(draft).String()
	case "bulkUpdate":
		draft.Body["ticketIds"] = []any{s.ticketFor(draft).String(), s.ticketFor(draft).String()}
	}
	return nil
}

// ticketFor is a ticket that the action of a draft can be run on.
func (s *stage) ticketFor(draft *testkit.Draft) uuid.UUID {
	ticket := s.create(s.token, api.PriorityNormale).ID
	if fmt.Sprint(draft.Body["action"]) == "reopen" {
		s.action(s.token, ticket, "cloturer", map[string]any{"motif": "Fait"}).is(200, textDone)
	}
	return ticket
}

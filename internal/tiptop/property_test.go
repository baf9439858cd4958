package tiptop_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/internal/tiptop"
	"github.com/guichet-api/guichet/spec"
)

// TestContractHolds sends, for every operation, valid requests and every kind of broken one, made from the contract.
func TestContractHolds(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Tiptop)
	if err != nil {
		t.Fatal(err)
	}
	d := startDemo(t, "", false)
	s := &stage{demo: d, client: testkit.NewClient(t, contract, d.url)}
	s.tokens = map[string]string{"CLIENT": s.account("CLIENT").token, "EMPLOYEE": s.account("EMPLOYEE").token, "ADMIN": s.account("ADMIN").token}
	testkit.Attack{
		Spec: contract, URL: d.url, DB: d.db, Seed: 2025_11_08,
		Except:  []string{"platform.river_leader", "platform.river_queue", "platform.river_client", "platform.river_client_queue"},
		Roles:   []string{"CLIENT", "EMPLOYEE", "ADMIN"},
		Token:   func(_ context.Context, role string) (string, error) { return s.account(role).token, nil },
		Refused: map[string]string{"foreign token": s.foreignToken(), "expired token": s.expiredToken(), "revoked token": s.revokedToken()},
		Prepare: s.prepare,
		Settle:  d.settle,
		Fields:  violatedFields,
	}.Run(t)
}

// violatedFields reads the details of the system's envelope.
func violatedFields(body []byte) []string {
	var envelope struct {
		Details []struct{ Field string }
	}
	if err := json.Unmarshal(body, &envelope, json.MatchCaseInsensitiveNames(true)); err != nil {
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
	client *testkit.Client
	tokens map[string]string
	people int
}

const stagePassword = "Password123"

type person struct{ id, email, token string }

// account adds somebody who is logged in.
func (s *stage) account(role string) person {
	s.people++
	email := fmt.Sprintf("somebody-%d@example.com", s.people)
	added, err := s.Operator().AddUser(s.t.Context(), tiptop.NewUser{
		Email: email, Password: stagePassword, FirstName: "John", LastName: "Doe", Role: role,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := s.Operator().IssueToken(s.t.Context(), email)
	if err != nil {
		s.t.Fatal(err)
	}
	return person{added.ID.String(), email, token}
}

// foreignToken is one that another installation signed.
func (s *stage) foreignToken() string {
	other, _, err := newAPI(parts{url: s.url, clock: s.clock, seed: "other", secret: "another secret, thirty-two of them", pool: s.db.Pool, platform: s.db.Pool})
	if err != nil {
		s.t.Fatal(err)
	}
	token, err := other.Operator().IssueToken(s.t.Context(), s.account("ADMIN").email)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// expiredToken is one of a week ago.
func (s *stage) expiredToken() string {
	s.clock.Advance(-7 * 24 * time.Hour)
	defer s.clock.Advance(7 * 24 * time.Hour)
	return s.account("ADMIN").token
}

// revokedToken is one that was logged out with.
func (s *stage) revokedToken() string {
	token := s.account("ADMIN").token
	s.send(token, http.MethodPost, "/api/auth/logout", "", nil)
	return token
}

// send sends a request that must succeed and reads the answer into out.
func (s *stage) send(token, method, path, body string, out any) {
	s.t.Helper()
	request := testkit.Request{Method: method, Path: path, Header: http.Header{}}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
		request.Body = []byte(body)
	}
	response, err := s.client.Do(s.t.Context(), request)
	if err != nil {
		s.t.Fatal(err)
	}
	if response.Status >= 300 || response.Breach != nil {
		s.t.Fatalf("%s %s: %d %v %s", method, path, response.Status, response.Breach, response.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(response.Body, out); err != nil {
		s.t.Fatal(err)
	}
}

// code is one that nobody has played.
func (s *stage) code() (code string) {
	err := s.Operator().IssueCodes(s.t.Context(), 1, func(codes []string) error {
		code = codes[0]
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return code
}

// ticket is one that the client of the tokens has won, validated if the employee is to hand it over.
func (s *stage) ticket(validated bool) (id, code string) {
	code = s.code()
	var played struct {
		Data struct {
			Ticket struct {
				ID string `json:"id"`
			} `json:"ticket"`
		} `json:"data"`
	}
	s.send(s.tokens["CLIENT"], http.MethodPost, "/api/game/play", fmt.Sprintf(`{"ticketCode": %q}`, code), &played)
	id = played.Data.Ticket.ID
	if validated {
		s.send(s.tokens["EMPLOYEE"], http.MethodPost, "/api/employee/validate-ticket", fmt.Sprintf(`{"ticketId": %q, "action": "validate"}`, id), nil)
	}
	return id, code
}

// prize is one that nobody has won.
func (s *stage) prize() string {
	var created struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	s.send(s.tokens["ADMIN"], http.MethodPost, "/api/admin/prizes",
		`{"type": "DISCOUNT", "name": "Bon", "value": "5.00", "probability": 0.1, "stock": 0}`, &created)
	return created.Data.ID
}

var mailedToken = regexp.MustCompile(`(?:verify-email/|token=)([A-Za-z0-9_-]+)`)

// mailed is the token of the next mail to somebody.
func (s *stage) mailed(ctx context.Context, email string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	letter, err := s.mail.Next(ctx, email)
	if err != nil {
		return "", err
	}
	found := mailedToken.FindStringSubmatch(letter.Text)
	if found == nil {
		return "", fmt.Errorf("a mail without a token: %s", letter.Text)
	}
	return found[1], nil
}

// prepare puts into a draft what must exist for it to succeed.
func (s *stage) prepare(ctx context.Context, draft *testkit.Draft) (err error) {
	switch draft.Operation.ID {
	case "register", "createEmployee":
		s.people++
		draft.Body["email"] = fmt.Sprintf("Newcomer-%d@example.com", s.people)
	case "login":
		draft.Body["email"], draft.Body["password"] = s.account("CLIENT").email, stagePassword
	case "verifyEmail":
		s.people++
		email := fmt.Sprintf("newcomer-%d@example.com", s.people)
		s.send("", http.MethodPost, "/api/auth/register", fmt.Sprintf(
			`{"email": %q, "password": "Password123", "confirmPassword": "Password123", "firstName": "John", "lastName": "Doe"}`, email), nil)
		draft.Params["token"], err = s.mailed(ctx, email)
	case "forgotPassword":
		draft.Body["email"] = s.account("CLIENT").email
	case "resetPassword":
		email := s.account("CLIENT").email
		s.send("", http.MethodPost, "/api/auth/forgot-password", fmt.Sprintf(`{"email": %q}`, email), nil)
		draft.Body["token"], err = s.mailed(ctx, email)
	case "logout", "deleteAccount":
		draft.Token = s.account("CLIENT").token
	case "changePassword":
		draft.Token = s.account("CLIENT").token
		draft.Body["currentPassword"] = stagePassword
	case "playGame":
		draft.Body["ticketCode"] = s.code()
	case "getMyTicket":
		draft.Token = s.tokens["CLIENT"]
		draft.Params["id"], _ = s.ticket(false)
	case "getTicketByCode":
		draft.Token = s.tokens["CLIENT"]
		_, draft.Params["code"] = s.ticket(false)
	case "searchTicket":
		_, draft.Params["code"] = s.ticket(false)
	case "validateTicket":
		draft.Body["ticketId"], _ = s.ticket(draft.Body["action"] == "claim")
	case "updatePrize", "deletePrize":
		draft.Params["id"] = s.prize()
	case "updateUser", "deleteUser":
		draft.Params["id"] = s.account("CLIENT").id
	case "issueCodes":
		draft.Body["count"] = 3
	}
	return err
}

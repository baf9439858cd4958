package reunion_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/testkit"
)

// hash is what all tables hold.
func (d *demo) hash() string {
	d.t.Helper()
	return testkit.HashTables(d.t, d.db, changing...)
}

// scene is a réunion with its people, whose state no refused message may change.
type scene struct {
	*demo
	host, alice, bob, stranger, other *actor
	aliceIs, bobIs                    joined
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{demo: startDemo(t, options{})}
	s.host = s.demo.host()
	s.alice, s.aliceIs = s.client("Alice")
	s.alice.must("update-cart", cart)
	s.bob, s.bobIs = s.client("Bob")
	s.stranger, s.other = s.connect(t, ""), s.connect(t, s.token(1))
	s.other.must("join-reunion-host", `"reunion-b"`)
	for _, a := range []*actor{s.host, s.alice, s.bob, s.other} {
		a.take()
	}
	return s
}

// unheard fails if anybody was told anything.
func (s *scene) unheard(what string) {
	s.t.Helper()
	for name, a := range map[string]*actor{"host": s.host, "Alice": s.alice, "Bob": s.bob, "stranger": s.stranger, "other seller": s.other} {
		for _, m := range a.take() {
			s.t.Errorf("%s: the %s was sent %s", what, name, m)
		}
	}
}

// TestImpostors: identity comes from the socket. Whatever a message claims, nobody acts for another, and nothing changes.
func TestImpostors(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.hash()
	const forbidden, notJoined, noResume = "Accès refusé", "Vous n'avez pas rejoint cette réunion", "Ce client ne peut pas être repris"
	resume := func(reunion, client, token string) string {
		return fmt.Sprintf(`{"reunionId": %q, "clientInfo": {"name": "Mallory", "clientId": %q, "resumeToken": %q}}`, reunion, client, token)
	}
	for _, test := range []struct {
		name           string
		who            *actor
		event, payload string
		text           string
	}{
		{"a client hosts", s.bob, "join-reunion-host", `"reunion-123"`, forbidden},
		{"a client closes", s.bob, "close-reunion", `"reunion-123"`, forbidden},
		{"a stranger hosts what there is not", s.stranger, "join-reunion-host", `{"reunionId": "reunion-new"}`, forbidden},
		{"another seller hosts", s.other, "join-reunion-host", `"reunion-123"`, forbidden},
		{"another seller closes", s.other, "close-reunion", `{"reunionId": "reunion-123"}`, forbidden},
		{"a seller closes what there is not", s.other, "close-reunion", `"reunion-zzz"`, "Réunion non trouvée"},
		{"a stranger changes a cart", s.stranger, "update-cart", fmt.Sprintf(`{"reunionId": "reunion-123", "clientId": %q, "cart": []}`, s.aliceIs.ClientID), notJoined},
		{"a stranger validates a cart", s.stranger, "validate-cart", fmt.Sprintf(`{"reunionId": "reunion-123", "clientId": %q}`, s.aliceIs.ClientID), notJoined},
		{"the host changes a cart", s.host, "update-cart", fmt.Sprintf(`{"reunionId": "reunion-123", "clientId": %q, "cart": []}`, s.aliceIs.ClientID), notJoined},
		{"a client of another réunion", s.bob, "update-cart", `{"reunionId": "reunion-b", "cart": []}`, notJoined},
		{"a client validates in another réunion", s.bob, "validate-cart", `{"reunionId": "reunion-b"}`, notJoined},
		{"a client joins what there is not", s.stranger, "join-reunion-client", `{"reunionId": "reunion-zzz", "clientInfo": {}}`, "Réunion non trouvée"},
		{"an id without its token", s.stranger, "join-reunion-client", resume("reunion-123", s.aliceIs.ClientID, ""), noResume},
		{"a token without its id", s.stranger, "join-reunion-client", resume("reunion-123", "", s.aliceIs.ResumeToken), noResume},
		{"somebody else's token", s.bob, "join-reunion-client", resume("reunion-123", s.aliceIs.ClientID, s.bobIs.ResumeToken), noResume},
		{"a token that is almost right", s.stranger, "join-reunion-client", resume("reunion-123", s.aliceIs.ClientID, s.aliceIs.ResumeToken+"A"), noResume},
		{"one's own id with a wrong token", s.bob, "join-reunion-client", resume("reunion-123", s.bobIs.ClientID, "wrong"), noResume},
		{"the stored hash as token", s.stranger, "join-reunion-client", resume("reunion-123", s.aliceIs.ClientID, s.storedHash(s.aliceIs.ClientID)), noResume},
		{"an unknown id", s.stranger, "join-reunion-client", resume("reunion-123", "client-zzz", s.aliceIs.ResumeToken), noResume},
		{"the right pair in another réunion", s.stranger, "join-reunion-client", resume("reunion-b", s.aliceIs.ClientID, s.aliceIs.ResumeToken), noResume},
		{"an event that there is not", s.stranger, "client-joined", `{}`, "Événement inconnu"},
	} {
		test.who.refused(test.event, test.payload, test.text)
		s.unheard(test.name)
		if after := s.hash(); after != before {
			t.Errorf("%s changed something:\n%s\n%s", test.name, before, after)
		}
	}
	// A client's own message that names somebody else is about itself.
	s.bob.must("update-cart", fmt.Sprintf(`{"reunionId": "reunion-123", "clientId": %q, "cart": []}`, s.aliceIs.ClientID))
	s.host.expect("cart-updated", fmt.Sprintf(`{"clientId":%q,"cart":[]}`, s.bobIs.ClientID))
	if r := s.row(s.aliceIs.ClientID); r.Cart == "[]" {
		t.Error("Bob emptied Alice's cart")
	}
	for _, token := range []string{"x", s.token(0) + "x", "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30."} {
		if _, err := s.dial(t, token); err == nil {
			t.Errorf("the token %q opened a socket", token)
		}
	}
}

// storedHash is what somebody who has read the database knows of a client's token.
func (s *scene) storedHash(client string) (hash string) {
	s.t.Helper()
	if err := s.db.Pool.QueryRow(s.t.Context(), `SELECT encode(resume_hash, 'base64') FROM clients WHERE id = $1`, client).Scan(&hash); err != nil {
		s.t.Fatal(err)
	}
	return hash
}

// TestMalformedEvents: what breaks the contract in one place is refused, and changes nothing.
func TestMalformedEvents(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	before := s.hash()
	who := map[string]*actor{
		"join-reunion-host": s.host, "close-reunion": s.host, "join-reunion-client": s.stranger, "update-cart": s.alice, "validate-cart": s.alice,
	}
	sent := 0
	for event, payloads := range malformed() {
		for _, payload := range payloads {
			sent++
			in := &realtime.Incoming{Event: event, WantsReply: true}
			if payload != "" {
				in.Args = [][]byte{[]byte(payload)}
			}
			ack := who[event].send(in)
			if ack != `{"success":false,"message":"Données manquantes"}` {
				t.Errorf("%s %.100q: %s", event, payload, ack)
			}
			who[event].expect("reunion-error", `{"message":"Données manquantes"}`)
			s.unheard(event + " " + payload[:min(len(payload), 100)])
		}
	}
	if after := s.hash(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	t.Logf("%d malformed messages", sent)
}

// malformed lists payloads by event; "" is a message without one.
func malformed() map[string][]string {
	long, line := strings.Repeat("x", 2001), `{"productId": "prod-789", "quantity": 2}`
	ref := []string{
		"", "null", "true", "7", "[]", `["reunion-123"]`, `{}`, `{"reunionId": null}`, `{"reunionId": 7}`, `{"reunionId": ["reunion-123"]}`,
		`{"ReunionId": "reunion-123"}`, `{"reunionId": "reunion-123", "reunionId": "reunion-123"}`, `""`, `"réunion"`, `"a/b"`, `"a b"`,
		`"` + long[:65] + `"`, "\"reunion-123\xff\"", `"reunion\u0000123"`, `"reunion-123`, `"reunion-123" 1`, `{"reunionId": ""}`,
	}
	in := func(form string, values ...string) (payloads []string) {
		for _, value := range values {
			payloads = append(payloads, fmt.Sprintf(form, value))
		}
		return payloads
	}
	texts := func(limit int) []string {
		return []string{"7", "true", "[]", "{}", `"a\u0000b"`, "\"\xff\"", `"` + strings.Repeat("x", limit+1) + `"`}
	}
	objects := []string{"", "null", "true", "7", `"reunion-123"`, "[]", `{"a`, `{} {}`, strings.Repeat("[", 10_000), strings.Repeat(`{"a":`, 10_000)}
	join := append([]string{`{}`, `{"reunionId": "reunion-123"}`, `{"clientInfo": {}}`, `{"reunionId": "reunion-123", "clientinfo": {}}`}, objects...)
	join = append(join, in(`{"reunionId": "reunion-123", "clientInfo": %s}`, "null", "[]", `"Alice"`, "7")...)
	join = append(join, in(`{"reunionId": %s, "clientInfo": {}}`, "null", "7", `""`, `"a/b"`, `"`+long[:65]+`"`)...)
	for member, limit := range map[string]int{"name": 200, "email": 254, "clientId": 64, "resumeToken": 128} {
		join = append(join, in(`{"reunionId": "reunion-123", "clientInfo": {"`+member+`": %s}}`, texts(limit)...)...)
	}
	update := append([]string{`{}`, `{"reunionId": "reunion-123"}`, `{"cart": [], "cart": []}`}, objects...)
	update = append(update, in(`{"reunionId": "reunion-123", "cart": %s}`, "null", "{}", `"prod-789"`, "7", "[null]", "[7]", `["prod-789"]`,
		"["+strings.Repeat(line+",", 200)+line+"]", "["+line)...)
	update = append(update, in(`{"reunionId": "reunion-123", "cart": [%s]}`, `{}`, `{"productId": "prod-789"}`, `{"quantity": 2}`,
		`{"productId": "", "quantity": 2}`, `{"productId": "`+long[:101]+`", "quantity": 2}`, `{"productId": 789, "quantity": 2}`)...)
	update = append(update, in(`{"reunionId": "reunion-123", "cart": [{"productId": "prod-789", "quantity": %s}]}`,
		"0", "-1", "1000", "1.5", "1e9", "99999999999999999999", `"2"`, "null", "true", "[2]", "NaN")...)
	update = append(update, in(`{"reunionId": %s, "cart": []}`, "null", "7", `""`, `"a/b"`)...)
	validate := append([]string{`{"comment": "a", "comment": "b"}`}, objects...)
	validate = append(validate, in(`{"reunionId": "reunion-123", "comment": %s}`, texts(2000)...)...)
	validate = append(validate, in(`{"reunionId": %s}`, "null", "7", `""`, `"a/b"`)...)
	return map[string][]string{
		"join-reunion-host": ref, "close-reunion": ref, "join-reunion-client": join, "update-cart": update, "validate-cart": validate,
	}
}

// TestUnknownMembers: clients send more than the documents say; what nobody knows is ignored.
func TestUnknownMembers(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.connect(t, d.token(0))
	host.must("join-reunion-host", `{"reunionId": "reunion-123", "role": "vendeur", "at": {"x": [1]}}`)
	a := d.connect(t, "")
	ack := a.joinWith(`{"reunionId": "reunion-123", "timestamp": 1, "clientInfo": {"name": "Alice", "email": null, "phone": "01", "clientId": null, "resumeToken": ""}}`)
	if !ack.Success {
		t.Fatal(ack)
	}
	a.must("update-cart", `{"reunionId": "reunion-123", "total": 12.5, "cart": [{"productId": "prod-789", "quantity": 999, "price": 1}]}`)
	a.must("validate-cart", `{"reunionId": "reunion-123", "total": 12.5}`)
	if r := d.row(ack.ClientID); r.Cart != `[{"quantity": 999, "productId": "prod-789"}]` {
		t.Errorf("the cart is %s", r.Cart)
	}
	host.must("close-reunion", `{"reunionId": "reunion-123", "force": true}`)
}

// TestOpen: where an operator has opened the system, a socket without token hosts any réunion, and makes those that there are
// not; one with a token still hosts its own alone.
func TestOpen(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{open: true})
	host := d.connect(t, "")
	host.must("join-reunion-host", `"reunion-123"`)
	host.expect("reunion-data", `{"id":"reunion-123"…`)
	host.must("join-reunion-host", `"reunion-open"`)
	host.expect("reunion-data", `{"id":"reunion-open","status":"active"…`)
	a := d.connect(t, "")
	a.join("reunion-open", "Alice")
	host.expect("client-joined", `{…`)
	d.connect(t, d.token(0)).refused("join-reunion-host", `"reunion-open"`, "Accès refusé")
	d.connect(t, d.token(1)).refused("close-reunion", `"reunion-123"`, "Accès refusé")
	a.must("close-reunion", `"reunion-open"`)
	host.expect("reunion-closed", "")
	d.connect(t, d.token(0)).must("join-reunion-host", `"`+reunion.DemoReunion+`"`)
}

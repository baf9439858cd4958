package reunion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/reunion"
)

// row is what is stored of a client.
type row struct {
	Status, Cart                      string
	Name, Comment                     *string
	ValidatedAt, DisconnectedAt, Told *time.Time
}

func (d *demo) row(client string) (r row) {
	d.t.Helper()
	err := d.db.Pool.QueryRow(d.t.Context(), `SELECT status, cart::text, name, comment, validated_at, disconnected_at, told_at FROM clients WHERE id = $1`,
		client).Scan(&r.Status, &r.Cart, &r.Name, &r.Comment, &r.ValidatedAt, &r.DisconnectedAt, &r.Told)
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

// is fails unless the client is stored so.
func (d *demo) is(client, status string, connected bool) {
	d.t.Helper()
	if r := d.row(client); r.Status != status || (r.DisconnectedAt == nil) != connected {
		d.t.Fatalf("%s, disconnected at %v; it should be %s, connected: %t", r.Status, r.DisconnectedAt, status, connected)
	}
}

const cart = `{"reunionId": "reunion-123", "cart": [{"productId": "prod-789", "quantity": 2}]}`

// TestTabs: a client is there while one of its sockets is, also when the server learns late that an old one is dead.
func TestTabs(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	first, alice := d.client("Alice")
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Alice","email":null},"cart":[],"status":"en_cours"…`, alice.ClientID))
	second := d.connect(t, "")
	if again := second.resume(reunion.DemoReunion, alice); again != alice {
		t.Fatalf("%+v became %+v", alice, again)
	}
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Alice"…`, alice.ClientID))
	second.must("update-cart", cart)
	host.expect("cart-updated", fmt.Sprintf(`{"clientId":%q,"cart":[{"productId":"prod-789","quantity":2}]}`, alice.ClientID))
	first.leave()
	host.nothing()
	d.is(alice.ClientID, "en_cours", true)
	second.leave()
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, alice.ClientID))
	d.is(alice.ClientID, "non_finalise", false)

	third := d.connect(t, "")
	third.resume(reunion.DemoReunion, alice)
	host.expect("client-joined", fmt.Sprintf(
		`{"id":%q,"info":{"name":"Alice","email":null},"cart":[{"productId":"prod-789","quantity":2}],"status":"en_cours","joinedAt":"2023-04-01T14:00:00.000Z","validatedAt":null,"disconnectedAt":null}`,
		alice.ClientID))
	d.is(alice.ClientID, "en_cours", true)
}

// TestJoinAgain: the same socket joins twice, as pages do whose framework runs effects twice: it stays one client.
func TestJoinAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	a, alice := d.client("Alice")
	if again := a.join(reunion.DemoReunion, "Alicia"); again != alice {
		t.Fatalf("%+v became %+v", alice, again)
	}
	if r := d.row(alice.ClientID); *r.Name != "Alicia" {
		t.Errorf("name %s", *r.Name)
	}
	if again := a.resume(reunion.DemoReunion, alice); again != alice {
		t.Fatalf("%+v became %+v", alice, again)
	}
	a.must("update-cart", cart)
	d.is(alice.ClientID, "en_cours", true)
	a.leave()
	d.is(alice.ClientID, "non_finalise", false)
}

// TestSocketChangesClient: a socket that joins another réunion leaves the first; one that may not join stays where it is.
func TestSocketChangesClient(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	other := d.connect(t, d.token(1))
	other.must("join-reunion-host", `{"reunionId": "reunion-b"}`)
	other.expect("reunion-data", `{"id":"reunion-b","status":"active","clients":[],"createdAt":"2023-04-01T14:00:00.000Z","closedAt":null}`)
	host := d.host()
	a, alice := d.client("Alice")
	host.expect("client-joined", `{…`)

	a.refused("join-reunion-client", `{"reunionId": "reunion-zzz", "clientInfo": {}}`, "Réunion non trouvée")
	d.is(alice.ClientID, "en_cours", true)
	a.must("update-cart", cart)
	host.expect("cart-updated", `{…`)

	moved := a.join("reunion-b", "Alice")
	if moved.ClientID == alice.ClientID {
		t.Fatal("the same client in two réunions")
	}
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, alice.ClientID))
	other.expect("client-joined", fmt.Sprintf(`{"id":%q…`, moved.ClientID))
	a.expect("reunion-status", `"active"`)
	a.refused("update-cart", cart, "Vous n'avez pas rejoint cette réunion")
	host.must("close-reunion", `"reunion-123"`)
	host.expect("reunion-closed", "")
	a.nothing() // it is not in there any more
	other.must("close-reunion", `"reunion-b"`)
	a.expect("reunion-closed", "")
}

// TestHostMoves: a socket hosts one réunion at a time.
func TestHostMoves(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	host.must("join-reunion-host", `"reunion-b"`)
	host.expect("reunion-data", `{"id":"reunion-b"…`)
	a, alice := d.client("Alice")
	a.must("validate-cart", `{"comment": "Merci"}`)
	host.nothing()
	host.must("join-reunion-host", `"reunion-123"`)
	host.expect("reunion-data", `{"id":"reunion-123"…`)
	host.expect("cart-validated", fmt.Sprintf(`{"clientId":%q,"comment":"Merci"}`, alice.ClientID))
	host.nothing()
}

// TestMissed: what a host missed is sent once, in order, to the socket that returns; what it heard is not sent again.
func TestMissed(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	a, alice := d.client("Alice")
	b, bob := d.client("Bob")
	host.take()
	a.must("validate-cart", `{}`)
	host.expect("cart-validated", fmt.Sprintf(`{"clientId":%q}`, alice.ClientID))
	host.leave()
	d.clock.Advance(time.Minute)
	d.survey()
	d.clock.Advance(time.Minute)
	b.must("validate-cart", `{"reunionId": "reunion-123", "comment": "À bientôt"}`)
	if r := d.row(bob.ClientID); r.Told != nil || *r.Comment != "À bientôt" || r.ValidatedAt == nil {
		t.Errorf("%+v", r)
	}

	host = d.host()
	host.expect("survey-submitted", `{"reunionId":"reunion-123","timestamp":"2023-04-01T14:01:00.000Z"}`)
	host.expect("cart-validated", fmt.Sprintf(`{"clientId":%q,"comment":"À bientôt"}`, bob.ClientID))
	host.nothing()
	d.clock.Advance(time.Minute)
	tab := d.host()
	tab.nothing()
	d.survey()
	host.expect("survey-submitted", `{…`)
	tab.expect("survey-submitted", `{…`)
	host.leave()
	tab.leave()
	d.host().nothing()
}

// TestLostHost: what was sent to a socket that turns out to be dead is sent to the next one, whether that comes before or after
// the server knows; a socket that was closed had heard it.
func TestLostHost(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	a, alice := d.client("Alice")
	b, bob := d.client("Bob")
	dead := d.host()
	told := func(host *actor, as joined) {
		t.Helper()
		host.expect("cart-validated", fmt.Sprintf(`{"clientId":%q,"comment":"Merci"}`, as.ClientID))
	}
	a.must("validate-cart", `{"comment": "Merci"}`)
	d.clock.Advance(20 * time.Second)
	next := d.host() // the network is back before the server has missed the first socket
	told(next, alice)
	dead.peer.Lose()
	dead.leave()

	b.must("validate-cart", `{"comment": "Merci"}`)
	told(next, bob)
	d.survey()
	next.expect("survey-submitted", `{…`)
	d.clock.Advance(45 * time.Second)
	next.peer.Lose()
	next.leave()
	last := d.host()
	told(last, alice) // who was told of her again is lost as well
	told(last, bob)
	last.expect("survey-submitted", `{"reunionId":"reunion-123","timestamp":"2023-04-01T14:00:20.000Z"}`)
	last.nothing()
	last.leave()
	d.host().nothing()
	d.clock.Advance(2 * time.Minute)
	d.host().nothing() // the other tab seems to be there, but was told long before
}

// TestMissedAfterCrash: a validation that was stored and not announced, because the process died between, is announced.
func TestMissedAfterCrash(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	_, alice := d.client("Alice")
	_, err := d.db.Pool.Exec(t.Context(), `UPDATE clients SET status = 'valide', validated_at = joined_at, comment = 'Merci' WHERE id = $1`, alice.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	d.kill()
	d.start()
	host := d.host()
	host.expect("cart-validated", fmt.Sprintf(`{"clientId":%q,"comment":"Merci"}`, alice.ClientID))
	host.nothing()
}

// TestValidated: a validated cart is frozen, through a disconnection and the close too.
func TestValidated(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	a, alice := d.client("Alice")
	a.must("update-cart", cart)
	a.must("validate-cart", `{"comment": null}`)
	a.refused("update-cart", `{"cart": []}`, "Ce panier est déjà validé")
	a.refused("validate-cart", `{}`, "Ce panier est déjà validé")
	a.leave()
	host.take()
	d.is(alice.ClientID, "valide", false)
	b := d.connect(t, "")
	b.resume(reunion.DemoReunion, alice)
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Alice","email":null},"cart":[{"productId":"prod-789","quantity":2}],"status":"valide"…`, alice.ClientID))
	d.is(alice.ClientID, "valide", true)
	b.expect("reunion-status", `"active"`)
	b.refused("update-cart", `{"cart": []}`, "Ce panier est déjà validé")
	host.must("close-reunion", `{"reunionId": "reunion-123"}`)
	b.leave()
	host.expect("reunion-closed", "")
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"valide"}`, alice.ClientID))
	if r := d.row(alice.ClientID); r.Cart != `[{"quantity": 2, "productId": "prod-789"}]` {
		t.Errorf("the cart is %s", r.Cart)
	}
}

// TestAfterClose: open carts are abandoned; whoever joins later is told so and refused; the host may look.
func TestAfterClose(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	a, alice := d.client("Alice")
	host.take()
	d.clock.Advance(time.Hour)
	host.must("close-reunion", `"reunion-123"`)
	host.expect("reunion-closed", "")
	a.expect("reunion-closed", "")
	d.is(alice.ClientID, "non_finalise", true)
	host.refused("close-reunion", `"reunion-123"`, "Cette réunion est terminée")
	a.refused("update-cart", cart, "Cette réunion est terminée")
	a.refused("validate-cart", `{}`, "Cette réunion est terminée")
	for _, late := range []string{
		`{"reunionId": "reunion-123", "clientInfo": {"name": "Bob"}}`,
		fmt.Sprintf(`{"reunionId": "reunion-123", "clientInfo": {"clientId": %q, "resumeToken": %q}}`, alice.ClientID, alice.ResumeToken),
	} {
		b := d.connect(t, "")
		if ack := b.emit("join-reunion-client", late); ack != `{"success":false,"message":"Cette réunion est terminée"}` {
			t.Errorf("%s: %s", late, ack)
		}
		b.expect("reunion-status", `"terminee"`)
		b.expect("reunion-error", `{"message":"Cette réunion est terminée"}`)
	}
	host.nothing()
	d.survey()
	host.expect("survey-submitted", `{"reunionId":"reunion-123","timestamp":"2023-04-01T15:00:00.000Z"}`)
	host.leave()
	again := d.connect(t, d.token(0))
	again.must("join-reunion-host", `"reunion-123"`)
	again.expect("reunion-data", fmt.Sprintf(`{"id":"reunion-123","status":"terminee","clients":[{"id":%q…`, alice.ClientID))
	again.nothing()
}

// TestSessionEnds: a new password ends the seller's sockets, and until then they can do nothing more.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	if err := d.Operator().SetPassword(t.Context(), reunion.DemoAccounts()[0].Email, "another password"); err != nil {
		t.Fatal(err)
	}
	host.refused("close-reunion", `"reunion-123"`, "Token invalide ou expiré")
	host.refused("join-reunion-host", `"reunion-123"`, "Token invalide ou expiré")
	other := d.connect(t, d.token(1))
	d.clock.Advance(6 * time.Second)
	eventually(t, "the end of the socket", func() bool { return host.isClosed() })
	if other.isClosed() {
		t.Error("the other seller's socket was closed")
	}
}

package reunion_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/reunion"
)

// TestReturnAfterCrash: clients that were connected when the process was killed have 30 seconds from the next one's start,
// however late that is; who does not return is gone, and the host is told.
func TestReturnAfterCrash(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	a, alice := d.client("Alice")
	a.must("update-cart", cart)
	_, bob := d.client("Bob")
	c, carol := d.client("Carol")
	c.must("validate-cart", `{}`)
	d.kill()
	d.clock.Advance(time.Hour)
	d.start()
	host := d.host()
	host.expect("cart-validated", `{…`) // nobody hosted when it happened
	d.tend()
	host.nothing()
	d.clock.Advance(29 * time.Second)
	d.tend()
	back := d.connect(t, "")
	if again := back.resume(reunion.DemoReunion, alice); again != alice {
		t.Fatalf("%+v became %+v", alice, again)
	}
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Alice","email":null},"cart":[{"productId":"prod-789","quantity":2}],"status":"en_cours"…`, alice.ClientID))
	host.nothing()
	d.is(bob.ClientID, "en_cours", true)

	d.clock.Advance(time.Second)
	eventually(t, "the end of those who did not return", func() bool {
		return d.row(bob.ClientID).DisconnectedAt != nil && d.row(carol.ClientID).DisconnectedAt != nil
	})
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, bob.ClientID))
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"valide"}`, carol.ClientID))
	d.is(alice.ClientID, "en_cours", true)
	back.leave()
	d.is(alice.ClientID, "non_finalise", false)
}

// TestLeaveAfterReturn: a client that has returned after a crash, and leaves, is gone at once, whatever the dead process left.
func TestLeaveAfterReturn(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	_, alice := d.client("Alice")
	_, bob := d.client("Bob")
	d.kill()
	d.start()
	d.tend()
	host := d.host()
	back := d.connect(t, "")
	back.resume(reunion.DemoReunion, alice)
	host.expect("client-joined", `{…`)
	back.leave()
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, alice.ClientID))
	d.is(alice.ClientID, "non_finalise", false)
	d.is(bob.ClientID, "en_cours", true)
	d.clock.Advance(30 * time.Second)
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, bob.ClientID)) // and nothing of Alice
	host.nothing()
}

// TestDoubted: a process that starts does not know that another one lives: what it therefore gets wrong is put right when the
// other one renews its lease.
func TestDoubted(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	one, alice := d.client("Alice")
	two := d.connect(t, "")
	two.resume(reunion.DemoReunion, alice)
	d.tend()
	second := d.newProcess("second")
	t.Cleanup(second.stop)
	if err := second.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	host.take()
	one.leave() // two is at the same process, which does not doubt itself
	host.nothing()
	there := second.connect(t, "")
	there.resume(reunion.DemoReunion, alice)
	there.leave()
	d.is(alice.ClientID, "non_finalise", false)
	d.clock.Advance(5 * time.Second)
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Alice","email":null},"cart":[],"status":"en_cours"…`, alice.ClientID))
	d.is(alice.ClientID, "en_cours", true)
	two.leave()
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, alice.ClientID))
}

// TestReturnAfterRestart: a server that is stopped in good order gives its clients the same time.
func TestReturnAfterRestart(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	_, alice := d.client("Alice")
	d.end()
	d.is(alice.ClientID, "en_cours", true)
	d.start()
	d.tend()
	d.is(alice.ClientID, "en_cours", true)
	d.clock.Advance(31 * time.Second)
	eventually(t, "the end of who did not return", func() bool { return d.row(alice.ClientID).DisconnectedAt != nil })
}

// TestTwoProcesses: a client with sockets at two processes is there until the last one is gone, whoever closes it; and what one
// process changes, the other respects.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	d.tend() // it has begun, and will not doubt the second
	second := d.newProcess("second")
	t.Cleanup(second.stop)
	here, alice := d.client("Alice")
	there := second.connect(t, "")
	if again := there.resume(reunion.DemoReunion, alice); again != alice {
		t.Fatalf("%+v became %+v", alice, again)
	}
	there.take()
	here.leave()
	d.is(alice.ClientID, "en_cours", true)
	there.must("validate-cart", `{}`)
	d.host().expect("cart-validated", fmt.Sprintf(`{"clientId":%q}`, alice.ClientID)) // its own process told nobody
	there.leave()
	d.is(alice.ClientID, "valide", false)

	_, bob := d.client("Bob")
	d.kill()
	d.clock.Advance(29 * time.Second)
	if err := second.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.is(bob.ClientID, "en_cours", true)
	d.clock.Advance(time.Second)
	eventually(t, "the end of a dead process's client", func() bool { return d.row(bob.ClientID).DisconnectedAt != nil })
	second.stop()
	<-second.stopped
	d.start() // for the end of the test
}

// TestLostLease: a process that could not renew its lease in time, and whose clients another one counted as gone, has them back.
func TestLostLease(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	a, alice := d.client("Alice")
	_, bob := d.client("Bob")
	b, carol := d.client("Carol")
	host.take()
	d.process.stop() // as if it were stopped by SIGSTOP
	<-d.stopped
	second := d.newProcess("second")
	if err := second.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.clock.Advance(31 * time.Second)
	eventually(t, "the end of all", func() bool {
		return d.row(alice.ClientID).DisconnectedAt != nil && d.row(bob.ClientID).DisconnectedAt != nil && d.row(carol.ClientID).DisconnectedAt != nil
	})
	second.stop()
	<-second.stopped
	a.must("update-cart", cart) // who acts is there
	host.expect("cart-updated", `{…`)
	d.is(alice.ClientID, "en_cours", true)
	b.leave()
	d.tend()
	host.expect("client-joined", fmt.Sprintf(`{"id":%q,"info":{"name":"Bob"…`, bob.ClientID))
	host.nothing()
	d.is(bob.ClientID, "en_cours", true)
	d.is(carol.ClientID, "non_finalise", false)
	a.leave()
	d.is(alice.ClientID, "non_finalise", false)
}

// TestLeavingWhileTheDatabaseIsAway: what could not be stored is stored later.
func TestLeavingWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	a, alice := d.client("Alice")
	b, bob := d.client("Bob")
	host.take()
	d.outage.Set(true)
	a.leave()
	b.refused("update-cart", cart, "Service momentanément indisponible")
	b.refused("validate-cart", `{}`, "Service momentanément indisponible")
	host.refused("close-reunion", `"reunion-123"`, "Service momentanément indisponible")
	host.refused("join-reunion-host", `"reunion-123"`, "Service momentanément indisponible")
	late := d.connect(t, "")
	if ack := late.join(reunion.DemoReunion, "Carol"); ack.Success || ack.Message != "Service momentanément indisponible" {
		t.Errorf("%+v", ack)
	}
	d.is(alice.ClientID, "en_cours", true)
	d.outage.Set(false)
	eventually(t, "the end of a client", func() bool { return d.row(alice.ClientID).DisconnectedAt != nil })
	host.expect("client-disconnected", fmt.Sprintf(`{"clientId":%q,"status":"non_finalise"}`, alice.ClientID))
	eventually(t, "the end of all that was to be repeated", func() bool {
		_, strays := d.Held()
		return strays == 0
	})
	if seats, _ := d.Held(); seats != 1 {
		t.Errorf("%d seats are taken", seats)
	}
	b.take()
	b.must("update-cart", cart)
	d.is(bob.ClientID, "en_cours", true)
	if ack := late.join(reunion.DemoReunion, "Carol"); !ack.Success {
		t.Errorf("%+v", ack)
	}
}

// TestStrays: a client that cannot be taken away does not keep the others.
func TestStrays(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	var stuck joined
	var left []*actor
	for range 6 {
		a, as := d.client("Alice")
		left, stuck = append(left, a), as
	}
	exec := func(sql string) {
		t.Helper()
		if _, err := d.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$`)
	exec(`CREATE TRIGGER all_stay BEFORE DELETE ON connections FOR EACH ROW EXECUTE FUNCTION refuse()`)
	for _, a := range left {
		a.leave()
	}
	if _, strays := d.Held(); strays != len(left) {
		t.Fatalf("%d strays", strays)
	}
	exec(`CREATE TRIGGER one_stays BEFORE DELETE ON connections FOR EACH ROW WHEN (OLD.client_id = '` + stuck.ClientID + `') EXECUTE FUNCTION refuse()`)
	exec(`DROP TRIGGER all_stay ON connections`)
	if err := d.Tend(t.Context()); err == nil {
		t.Error("nothing was refused")
	}
	if _, strays := d.Held(); strays != 1 {
		t.Errorf("%d strays", strays)
	}
	exec(`DROP TRIGGER one_stays ON connections`)
	d.tend()
	d.is(stuck.ClientID, "non_finalise", false)
}

// tend does now what happens every second.
func (d *demo) tend() {
	d.t.Helper()
	if err := d.Tend(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

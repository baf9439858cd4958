package reunion_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/reunion"
)

var seed = flag.Uint64("seed", 0, "repeat a run of TestPicture: its seed")

// picture is what a host knows from what it was sent.
type picture struct {
	status    string
	clients   map[string]pictured
	validated map[string]int // how often it heard of it
}

type pictured struct {
	status string
	cart   string
}

// pictureOf folds what a host was sent.
func pictureOf(t *testing.T, sent []message) picture {
	t.Helper()
	p := picture{clients: map[string]pictured{}, validated: map[string]int{}}
	read := func(m message, v any) {
		if err := json.Unmarshal([]byte(m.payload), v); err != nil {
			t.Fatalf("%s: %v", m, err)
		}
	}
	lines := func(cart []events.CartLine) string { return fmt.Sprint(cart) }
	for _, m := range sent {
		switch m.event {
		case "reunion-data":
			var whole events.Reunion
			read(m, &whole)
			p.status = string(whole.Status)
			for _, c := range whole.Clients {
				p.clients[c.ID] = pictured{string(c.Status), lines(c.Cart)}
			}
		case "client-joined":
			var c events.Client
			read(m, &c)
			p.clients[c.ID] = pictured{string(c.Status), lines(c.Cart)}
		case "cart-updated":
			var u events.CartUpdated
			read(m, &u)
			p.clients[u.ClientID] = pictured{p.clients[u.ClientID].status, lines(u.Cart)}
		case "cart-validated":
			var v events.CartValidated
			read(m, &v)
			p.clients[v.ClientID] = pictured{"valide", p.clients[v.ClientID].cart}
			p.validated[v.ClientID]++
		case "client-disconnected":
			var gone events.ClientDisconnected
			read(m, &gone)
			p.clients[gone.ClientID] = pictured{string(gone.Status), p.clients[gone.ClientID].cart}
		case "reunion-closed":
			p.status = "terminee"
			for id, c := range p.clients {
				if c.status == "en_cours" {
					p.clients[id] = pictured{"non_finalise", c.cart}
				}
			}
		}
	}
	return p
}

// stored is the picture that the database has.
func (d *demo) stored() picture {
	d.t.Helper()
	p := picture{clients: map[string]pictured{}}
	if err := d.db.Pool.QueryRow(d.t.Context(), `SELECT status FROM reunions WHERE id = $1`, reunion.DemoReunion).Scan(&p.status); err != nil {
		d.t.Fatal(err)
	}
	rows, err := d.db.Pool.Query(d.t.Context(), `SELECT id, status, cart FROM clients WHERE reunion_id = $1`, reunion.DemoReunion)
	if err != nil {
		d.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, status string
		var cart []events.CartLine
		if err := rows.Scan(&id, &status, &cart); err != nil {
			d.t.Fatal(err)
		}
		p.clients[id] = pictured{status, fmt.Sprint(cart)}
	}
	if err := rows.Err(); err != nil {
		d.t.Fatal(err)
	}
	return p
}

// visitor is a client that does anything at random, with up to two sockets, until the réunion is over.
type visitor struct {
	d       *demo
	random  *rand.Rand
	sockets []*actor
	is      joined
}

func (v *visitor) step() {
	if len(v.sockets) < 1+v.random.IntN(2) {
		a := v.d.connect(v.d.t, "")
		v.sockets = append(v.sockets, a)
		if v.is.ClientID != "" && v.random.IntN(5) > 0 {
			a.resume(reunion.DemoReunion, v.is)
		} else if is := a.join(reunion.DemoReunion, "Visiteur"); is.Success && v.is.ClientID == "" {
			v.is = is
		}
		return
	}
	at := v.random.IntN(len(v.sockets))
	a := v.sockets[at]
	switch n := v.random.IntN(10); {
	case n < 6:
		a.emit("update-cart", fmt.Sprintf(`{"cart": [{"productId": "prod-%d", "quantity": %d}]}`, v.random.IntN(100), 1+v.random.IntN(999)))
	case n < 9:
		a.leave()
		v.sockets = append(v.sockets[:at], v.sockets[at+1:]...)
	case v.random.IntN(3) == 0:
		a.emit("validate-cart", `{"comment": "Merci"}`)
	}
}

// TestPicture: whatever clients do at the same time, from several sockets each, and whenever a host comes: what it was sent
// adds up to what is stored; it hears of a validation once; and the close leaves no open cart.
func TestPicture(t *testing.T) {
	t.Parallel()
	seed := *seed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed=%d", seed)
	d := startDemo(t, options{})
	first := d.connect(t, d.token(0))
	first.must("join-reunion-host", `"reunion-123"`)
	hosts := []*actor{first}

	var group sync.WaitGroup
	for n := range uint64(8) {
		v := &visitor{d: d, random: rand.New(rand.NewPCG(seed, n))}
		group.Go(func() {
			for range 60 {
				v.step()
			}
		})
	}
	for range 5 {
		d.survey()
		host := d.connect(t, d.token(0))
		host.must("join-reunion-host", `"reunion-123"`)
		hosts = append(hosts, host)
	}
	if seed%2 == 0 { // half of the runs end amid everything
		first.must("close-reunion", `"reunion-123"`)
	}
	group.Wait()

	want := d.stored()
	var firstSent []message
	for i, host := range hosts {
		sent := host.take()
		if host == first {
			firstSent = sent
		}
		got := pictureOf(t, sent)
		if got.status != want.status || !reflect.DeepEqual(got.clients, want.clients) {
			t.Errorf("host %d sees\n%+v\nand there is\n%+v", i, got, want)
		}
		for id, times := range got.validated {
			if times != 1 {
				t.Errorf("host %d heard %d times that %s validated", i, times, id)
			}
		}
	}
	heard := pictureOf(t, firstSent).validated // it was there all the time
	for id, c := range want.clients {
		if c.status == "valide" && heard[id] != 1 {
			t.Errorf("the first host heard %d times that %s validated", heard[id], id)
		}
		if want.status == "terminee" && c.status == "en_cours" {
			t.Errorf("%s is open in a réunion that is over", id)
		}
	}
	t.Logf("%d clients, %d validated, the réunion is %s", len(want.clients), len(heard), want.status)
}

// TestParallelJoin: of many sockets that resume one client, or validate its cart, or close the réunion, all agree on what
// happened.
func TestParallelJoin(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	_, alice := d.client("Alice")
	host.take()
	const n = 12
	acks := make([]string, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			a := d.connect(t, "")
			a.resume(reunion.DemoReunion, alice)
			acks[i] = a.emit("validate-cart", fmt.Sprintf(`{"comment": "%d"}`, i))
		})
	}
	group.Wait()
	winner := -1
	for i, ack := range acks {
		switch ack {
		case `{"success":true}`:
			if winner >= 0 {
				t.Errorf("%d and %d validated the same cart", winner, i)
			}
			winner = i
		case `{"success":false,"message":"Ce panier est déjà validé"}`:
		default:
			t.Error(ack)
		}
	}
	if r := d.row(alice.ClientID); *r.Comment != fmt.Sprint(winner) {
		t.Errorf("the comment is %s of %d", *r.Comment, winner)
	}

	closed := make([]string, n)
	for i := range n {
		group.Go(func() {
			a := d.connect(t, d.token(0))
			closed[i] = a.emit("close-reunion", `"reunion-123"`)
		})
	}
	late := make([]joined, n)
	for i := range n {
		group.Go(func() { late[i] = d.connect(t, "").join(reunion.DemoReunion, "Bob") })
	}
	group.Wait()
	won := 0
	for _, ack := range closed {
		if ack == `{"success":true}` {
			won++
		} else if ack != `{"success":false,"message":"Cette réunion est terminée"}` {
			t.Error(ack)
		}
	}
	if won != 1 {
		t.Errorf("the réunion was closed %d times", won)
	}
	for _, ack := range late {
		if ack.Success {
			d.is(ack.ClientID, "non_finalise", true)
		} else if ack.Message != "Cette réunion est terminée" {
			t.Error(ack.Message)
		}
	}
}

// TestParallelCreate: many sockets of two sellers join one unknown id at once: one seller owns it, the other is refused.
func TestParallelCreate(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	tokens := []string{d.token(0), d.token(1)}
	acks := [2][8]string{}
	var group sync.WaitGroup
	for seller := range acks {
		for i := range acks[seller] {
			group.Go(func() {
				acks[seller][i] = d.connect(t, tokens[seller]).emit("join-reunion-host", `"reunion-new"`)
			})
		}
	}
	group.Wait()
	for seller := range acks {
		for _, ack := range acks[seller] {
			if ack != acks[seller][0] {
				t.Errorf("seller %d was told %s and %s", seller, acks[seller][0], ack)
			}
		}
	}
	if acks[0][0] == acks[1][0] {
		t.Errorf("both were told %s", acks[0][0])
	}
}

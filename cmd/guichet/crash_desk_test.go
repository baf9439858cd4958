//go:build unix

package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/tickets"
)

// writers is how many clients work at the ticket desk at a time.
const writers = 6

// deskTicket is what clients know of a ticket. One client at a time has it.
type deskTicket struct {
	id, numero string   // "" until its creation was acknowledged, or found after a crash
	titre      string   // as acknowledged
	asked      string   // a titre that was asked for without an answer; "": none
	messages   []string // acknowledged
	unanswered []string // messages that were sent without an answer
	version    int
}

// desk is the clients of the ticket desk: they create tickets, rename them and write messages, and one listens.
type desk struct {
	t     *testing.T
	token string
	ear   *ear

	mu      sync.Mutex
	tickets map[string]*deskTicket // by name, with which every titre of the ticket begins
	idle    []string               // names of tickets about which nothing is open
	answers int
	random  *rand.Rand
}

func newDesk(t *testing.T, seed uint64) *desk {
	return &desk{t: t, tickets: map[string]*deskTicket{}, random: rand.New(rand.NewPCG(seed, 2))}
}

// prepare logs in, and lets the listener hear of a first ticket: from then on it knows where it is.
func (d *desk) prepare(s *server) {
	account := tickets.DemoAccount()
	d.token = tokenOf(d.t, s.tickets, account.Email, account.Password)
	d.ear = newEar(d.t, d.token)
	hearing, done := context.WithCancel(d.t.Context())
	listened := make(chan struct{})
	connected := make(chan struct{})
	go func() {
		defer close(listened)
		d.ear.listen(hearing, s, connected)
	}()
	<-connected
	d.create(d.t.Context(), s)
	eventually(d.t, "the first event", func() bool { return d.ear.last() == 1 })
	done()
	<-listened
}

// run lets everybody work.
func (d *desk) run(ctx context.Context, s *server) {
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for ctx.Err() == nil {
				if !d.work(ctx, s) {
					pause(ctx)
				}
			}
		})
	}
	group.Go(func() {
		for ctx.Err() == nil {
			d.ear.listen(ctx, s, nil)
			pause(ctx)
		}
	})
	group.Wait()
}

// work does one thing, and reports whether it was answered.
func (d *desk) work(ctx context.Context, s *server) bool {
	d.mu.Lock()
	if len(d.idle) == 0 || d.random.IntN(3) == 0 {
		d.mu.Unlock()
		return d.create(ctx, s)
	}
	i := d.random.IntN(len(d.idle))
	name := d.idle[i]
	d.idle = slices.Delete(d.idle, i, i+1)
	one := d.tickets[name]
	one.version++
	text := fmt.Sprintf("%s, version %d", name, one.version)
	rename := d.random.IntN(2) == 0
	if rename {
		one.asked = text
	} else {
		one.unanswered = append(one.unanswered, text)
	}
	d.mu.Unlock()
	if rename {
		return d.send(ctx, "PATCH", s.tickets+"/api/tickets-client/"+one.id, fmt.Sprintf(`{"titre":%q}`, text), name, func(answer) {
			one.titre, one.asked = text, ""
		})
	}
	return d.send(ctx, "POST", s.tickets+"/api/tickets-client/"+one.id+"/messages", fmt.Sprintf(`{"contenu":%q}`, text), name, func(answer) {
		one.messages, one.unanswered = append(one.messages, text), nil
	})
}

// create makes a new ticket.
func (d *desk) create(ctx context.Context, s *server) bool {
	d.mu.Lock()
	name := fmt.Sprintf("Crash %d", len(d.tickets)+1)
	one := &deskTicket{asked: name}
	d.tickets[name] = one
	d.mu.Unlock()
	body := fmt.Sprintf(`{"titre":%q,"description":"…","priority":"normale","categorie":"travaux"}`, name)
	return d.send(ctx, "POST", s.tickets+"/api/tickets-client", body, name, func(a answer) {
		one.id, one.numero, one.titre, one.asked = a.str("id"), a.str("numero"), name, ""
	})
}

// send asks for a change. Its acknowledgement is noted, and then the ticket is free again. A 503 is none: it may follow a commit
// whose confirmation was lost.
func (d *desk) send(ctx context.Context, method, url, body, name string, note func(answer)) (answered bool) {
	a, err := tryCall(ctx, method, url, d.token, body)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil || a.status == 503:
		return false
	case a.status == 200 || a.status == 201:
		note(a)
		d.answers++
		d.idle = append(d.idle, name)
	default:
		d.t.Errorf("%s %s: %d %s", method, url, a.status, a.text)
	}
	return true
}

func (d *desk) acknowledged() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.answers
}

func (d *desk) summary() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := len(d.tickets) - len(d.idle)
	return fmt.Sprintf("%d changes of %d tickets acknowledged, %d tickets with something open, %d events heard", d.answers, len(d.tickets), open, d.ear.last())
}

// deskInvariants find what must not be: see holdTo. What a change is, what the history tells of it and what was announced are
// compared one by one. An event waits in outbox until it has its number.
var deskInvariants = map[string]string{
	"a ticket was created without a word in the history, or without an event, or the other way round": told + `
		SELECT coalesce(t.id::text, h.ticket_id::text, e.id) FROM (SELECT * FROM tickets WHERE titre LIKE 'Crash %') t
		FULL JOIN (SELECT * FROM historique WHERE action = 'creation') h ON h.ticket_id = t.id
		FULL JOIN (SELECT payload->>'id' AS id, payload->>'numero' AS numero FROM told WHERE event = 'ticket_created') e ON e.id = t.id::text
		WHERE t.id IS NULL OR h.id IS NULL OR e.id IS NULL OR e.numero <> t.numero`,
	"a ticket was renamed without an event, or the other way round": told + `
		SELECT coalesce(h.ticket_id::text, e.id) || ' ' || coalesce(h.titre, e.titre) FROM
			(SELECT ticket_id, substring(description FROM ' à ''(.*)''$') AS titre FROM historique WHERE action = 'titre_change') h
		FULL JOIN (SELECT payload->>'id' AS id, payload->'changes'->>'titre' AS titre FROM told
			WHERE event = 'ticket_updated' AND payload->'changes'->>'titre' IS NOT NULL) e ON e.id = h.ticket_id::text AND e.titre = h.titre
		WHERE h.titre IS NULL OR e.titre IS NULL`,
	"a ticket's titre is not the last of its history": `
		SELECT t.titre FROM tickets t JOIN (SELECT DISTINCT ON (ticket_id) ticket_id, description FROM historique
			WHERE action = 'titre_change' ORDER BY ticket_id, created_at DESC, id DESC) h ON h.ticket_id = t.id
		WHERE h.description NOT LIKE '% à ''' || t.titre || ''''`,
	"a message was written without an event, or the other way round": told + `
		SELECT coalesce(m.contenu, e.contenu) FROM messages m
		FULL JOIN (SELECT payload->>'ticketId' AS id, payload->'message'->>'contenu' AS contenu FROM told WHERE event = 'message_added') e
			ON e.id = m.ticket_id::text AND e.contenu = m.contenu
		WHERE (m.id IS NULL OR e.id IS NULL) AND coalesce(m.contenu, e.contenu) LIKE 'Crash %'`,
	"an event, a change or a message is there twice": told + `
		SELECT what FROM (SELECT event || ' ' || payload::text AS what FROM told UNION ALL
			SELECT ticket_id || ' ' || description FROM historique UNION ALL SELECT ticket_id || ' ' || contenu FROM messages) AS x
		GROUP BY what HAVING count(*) > 1`,
	"a year's numeros have gaps": `
		SELECT n.annee || ': ' || n.dernier || ' given, ' || count(t.id) || ' there, the last is ' || max(split_part(t.numero, '-', 3)::bigint)
		FROM numeros n LEFT JOIN tickets t ON split_part(t.numero, '-', 2)::int = n.annee
		GROUP BY n.annee, n.dernier HAVING count(t.id) <> n.dernier OR max(split_part(t.numero, '-', 3)::bigint) <> n.dernier`,
	"the numbers of events have gaps": `
		SELECT h.n || ' given, ' || count(l.n) || ' there, the last is ' || max(l.n)
		FROM platform.outbox_heads h LEFT JOIN platform.outbox_log l USING (system) WHERE h.system = 'tickets'
		GROUP BY h.n HAVING count(l.n) <> h.n OR max(l.n) <> h.n`,
}

// told are all events of the ticket desk, announced or about to be.
const told = `WITH told AS (SELECT event, payload FROM platform.outbox WHERE system = 'tickets'
	UNION ALL SELECT event, payload FROM platform.outbox_log WHERE system = 'tickets')`

// verify compares the database with what clients know, and closes what a crash left open.
func (d *desk) verify(s *server) {
	d.t.Helper()
	conn := connect(d.t, s, tickets.Name)
	holdTo(d.t, conn, deskInvariants)
	stored := map[string]deskTicket{} // by name
	rows, err := conn.Query(d.t.Context(), `SELECT split_part(titre, ',', 1), t.id::text, numero, titre,
		array(SELECT contenu FROM messages WHERE ticket_id = t.id) FROM tickets t WHERE titre LIKE 'Crash %'`)
	if err != nil {
		d.t.Fatal(err)
	}
	var name string
	var row deskTicket
	if _, err := pgx.ForEachRow(rows, []any{&name, &row.id, &row.numero, &row.titre, &row.messages}, func() error {
		stored[name] = row
		row.messages = nil
		return nil
	}); err != nil {
		d.t.Fatal(err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.idle = d.idle[:0]
	for _, name := range slices.Sorted(maps.Keys(d.tickets)) {
		if d.tickets[name].close(d.t, name, stored[name]) {
			d.idle = append(d.idle, name)
		}
		delete(stored, name)
	}
	for name := range stored {
		d.t.Errorf("nobody has asked for %s", name)
	}
}

// close compares a ticket with its row, which is empty when there is none, and takes over what had been done without an answer. It
// reports whether the ticket exists.
func (one *deskTicket) close(t *testing.T, name string, row deskTicket) (exists bool) {
	t.Helper()
	if row.id == "" {
		if one.id != "" {
			t.Errorf("%s was acknowledged and is lost", name)
		}
		return false
	}
	if one.id != "" && (row.id != one.id || row.numero != one.numero) {
		t.Errorf("%s is %s %s, acknowledged was %s %s", name, row.id, row.numero, one.id, one.numero)
	}
	if row.titre != one.titre && row.titre != one.asked {
		t.Errorf("%s is called %q, acknowledged was %q, asked for %q", name, row.titre, one.titre, one.asked)
	}
	for _, message := range one.messages {
		if !slices.Contains(row.messages, message) {
			t.Errorf("the message %q was acknowledged and is lost", message)
		}
	}
	for _, message := range row.messages {
		if !slices.Contains(one.messages, message) && !slices.Contains(one.unanswered, message) {
			t.Errorf("nobody has written %q", message)
		}
	}
	one.id, one.numero, one.titre, one.messages = row.id, row.numero, row.titre, row.messages
	one.asked, one.unanswered = "", nil
	return true
}

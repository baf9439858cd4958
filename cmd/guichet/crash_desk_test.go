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
	id, numero string            // "" until its creation was acknowledged, or found after a crash
	is         map[string]string // titre, status and responsable, as acknowledged
	asked      map[string]string // those of them that were asked for without an answer
	messages   []string          // acknowledged
	unanswered []string          // messages that were sent without an answer
	version    int
}

// text is one that nothing else has.
func (one *deskTicket) text(name string) string {
	one.version++
	return fmt.Sprintf("%s, version %d", name, one.version)
}

// desk is the clients of the ticket desk: they create tickets, rename, assign, close and reopen them and write messages, and one
// listens.
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
	w, ok := d.choose()
	d.mu.Unlock()
	if !ok {
		return d.create(ctx, s)
	}
	return d.send(ctx, s, w)
}

// wish is a change that a client asks for.
type wish struct {
	method, path, body string
	names              []string // of the tickets, which nobody else has until it is answered
	note               func(answer)
}

// choose takes tickets about which nothing is open, and says what is to become of them; at times, or without such tickets, nothing.
func (d *desk) choose() (w wish, ok bool) {
	open := func(one *deskTicket) bool { return one.is["status"] != "clos" }
	suits, count := func(*deskTicket) bool { return true }, 1
	what := d.random.IntN(8)
	if what >= 6 { // what is closed cannot be assigned
		suits, count = open, what-5
	}
	names := d.take(count, suits)
	if what < 2 || names == nil {
		d.idle = append(d.idle, names...)
		return wish{}, false
	}
	one := d.tickets[names[0]]
	text := one.text(names[0])
	switch what {
	case 2, 3:
		return d.change(names, "titre", text, "PATCH", "/"+one.id, fmt.Sprintf(`{"titre":%q}`, text)), true
	case 4:
		one.unanswered = append(one.unanswered, text)
		return wish{"POST", "/" + one.id + "/messages", fmt.Sprintf(`{"contenu":%q}`, text), names, func(answer) {
			one.messages, one.unanswered = append(one.messages, text), nil
		}}, true
	case 5:
		action, status := "cloturer", "clos"
		if !open(one) {
			action, status = "reopen", "en_cours"
		}
		return d.change(names, "status", status, "POST", "/"+one.id+"/action", fmt.Sprintf(`{"action":%q,"data":{"motif":%q}}`, action, text)), true
	case 6:
		return d.change(names, "responsable", text, "POST", "/"+one.id+"/action", fmt.Sprintf(`{"action":"affecter","data":{"responsable":%q}}`, text)), true
	}
	return d.change(names, "responsable", text, "POST", "/bulk", fmt.Sprintf(
		`{"ticketIds":[%q,%q],"action":"affecter","data":{"responsable":%q}}`, one.id, d.tickets[names[1]].numero, text)), true
}

// take takes so many of the idle tickets, or none.
func (d *desk) take(count int, suits func(*deskTicket) bool) []string {
	var names []string
	for _, i := range d.random.Perm(len(d.idle)) {
		if name := d.idle[i]; len(names) < count && suits(d.tickets[name]) {
			names = append(names, name)
		}
	}
	if len(names) < count {
		return nil
	}
	d.idle = slices.DeleteFunc(d.idle, func(name string) bool { return slices.Contains(names, name) })
	return names
}

// change is the wish for a new value of a field.
func (d *desk) change(names []string, field, value, method, path, body string) wish {
	for _, name := range names {
		d.tickets[name].asked[field] = value
	}
	return wish{method, path, body, names, func(a answer) {
		if failed, bulk := a.body["failed"]; bulk && failed != 0.0 {
			d.t.Errorf("bulk: %s", a.text)
		}
		for _, name := range names {
			one := d.tickets[name]
			one.is[field] = value
			delete(one.asked, field)
		}
	}}
}

// create makes a new ticket.
func (d *desk) create(ctx context.Context, s *server) bool {
	d.mu.Lock()
	name := fmt.Sprintf("Crash %d", len(d.tickets)+1)
	one := &deskTicket{is: map[string]string{}, asked: map[string]string{"titre": name, "status": "nouveau"}}
	d.tickets[name] = one
	d.mu.Unlock()
	body := fmt.Sprintf(`{"titre":%q,"description":"…","priority":"normale","categorie":"travaux"}`, name)
	return d.send(ctx, s, wish{"POST", "", body, []string{name}, func(a answer) {
		one.id, one.numero, one.is, one.asked = a.str("id"), a.str("numero"), one.asked, map[string]string{}
	}})
}

// send asks for a change. Its acknowledgement is noted, and then its tickets are free again. A 503 is none: it may follow a commit
// whose confirmation was lost.
func (d *desk) send(ctx context.Context, s *server, w wish) (answered bool) {
	a, err := tryCall(ctx, w.method, s.tickets+"/api/tickets-client"+w.path, d.token, w.body)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err != nil || a.status == 503:
		return false
	case a.status == 200 || a.status == 201:
		w.note(a)
		d.answers++
		d.idle = append(d.idle, w.names...)
	default:
		d.t.Errorf("%s %s: %d %s", w.method, w.path, a.status, a.text)
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
	"a ticket changed its status without an event, or the other way round": told + `
		SELECT concat(id, ' ', status, ' ', h.n, ' times, announced ', e.n) FROM
			(SELECT ticket_id::text AS id, substring(description FROM ' à ''(\w+)''') AS status, count(*) AS n FROM historique
			WHERE action = 'status_change' GROUP BY 1, 2) h
		FULL JOIN (SELECT payload->>'id' AS id, payload->'changes'->>'status' AS status, count(*) AS n FROM told
			WHERE event = 'ticket_updated' AND payload->'changes'->>'status' IS NOT NULL GROUP BY 1, 2) e USING (id, status)
		JOIN (SELECT id::text FROM tickets WHERE titre LIKE 'Crash %') t USING (id) WHERE h.n IS DISTINCT FROM e.n`,
	"a ticket's status is not the last of its history": `
		SELECT t.titre || ' ' || t.status FROM tickets t LEFT JOIN (SELECT DISTINCT ON (ticket_id) ticket_id,
			substring(description FROM ' à ''(\w+)''') AS status FROM historique
			WHERE action = 'status_change' ORDER BY ticket_id, created_at DESC, id DESC) h ON h.ticket_id = t.id
		WHERE t.titre LIKE 'Crash %' AND t.status <> coalesce(h.status, 'nouveau')`,
	"a ticket was assigned without an event, or the other way round": told + `
		SELECT coalesce(h.id || ' ' || h.who, e.id || ' ' || e.who) FROM (SELECT ticket_id::text AS id,
			substring(description FROM '^Ticket affecté à ''(.*)''$') AS who FROM historique WHERE action = 'responsable_change') h
		FULL JOIN (SELECT payload->>'id' AS id, payload->'changes'->>'responsable' AS who FROM told
			WHERE event = 'ticket_updated' AND payload->'changes'->>'responsable' IS NOT NULL) e ON e.id = h.id AND e.who = h.who
		WHERE coalesce(h.who, e.who) LIKE 'Crash %' AND (h.id IS NULL OR e.id IS NULL)`,
	"a ticket's responsable is not the last of its history": `
		SELECT t.titre FROM tickets t LEFT JOIN (SELECT DISTINCT ON (ticket_id) ticket_id,
			substring(description FROM '^Ticket affecté à ''(.*)''$') AS who FROM historique
			WHERE action = 'responsable_change' ORDER BY ticket_id, created_at DESC, id DESC) h ON h.ticket_id = t.id
		WHERE t.titre LIKE 'Crash %' AND t.responsable IS DISTINCT FROM h.who`,
	"the tally is not what there is": `
		SELECT concat(status, ' ', priority, ' ', categorie, ' ', sla_final, ': ', a.n, ', there are ', b.n) FROM
			(SELECT status, priority, categorie, sla_final, sum(n) AS n FROM tally GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0) a
		FULL JOIN (SELECT status, priority, categorie, coalesce(sla_final, '') AS sla_final, count(*) AS n FROM tickets GROUP BY 1, 2, 3, 4) b
			USING (status, priority, categorie, sla_final)
		WHERE a.n IS DISTINCT FROM b.n`,
	"the tally of clients and chantiers is not what there is": `
		SELECT concat(owner, ': ', a.n, ', there are ', b.n) FROM
			(SELECT concat_ws(' ', 'client', client_id, 'chantier', chantier_id) AS owner, sum(total) AS n, sum(ouverts) AS open
			FROM owner_tally GROUP BY 1 HAVING sum(total) <> 0) a
		FULL JOIN (SELECT concat_ws(' ', 'client', client_id, 'chantier', chantier_id) AS owner, count(*) AS n,
			count(*) - count(sla_final) AS open FROM tickets GROUP BY 1) b USING (owner)
		WHERE a.n IS DISTINCT FROM b.n OR a.open IS DISTINCT FROM b.open`,
	"a message was written without an event, or the other way round": told + `
		SELECT coalesce(m.contenu, e.contenu) FROM messages m
		FULL JOIN (SELECT payload->>'ticketId' AS id, payload->'message'->>'contenu' AS contenu FROM told WHERE event = 'message_added') e
			ON e.id = m.ticket_id::text AND e.contenu = m.contenu
		WHERE (m.id IS NULL OR e.id IS NULL) AND coalesce(m.contenu, e.contenu) LIKE 'Crash %'`,
	"an event, a change or a message is there twice": told + `
		SELECT what FROM (SELECT event || ' ' || payload::text AS what FROM told WHERE payload->'changes'->>'status' IS NULL UNION ALL
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
	rows, err := conn.Query(d.t.Context(), `SELECT split_part(titre, ',', 1), t.id::text, numero, titre, status, coalesce(responsable, ''),
		array(SELECT contenu FROM messages WHERE ticket_id = t.id) FROM tickets t WHERE titre LIKE 'Crash %'`)
	if err != nil {
		d.t.Fatal(err)
	}
	var name, titre, status, responsable string
	var row deskTicket
	if _, err := pgx.ForEachRow(rows, []any{&name, &row.id, &row.numero, &titre, &status, &responsable, &row.messages}, func() error {
		row.is = map[string]string{"titre": titre, "status": status, "responsable": responsable}
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
	for field, value := range row.is {
		if asked, ok := one.asked[field]; value != one.is[field] && (!ok || value != asked) {
			t.Errorf("%s: the %s is %q, acknowledged was %q, asked for %q", name, field, value, one.is[field], asked)
		}
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
	one.id, one.numero, one.is, one.messages = row.id, row.numero, row.is, row.messages
	one.asked, one.unanswered = map[string]string{}, nil
	return true
}

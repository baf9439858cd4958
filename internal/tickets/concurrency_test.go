package tickets

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/events"
)

// TestManyCreates: numeros are given once and none is missing, whatever is refused in between, and they are announced in their
// order.
func TestManyCreates(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true})
	token := d.token(demoEmail)
	e := d.listen(token, "")
	const creates, refused = 100, 50
	created := make([]api.CreateTicketResponse, creates)
	inParallel(creates+refused, func(i int) {
		body := map[string]any{"titre": fmt.Sprint("Ticket ", i), "priority": "haute", "categorie": "delais", "clientId": demoClient}
		if i >= creates {
			body["clientId"] = demoTicket // which is no client's
			d.call("POST", "/api/tickets-client", token, body).is(400, "Client introuvable")
			return
		}
		d.call("POST", "/api/tickets-client", token, body).is(201, textCreated).into(&created[i])
	})
	slices.SortFunc(created, func(a, b api.CreateTicketResponse) int { return cmpNumero(a.Numero, b.Numero) })
	heard := e.take(creates)
	for i, ticket := range created {
		want := formatNumero(2025, int64(i+2)) // the first is the demo data's
		if ticket.Numero != want {
			t.Fatalf("the %d-th numero is %s, want %s", i, ticket.Numero, want)
		}
		var event events.TicketCreated
		d.must(json.Unmarshal(heard[i].Data, &event))
		if event.ID != ticket.ID || event.Numero != ticket.Numero {
			t.Errorf("%s was announced as %s", ticket.Numero, heard[i].Data)
		}
	}
	e.ping()
	d.consistent()
}

func cmpNumero(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return slices.Compare([]byte(a), []byte(b))
}

// consistent compares the counters with a full recount, and each ticket with what its history and its events say of it.
func (d *desk) consistent() {
	d.t.Helper()
	if n := d.number(`SELECT count(*) FROM (
		SELECT status, priority, categorie, coalesce(sla_final, '') AS sla, count(*)::bigint AS n FROM tickets GROUP BY 1, 2, 3, 4
		EXCEPT SELECT status, priority, categorie, sla_final, sum(n)::bigint FROM tally GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0) AS wrong`); n != 0 {
		d.t.Errorf("%d counters differ from the tickets", n)
	}
	if n := d.number(`WITH counted AS (SELECT client_id, chantier_id, count(*)::bigint, count(*) FILTER (WHERE sla_final IS NULL) FROM tickets GROUP BY 1, 2),
		tallied AS (SELECT client_id, chantier_id, sum(total)::bigint, sum(ouverts)::bigint FROM owner_tally GROUP BY 1, 2 HAVING sum(total) <> 0)
		SELECT count(*) FROM ((TABLE counted EXCEPT TABLE tallied) UNION ALL (TABLE tallied EXCEPT TABLE counted)) AS wrong`); n != 0 {
		d.t.Errorf("%d counters of clients and chantiers differ from the tickets", n)
	}
	if counted, tickets := d.number(`SELECT coalesce(sum(n), 0)::bigint FROM tally`), d.number(`SELECT count(*) FROM tickets`); counted != tickets {
		d.t.Errorf("%d tickets are counted, there are %d", counted, tickets)
	}
	if n := d.number(`SELECT count(*) FROM tickets t WHERE numero <> (SELECT 'TC-' || annee || '-' || lpad(rang::text, greatest(3, length(rang::text)), '0') FROM (
		SELECT id, extract(year FROM date_creation AT TIME ZONE 'Europe/Paris') AS annee,
		       row_number() OVER (PARTITION BY substr(numero, 1, 8) ORDER BY length(numero), numero) AS rang FROM tickets) AS n WHERE n.id = t.id)`); n != 0 {
		d.t.Errorf("%d numeros have a gap before them", n)
	}
	d.retold()
}

// retold replays every event on paper: what it makes of the tickets is what they are.
func (d *desk) retold() {
	d.t.Helper()
	type state struct{ Status, Priority, Responsable, SLA string }
	told := map[string]state{}
	for _, f := range d.announced() {
		switch f.Type {
		case "ticket_created":
			var e events.TicketCreated
			d.must(json.Unmarshal(f.Data, &e))
			told[e.ID.String()] = state{Status: "nouveau", SLA: "ok"}
		case "ticket_updated":
			var e events.TicketUpdated
			d.must(json.Unmarshal(f.Data, &e))
			s, c := told[e.ID.String()], e.Changes
			if c.Status != nil {
				s.Status = string(*c.Status)
			}
			if c.Priority != nil {
				s.Priority = string(*c.Priority)
			}
			if to, ok := c.Responsable.Get(); ok {
				s.Responsable = to
			}
			if c.SLAStatus != nil {
				s.SLA = string(*c.SLAStatus)
			}
			told[e.ID.String()] = s
		}
	}
	for id, s := range told {
		if id == demoTicket.String() {
			continue // it was there before anything was told
		}
		n := d.number(`SELECT count(*) FROM tickets WHERE id = $1 AND status = $2 AND ($3 = '' OR priority = $3) AND coalesce(responsable, '') = $4
			AND sla_status = $5`, id, s.Status, s.Priority, s.Responsable, s.SLA)
		if n != 1 {
			d.t.Errorf("the events make %+v of ticket %s, which is something else", s, id)
		}
	}
}

// TestManyActionsOnOneTicket: none is lost, each is in the history and announced once, in the order in which they took place.
func TestManyActionsOnOneTicket(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	e := d.listen(jean.token, "")
	ticket := d.create(jean.token, api.PriorityHaute)
	const tags, people, messages = 40, 20, 20
	inParallel(tags+people+messages, func(i int) {
		switch {
		case i < tags:
			d.action(jean.token, ticket.ID, "ajouter_tags", map[string]any{"tags": []string{fmt.Sprint("tag", i)}}).is(200, textDone)
		case i < tags+people:
			d.action(jean.token, ticket.ID, "affecter", map[string]any{"responsable": fmt.Sprint("Personne ", i)}).is(200, textDone)
		default:
			d.call("POST", "/api/tickets-client/"+ticket.Numero+"/messages", jean.token, map[string]any{"contenu": fmt.Sprint(i)}).is(201, textMessageAdded)
		}
	})
	detail := d.ticket(jean.token, ticket.ID)
	if len(detail.Tags) != tags || len(detail.Messages) != messages || len(detail.Historique) != 1+tags+people {
		t.Errorf("%d tags, %d messages, %d entries", len(detail.Tags), len(detail.Messages), len(detail.Historique))
	}
	if first := e.take(1)[0]; first.Type != "ticket_created" {
		t.Errorf("%s comes first", first.Type)
	}
	var known []string
	said := 0
	for _, f := range e.take(tags + people + messages) {
		if f.Type == "message_added" {
			var event events.MessageAdded
			d.must(json.Unmarshal(f.Data, &event))
			if said >= messages || event.Message.Contenu != detail.Messages[said].Contenu {
				t.Errorf("the message %q is announced in another place than its own", event.Message.Contenu)
			}
			said++
			continue
		}
		var event events.TicketUpdated
		d.must(json.Unmarshal(f.Data, &event))
		if event.Changes.Tags == nil {
			continue
		}
		if len(event.Changes.Tags) != len(known)+1 || !slices.Equal(event.Changes.Tags[:len(known)], known) {
			t.Errorf("after %v comes %v", known, event.Changes.Tags)
		}
		known = event.Changes.Tags
	}
	if !slices.Equal(known, detail.Tags) {
		t.Errorf("the last event has the tags %v, the ticket %v", known, detail.Tags)
	}
	e.ping()
	d.consistent()
}

// TestOneCloses: of many who close a ticket at once one succeeds.
func TestOneCloses(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	ticket := d.create(jean.token, api.PriorityHaute)
	answers := make([]answer, 20)
	inParallel(len(answers), func(i int) {
		answers[i] = d.action(jean.token, ticket.ID, "cloturer", map[string]any{"motif": "Fait"})
	})
	closed := 0
	for _, answer := range answers {
		if answer.Status == 200 {
			closed++
		} else {
			answer.is(400, "Un ticket au statut 'clos' ne peut pas passer à 'clos'")
		}
	}
	if closed != 1 || len(d.announced()) != 2 {
		t.Errorf("the ticket was closed %d times; %d events", closed, len(d.announced()))
	}
	d.consistent()
}

// TestBulkAgainstBulk: two who change many of the same tickets, named in opposite orders, wait for one another in turn.
func TestBulkAgainstBulk(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	var names []string
	for i := range 20 {
		created := d.create(jean.token, api.PriorityHaute)
		names = append(names, []string{created.ID.String(), created.Numero}[i%2])
	}
	backwards := slices.Clone(names)
	slices.Reverse(backwards)
	inParallel(8, func(i int) {
		order := [][]string{names, backwards}[i%2]
		var got api.BulkResponse
		d.call("POST", "/api/tickets-client/bulk", jean.token, map[string]any{
			"ticketIds": append([]string{"TC-1999-001"}, order...), "action": "affecter", "data": map[string]any{"responsable": fmt.Sprint("Personne ", i)},
		}).is(200, "20 tickets mis à jour avec succès, 1 en échec").into(&got)
		if got.Success || got.Updated != 20 || got.Failed != 1 {
			t.Errorf("%+v", got)
		}
	})
	if n := d.number(`SELECT count(DISTINCT responsable) FROM tickets`); n != 1 {
		t.Errorf("the tickets are left to %d people: a bulk update took place in parts", n)
	}
	if n := len(d.announced()); n != 20+8*20 {
		t.Errorf("%d events", n)
	}
	d.consistent()
}

// TestWatchersShare: several processes look for thresholds at the same time, while tickets change; each crossing is announced
// exactly once.
func TestWatchersShare(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	const tickets = 250 // more than two batches
	d.exec(`INSERT INTO tickets (numero, titre, status, priority, categorie, date_creation, date_modification, date_limite, date_alerte)
		SELECT 'TC-2024-' || lpad(n::text, 3, '0'), 'Ticket', 'nouveau', 'critique', 'travaux', $2, $2, $2::timestamptz + interval '4 hours',
		       $2::timestamptz + interval '3 hours' FROM generate_series(1, $1::int) AS n`, tickets, sunday)
	others := []*API{d.API}
	for range 2 {
		other, err := newAPI(parts{clock: d.clock, pool: d.db.Pool, seed: "other"})
		d.must(err)
		others = append(others, other)
	}
	watchAll := func() {
		inParallel(len(others)*2+2, func(i int) {
			if i < len(others)*2 {
				if err := others[i%len(others)].watch(t.Context()); err != nil {
					t.Error(err)
				}
				return
			}
			for n := i; n <= tickets; n += 25 { // somebody works on some of them meanwhile
				d.call("POST", fmt.Sprintf("/api/tickets-client/TC-2024-%03d/action", n+1), jean.token,
					map[string]any{"action": "affecter", "data": map[string]any{"responsable": demoNom}})
			}
		})
		d.must(d.watch(t.Context())) // what was left because somebody held it
	}
	crossings := func(to events.SLAStatus) (n int) {
		seen := map[string]bool{}
		for _, f := range d.announced() {
			var e events.TicketUpdated
			d.must(json.Unmarshal(f.Data, &e))
			if e.Changes.SLAStatus == nil || *e.Changes.SLAStatus != to {
				continue
			}
			if seen[e.ID.String()] {
				t.Errorf("%s of ticket %s was announced twice", to, e.ID)
			}
			seen[e.ID.String()] = true
			n++
		}
		return n
	}
	watchAll()
	if n := crossings(events.SLAStatusWarning); n != 0 {
		t.Errorf("%d crossings before the threshold", n)
	}
	d.clock.Advance(3 * time.Hour)
	watchAll()
	if n := crossings(events.SLAStatusWarning); n != tickets {
		t.Errorf("%d warnings, want %d", n, tickets)
	}
	d.clock.Advance(time.Hour)
	watchAll()
	watchAll()
	if n := crossings(events.SLAStatusBreach); n != tickets {
		t.Errorf("%d breaches, want %d", n, tickets)
	}
}

package tickets

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/oapi-codegen/nullable"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// changing begins a change of a ticket that was created an hour ago and has this status.
func changing(status api.Status) *change {
	created := sunday.Add(-time.Hour)
	limit := DefaultSLA().deadline(api.PriorityHaute, created)
	c := &change{sla: DefaultSLA(), now: sunday, ticket: db.LockTicketsRow{
		Titre: "Fuite", Description: new("Au sous-sol"), Status: string(status), Priority: string(api.PriorityHaute), Responsable: new(demoNom),
		DateCreation: created, DateModification: created, DateLimite: limit, DateAlerte: warningFrom(created, limit),
		SlaStatus: string(api.SLAStatusOk), Tags: []string{"eau"},
	}}
	if isResolved(status) {
		c.ticket.DateResolution, c.ticket.SlaFinal = new(created.Add(time.Minute)), new(string(api.SLAStatusOk))
	}
	return c
}

// TestMoves: nothing goes back to nouveau, and what is closed or cancelled has to be reopened first.
func TestMoves(t *testing.T) {
	t.Parallel()
	for _, from := range someStatuses {
		for _, to := range someStatuses {
			want := from != to && to != api.StatusNouveau
			if from == api.StatusClos || from == api.StatusAnnule {
				want = to == api.StatusEnCours
			}
			c := changing(from)
			err := c.move(to, "motif")
			if (err == nil) != want || err != nil && !problem.Is(err, problem.Invalid) {
				t.Errorf("from %s to %s: %v", from, to, err)
			}
			if err != nil && (c.settle() || c.ticket.Status != string(from)) {
				t.Errorf("from %s to %s was refused and done", from, to)
			}
		}
	}
}

// TestActionsOnStatus: which actions a ticket's status allows.
func TestActionsOnStatus(t *testing.T) {
	t.Parallel()
	closed := []api.Status{api.StatusClos, api.StatusAnnule}
	open := slices.DeleteFunc(slices.Clone(someStatuses), isResolved)
	for name, test := range map[string]struct {
		act     step
		refused []api.Status
	}{
		"affecter":         {affecter(api.AffecterData{Responsable: "Marie Martin"}), closed},
		"escalader":        {escalader(api.EscaladerData{Niveau: 2}), closed},
		"cloturer":         {cloturer(api.MotifData{Motif: "Fait"}), closed},
		"reopen":           {reopen(api.MotifData{Motif: "Encore"}), open},
		"changer_priorite": {changerPriorite(api.ChangerPrioriteData{Priority: api.PriorityBasse}), closed},
		"ajouter_tags":     {ajouterTags(api.AjouterTagsData{Tags: []string{"suivi"}}), nil},
	} {
		for _, status := range someStatuses {
			c := changing(status)
			err := c.apply(test.act)
			if refused := slices.Contains(test.refused, status); refused != (err != nil) || err != nil && !problem.Is(err, problem.Invalid) {
				t.Errorf("%s on %s: %v", name, status, err)
			}
			if err == nil && (!c.settle() || len(c.history) == 0) {
				t.Errorf("%s on %s left no trace", name, status)
			}
		}
	}
}

// TestActionsAreTold: what each action announces and writes into the history.
func TestActionsAreTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		from    api.Status
		act     step
		changes events.Changes
		entry   entry
	}{
		"affecter": {
			api.StatusNouveau, affecter(api.AffecterData{Responsable: "Marie Martin"}),
			events.Changes{Responsable: orNull(new("Marie Martin"))}, entry{"responsable_change", "Ticket affecté à 'Marie Martin'"},
		},
		"escalader": {
			api.StatusEnCours, escalader(api.EscaladerData{Niveau: 2}),
			events.Changes{Status: new(events.StatusEscalade)}, entry{"status_change", "Statut changé de 'en_cours' à 'escalade' : niveau 2"},
		},
		"escalader further": {
			api.StatusEscalade, escalader(api.EscaladerData{Niveau: 3}),
			events.Changes{Status: new(events.StatusEscalade)}, entry{"escalation", "Escalade portée au niveau 3"},
		},
		"cloturer": {
			api.StatusEnCours, cloturer(api.MotifData{Motif: "Fait"}),
			events.Changes{Status: new(events.StatusClos)}, entry{"status_change", "Statut changé de 'en_cours' à 'clos' : Fait"},
		},
		"reopen": {
			api.StatusResolu, reopen(api.MotifData{Motif: "Encore"}),
			events.Changes{Status: new(events.StatusEnCours)}, entry{"status_change", "Statut changé de 'resolu' à 'en_cours' : Encore"},
		},
		"changer_priorite": {
			api.StatusEnCours, changerPriorite(api.ChangerPrioriteData{Priority: api.PriorityBasse}),
			events.Changes{Priority: new(events.PriorityBasse), DateLimite: new(sunday.Add(71 * time.Hour))},
			entry{"priority_change", "Priorité changée de 'haute' à 'basse'"},
		},
		"ajouter_tags": {
			api.StatusEnCours, ajouterTags(api.AjouterTagsData{Tags: []string{"eau", "suivi", "suivi"}}),
			events.Changes{Tags: []string{"eau", "suivi"}}, entry{"tags_change", "Tags : eau, suivi"},
		},
	} {
		c := changing(test.from)
		if err := c.apply(test.act); err != nil || !c.settle() {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := mustJSON(t, c.announced), mustJSON(t, test.changes); got != want {
			t.Errorf("%s announces %s, want %s", name, got, want)
		}
		if len(c.history) != 1 || c.history[0] != test.entry {
			t.Errorf("%s writes %v, want %v", name, c.history, test.entry)
		}
		if !c.ticket.DateModification.Equal(sunday) {
			t.Errorf("%s leaves dateModification at %s", name, c.ticket.DateModification)
		}
	}
}

// TestUpdate: only what differs is a change; a ticket is changed before it is closed, and after it is reopened.
func TestUpdate(t *testing.T) {
	t.Parallel()
	same := api.UpdateTicketRequest{
		Titre: new("Fuite"), Description: nullable.NewNullableWithValue("Au sous-sol"), Status: new(api.StatusEnCours), Priority: new(api.PriorityHaute),
		Responsable: nullable.NewNullableWithValue(demoNom), Tags: &[]string{"eau"},
	}
	other := func(status api.Status) *api.UpdateTicketRequest {
		return &api.UpdateTicketRequest{
			Titre: new("Inondation"), Description: nullable.NewNullNullable[string](), Status: &status, Priority: new(api.PriorityCritique),
			Responsable: nullable.NewNullNullable[string](), Tags: &[]string{},
		}
	}
	for name, test := range map[string]struct {
		from    api.Status
		body    *api.UpdateTicketRequest
		changes string // "": nothing is announced
		refused bool
	}{
		"nothing":        {api.StatusEnCours, &api.UpdateTicketRequest{}, "", false},
		"what is so":     {api.StatusEnCours, &same, "", false},
		"everything":     {api.StatusEnCours, other(api.StatusEscalade), `"status":"escalade"`, false},
		"and close it":   {api.StatusEnCours, other(api.StatusClos), `"status":"clos"`, false},
		"and reopen it":  {api.StatusClos, other(api.StatusEnCours), `"status":"en_cours"`, false},
		"what is closed": {api.StatusClos, &api.UpdateTicketRequest{Priority: new(api.PriorityBasse)}, "", true},
		"no such move":   {api.StatusEnCours, other(api.StatusNouveau), "", true},
	} {
		c := changing(test.from)
		err := c.apply(update(test.body))
		if test.refused {
			if !problem.Is(err, problem.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		told := c.settle()
		got := mustJSON(t, c.announced)
		if err != nil || told != (test.changes != "") {
			t.Errorf("%s: %v, %s", name, err, got)
		}
		if test.changes == "" {
			continue
		}
		const rest = `{"titre":"Inondation","description":null,%,"priority":"critique","responsable":null,"tags":[],"dateLimite":"2025-01-12T11:30:00.000Z"}`
		if want := strings.Replace(rest, "%", test.changes, 1); got != want {
			t.Errorf("%s announces %s, want %s", name, got, want)
		}
		if len(c.history) != 6 {
			t.Errorf("%s writes %v", name, c.history)
		}
	}
}

// TestTagLimit: a ticket has fifty tags at the most.
func TestTagLimit(t *testing.T) {
	t.Parallel()
	var more []string
	for i := range maxTags {
		more = append(more, string(rune('A'+i)))
	}
	c := changing(api.StatusEnCours)
	if err := c.addTags(more[1:]); err != nil || len(c.ticket.Tags) != maxTags {
		t.Errorf("%d tags: %v", len(c.ticket.Tags), err)
	}
	if err := c.addTags(more[:1]); !problem.Is(err, problem.Invalid) {
		t.Errorf("one more: %v", err)
	}
}

// TestSettle: the SLA is frozen by what resolves a ticket, goes on when it is reopened, and a threshold that a change crosses, or that
// nobody has announced yet, is announced with it.
func TestSettle(t *testing.T) {
	t.Parallel()
	c := changing(api.StatusEnCours)
	c.now = c.ticket.DateLimite.Add(-time.Hour) // of eight hours: the last quarter has begun
	resolved := c.now
	apply := func(s step) events.Changes {
		t.Helper()
		c.announced, c.history = events.Changes{}, nil
		if err := c.apply(s); err != nil || !c.settle() {
			t.Fatal(err)
		}
		return c.announced
	}
	to := func(status api.Status) step { return func(c *change) error { return c.move(status, "") } }

	if told := apply(to(api.StatusResolu)); told.SLAStatus == nil || *told.SLAStatus != events.SLAStatusWarning || *c.ticket.SlaFinal != "warning" {
		t.Errorf("resolved late: %s", mustJSON(t, told))
	}
	c.now = c.now.Add(24 * time.Hour)
	if told := apply(to(api.StatusClos)); told.SLAStatus != nil || !c.ticket.DateResolution.Equal(resolved) {
		t.Errorf("closed a day later: %s, resolved %s", mustJSON(t, told), c.ticket.DateResolution)
	}
	if told := apply(to(api.StatusEnCours)); told.SLAStatus == nil || *told.SLAStatus != events.SLAStatusBreach || c.ticket.SlaFinal != nil ||
		c.ticket.DateResolution != nil {
		t.Errorf("reopened after the deadline: %s, %v", mustJSON(t, told), c.ticket.DateResolution)
	}
	if told := apply(func(c *change) error { return c.setPriority(api.PriorityBasse) }); told.SLAStatus == nil || *told.SLAStatus != events.SLAStatusOk {
		t.Errorf("given more time: %s", mustJSON(t, told))
	}
	if told := apply(to(api.StatusAnnule)); told.SLAStatus != nil || *c.ticket.SlaFinal != "ok" {
		t.Errorf("cancelled in time: %s", mustJSON(t, told))
	}
}

package tickets

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

// The desk that filters are tried on: a few values each, so that every filter finds some tickets and leaves some.
var (
	someStatuses   = []api.Status{api.StatusNouveau, api.StatusEnCours, api.StatusEnAttenteClient, api.StatusEnAttenteInterne, api.StatusEscalade, api.StatusResolu, api.StatusClos, api.StatusAnnule}
	somePriorities = []api.Priority{api.PriorityCritique, api.PriorityHaute, api.PriorityNormale, api.PriorityBasse}
	someCategories = []api.Categorie{api.CategorieSecurite, api.CategorieQualite, api.CategorieDelais, api.CategorieTravaux}
	someSLA        = []api.SLAStatus{api.SLAStatusOk, api.SLAStatusWarning, api.SLAStatusBreach}
	somePeople     = []string{"Jean Dupont", "Marie Martin", "jean dupont"}
	someTitres     = []string{"Échafaudage bancal", "Fuite d'EAU", "Cœur du bâtiment", "100% béton_armé", `C:\plan`, "e\u0301chafaudage livré"}
)

// fillFilters adds tickets of the last 50 days of every kind, with and without client, chantier, responsable and description.
func (d *desk) fillFilters(r *rand.Rand, count int) (clients, chantiers []uuid.UUID) {
	d.t.Helper()
	for i := range 3 {
		client, chantier := uuid.UUID{0: 1, 15: byte(i)}, uuid.UUID{0: 2, 15: byte(i)}
		d.exec(`INSERT INTO clients (id, nom, type) VALUES ($1, 'Client', 'entreprise')`, client)
		d.exec(`INSERT INTO chantiers (id, nom, type, statut, client_id) VALUES ($1, 'Chantier', 'construction', 'en_cours', $2)`, chantier, client)
		clients, chantiers = append(clients, client), append(chantiers, chantier)
	}
	sla := DefaultSLA()
	for i := range count {
		status, priority := someStatuses[r.IntN(len(someStatuses))], somePriorities[r.IntN(len(somePriorities))]
		created := sunday.Add(-upTo(r, 50*24*time.Hour)).Truncate(time.Millisecond)
		if i%3 == 0 {
			created = sunday.Add(-upTo(r, sla.duration(priority)*5/4)).Truncate(time.Millisecond)
		}
		limit := sla.deadline(priority, created)
		var (
			resolved *time.Time
			final    *string
		)
		if isResolved(status) {
			resolved = new(created.Add(upTo(r, sunday.Sub(created)+1)).Truncate(time.Millisecond))
			final = new(string(slaStatus(created, limit, *resolved)))
		}
		d.exec(`INSERT INTO tickets (id, numero, titre, description, status, priority, categorie, client_id, chantier_id, responsable,
			date_creation, date_modification, date_limite, date_alerte, date_resolution, sla_final)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, $15)`,
			uuid.New(), formatNumero(2024, int64(i+1)), someTitres[r.IntN(len(someTitres))], maybe(r, "Urgent, à l'étage"), status, priority,
			someCategories[r.IntN(len(someCategories))], maybe(r, clients[r.IntN(3)]), maybe(r, chantiers[r.IntN(3)]),
			maybe(r, somePeople[r.IntN(len(somePeople))]), created, limit, warningFrom(created, limit), resolved, final)
	}
	return clients, chantiers
}

// upTo is a time below d.
func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// maybe is a value, or as often nil.
func maybe[T any](r *rand.Rand, value T) *T {
	if r.IntN(2) == 0 {
		return nil
	}
	return &value
}

// filterCase is a filter of the list, as the request says it and as anybody would understand it.
type filterCase struct {
	query  url.Values
	passes []func(api.Ticket) bool
}

// filterOf makes a filter of a few parameters.
func filterOf(r *rand.Rand, clients, chantiers []uuid.UUID, place *time.Location) filterCase {
	f := filterCase{query: url.Values{}}
	add := func(name, value string, passes func(api.Ticket) bool) {
		if r.IntN(4) == 0 {
			f.query.Set(name, value)
			f.passes = append(f.passes, passes)
		}
	}
	status, priority, categorie := someStatuses[r.IntN(8)], somePriorities[r.IntN(4)], someCategories[r.IntN(4)]
	add("status", string(status), func(t api.Ticket) bool { return t.Status == status })
	add("priority", string(priority), func(t api.Ticket) bool { return t.Priority == priority })
	add("categorie", string(categorie), func(t api.Ticket) bool { return t.Categorie == categorie })
	client, chantier, responsable := clients[r.IntN(3)], chantiers[r.IntN(3)], somePeople[r.IntN(3)]
	add("clientId", client.String(), func(t api.Ticket) bool { return t.ClientID != nil && *t.ClientID == client })
	add("chantierId", chantier.String(), func(t api.Ticket) bool { return t.ChantierID != nil && *t.ChantierID == chantier })
	add("responsable", responsable, func(t api.Ticket) bool { return t.Responsable != nil && *t.Responsable == responsable })
	sla := someSLA[r.IntN(3)]
	add("slaStatus", string(sla), func(t api.Ticket) bool { return t.SLAStatus == sla })
	search := []string{"ECHAFAUDAGE", "échafaudage", "coeur batiment", "%", "_", `\`, "eau", "etage fuite", "tc-2024-00", "introuvable", "  "}[r.IntN(11)]
	add("search", search, func(t api.Ticket) bool { return contains(t, search) })
	from := sunday.Add(-upTo(r, 50*24*time.Hour)).In(place)
	if r.IntN(2) == 0 {
		add("dateFrom", from.Format(time.DateOnly), func(t api.Ticket) bool { return dayOf(t.DateCreation, place) >= from.Format(time.DateOnly) })
	} else {
		add("dateFrom", from.Format(time.RFC3339Nano), func(t api.Ticket) bool { return !t.DateCreation.Before(from) })
	}
	to := sunday.Add(-upTo(r, 50*24*time.Hour)).In(place)
	if r.IntN(2) == 0 {
		add("dateTo", to.Format(time.DateOnly), func(t api.Ticket) bool { return dayOf(t.DateCreation, place) <= to.Format(time.DateOnly) })
	} else {
		add("dateTo", to.Format(time.RFC3339Nano), func(t api.Ticket) bool { return !t.DateCreation.After(to) })
	}
	return f
}

func dayOf(t time.Time, place *time.Location) string { return t.In(place).Format(time.DateOnly) }

// plain takes the accents that the tests use off a text.
var plain = strings.NewReplacer("e\u0301", "e", "é", "e", "É", "e", "à", "a", "â", "a", "œ", "oe")

// contains reports whether a ticket has every word of a search.
func contains(t api.Ticket, search string) bool {
	text := t.Numero + " " + t.Titre
	if t.Description != nil {
		text += " " + *t.Description
	}
	text = strings.ToLower(plain.Replace(text))
	for _, word := range strings.Fields(strings.ToLower(plain.Replace(search))) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// TestFilters holds the list against a list that was filtered by hand, for many combinations of filters, and the statistics against
// what can be counted there.
func TestFilters(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	who := d.account("Jean Dupont")
	r := rand.New(rand.NewPCG(1, 2))
	clients, chantiers := d.fillFilters(r, 250)
	all := d.list(who.token, url.Values{})
	if len(all) != 250 {
		t.Fatalf("%d tickets are listed", len(all))
	}
	if !slices.IsSortedFunc(all, func(a, b api.Ticket) int { return b.DateCreation.Compare(a.DateCreation) }) {
		t.Error("not newest first")
	}
	found := 0
	for range 150 {
		f := filterOf(r, clients, chantiers, d.cfg.Place)
		var want []string
		for _, ticket := range all {
			if !slices.ContainsFunc(f.passes, func(passes func(api.Ticket) bool) bool { return !passes(ticket) }) {
				want = append(want, ticket.Numero)
			}
		}
		var got []string
		for _, ticket := range d.list(who.token, f.query) {
			got = append(got, ticket.Numero)
		}
		found += len(want)
		if !slices.Equal(got, want) {
			t.Errorf("%v lists %v, want %v", f.query, got, want)
		}
	}
	if found < 150 {
		t.Errorf("the filters find %d tickets in all: hardly any", found)
	}
	for _, query := range []url.Values{
		{}, {"clientId": {clients[0].String()}}, {"chantierId": {chantiers[1].String()}}, {"dateFrom": {"2024-12-20"}, "dateTo": {"2024-12-31"}},
		{"dateFrom": {"2024-12-20T15:00:00Z"}, "clientId": {clients[1].String()}, "chantierId": {chantiers[1].String()}}, {"dateTo": {"2024-12-31"}},
		{"dateFrom": {"2030-01-01"}}, {"dateFrom": {"2025-01-02"}, "dateTo": {"2025-01-01"}},
	} {
		d.checkStats(who.token, query)
	}
}

// list reads every page of a list; pages and totals must agree.
func (d *desk) list(token string, query url.Values) (tickets []api.Ticket) {
	d.t.Helper()
	query = cloneValues(query)
	query.Set("limit", "37")
	for page := int64(1); ; page++ {
		query.Set("page", fmt.Sprint(page))
		var got api.TicketsResponse
		d.call("GET", "/api/tickets-client?"+query.Encode(), token, nil).is(200, "").into(&got)
		tickets = append(tickets, got.Tickets...)
		p := got.Pagination
		if p.Page != page || p.Limit != 37 || p.Pages != (p.Total+36)/37 {
			d.t.Fatalf("%v: %+v", query, p)
		}
		if page >= p.Pages {
			if int64(len(tickets)) != p.Total {
				d.t.Errorf("%v: %d tickets, total %d", query, len(tickets), p.Total)
			}
			return tickets
		}
	}
}

func cloneValues(values url.Values) url.Values {
	clone := url.Values{}
	for name, list := range values {
		clone[name] = slices.Clone(list)
	}
	return clone
}

// checkStats holds statistics against the tickets that the list shows for the same filter.
func (d *desk) checkStats(token string, query url.Values) {
	d.t.Helper()
	var got, want api.StatsResponse
	d.call("GET", "/api/tickets-client/stats?"+query.Encode(), token, nil).is(200, "").into(&got)
	created := map[string]int64{}
	for _, t := range d.list(token, query) {
		want.Totaux.Total++
		switch t.Status {
		case api.StatusNouveau:
			want.Totaux.Nouveau++
		case api.StatusEnCours, api.StatusEscalade:
			want.Totaux.EnCours++
		case api.StatusEnAttenteClient, api.StatusEnAttenteInterne:
			want.Totaux.EnAttente++
		case api.StatusResolu, api.StatusClos:
			want.Totaux.Resolu++
		}
		*map[api.Priority]*int64{
			api.PriorityCritique: &want.Priorites.Critique, api.PriorityHaute: &want.Priorites.Haute,
			api.PriorityNormale: &want.Priorites.Normale, api.PriorityBasse: &want.Priorites.Basse,
		}[t.Priority]++
		*map[api.Categorie]*int64{
			api.CategorieSecurite: &want.Categories.Securite, api.CategorieQualite: &want.Categories.Qualite,
			api.CategorieDelais: &want.Categories.Delais, api.CategorieTravaux: &want.Categories.Travaux,
		}[t.Categorie]++
		*map[api.SLAStatus]*int64{
			api.SLAStatusOk: &want.SLA.Ok, api.SLAStatusWarning: &want.SLA.Warning, api.SLAStatusBreach: &want.SLA.Breach,
		}[t.SLAStatus]++
		created[dayOf(t.DateCreation, d.cfg.Place)]++
	}
	if got.Totaux != want.Totaux || got.Priorites != want.Priorites || got.Categories != want.Categories || got.SLA != want.SLA {
		d.t.Errorf("%v: %+v, want %+v", query, got, want)
	}
	d.checkTrend(query, got.Tendances, created)
}

// checkTrend holds a trend against the tickets that were created each day, and those that were resolved then.
func (d *desk) checkTrend(query url.Values, got []api.Tendance, created map[string]int64) {
	d.t.Helper()
	from, to := query.Get("dateFrom"), query.Get("dateTo")
	if from == "" || to == "" || to < from {
		return
	}
	first, err := time.Parse(time.DateOnly, from)
	d.must(err)
	for i, day := range got {
		date := first.AddDate(0, 0, i).Format(time.DateOnly)
		resolved := d.number(`SELECT count(*) FROM tickets WHERE status IN ('resolu', 'clos') AND (date_resolution AT TIME ZONE 'Europe/Paris')::date = $1::date`, date)
		if day.Date.Format(time.DateOnly) != date || day.Nouveaux != created[date] || day.Resolus != resolved {
			d.t.Errorf("%v: %+v, want %s with %d new and %d resolved", query, day, date, created[date], resolved)
		}
	}
	if days := len(got); got[days-1].Date.Format(time.DateOnly) != to {
		d.t.Errorf("%v: the trend ends with %s", query, got[days-1].Date)
	}
}

package tickets

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
)

// GetStats answers the figures of one moment.
func (a *API) GetStats(ctx context.Context, r api.GetStatsRequestObject) (api.GetStatsResponseObject, error) {
	p, err := parsePeriod(r.Params.DateFrom, r.Params.DateTo, a.cfg.Place)
	if err != nil {
		return nil, err
	}
	now, f := a.now(), figures{}
	err = a.snapshot(ctx, func(tx pgx.Tx) error {
		return f.read(ctx, db.New(customPlans{tx}), p, r.Params, now, p.days(now, a.cfg.Place))
	})
	if err != nil {
		return nil, err
	}
	return api.GetStats200JSONResponse(f.statistics(a.cfg.Place)), nil
}

// figures is what the statistics are made of.
type figures struct {
	kinds    []db.CountKindsRow // sla is '' where it still runs and is counted in crossed
	crossed  db.CountCrossedRow
	days     []time.Time // at which the days of the trend begin, and the last ends
	created  []db.CountCreatedByDayRow
	resolved []db.CountResolvedByDayRow
}

// read counts the tickets of a period, a client or a chantier, and those of each day. What is asked of all tickets is read from
// the counters; these do not know how an open ticket's SLA stands.
func (f *figures) read(ctx context.Context, q *db.Queries, p period, of api.GetStatsParams, now time.Time, days []time.Time) (err error) {
	if p == (period{}) && of.ClientID == nil && of.ChantierID == nil {
		var tally []db.GetTallyRow
		if tally, err = q.GetTally(ctx); err != nil {
			return err
		}
		f.kinds = convertAll(tally, func(row db.GetTallyRow) db.CountKindsRow { return db.CountKindsRow(row) })
		f.crossed, err = q.CountCrossed(ctx, now)
	} else {
		f.kinds, err = q.CountKinds(ctx, db.CountKindsParams{
			Now: now, ClientID: of.ClientID, ChantierID: of.ChantierID, CreatedFrom: p.from, CreatedBefore: p.until,
		})
	}
	if err != nil || len(days) == 0 {
		return err
	}
	f.days = days
	span := db.CountCreatedByDayParams{
		Bounds: days, Since: days[0], Until: days[len(days)-1], ClientID: of.ClientID, ChantierID: of.ChantierID,
	}
	if f.created, err = q.CountCreatedByDay(ctx, span); err != nil {
		return err
	}
	f.resolved, err = q.CountResolvedByDay(ctx, db.CountResolvedByDayParams(span))
	return err
}

// statistics puts the figures where the contract has them.
func (f *figures) statistics(place *time.Location) api.StatsResponse {
	s := api.StatsResponse{Tendances: f.trend(place)}
	for _, k := range f.kinds {
		s.Totaux.Total += k.N
		countStatus(&s.Totaux, api.Status(k.Status), k.N)
		countPriority(&s.Priorites, api.Priority(k.Priority), k.N)
		countCategorie(&s.Categories, api.Categorie(k.Categorie), k.N)
		countSLA(&s.SLA, api.SLAStatus(k.Sla), k.N)
	}
	s.SLA.Ok -= f.crossed.Warned
	s.SLA.Warning += f.crossed.Warned - f.crossed.Breached
	s.SLA.Breach += f.crossed.Breached
	return s
}

// countStatus counts n tickets of a status; annule counts in the total alone.
func countStatus(t *api.StatsTotaux, status api.Status, n int64) {
	switch status {
	case api.StatusNouveau:
		t.Nouveau += n
	case api.StatusEnCours, api.StatusEscalade:
		t.EnCours += n
	case api.StatusEnAttenteClient, api.StatusEnAttenteInterne:
		t.EnAttente += n
	case api.StatusResolu, api.StatusClos:
		t.Resolu += n
	}
}

func countPriority(p *api.StatsPriorites, priority api.Priority, n int64) {
	switch priority {
	case api.PriorityCritique:
		p.Critique += n
	case api.PriorityHaute:
		p.Haute += n
	case api.PriorityNormale:
		p.Normale += n
	case api.PriorityBasse:
		p.Basse += n
	}
}

func countCategorie(c *api.StatsCategories, categorie api.Categorie, n int64) {
	switch categorie {
	case api.CategorieSecurite:
		c.Securite += n
	case api.CategorieQualite:
		c.Qualite += n
	case api.CategorieDelais:
		c.Delais += n
	case api.CategorieTravaux:
		c.Travaux += n
	}
}

// countSLA counts n tickets; those that still run count as ok until it is known which have crossed a threshold.
func countSLA(s *api.StatsSLA, status api.SLAStatus, n int64) {
	switch status {
	case api.SLAStatusWarning:
		s.Warning += n
	case api.SLAStatusBreach:
		s.Breach += n
	default:
		s.Ok += n
	}
}

// trend is one entry for each day.
func (f *figures) trend(place *time.Location) []api.Tendance {
	trend := make([]api.Tendance, max(len(f.days)-1, 0))
	for i := range trend {
		year, month, day := f.days[i].In(place).Date()
		trend[i].Date.Time = time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	for _, row := range f.created {
		trend[row.Span-1].Nouveaux = row.N
	}
	for _, row := range f.resolved {
		trend[row.Span-1].Resolus = row.N
	}
	return trend
}

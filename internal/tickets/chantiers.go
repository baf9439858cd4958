package tickets

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

var errDates = problem.New(problem.Invalid, "La date de fin précède la date de début")

// ListChantiers answers every construction site, by name.
func (a *API) ListChantiers(ctx context.Context, _ api.ListChantiersRequestObject) (api.ListChantiersResponseObject, error) {
	rows, err := a.queries.ListChantiers(ctx)
	if err != nil {
		return nil, err
	}
	chantiers := make([]api.Chantier, len(rows))
	for i, row := range rows {
		if chantiers[i], err = chantier(row); err != nil {
			return nil, err
		}
	}
	return api.ListChantiers200JSONResponse{Chantiers: chantiers}, nil
}

// CreateChantier adds a construction site, on which work has yet to begin.
func (a *API) CreateChantier(ctx context.Context, r api.CreateChantierRequestObject) (api.CreateChantierResponseObject, error) {
	b := r.Body
	if b.DateDebut != nil && b.DateFin != nil && b.DateFin.Before(b.DateDebut.Time) {
		return nil, errDates
	}
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	where, err := storedCoordonnees(b.Coordonnees)
	if err != nil {
		return nil, err
	}
	var clientNom *string
	err = pg.InTx(ctx, a.deps.Pool, func(tx pgx.Tx) error {
		q := a.queries.WithTx(tx)
		if b.ClientID != nil {
			nom, err := q.GetClientName(ctx, *b.ClientID)
			if err != nil {
				return pg.IfNoRows(err, errNoClient)
			}
			clientNom = &nom
		}
		return q.InsertChantier(ctx, db.InsertChantierParams{
			ID: id, Nom: b.Nom, Type: string(b.Type), ClientID: b.ClientID, Adresse: b.Adresse, Ville: b.Ville, Coordonnees: where,
			Statut: string(api.ChantierStatutPlanifie), DateDebut: storedDate(b.DateDebut), DateFin: storedDate(b.DateFin),
			Budget: b.Budget, Responsable: b.Responsable, CreatedAt: a.now(),
		})
	})
	if err != nil {
		return nil, err
	}
	return api.CreateChantier201JSONResponse{
		ID: id, Nom: b.Nom, Type: b.Type, ClientID: b.ClientID, ClientNom: clientNom, Adresse: b.Adresse, Ville: b.Ville,
		Coordonnees: b.Coordonnees, Statut: api.ChantierStatutPlanifie, DateDebut: b.DateDebut, DateFin: b.DateFin, Budget: b.Budget,
		Responsable: b.Responsable,
	}, nil
}

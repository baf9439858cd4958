package tickets

import (
	"context"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
)

// ListClients answers every client, by name.
func (a *API) ListClients(ctx context.Context, _ api.ListClientsRequestObject) (api.ListClientsResponseObject, error) {
	rows, err := a.queries.ListClients(ctx)
	if err != nil {
		return nil, err
	}
	return api.ListClients200JSONResponse{Clients: convertAll(rows, client)}, nil
}

// CreateClient adds a client.
func (a *API) CreateClient(ctx context.Context, r api.CreateClientRequestObject) (api.CreateClientResponseObject, error) {
	id, err := uuid.NewV7FromReader(a.deps.Rand)
	if err != nil {
		return nil, err
	}
	b := r.Body
	err = a.queries.InsertClient(ctx, db.InsertClientParams{
		ID: id, Nom: b.Nom, Type: string(b.Type), Email: b.Email, Telephone: b.Telephone, Adresse: b.Adresse, Ville: b.Ville,
		CreatedAt: a.now(),
	})
	if err != nil {
		return nil, err
	}
	return api.CreateClient201JSONResponse{
		ID: id, Nom: b.Nom, Type: b.Type, Email: b.Email, Telephone: b.Telephone, Adresse: b.Adresse, Ville: b.Ville,
	}, nil
}

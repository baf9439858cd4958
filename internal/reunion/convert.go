package reunion

import (
	"fmt"

	"github.com/guichet-api/guichet/gen/reunion/api"
	"github.com/guichet-api/guichet/gen/reunion/db"
	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
)

// Rows of the database as the contracts show them.

// view is a réunion with its clients, at one moment.
type view struct {
	reunion db.Reunion
	clients []db.Client
}

// convertAll converts a list.
func convertAll[Row, Model any](rows []Row, convert func(Row) Model) []Model {
	models := make([]Model, len(rows))
	for i, row := range rows {
		models[i] = convert(row)
	}
	return models
}

// convertClients converts the clients of a réunion.
func convertClients[Model any](rows []db.Client, convert func(db.Client) (Model, error)) ([]Model, error) {
	models := make([]Model, len(rows))
	for i, row := range rows {
		var err error
		if models[i], err = convert(row); err != nil {
			return nil, err
		}
	}
	return models, nil
}

// readCart reads a cart as it is stored, which is as it came.
func readCart[Line any](c db.Client) (lines []Line, err error) {
	if err := stdjson.Unmarshal(c.Cart, &lines); err != nil {
		return nil, fmt.Errorf("cart of %s: %w", c.ID, err)
	}
	return lines, nil
}

func seller(u db.User) api.Seller { return api.Seller{ID: u.ID, Nom: u.Nom, Email: u.Email} }

func fullReunion(v view) (api.Reunion, error) {
	clients, err := convertClients(v.clients, reunionClient)
	r := v.reunion
	return api.Reunion{
		ID: r.ID, Status: api.ReunionStatus(r.Status), Clients: clients, CreatedAt: r.CreatedAt, ClosedAt: r.ClosedAt,
	}, err
}

func reunionClient(c db.Client) (api.Client, error) {
	cart, err := readCart[api.CartLine](c)
	return api.Client{
		ID: c.ID, Info: api.ClientInfo{Name: c.Name, Email: c.Email}, Cart: cart, Status: api.ClientStatus(c.Status),
		JoinedAt: c.JoinedAt, ValidatedAt: c.ValidatedAt, DisconnectedAt: c.DisconnectedAt,
	}, err
}

func reunionSummary(r db.ListReunionsByOwnerRow) api.ReunionSummary {
	return api.ReunionSummary{
		ID: r.ID, Status: api.ReunionStatus(r.Status), CreatedAt: r.CreatedAt, ClosedAt: r.ClosedAt, Clients: r.Clients,
	}
}

func survey(s db.Survey) api.Survey {
	return api.Survey{
		OverallRating: s.OverallRating, Comment: s.Comment, ExplanationClarity: s.ExplanationClarity, HostSupport: s.HostSupport,
		DiscoveredNewProduct: s.DiscoveredNewProduct, ProductQuality: s.ProductQuality, FutureParticipation: s.FutureParticipation,
		Suggestion: s.Suggestion, RecommendationScore: s.RecommendationScore, Timestamp: s.SubmittedAt,
	}
}

// reunionData is the same réunion as fullReunion, in the types of the events.
func reunionData(v view) (events.Reunion, error) {
	clients, err := convertClients(v.clients, joinedClient)
	r := v.reunion
	return events.Reunion{
		ID: r.ID, Status: events.ReunionStatus(r.Status), Clients: clients, CreatedAt: r.CreatedAt, ClosedAt: r.ClosedAt,
	}, err
}

func joinedClient(c db.Client) (events.Client, error) {
	cart, err := readCart[events.CartLine](c)
	return events.Client{
		ID: c.ID, Info: events.ClientInfo{Name: c.Name, Email: c.Email}, Cart: cart, Status: events.ClientStatus(c.Status),
		JoinedAt: c.JoinedAt, ValidatedAt: c.ValidatedAt, DisconnectedAt: c.DisconnectedAt,
	}, err
}

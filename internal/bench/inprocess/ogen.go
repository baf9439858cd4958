package inprocess

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/ogen-go/ogen/ogenerrors"

	"github.com/guichet-api/guichet/internal/bench/gen/ogen"
)

// ogenAPI implements the three operations for ogen's server; no other is called.
type ogenAPI struct {
	ogen.Handler
	ticket  ogen.MyTicketResponse
	tickets ogen.MyTicketsResponse
	prizeID uuid.UUID
}

// newOgen serves what ogen generates: its own router, validation and JSON.
func newOgen(data []call) (http.Handler, error) {
	api := &ogenAPI{prizeID: uuid.MustParse(prizeID)}
	if err := api.ticket.UnmarshalJSON(data[0].answer); err != nil {
		return nil, err
	}
	if err := api.tickets.UnmarshalJSON(data[1].answer); err != nil {
		return nil, err
	}
	return ogen.NewServer(api, bearer{})
}

func (a *ogenAPI) GetMyTicket(context.Context, ogen.GetMyTicketParams) (ogen.GetMyTicketRes, error) {
	return &a.ticket, nil
}

func (a *ogenAPI) ListMyTickets(context.Context, ogen.ListMyTicketsParams) (ogen.ListMyTicketsRes, error) {
	return &a.tickets, nil
}

func (a *ogenAPI) CreatePrize(_ context.Context, r *ogen.CreatePrizeRequest) (ogen.CreatePrizeRes, error) {
	return &ogen.CreatePrizeResponse{Success: true, Message: "Prix créé avec succès", Data: ogen.CreatedPrize{
		ID: a.prizeID, Type: r.Type, Name: r.Name, Value: ogen.Amount(r.Value),
		Description: ogen.NilString{Value: r.Description.Value, Null: !r.Description.Set || r.Description.Null},
		Probability: r.Probability, Stock: r.Stock, InitialStock: r.Stock, IsActive: true,
	}}, nil
}

// NewError makes the envelope of a refusal; ogen knows its status.
func (a *ogenAPI) NewError(_ context.Context, err error) *ogen.UnexpectedStatusCode {
	return &ogen.UnexpectedStatusCode{
		StatusCode: ogenerrors.ErrorCode(err),
		Response:   ogen.Error{Error: err.Error(), Details: []ogen.ErrorDetail{}},
	}
}

// bearer is the token check that every contestant makes.
type bearer struct{}

func (bearer) HandleBearerAuth(ctx context.Context, _ ogen.OperationName, t ogen.BearerAuth) (context.Context, error) {
	if t.Token != token {
		return nil, errToken
	}
	return ctx, nil
}

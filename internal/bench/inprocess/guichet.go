package inprocess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/spec"
)

// guichetAPI implements the three operations for Guichet's stubs; no other is called.
type guichetAPI struct {
	api.StrictServerInterface
	ticket  api.GetMyTicket200JSONResponse
	tickets api.ListMyTickets200JSONResponse
	prizeID uuid.UUID
}

// newGuichet serves Guichet's generated stubs behind the compiled contract, wired as a system wires them.
func newGuichet(data []call) (http.Handler, error) {
	server := &guichetAPI{prizeID: uuid.MustParse(prizeID)}
	if err := errors.Join(load(data[0], &server.ticket), load(data[1], &server.tickets)); err != nil {
		return nil, err
	}
	c, err := contract.Load(spec.Tiptop, "spec/tiptop/openapi.yaml")
	if err != nil {
		return nil, err
	}
	guard, err := c.Guard(contract.Config{
		Authenticate: func(ctx context.Context, _, secret string) (context.Context, string, error) {
			if secret != token {
				return nil, "", errToken
			}
			return ctx, "ADMIN", nil
		},
	})
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Binder = contract.Binder{}
	e.HTTPErrorHandler = refuse
	api.RegisterHandlersWithOptions(e, api.NewStrictHandler(server, nil), api.RegisterHandlersOptions{
		OperationMiddlewares: guard.Middlewares(),
	})
	return e, nil
}

// refuse answers a refusal with its status; a system has its own envelope for it.
func refuse(err error, c echo.Context) {
	status := http.StatusInternalServerError
	var refused *contract.Error
	switch {
	case errors.Is(err, errToken):
		status = http.StatusUnauthorized
	case errors.As(err, &refused):
		status = refused.Status
	}
	_ = c.JSON(status, map[string]string{"error": err.Error()}) // into a recorder
}

// load reads a call's answer into the type that a generator made for it.
func load(c call, into any) error {
	if err := json.Unmarshal(c.answer, into); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

func (g *guichetAPI) GetMyTicket(context.Context, api.GetMyTicketRequestObject) (api.GetMyTicketResponseObject, error) {
	return g.ticket, nil
}

func (g *guichetAPI) ListMyTickets(context.Context, api.ListMyTicketsRequestObject) (api.ListMyTicketsResponseObject, error) {
	return g.tickets, nil
}

func (g *guichetAPI) CreatePrize(_ context.Context, r api.CreatePrizeRequestObject) (api.CreatePrizeResponseObject, error) {
	return api.CreatePrize201JSONResponse{Success: true, Message: "Prix créé avec succès", Data: api.CreatedPrize{
		ID: g.prizeID, Type: r.Body.Type, Name: r.Body.Name, Description: r.Body.Description, Value: r.Body.Value,
		Probability: r.Body.Probability, Stock: r.Body.Stock, InitialStock: r.Body.Stock, IsActive: true,
	}}, nil
}

package inprocess

import (
	"context"
	"errors"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/oapi-codegen/echo-middleware"

	"github.com/guichet-api/guichet/internal/bench/gen/stock"
	"github.com/guichet-api/guichet/spec"
)

// contestant is one way to serve the contract.
type contestant struct {
	name    string
	handler http.Handler
}

// The contestants' names, as tables print them.
const (
	nameStubs   = "oapi-codegen stubs, unvalidated"
	nameGuichet = "guichet"
	nameOgen    = "ogen"
	nameKin     = "kin-openapi, echo-middleware"
)

// contestants builds them all; the first is the baseline, the second ours.
func contestants() ([]contestant, error) {
	data := calls()
	stubs, err := newStubs(data)
	if err != nil {
		return nil, err
	}
	guichet, err := newGuichet(data)
	if err != nil {
		return nil, err
	}
	generated, err := newOgen(data)
	if err != nil {
		return nil, err
	}
	validated, err := newKin(data)
	if err != nil {
		return nil, err
	}
	return []contestant{{nameStubs, stubs}, {nameGuichet, guichet}, {nameOgen, generated}, {nameKin, validated}}, nil
}

var errToken = errors.New("the token is not the one that is expected")

// stubAPI implements the three operations of the stock stubs; no other is called.
type stubAPI struct {
	stock.StrictServerInterface
	ticket  stock.GetMyTicket200JSONResponse
	tickets stock.ListMyTickets200JSONResponse
	prizeID uuid.UUID
}

func newStubAPI(data []call) (*stubAPI, error) {
	s := &stubAPI{prizeID: uuid.MustParse(prizeID)}
	return s, errors.Join(load(data[0], &s.ticket), load(data[1], &s.tickets))
}

func (s *stubAPI) GetMyTicket(context.Context, stock.GetMyTicketRequestObject) (stock.GetMyTicketResponseObject, error) {
	return s.ticket, nil
}

func (s *stubAPI) ListMyTickets(context.Context, stock.ListMyTicketsRequestObject) (stock.ListMyTicketsResponseObject, error) {
	return s.tickets, nil
}

func (s *stubAPI) CreatePrize(_ context.Context, r stock.CreatePrizeRequestObject) (stock.CreatePrizeResponseObject, error) {
	return stock.CreatePrize201JSONResponse{Success: true, Message: "Prix créé avec succès", Data: stock.CreatedPrize{
		ID: s.prizeID, Type: r.Body.Type, Name: r.Body.Name, Description: r.Body.Description, Value: r.Body.Value,
		Probability: r.Body.Probability, Stock: r.Body.Stock, InitialStock: r.Body.Stock, IsActive: true,
	}}, nil
}

// newStubs serves what oapi-codegen generates, as it is: types are checked, rules are not.
func newStubs(data []call) (http.Handler, error) {
	api, err := newStubAPI(data)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if c.Request().Header.Get("Authorization") != "Bearer "+token {
				return echo.NewHTTPError(http.StatusUnauthorized)
			}
			return next(c)
		}
	})
	stock.RegisterHandlers(e, stock.NewStrictHandler(api, nil))
	return e, nil
}

// newKin serves the same stubs behind the request validator that oapi-codegen recommends, with the formats that the
// contract uses and kin-openapi does not check by itself.
func newKin(data []call) (http.Handler, error) {
	api, err := newStubAPI(data)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(spec.Tiptop)
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.Use(echomiddleware.OapiRequestValidatorWithOptions(doc, &echomiddleware.Options{
		DoNotValidateServers: true,
		Options: openapi3filter.Options{
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if in.RequestValidationInput.Request.Header.Get("Authorization") != "Bearer "+token {
					return echo.NewHTTPError(http.StatusUnauthorized).SetInternal(errToken)
				}
				return nil
			},
			SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidators(
				map[string]openapi3.StringFormatValidator{
					"uuid":  openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForUUIDOfRFC9562),
					"email": openapi3.NewRegexpFormatValidator(openapi3.FormatOfStringForEmail),
				},
			)},
		},
	}))
	stock.RegisterHandlers(e, stock.NewStrictHandler(api, nil))
	return e, nil
}

package web

import (
	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/contract"
)

// Guarded is what NewGuarded needs beside a Config; Checker alone may be nil.
type Guarded struct {
	Contract     *contract.Contract
	Authenticate contract.Authenticate
	Checker      *contract.Checker     // holds responses to the contract
	Answer       echo.HTTPErrorHandler // puts failures into the system's envelope
}

// NewGuarded makes the instance that serves a contract, and the guard of its operations, which are counted by their ids.
// Metrics is required here. The routes are the caller's matter, and so is asking Guard.CheckRoutes once they are there.
func NewGuarded(cfg Config, g Guarded) (*echo.Echo, *contract.Guard, error) {
	guard, err := g.Contract.Guard(contract.Config{
		Authenticate: g.Authenticate,
		Around:       func(op *contract.Operation) echo.MiddlewareFunc { return cfg.Metrics.Around(op.ID) },
		Check:        g.Checker,
	})
	if err != nil {
		return nil, nil, err
	}
	e := New(cfg)
	e.Binder = contract.Binder{}
	e.HTTPErrorHandler = g.Answer
	return e, guard, nil
}

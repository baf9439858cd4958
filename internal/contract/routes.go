package contract

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// CheckRoutes compares what Echo serves with what the contract says, for the start to fail when they differ. The routes of
// e must be the contract's operations, each behind its own guard, and those in also ("GET /docs"), which the contract does
// not know. An operation that is planned is not there yet. The error lists every difference.
func (g *Guard) CheckRoutes(e *echo.Echo, also ...string) error {
	expected := map[string]*Operation{}
	for _, op := range g.contract.Operations {
		expected[op.Method+" "+op.Route] = op
	}
	var differences []error
	differ := func(format string, args ...any) { differences = append(differences, fmt.Errorf(format, args...)) }

	served := map[string]bool{}
	for _, route := range e.Routes() {
		served[route.Method+" "+route.Path] = true
	}
	planned := map[string]bool{}
	for _, op := range g.contract.Planned {
		planned[op.Method+" "+op.Route] = true
	}
	for _, name := range slices.Sorted(maps.Keys(served)) {
		if planned[name] {
			differ("%s is served and x-planned in %s", name, g.contract.File)
		} else if expected[name] == nil && !slices.Contains(also, name) {
			differ("%s is served but not in %s", name, g.contract.File)
		}
	}
	for _, name := range also {
		if !served[name] {
			differ("%s is declared but not served", name)
		}
		if op := expected[name]; op != nil {
			differ("%s is declared as an extra and is operation %s of %s", name, op.ID, g.contract.File)
		}
	}
	for _, op := range g.contract.Operations {
		name := op.Method + " " + op.Route
		if !served[name] {
			differ("%s (operation %s) is in %s but not served", name, op.ID, g.contract.File)
		} else if found := guardOf(e, op); found != op {
			differ("%s (operation %s) is served without its guard", name, op.ID)
		}
	}
	for host := range e.Routers() {
		differ("host %s has routes of its own: the contract knows no hosts", host)
	}
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("routes and contract differ:\n%w", errors.Join(differences...))
}

// guardOf asks the route of an operation whose guard stands first on it. No handler runs: to whatever is not a guard the
// probe is a context without a request, and the panic that this is tells that there is no guard.
func guardOf(e *echo.Echo, op *Operation) (found *Operation) {
	c := e.NewContext(nil, nil)
	e.Router().Find(op.Method, op.Route, c)
	if c.Path() != op.Route {
		return nil
	}
	question := &probe{}
	defer func() {
		if recover() != nil {
			found = nil
		}
	}()
	if err := c.Handler()(question); err != nil {
		return nil
	}
	return question.found
}

// probe is the context that a guard answers with its operation.
type probe struct {
	echo.Context
	found *Operation
}

// EchoError translates Echo's own errors, which a request meets where no guard stands: an unknown route is an *Error of
// status 404, a known one with another method 405 (the header Allow is set by then), a value that the guard let through and
// the stub cannot hold 400. Other errors come back as they are.
func (c *Contract) EchoError(ctx echo.Context, err error) error {
	var httpError *echo.HTTPError
	if !errors.As(err, &httpError) {
		return err
	}
	status := httpError.Code
	if status == http.StatusMethodNotAllowed && !sameShape(ctx.Path(), echo.GetPath(ctx.Request())) {
		// Echo's last path parameter takes slashes, the contract's do not: what matched is another path.
		ctx.Response().Header().Del(echo.HeaderAllow)
		status = http.StatusNotFound
	}
	switch status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusUnsupportedMediaType:
		return &Error{Status: status, Message: statusText(c.Lang, status), Cause: err}
	}
	return err
}

// sameShape tells whether a path has as many segments as the route that Echo found for it.
func sameShape(route, path string) bool {
	return strings.Count(route, "/") == strings.Count(path, "/")
}

package contract

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// Config is what a Guard needs that the contract does not say.
type Config struct {
	// Authenticate finds who a secret belongs to; required as soon as an operation asks for credentials.
	Authenticate Authenticate
	// MaxBody is the limit of a request body in bytes where the operation has no x-max-body; 0: DefaultMaxBody.
	MaxBody int64
	// Around, if not nil, makes a middleware that sees all of an operation, refusals included (metrics).
	Around func(op *Operation) echo.MiddlewareFunc
	// Check, if not nil, holds every answer to the contract.
	Check *Checker
}

// Guard holds requests to a contract. Each operation's middleware stands on the operation's own Echo route, so that no
// spelling of a path reaches a handler past it, and nothing is looked up per request.
type Guard struct {
	contract *Contract
	guarded  []*guarded
}

// Guard makes the middlewares of the contract's operations.
func (c *Contract) Guard(config Config) (*Guard, error) {
	if config.MaxBody < 0 {
		return nil, errors.New("contract: Config.MaxBody is negative")
	}
	if config.MaxBody == 0 {
		config.MaxBody = DefaultMaxBody
	}
	g := &Guard{contract: c}
	for _, op := range c.Operations {
		if len(op.security) > 0 && config.Authenticate == nil {
			return nil, errors.New("contract: operation " + op.ID + " needs credentials: Config.Authenticate is missing")
		}
		one := &guarded{op: op, config: config, lang: c.Lang, maxBody: config.MaxBody}
		if op.MaxBody > 0 {
			one.maxBody = op.MaxBody
		}
		if config.Around != nil {
			one.around = config.Around(op)
		}
		if config.Check != nil {
			one.check = config.Check.middleware(op)
		}
		g.guarded = append(g.guarded, one)
	}
	return g, nil
}

// Middlewares are the guards by operationId, as generated registration functions take them.
func (g *Guard) Middlewares() map[string][]echo.MiddlewareFunc {
	byID := make(map[string][]echo.MiddlewareFunc, len(g.guarded))
	for _, one := range g.guarded {
		byID[one.op.ID] = []echo.MiddlewareFunc{one.middleware}
	}
	return byID
}

// guarded is one operation with all that its middleware needs.
type guarded struct {
	op      *Operation
	config  Config
	lang    string
	maxBody int64
	around  echo.MiddlewareFunc
	check   echo.MiddlewareFunc
}

// middleware is the operation's guard. Echo calls it for every request, so that it does little but close over next.
func (g *guarded) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	serve := func(c echo.Context) error {
		if probe, ok := c.(*probe); ok {
			probe.found = g.op
			return nil
		}
		return g.serve(c, next)
	}
	if g.around == nil && g.check == nil {
		return serve
	}
	return func(c echo.Context) error {
		if _, ok := c.(*probe); ok {
			return serve(c)
		}
		handler := serve
		if g.around != nil {
			handler = g.around(handler)
		}
		if g.check != nil {
			handler = g.check(handler)
		}
		return handler(c)
	}
}

// serve refuses the request, or hands it to next: route (404), credentials (401), roles (403), media type (415), size
// (413), and then everything that is wrong with parameters and body at once (400).
func (g *guarded) serve(c echo.Context, next echo.HandlerFunc) error {
	if !routed(c, len(g.op.path)) {
		return g.refusal(http.StatusNotFound)
	}
	if len(g.op.security) > 0 {
		if err := g.authenticate(c); err != nil {
			return err
		}
	}
	r := c.Request()
	body, err := g.receive(r)
	if err != nil {
		return err
	}
	if body != nil {
		// Not deferred: after a panic somebody may still hold the buffer, which then is not used again.
		err = g.validated(c, r, body, next)
		r.Body = http.NoBody
		body.release()
		return err
	}
	return g.validated(c, r, nil, next)
}

// validated checks parameters and body and calls next when nothing is wrong.
func (g *guarded) validated(c echo.Context, r *http.Request, body *received, next echo.HandlerFunc) error {
	if found := g.violations(c, r, body); len(found) > 0 {
		return g.refusal(http.StatusBadRequest, found...)
	}
	return next(c)
}

// violations are all violations of all places, in the order path, query, header, cookie, body.
func (g *guarded) violations(c echo.Context, r *http.Request, body *received) []Violation {
	var found []Violation
	report := AcquireReport("", "", g.lang)
	defer report.Release()
	g.checkPath(c, report)
	found = g.checkQuery(c, report, found)
	found = g.checkHeaders(r.Header, report, found)
	found = g.checkCookies(r, report, found)
	found = g.checkBody(r, body, report, found)
	if rest := report.Violations(); len(rest) > 0 {
		found = append(found, rest...)
	}
	if len(found) > 1 {
		slices.SortStableFunc(found, func(a, b Violation) int { return rank(a.In) - rank(b.In) })
	}
	return found
}

// rank is where violations of a place stand among the others.
func rank(in string) int {
	return slices.Index([]string{InPath, InQuery, InHeader, InCookie, InBody}, in)
}

// violation is a broken rule that is not one of the parameter's schema.
func (g *guarded) violation(p *parameter, keyword string) Violation {
	return Violation{In: p.in, Name: p.name, Keyword: keyword, Message: ruleText(g.lang, keyword)}
}

// refusal is the error of a request that the contract refuses.
func (g *guarded) refusal(status int, found ...Violation) *Error {
	return &Error{Status: status, Message: statusText(g.lang, status), Violations: found}
}

// OperationOf is the operation that Echo matched the request to, or nil: an unknown route, or one that the contract does
// not have.
func (c *Contract) OperationOf(ctx echo.Context) *Operation {
	return c.at(ctx.Request().Method, ctx.Path())
}

// Refusal is an Error in the contract's language, for requests that stand beside its operations: handshakes of realtime wires.
func (c *Contract) Refusal(status int, cause error) *Error {
	return &Error{Status: status, Message: statusText(c.Lang, status), Cause: cause}
}

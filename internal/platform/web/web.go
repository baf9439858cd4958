// Package web is what every HTTP system of the house does alike, around its own routes: request ids, the access log,
// metrics, CORS, the client's real address, panics, deadlines; and below them the listeners, TLS and the graceful end.
//
// New makes the Echo instance of a system. The instance's own HTTPErrorHandler, routes and binder are the system's to set.
// What goes wrong is logged here, once, with the request: an error that ends in a status of 500 or above belongs to the log
// line of its request, and error handlers need not log it again.
//
// Secrets travel in paths and queries (a verification link). The log therefore tells the route's template and never the
// path or query of a request that found its route.
package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

// Config is a system's HTTP side.
type Config struct {
	System         string // in logs and metrics
	Logger         *slog.Logger
	TrustedProxies []netip.Prefix // whose X-Forwarded-* headers count
	CORSOrigins    []string       // origins that browsers may call from; empty: any. Credentials are never allowed
	Metrics        *Metrics       // nil: none
	Timeout        time.Duration  // after which a request's context ends and its connection no longer waits; 0: 30 s
	QuietRoutes    []string       // routes logged at debug level while they succeed: probes
	Random         io.Reader      // source of request ids; nil: crypto/rand.Reader
}

// defaultTimeout is how long a request may take unless configured.
const defaultTimeout = 30 * time.Second

// New makes an Echo instance with everything around the routes in place.
func New(cfg Config) *echo.Echo {
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(io.Discard) // Echo's own logger; ours is slog
	e.IPExtractor = func(r *http.Request) string { return Peer(r.Context()).String() }
	around := &around{Config: cfg, quiet: map[string]bool{}, cors: newCORS(cfg.CORSOrigins)}
	for _, route := range cfg.QuietRoutes {
		around.quiet[route] = true
	}
	e.Pre(around.middleware)
	return e
}

// around is the outermost middleware: before the router, so that it also sees what has no route.
type around struct {
	Config
	quiet map[string]bool
	cors  cors
}

func (a *around) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		req := a.begin(c)
		ctx := context.WithValue(c.Request().Context(), requestKey{}, req)
		if !isUpgrade(c.Request()) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, a.Timeout)
			defer cancel()
		}
		limitConnection(c.Response(), start.Add(a.Timeout)) // hijacking a connection, as sockets do, lifts its limits
		c.SetRequest(c.Request().WithContext(ctx))
		a.headers(c, req)
		if !a.cors.answer(c) {
			a.run(c, req, next)
		}
		a.end(c, req, start)
		return nil
	}
}

// run calls the system and turns its error into its answer, with a panic as one more error.
func (a *around) run(c echo.Context, req *request, next echo.HandlerFunc) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if value == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so too
			panic(value)
		}
		req.err = &PanicError{Value: value, Stack: debug.Stack()}
		c.Error(req.err)
	}()
	if err := next(c); err != nil {
		req.err = err
		c.Error(err)
	}
}

// headers sets what every answer carries; handlers may replace it.
func (a *around) headers(c echo.Context, req *request) {
	h := c.Response().Header()
	h.Set(echo.HeaderXRequestID, req.id)
	h.Set(echo.HeaderXContentTypeOptions, "nosniff")
	h.Set(echo.HeaderReferrerPolicy, "no-referrer") // links with tokens must not travel on
	h.Set(echo.HeaderCacheControl, "no-store")
	a.cors.headers(c.Request(), h)
}

// end logs the request, and counts it when no operation did.
func (a *around) end(c echo.Context, req *request, start time.Time) {
	if req.ended { // an inner instance of the same process has logged it
		return
	}
	req.ended = true
	took, status := time.Since(start), c.Response().Status
	if req.operation == "" && a.Metrics != nil {
		a.Metrics.unmatched.observe(status, took)
	}
	ctx := c.Request().Context()
	level := slog.LevelInfo
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // the client has left: whatever failed, failed for that
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	case a.quiet[c.Path()]:
		level = slog.LevelDebug
	}
	if !a.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("system", a.System),
		slog.String("method", c.Request().Method),
		slog.String("route", c.Path()),
		slog.String("operation", req.operation),
		slog.Int("status", status),
		slog.Int64("bytes", c.Response().Size),
		slog.Duration("took", took),
		slog.String("peer", req.peer.String()),
		slog.String("request", req.id),
	}
	if c.Path() == "" {
		attrs = append(attrs, slog.String("path", redact(c.Request().URL.Path)))
	}
	if status >= http.StatusInternalServerError && req.err != nil {
		attrs = append(attrs, slog.Any("error", req.err))
	}
	a.Logger.LogAttrs(ctx, level, "request", attrs...)
}

// PanicError is a panic in a handler, as error handlers see it. Its log value holds the stack.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// LogValue is the message and the stack.
func (e *PanicError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("panic", fmt.Sprint(e.Value)), slog.String("stack", string(e.Stack)))
}

// isUpgrade reports whether the client asks for another protocol: who gets one lives as long as it wants.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get(echo.HeaderUpgrade) != ""
}

// Grace after a request's deadline: for its handler to notice, and for its answer to arrive.
const (
	readGrace  = time.Second
	writeGrace = 10 * time.Second
)

// limitConnection ends the wait for a client that sends its body or takes the answer too slowly. Recorders of tests have no
// connection, and nothing to limit.
func limitConnection(w http.ResponseWriter, deadline time.Time) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(deadline.Add(readGrace))
	_ = rc.SetWriteDeadline(deadline.Add(writeGrace))
}

// Bounded limits the connections of a handler that stands beside an instance, as the instance limits its own. Without it the
// handler would also inherit, on a connection that is kept alive, limits of an earlier request that are over by now.
func Bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limitConnection(w, time.Now().Add(defaultTimeout))
		h.ServeHTTP(w, r)
	})
}

package portal

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

//go:embed assets
var assets embed.FS

// System is what the portal shows and mounts of one system.
type System struct {
	Name  string // its mount: tiptop is served below /tiptop
	Title string // for people
	URL   string // its own address: http://127.0.0.1:4000
	Spec  []byte // its contract, YAML
	// Events is the AsyncAPI contract of its live side, YAML; nil when it has none.
	Events []byte
	// Accounts are demo accounts to try it with, as text; everybody who sees the index sees them.
	Accounts []string
	// Handler is what serves it at its own address.
	Handler http.Handler
	// Ready says why the system cannot serve now; nil when it can. It must honour its context.
	Ready func(context.Context) error
	// Findings are the responses that did not fit the contract, newest first; nil when responses are not checked.
	Findings func() []Finding
}

// Finding is a response that did not fit its contract, or several alike.
type Finding struct {
	At        time.Time // of the latest
	Operation string    // operationId
	Status    int
	Problem   string
	Count     int
}

// Config is what a Portal shows.
type Config struct {
	Systems  []System
	Version  string
	Database string           // "PostgreSQL 17.10, embedded", for people
	Metrics  http.Handler     // GET /metrics
	Echo     web.Config       // of the portal's own pages
	Now      func() time.Time // nil: time.Now
}

// Portal serves everything; see the package comment.
type Portal struct {
	cfg    Config
	mounts map[string]http.Handler // by first segment of the path
	specs  map[string]document
	events map[string]*eventDocument
	cards  []card // what never changes of the index page
	index  *template.Template
	pages  *echo.Echo
	log    *slog.Logger
}

// reserved are the portal's own first segments.
var reserved = []string{"assets", "docs", "healthz", "metrics", "readyz", "specs"}

var systemName = regexp.MustCompile(`^[a-z][a-z0-9]*$`)

// New makes a Portal. It fails when a contract is not to be read or two things want one path.
func New(cfg Config) (*Portal, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	index, err := template.ParseFS(assets, "assets/index.html")
	if err != nil {
		return nil, fmt.Errorf("portal.New: %w", err)
	}
	p := &Portal{
		cfg: cfg, mounts: map[string]http.Handler{}, specs: map[string]document{}, events: map[string]*eventDocument{}, index: index,
		log: cfg.Echo.Logger,
	}
	for _, s := range cfg.Systems {
		if err := p.add(s); err != nil {
			return nil, fmt.Errorf("portal.New: %s: %w", s.Name, err)
		}
	}
	cfg.Echo.QuietRoutes = slices.Concat(cfg.Echo.QuietRoutes, []string{"/healthz", "/readyz", "/metrics"})
	p.pages = web.New(cfg.Echo)
	return p, p.routes()
}

// add mounts a system.
func (p *Portal) add(s System) error {
	if !systemName.MatchString(s.Name) {
		return errors.New("not a name for a path")
	}
	for _, name := range reserved {
		if s.Name == name {
			return errors.New("the name is a page of the portal")
		}
	}
	if p.mounts[s.Name] != nil {
		return errors.New("mounted twice")
	}
	spec, err := newDocument(s.Spec)
	if err != nil {
		return err
	}
	card, err := newCard(s)
	if err != nil {
		return err
	}
	if s.Events != nil {
		if p.events[s.Name], err = newEventDocument(s.Events); err != nil {
			return err
		}
	}
	p.specs[s.Name] = spec
	p.mounts[s.Name] = web.Mount("/"+s.Name, s.Handler)
	p.cards = append(p.cards, card)
	return nil
}

// ServeHTTP hands a request to the mounted system or to the portal's own pages. The system gets the path as it came:
// a router in between would clean it, and the mount would answer otherwise than the system's own port.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first, _, below := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	mount := p.mounts[first]
	switch {
	case mount == nil:
		p.pages.ServeHTTP(w, r)
	case below:
		mount.ServeHTTP(w, r)
	default:
		web.Bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { redirect(w, r, first+"/") })).ServeHTTP(w, r)
	}
}

// redirect sends a client to a place beside the one it asked for, with its method, body and query. The target is relative,
// so that it is right behind any proxy.
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", target)
	w.WriteHeader(http.StatusPermanentRedirect)
}

// routes are the portal's own pages.
func (p *Portal) routes() error {
	ui, err := newUI(p.docsPage())
	if err != nil {
		return err
	}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		return fmt.Errorf("portal.New: %w", err)
	}
	p.pages.HTTPErrorHandler = p.fail
	get := func(path string, handler echo.HandlerFunc) {
		p.pages.GET(path, handler)
		p.pages.HEAD(path, handler)
	}
	get("/", p.showIndex)
	get("/assets/portal.css", func(c echo.Context) error {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-cache")
		http.ServeFileFS(c.Response(), c.Request(), files, "portal.css")
		return nil
	})
	get("/docs", echo.WrapHandler(ui))
	get("/docs/*", echo.WrapHandler(http.StripPrefix("/docs/", ui.files())))
	get("/specs/:system/openapi.yaml", p.showSpec)
	get("/specs/:system/asyncapi.yaml", p.showEvents)
	get("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "alive"}) })
	get("/readyz", p.showReadiness)
	get("/metrics", echo.WrapHandler(p.cfg.Metrics))
	return nil
}

// docsPage is Swagger UI over every contract.
func (p *Portal) docsPage() page {
	docs := page{Title: "Guichet", Home: "./"}
	for _, s := range p.cfg.Systems {
		docs.Specs = append(docs.Specs, specLink{Name: s.Title, URL: "specs/" + s.Name + "/openapi.yaml"})
	}
	return docs
}

func (p *Portal) showSpec(c echo.Context) error {
	name := c.Param("system")
	spec, known := p.specs[name]
	if !known {
		return echo.ErrNotFound
	}
	spec.serve(c.Response(), "/"+name)
	return nil
}

// showEvents answers an AsyncAPI contract with its servers below the mount. What is no HTTP is reached at the system's own
// address alone.
func (p *Portal) showEvents(c echo.Context) error {
	name := c.Param("system")
	contract, known := p.events[name]
	if !known {
		return echo.ErrNotFound
	}
	public := web.PublicURL(c.Request())
	public.Path += "/" + name
	for _, s := range p.cfg.Systems {
		if s.Name == name {
			contract.serve(c.Response(), public, hostOf(reachable(s.URL, c.Request().Host)))
		}
	}
	return nil
}

// showIndex renders the page anew each time: it tells the state of this moment.
func (p *Portal) showIndex(c echo.Context) error {
	states := p.readiness(c.Request().Context())
	data := indexData{Version: p.cfg.Version, Database: p.cfg.Database}
	for i, card := range p.cards {
		card.Ready = states[i].Status == ready
		card.Reason = states[i].Reason
		card.URL = reachable(card.URL, c.Request().Host)
		card.Host = hostOf(card.URL)
		if findings := p.cfg.Systems[i].Findings; findings != nil {
			card.Checked, card.Findings = true, findings()
		}
		data.Systems = append(data.Systems, card)
	}
	var body bytes.Buffer
	if err := p.index.Execute(&body, data); err != nil {
		return fmt.Errorf("portal.showIndex: %w", err)
	}
	securePage(c.Response().Header())
	return c.HTMLBlob(http.StatusOK, body.Bytes())
}

// fail answers an error of the portal's own pages.
func (p *Portal) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	status, text := http.StatusInternalServerError, "internal error"
	var known *echo.HTTPError
	if errors.As(err, &known) {
		status, text = known.Code, strings.ToLower(http.StatusText(known.Code))
	}
	if c.Request().Method == http.MethodHead {
		c.Response().WriteHeader(status)
		return
	}
	_ = c.JSON(status, map[string]string{"error": text}) // the client has gone
}

// securePage lets a page use what its own origin serves, and nothing else: no inline script, no eval, no other origin.
func securePage(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
}

// reachable is an address as the visitor reaches it: what is "localhost" to a system that listens everywhere is, to them, the
// host that they found the portal at.
func reachable(address, visited string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() != "localhost" || u.Port() == "" {
		return address
	}
	host := visited
	if name, _, err := net.SplitHostPort(visited); err == nil {
		host = name
	}
	u.Host = net.JoinHostPort(strings.Trim(host, "[]"), u.Port())
	return u.String()
}

// hostOf is what people type: the address without its scheme.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

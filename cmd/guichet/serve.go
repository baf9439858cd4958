package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
)

// serveCommand is `guichet serve`.
type serveCommand struct {
	Only   []string `placeholder:"SYSTEM" help:"Serve these systems alone; the portal always runs."`
	Config string   `short:"c" placeholder:"PATH" help:"Settings file of the chat; the default is GUICHET_TCHATATOR_CONFIG."`
	Check  *bool    `negatable:"" help:"Validate every response against its contract, and show in log and portal what does not fit. The default is GUICHET_CHECK."`
}

// Help is shown below the command's usage.
func (serveCommand) Help() string {
	return `The first signal (Ctrl-C, SIGTERM) takes no new requests, finishes those under way, closes sockets, and stops jobs and
database. A second one stops at once; nothing that was acknowledged is lost.

Examples:

    guichet serve
    guichet serve --only tiptop --check
    GUICHET_PORTAL_ADDR=:8080 DATABASE_URL=postgres://… GUICHET_SECRET=… guichet serve`
}

// closeTimeout bounds the end of the house, after requests and jobs have ended.
const closeTimeout = 30 * time.Second

// readyInterval is how often systems that start are asked whether they are ready.
const readyInterval = 20 * time.Millisecond

// portalName is the portal among the listeners.
const portalName = "portal"

// Run serves until ctx ends.
func (c serveCommand) Run(ctx context.Context, a *app) error {
	systems, err := only(a.systems, c.Only)
	if err != nil {
		return err
	}
	if c.Config != "" {
		a.environ = append(a.environ, tchatatorConfig+"="+c.Config) // the last one counts
	}
	s, err := a.settings()
	if err := config.Join(err, s.requireSecret()); err != nil {
		return err
	}
	if c.Check != nil {
		s.check = *c.Check
	}
	h := &house{settings: s, log: a.logger(s)}
	gates := newGates(systems)
	server, err := web.Listen(ctx, h.serverConfig(systems, gates))
	if err != nil {
		// A second `guichet serve` fails here first. Who holds the state directory tells more than a port that is taken.
		if held := pg.Held(s.stateDir); held != nil && s.databaseURL == "" {
			return held
		}
		return err
	}
	return a.serve(ctx, h, systems, server, gates)
}

// serverConfig is every address to listen at.
func (h *house) serverConfig(systems []system, gates map[string]*gate) web.ServerConfig {
	s := h.settings
	cfg := web.ServerConfig{
		Listeners: []web.Listener{{Name: portalName, Addr: s.portalAddr, Variable: "GUICHET_PORTAL_ADDR"}},
		TLS:       web.TLS{Cert: s.tls.cert, Key: s.tls.key, Domain: s.tls.domain},
		Logger:    h.log,
	}
	if s.tls.domain != "" {
		cfg.TLS.CacheDir = filepath.Join(s.stateDir, "acme")
	}
	for _, sys := range systems {
		l := web.Listener{Name: sys.name, Addr: s.systems[sys.name].addr, Variable: sys.variable("ADDR")}
		if sys.mixed {
			l.Split = gates[sys.name].listen
		}
		cfg.Listeners = append(cfg.Listeners, l)
	}
	return cfg
}

// serve runs everything from the first byte to the last. Addresses answer at once: until the systems are up the portal says
// that they start, and their own addresses let clients wait. The end is in the reverse order of the start: requests and
// sockets, background work, jobs, pools, database.
func (a *app) serve(signals context.Context, h *house, systems []system, server *web.Server, gates map[string]*gate) error {
	ctx, stop := context.WithCancel(signals)
	defer stop()
	handlers := map[string]http.Handler{}
	for name, g := range gates {
		handlers[name] = g
	}
	served := make(chan error, 1)
	go func() {
		defer stop() // a listener that fails ends the rest
		served <- server.Serve(ctx, handlers)
	}()
	work := newBackground(ctx, stop)
	built, err := a.start(ctx, h, systems, server, gates, work)
	if err = orInterrupted(signals, err); err == nil {
		<-ctx.Done()
		h.log.InfoContext(ctx, "stopping", "hint", "a second signal stops at once")
	}
	stop()
	for _, g := range gates {
		g.open(http.HandlerFunc(refuseStopping)) // opens only what start did not
	}
	h.drain(ctx, systems, built) // while the server drains requests
	if failed := <-served; failed != nil {
		err = failed // and what start met was its consequence
	}
	err = errors.Join(err, work.stop())
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err = errors.Join(err, h.close(closing))
	h.log.InfoContext(ctx, "stopped")
	return err
}

// start brings the house up, lets background work begin and opens the gates.
func (a *app) start(ctx context.Context, h *house, systems []system, server *web.Server, gates map[string]*gate, work *background) ([]*running, error) {
	if err := h.open(ctx, houseOptions{progress: a.stderr}, systems); err != nil {
		return nil, err
	}
	conns := share(h.settings.maxConns, len(systems))
	if err := h.furnish(ctx, conns); err != nil {
		return nil, err
	}
	built, err := h.build(ctx, systems, server, conns.system)
	if err != nil {
		return nil, err
	}
	front, err := h.newPortal(systems, built, server)
	if err != nil {
		return nil, err
	}
	if err := h.jobs.Start(ctx); err != nil {
		return nil, err
	}
	for i, sys := range systems {
		if built[i].work != nil {
			work.start(sys.name, built[i].work)
		}
	}
	if err := awaitReady(ctx, built); err != nil {
		return built, err
	}
	for i, sys := range systems {
		gates[sys.name].split = built[i].split
		gates[sys.name].open(built[i].handler)
	}
	gates[portalName].open(front)
	if err := h.server.Announce(server.URL(portalName)); err != nil {
		return built, err
	}
	a.welcome(h, systems, built, server)
	return built, nil
}

// awaitReady returns once every system can serve: what its background work must have seen first, it has seen. The error is
// the context's.
func awaitReady(ctx context.Context, built []*running) error {
	again := time.NewTicker(readyInterval)
	defer again.Stop()
	for _, one := range built {
		for one.ready(ctx) != nil {
			select {
			case <-again.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// build makes the systems, each with its documentation before it and its demo data loaded.
func (h *house) build(ctx context.Context, systems []system, server *web.Server, conns int) ([]*running, error) {
	var built []*running
	for _, sys := range systems {
		one, err := sys.build(ctx, h, site{url: server.URL(sys.name), conns: conns})
		if err != nil {
			return nil, err
		}
		if !h.settings.demo || !h.settings.dev {
			one.accounts = nil
		}
		if one.handler, err = portal.Docs(sys.title, sys.spec, sys.events, one.handler); err != nil {
			return nil, err
		}
		if h.settings.demo {
			if err := one.loadDemo(ctx); err != nil {
				return nil, fmt.Errorf("loading the demo data of %s: %w", sys.name, err)
			}
		}
		built = append(built, one)
	}
	return built, nil
}

// newPortal puts the systems behind one address.
func (h *house) newPortal(systems []system, built []*running, server *web.Server) (*portal.Portal, error) {
	cfg := portal.Config{
		Version:  version(),
		Database: "PostgreSQL " + h.server.Version(),
		Metrics:  h.metrics.Handler(),
		Echo:     h.web(),
	}
	if h.server.Embedded() {
		cfg.Database += ", embedded"
	}
	cfg.Echo.System, cfg.Echo.Metrics = portalName, h.metrics.System(portalName)
	for i, sys := range systems {
		address, err := h.publicURL(sys.name, server.URL(sys.name))
		if err != nil {
			return nil, err
		}
		cfg.Systems = append(cfg.Systems, portal.System{
			Name: sys.name, Title: sys.title, URL: address.String(), Spec: sys.spec, Events: sys.events,
			Handler: built[i].handler, Ready: built[i].ready, Findings: built[i].findings, Accounts: built[i].accounts,
		})
	}
	return portal.New(cfg)
}

// web is how every HTTP side of the process behaves.
func (h *house) web() web.Config {
	return web.Config{Logger: h.log, TrustedProxies: h.settings.trusted, CORSOrigins: h.settings.corsOrigins, Random: h.random}
}

// welcome tells a person at a terminal where everything is; a program finds the same in the log.
func (a *app) welcome(h *house, systems []system, built []*running, server *web.Server) {
	mails := "as files in " + h.settings.mailDir()
	if h.settings.smtp != nil {
		mails = "through " + h.settings.smtp.Host
	}
	h.log.Info("ready", "portal", server.URL(portalName), "systems", systemNames(systems), "database", h.server.Version(),
		"embedded", h.server.Embedded(), "mails", mails, "check", h.settings.check)
	if !a.isTerminal(a.stdout) {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nGuichet is ready.\n\n  %-14s %s\n  %-14s %s/docs\n", "Portal", server.URL(portalName), "Docs, try it",
		server.URL(portalName))
	for i, sys := range systems {
		fmt.Fprintf(&b, "  %-14s %s\n", sys.title, server.URL(sys.name))
		for _, account := range built[i].accounts {
			fmt.Fprintf(&b, "  %-14s %s\n", "", account)
		}
	}
	fmt.Fprintf(&b, "  %-14s %s\n\nCtrl-C stops it.\n\n", "Mails", mails)
	io.WriteString(a.stdout, b.String()) //nolint:errcheck // nobody reads it, then
}

func systemNames(systems []system) []string {
	var names []string
	for _, s := range systems {
		names = append(names, s.name)
	}
	return names
}

// refuseStopping answers who waited for a start that failed.
func refuseStopping(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	http.Error(w, "stopping", http.StatusServiceUnavailable)
}

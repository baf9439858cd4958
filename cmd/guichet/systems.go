package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/internal/reunion"
	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/tickets"
	"github.com/guichet-api/guichet/internal/tiptop"
	"github.com/guichet-api/guichet/spec"
)

// system is one system of the house, as the command line sees it.
type system struct {
	name         string // mount, schema, command
	title        string
	addr         string // where it listens by default
	spec         []byte
	events       []byte     // its AsyncAPI contract; nil: it has no live side
	commandsHelp string     // its commands, in a line of the help
	commands     func() any // a kong grammar
	mixed        bool       // its port speaks more than HTTP: see running.split
	build        func(context.Context, *house, site) (*running, error)
	own          ownSettings
}

// ownSettings are what the environment says to one system alone; zero: nothing.
type ownSettings struct {
	variables []variable                            // for the help
	read      func(*config.Reader) any              // becomes systemSettings.own
	addr      func(own any, fallback string) string // where it listens by default, if they say; nil: they do not
}

// site is a system's place in the process.
type site struct {
	url   string // its own address
	conns int    // how many database connections its pool may open
}

// publicURL is where clients reach a system, without a slash at the end: what the operator says, or its own address.
func (h *house) publicURL(name, own string) (*url.URL, error) {
	public := h.settings.systems[name].publicURL
	if public == nil {
		return url.Parse(own)
	}
	trimmed := *public
	trimmed.Path = strings.TrimSuffix(trimmed.Path, "/")
	return &trimmed, nil
}

// running is a system that was built.
type running struct {
	handler  http.Handler                // its operations, without docs
	ready    func(context.Context) error // nil when it can serve
	findings func() []portal.Finding     // nil when responses are not checked
	loadDemo func(context.Context) error // idempotent
	accounts []string                    // demo accounts as text; shown to everybody in development

	// What a system with a live side has besides; nil where there is nothing to do.
	work  func(context.Context) error     // runs beside the requests, until its context ends
	drain func(context.Context) error     // closes the sockets when the end has come, and waits for them
	split func(net.Listener) net.Listener // takes what is not HTTP off its listener: see web.Listener
}

// systemTable lists the systems in the order in which they are shown. A new one is an entry here and a file that builds it.
func systemTable() []system {
	return []system{
		{
			name: tiptop.Name, title: "The Tip Top", addr: "127.0.0.1:4000", spec: spec.Tiptop,
			commandsHelp: "accounts, codes and the contest.", commands: func() any { return &tiptopCommands{} }, build: buildTiptop,
		},
		{
			name: tickets.Name, title: "Tickets-Clients BTP", addr: "127.0.0.1:3000", spec: spec.Tickets, events: spec.TicketsEvents,
			commandsHelp: "accounts.", commands: func() any { return &ticketsCommands{} }, build: buildTickets, own: ticketsSettings(),
		},
		{
			name: reunion.Name, title: "Texam réunions", addr: "127.0.0.1:4100", spec: spec.Reunion, events: spec.ReunionEvents,
			commandsHelp: "sellers.", commands: func() any { return &reunionCommands{} }, build: buildReunion, own: reunionOwn(),
		},
		{
			name: tchatator.Name, title: "Tchatator", addr: "127.0.0.1:4242", spec: spec.Tchatator, events: spec.TchatatorEvents,
			commandsHelp: "users, and a client for the terminal.", commands: func() any { return &tchatatorCommands{} }, mixed: true,
			build: buildTchatator, own: tchatatorOwn(),
		},
	}
}

// defaultPortalAddr is where the portal listens.
const defaultPortalAddr = "127.0.0.1:8080"

// variable is the name of one of the system's own environment variables.
func (s system) variable(suffix string) string {
	return "GUICHET_" + strings.ToUpper(s.name) + "_" + suffix
}

// only picks systems by name; none named means all.
func only(systems []system, names []string) ([]system, error) {
	if len(names) == 0 {
		return systems, nil
	}
	var unknown, known []string
	for _, s := range systems {
		known = append(known, s.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			unknown = append(unknown, fmt.Sprintf("%q", name))
		}
	}
	if len(unknown) > 0 {
		return nil, &usageError{fmt.Errorf("--only: there is no system %s; there is %s", strings.Join(unknown, " or "),
			strings.Join(known, ", "))}
	}
	return slices.DeleteFunc(slices.Clone(systems), func(s system) bool { return !slices.Contains(names, s.name) }), nil
}

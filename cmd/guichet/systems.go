package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/spec"
)

// system is one system of the house, as the command line sees it.
type system struct {
	name         string // mount, schema, command
	title        string
	addr         string // where it listens by default
	spec         []byte
	commandsHelp string     // its commands, in a line of the help
	commands     func() any // a kong grammar
	build        func(context.Context, *house, site) (*running, error)
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
}

// systemTable lists the systems in the order in which they are shown. A new one is a line here and a file that builds it.
func systemTable() []system {
	return []system{
		{"tiptop", "The Tip Top", "127.0.0.1:4000", spec.Tiptop, "accounts, codes and the contest.", func() any { return &tiptopCommands{} }, buildTiptop},
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

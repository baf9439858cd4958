package main

import (
	"context"
	"time"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/tickets"
)

// ticketsSettings are the ticket desk's own variables.
func ticketsSettings() ownSettings {
	return ownSettings{
		variables: []variable{
			{"GUICHET_TICKETS_SLA_CRITIQUE", "4h", "from a ticket of this priority to its deadline"},
			{"GUICHET_TICKETS_SLA_HAUTE", "8h", "the same, for haute"},
			{"GUICHET_TICKETS_SLA_NORMALE", "24h", "the same, for normale"},
			{"GUICHET_TICKETS_SLA_BASSE", "72h", "the same, for basse"},
		},
		read: func(r *config.Reader) any { return readSLA(r) },
	}
}

// readSLA reads how long tickets may take.
func readSLA(r *config.Reader) tickets.SLA {
	sla := tickets.DefaultSLA()
	for name, d := range map[string]*time.Duration{
		"GUICHET_TICKETS_SLA_CRITIQUE": &sla.Critique, "GUICHET_TICKETS_SLA_HAUTE": &sla.Haute,
		"GUICHET_TICKETS_SLA_NORMALE": &sla.Normale, "GUICHET_TICKETS_SLA_BASSE": &sla.Basse,
	} {
		if *d = r.Duration(name, *d, time.Second, tickets.MaxSLA); *d%time.Second != 0 {
			r.Mistake(name, "must be whole seconds, not %s", *d)
		}
	}
	return sla
}

// newTickets makes the ticket desk on the house.
func newTickets(ctx context.Context, h *house, place site, checker *contract.Checker) (*tickets.API, error) {
	pool, err := h.pool(ctx, tickets.Name, pg.PoolConfig{Schema: tickets.Name, MaxConns: place.conns})
	if err != nil {
		return nil, err
	}
	return tickets.New(tickets.Config{
		Secret: h.secret,
		Place:  h.settings.zone,
		SLA:    h.settings.systems[tickets.Name].own.(tickets.SLA),
		Limits: tickets.Limits{Login: h.settings.limits.login()},
	}, tickets.Deps{
		Pool: pool, Clock: h.clock, Rand: h.random, Limiter: h.limiter, Jobs: h.jobs, Passwords: h.passwords,
		Metrics: h.metrics.System(tickets.Name), Web: h.web(), Checker: checker,
	})
}

// buildTickets makes the ticket desk to be served.
func buildTickets(ctx context.Context, h *house, place site) (*running, error) {
	checker, findings := h.newChecker(ctx, tickets.Name)
	api, err := newTickets(ctx, h, place, checker)
	if err != nil {
		return nil, err
	}
	account := tickets.DemoAccount()
	return &running{
		handler: api.Handler(), ready: api.Ready, findings: findings, loadDemo: api.Operator().LoadDemo,
		accounts: []string{account.Email + " / " + account.Password + " (" + account.Role + ")"},
		work:     api.Run, drain: api.Drain,
	}, nil
}

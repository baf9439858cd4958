package main

import (
	"context"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/reunion"
)

// reunionSettings are the réunions' own.
type reunionSettings struct{ open bool }

const reunionOpen = "GUICHET_REUNION_OPEN"

func reunionOwn() ownSettings {
	return ownSettings{
		variables: []variable{{reunionOpen, "false", "let sockets without a token host réunions, for trusted networks"}},
		read:      func(r *config.Reader) any { return reunionSettings{open: r.Bool(reunionOpen, false)} },
	}
}

// newReunion makes the réunions on the house.
func newReunion(ctx context.Context, h *house, place site, checker *contract.Checker) (*reunion.API, error) {
	pool, err := h.pool(ctx, reunion.Name, pg.PoolConfig{Schema: reunion.Name, MaxConns: place.conns})
	if err != nil {
		return nil, err
	}
	own, _ := h.settings.systems[reunion.Name].own.(reunionSettings)
	limits := reunion.Limits{Login: h.settings.limits.login(), Visits: h.settings.limits.rules[visitAddress]}
	if !h.settings.limits.off {
		limits.Carts = h.settings.limits.rules[cartSocket]
	}
	return reunion.New(reunion.Config{Secret: h.secret, Limits: limits, Open: own.open}, reunion.Deps{
		Pool: pool, Clock: h.clock, Rand: h.random, Limiter: h.limiter, Jobs: h.jobs, Passwords: h.passwords,
		Metrics: h.metrics.System(reunion.Name), Web: h.web(), Checker: checker,
	})
}

// buildReunion makes the réunions to be served.
func buildReunion(ctx context.Context, h *house, place site) (*running, error) {
	checker, findings := h.newChecker(ctx, reunion.Name)
	api, err := newReunion(ctx, h, place, checker)
	if err != nil {
		return nil, err
	}
	one := &running{
		handler: api.Handler(), ready: api.Ready, findings: findings, loadDemo: api.Operator().LoadDemo, work: api.Run, drain: api.Drain,
	}
	for _, account := range reunion.DemoAccounts() {
		one.accounts = append(one.accounts, account.Email+" / "+account.Password)
	}
	return one, nil
}

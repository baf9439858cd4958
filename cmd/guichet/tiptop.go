package main

import (
	"context"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/tiptop"
)

// newTiptop makes The Tip Top on the house.
func newTiptop(ctx context.Context, h *house, place site, checker *contract.Checker) (*tiptop.API, error) {
	pool, err := h.pool(ctx, tiptop.Name, pg.PoolConfig{Schema: tiptop.Name, MaxConns: place.conns})
	if err != nil {
		return nil, err
	}
	public, err := h.publicURL(tiptop.Name, place.url)
	if err != nil {
		return nil, err
	}
	rules := h.settings.limits.rules
	return tiptop.New(tiptop.Config{
		PublicURL: public,
		Secret:    h.secret,
		Place:     h.settings.zone,
		Limits: tiptop.Limits{
			Login:              h.settings.limits.login(),
			RegisterPerAddress: rules[registerAddress], ForgotPerAccount: rules[forgotAccount],
		},
	}, tiptop.Deps{
		Pool: pool, Clock: h.clock, Rand: h.random, Limiter: h.limiter, Jobs: h.jobs, Mailer: h.mailer, Passwords: h.passwords,
		Metrics: h.metrics.System(tiptop.Name), Scrape: h.metrics.Handler(), Web: h.web(), Checker: checker,
	})
}

// buildTiptop makes The Tip Top to be served.
func buildTiptop(ctx context.Context, h *house, place site) (*running, error) {
	checker, findings := h.newChecker(ctx, tiptop.Name)
	api, err := newTiptop(ctx, h, place, checker)
	if err != nil {
		return nil, err
	}
	one := &running{handler: api.Handler(), ready: api.Ready, findings: findings, loadDemo: api.Operator().LoadDemo}
	for _, account := range tiptop.DemoAccounts() {
		one.accounts = append(one.accounts, account.Email+" / "+account.Password+" ("+account.Role+")")
	}
	return one, nil
}

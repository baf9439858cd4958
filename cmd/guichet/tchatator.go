package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/tchatator"
)

// newTchatator makes the chat on the house. log is where its live side reports.
func newTchatator(ctx context.Context, h *house, place site, checker *contract.Checker, log *slog.Logger) (*tchatator.API, error) {
	pool, err := h.pool(ctx, tchatator.Name, pg.PoolConfig{Schema: tchatator.Name, MaxConns: place.conns})
	if err != nil {
		return nil, err
	}
	own := h.settings.systems[tchatator.Name].own.(tchatatorSettings)
	return tchatator.New(own.Config, tchatator.Deps{
		Pool: pool, Clock: h.clock, Rand: h.random, Jobs: h.jobs, Metrics: h.metrics.System(tchatator.Name), Web: h.web(),
		Checker: checker, Log: log,
	})
}

// buildTchatator makes the chat to be served.
func buildTchatator(ctx context.Context, h *house, place site) (*running, error) {
	log, err := tchatatorLog(h)
	if err != nil {
		return nil, err
	}
	checker, findings := h.newChecker(ctx, tchatator.Name)
	api, err := newTchatator(ctx, h, place, checker, log)
	if err != nil {
		return nil, err
	}
	operator := api.Operator()
	if err := operator.ApplySettings(ctx); err != nil {
		return nil, err
	}
	one := &running{
		handler: api.Handler(), ready: api.Ready, findings: findings, loadDemo: operator.LoadDemo, work: api.Run, drain: api.Drain,
	}
	serving := context.WithoutCancel(ctx) // commands under way finish: drain ends the connections
	one.split = func(inner net.Listener) net.Listener {
		return tcp.Split(inner, tcp.SplitConfig{Text: func(socket net.Conn) { api.ServeText(serving, socket) }})
	}
	for _, user := range tchatator.DemoUsers() {
		one.accounts = append(one.accounts, fmt.Sprintf("user %d, %s: token 64 × %q", user.ID, user.Kind, user.Token[:1]))
	}
	return one, nil
}

// logFileMode lets the server's group read the log.
const logFileMode = 0o640

// tchatatorLog is the house's log and, besides, the file that the settings name. Lines are written as they come, so that the
// end of the process loses none.
func tchatatorLog(h *house) (*slog.Logger, error) {
	path := h.settings.systems[tchatator.Name].own.(tchatatorSettings).logFile
	if path == "" {
		return h.log, nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, logFileMode)
	if err != nil {
		return nil, fmt.Errorf("the log file of the chat: %w", err)
	}
	lines := slog.NewTextHandler(file, &slog.HandlerOptions{Level: h.settings.logLevel})
	return slog.New(slog.NewMultiHandler(h.log.Handler(), lines)), nil
}

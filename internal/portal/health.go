package portal

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/problem"
)

// States of a system, and of all together.
const (
	ready       = "ready"
	unavailable = "unavailable"
	starting    = "starting"
)

// readyTimeout bounds the question to every system: who does not answer in time is not ready.
const readyTimeout = 2 * time.Second

// state is a system's line in /readyz.
type state struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// health is the answer of /readyz.
type health struct {
	Status  string  `json:"status"`
	Systems []state `json:"systems"`
}

// readiness asks all systems at once.
func (p *Portal) readiness(ctx context.Context) []state {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	states := make([]state, len(p.cfg.Systems))
	var group sync.WaitGroup
	for i, s := range p.cfg.Systems {
		group.Go(func() {
			states[i] = state{Name: s.Name, Status: ready}
			if err := s.Ready(ctx); err != nil {
				p.log.WarnContext(ctx, "not ready", "system", s.Name, "error", err)
				states[i] = state{Name: s.Name, Status: unavailable, Reason: reason(err)}
			}
		})
	}
	group.Wait()
	return states
}

// reason is what strangers may read of an error: public messages alone.
func reason(err error) string {
	var public *problem.Error
	switch {
	case errors.As(err, &public):
		return public.Message
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	default:
		return "the database is away"
	}
}

func (p *Portal) showReadiness(c echo.Context) error {
	answer := health{Status: ready, Systems: p.readiness(c.Request().Context())}
	for _, s := range answer.Systems {
		if s.Status != ready {
			answer.Status = unavailable
		}
	}
	if answer.Status != ready {
		c.Response().Header().Set("Retry-After", "2")
		return c.JSON(http.StatusServiceUnavailable, answer)
	}
	return c.JSON(http.StatusOK, answer)
}

// Starting stands in for the portal until everything is up: alive and not ready. An orchestrator then neither kills a
// process that fetches its database for the first time, nor sends it work.
func Starting(systems []string) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	answer := health{Status: starting}
	for _, name := range systems {
		answer.Systems = append(answer.Systems, state{Name: name, Status: starting})
	}
	e.GET("/healthz", func(c echo.Context) error { return c.JSON(http.StatusOK, map[string]string{"status": "alive"}) })
	e.Any("/*", func(c echo.Context) error {
		c.Response().Header().Set("Retry-After", "2")
		return c.JSON(http.StatusServiceUnavailable, answer)
	})
	return e
}

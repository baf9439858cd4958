package reunion

import (
	"context"

	"github.com/guichet-api/guichet/internal/realtime"
)

// Tend does now what Run does every second.
func (a *API) Tend(ctx context.Context) error { return a.live.tend(ctx) }

// Gateway is what wires serve.
func (a *API) Gateway() *realtime.Gateway { return a.gateway }

// Held is how many seats are taken, and how many could not be given up yet.
func (a *API) Held() (seats, strays int) {
	a.live.mu.Lock()
	defer a.live.mu.Unlock()
	return len(a.live.seats), len(a.live.strays)
}

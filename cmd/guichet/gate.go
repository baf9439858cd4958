package main

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/guichet-api/guichet/internal/portal"
)

// gate is a handler that another one takes over from, once.
type gate struct {
	split     func(net.Listener) net.Listener // nil: the port speaks HTTP alone; set before it opens
	meanwhile http.Handler                    // nil: requests wait
	once      sync.Once
	opened    chan struct{}
	handler   http.Handler // set before opened is closed
}

// newGates are the gates of the portal and of the systems.
func newGates(systems []system) map[string]*gate {
	gates := map[string]*gate{portalName: newGate(portal.Starting(systemNames(systems)))}
	for _, sys := range systems {
		gates[sys.name] = newGate(nil)
	}
	return gates
}

func newGate(meanwhile http.Handler) *gate {
	return &gate{meanwhile: meanwhile, opened: make(chan struct{})}
}

// open hands over to the handler; a gate that is open stays as it is.
func (g *gate) open(h http.Handler) {
	g.once.Do(func() {
		g.handler = h
		close(g.opened)
	})
}

// ServeHTTP hands the request to whoever is in charge; one that waits for a start gives up when its client does.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case <-g.opened:
		g.handler.ServeHTTP(w, r)
		return
	default:
	}
	if g.meanwhile != nil {
		g.meanwhile.ServeHTTP(w, r)
		return
	}
	select {
	case <-g.opened:
		g.handler.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

// listen is the listener of a mixed port, once the system is there that knows how to split it: web.Listener's Split. Clients
// wait meanwhile, for the kernel to hand them over.
func (g *gate) listen(ctx context.Context, inner net.Listener) net.Listener {
	select {
	case <-g.opened:
		if g.split != nil {
			return g.split(inner)
		}
	case <-ctx.Done():
	}
	return inner
}

package main

import (
	"net/http"
	"sync"
)

// gate is a handler that another one takes over from, once.
type gate struct {
	meanwhile http.Handler // nil: requests wait
	once      sync.Once
	opened    chan struct{}
	handler   http.Handler // set before opened is closed
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

package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/realtime"
)

// What a system needs to put realtime wires on its Echo instance: they are handlers of its own routes, behind the same request
// ids, log, addresses and origins as its operations.

// PeerAddress is the address of a request's client as wires want it: Peer, as text.
func PeerAddress(r *http.Request) string { return Peer(r.Context()).String() }

// AllowsOrigin reports whether pages of an origin may open sockets: those that may call.
func (c Config) AllowsOrigin(origin string) bool {
	allowed := newCORS(c.CORSOrigins).origins
	return len(allowed) == 0 || slices.Contains(allowed, origin)
}

// RefuseHandshake answers a handshake that a wire on e did not accept, in the words of the contract: by e's own
// HTTPErrorHandler, which is set by the time a request comes. An error that says more than the status, such as that of a token
// which is not valid or of a database that is away, reaches it as it is.
func RefuseHandshake(e *echo.Echo, c *contract.Contract) func(w http.ResponseWriter, r *http.Request, status int, err error) {
	return func(w http.ResponseWriter, r *http.Request, status int, err error) {
		if req := requestOf(r.Context()); req != nil {
			req.err = err
		}
		if status != http.StatusInternalServerError && !errors.Is(err, realtime.ErrUnauthenticated) {
			err = c.Refusal(status, err)
		}
		e.HTTPErrorHandler(err, e.NewContext(r, w))
	}
}

// live is the metrics of what all systems' sockets do.
type live struct {
	connections *prometheus.GaugeVec
	received    *prometheus.CounterVec
	sent        *prometheus.CounterVec
	dropped     *prometheus.CounterVec
	queued      *prometheus.GaugeVec
}

func newLive() *live {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "guichet_realtime_" + name, Help: help}, labels)
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "guichet_realtime_" + name, Help: help}, labels)
	}
	return &live{
		connections: gauge("connections", "Peers connected now, by wire.", "system", "wire"),
		received:    counter("events_received_total", "Messages from peers, by wire and by the contract's name.", "system", "wire", "event"),
		sent:        counter("events_sent_total", "Messages queued for peers: a broadcast to a hundred counts a hundred.", "system", "event"),
		dropped:     counter("events_dropped_total", "Messages lost or replaced because a peer's queue was full.", "system", "event"),
		queued:      gauge("queue_bytes", "What waits to be written to peers.", "system"),
	}
}

func (l *live) register(r *prometheus.Registry) {
	r.MustRegister(l.connections, l.received, l.sent, l.dropped, l.queued)
}

// Live counts what the system's sockets do.
func (m *Metrics) Live() realtime.Meter {
	l, system := m.registry.live, prometheus.Labels{"system": m.system}
	return &meter{
		connections: l.connections.MustCurryWith(system), received: l.received.MustCurryWith(system),
		sent: l.sent.MustCurryWith(system), dropped: l.dropped.MustCurryWith(system), queued: l.queued.With(system),
	}
}

// meter is one system's.
type meter struct {
	connections             *prometheus.GaugeVec
	received, sent, dropped *prometheus.CounterVec
	queued                  prometheus.Gauge
}

// control is the event of frames that are the wire's own: pings.
const control = "control"

// Connected implements realtime.Meter.
func (m *meter) Connected(wire realtime.Wire, delta int) {
	m.connections.WithLabelValues(wire.String()).Add(float64(delta))
}

// Received implements realtime.Meter.
func (m *meter) Received(wire realtime.Wire, event string) {
	m.received.WithLabelValues(wire.String(), event).Inc()
}

// Sent implements realtime.Meter.
func (m *meter) Sent(event string, peers int) {
	m.sent.WithLabelValues(event).Add(float64(peers))
}

// Queued implements realtime.Meter.
func (m *meter) Queued(bytes int) { m.queued.Add(float64(bytes)) }

// Dropped implements realtime.Meter.
func (m *meter) Dropped(event string) { m.dropped.WithLabelValues(cmp.Or(event, control)).Inc() }

package web

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Registry is the metrics of the process in Prometheus' terms: requests and sockets of every system, connection pools, Go,
// process, build.
type Registry struct {
	*prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	live     *live
}

// NewRegistry makes a Registry for a program of this version.
func NewRegistry(version string) *Registry {
	labels := []string{"system", "operation"}
	r := &Registry{
		Registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "guichet_http_requests_total", Help: "Requests answered, by the operationId of the contract and the status.",
		}, append(labels, "code")),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "guichet_http_request_duration_seconds", Help: "Time from a request to its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, labels),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "guichet_http_requests_in_flight", Help: "Requests being answered now.",
		}, labels),
		live: newLive(),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "guichet_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	r.MustRegister(r.requests, r.seconds, r.inFlight, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	r.live.register(r.Registry)
	return r
}

// Handler serves the metrics in Prometheus' text formats.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.Registry, promhttp.HandlerOpts{Registry: r.Registry})
}

// System is the metrics of one system's requests.
func (r *Registry) System(name string) *Metrics {
	m := &Metrics{registry: r, system: name}
	m.unmatched = m.operation("none")
	return m
}

// Metrics counts the requests of one system.
type Metrics struct {
	registry  *Registry
	system    string
	unmatched *operation // what reached no operation: unknown routes, wrong methods, preflights
}

// Around counts and times the requests of an operation, and names the operation in the log. Labels are looked up here,
// once, and not per request. It must be the operation's outermost middleware; the answer to an error is written within it,
// so that the status is known.
func (m *Metrics) Around(name string) echo.MiddlewareFunc {
	op := m.operation(name)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			req := requestOf(c.Request().Context())
			if req != nil {
				req.operation = name
			}
			start, status := time.Now(), http.StatusInternalServerError // the status of a panic
			op.inFlight.Inc()
			defer func() {
				op.inFlight.Dec()
				op.observe(status, time.Since(start))
			}()
			if err := next(c); err != nil {
				if req != nil {
					req.err = err
				}
				c.Error(err)
			}
			status = c.Response().Status
			return nil
		}
	}
}

// operation is the series of one operation.
type operation struct {
	codes    [600]atomic.Pointer[prometheus.Counter]
	requests *prometheus.CounterVec
	seconds  prometheus.Observer
	inFlight prometheus.Gauge
}

func (m *Metrics) operation(name string) *operation {
	labels := prometheus.Labels{"system": m.system, "operation": name}
	return &operation{
		requests: m.registry.requests.MustCurryWith(labels),
		seconds:  m.registry.seconds.With(labels),
		inFlight: m.registry.inFlight.With(labels),
	}
}

func (o *operation) observe(status int, took time.Duration) {
	if status < 0 || status >= len(o.codes) {
		status = 0
	}
	counter := o.codes[status].Load()
	if counter == nil {
		c := o.requests.WithLabelValues(strconv.Itoa(status)) // the same counter for all who race here
		counter = &c
		o.codes[status].Store(counter)
	}
	(*counter).Inc()
	o.seconds.Observe(took.Seconds())
}

// AddPool shows a connection pool's state under its name.
func (r *Registry) AddPool(name string, pool *pgxpool.Pool) {
	r.MustRegister(newPoolCollector(name, pool))
}

// poolCollector reads a pool's statistics when they are asked for.
type poolCollector struct {
	stat   func() *pgxpool.Stat
	series []poolSeries
}

type poolSeries struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*pgxpool.Stat) float64
}

func newPoolCollector(name string, pool *pgxpool.Pool) *poolCollector {
	series := func(suffix, help string, kind prometheus.ValueType, value func(*pgxpool.Stat) float64) poolSeries {
		return poolSeries{prometheus.NewDesc("guichet_db_pool_"+suffix, help, nil, prometheus.Labels{"pool": name}), kind, value}
	}
	const gauge, counter = prometheus.GaugeValue, prometheus.CounterValue
	return &poolCollector{stat: pool.Stat, series: []poolSeries{
		series("connections_max", "Most connections the pool opens.", gauge,
			func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		series("connections", "Connections open.", gauge,
			func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		series("connections_in_use", "Connections at work.", gauge,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		series("acquires_total", "Connections handed out.", counter,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }),
		series("acquires_waited_total", "Connections that had to be waited for.", counter,
			func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
		series("acquires_canceled_total", "Waits that were given up.", counter,
			func(s *pgxpool.Stat) float64 { return float64(s.CanceledAcquireCount()) }),
		series("acquire_seconds_total", "Time spent getting connections.", counter,
			func(s *pgxpool.Stat) float64 { return s.AcquireDuration().Seconds() }),
	}}
}

// Describe implements prometheus.Collector.
func (p *poolCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, s := range p.series {
		descs <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (p *poolCollector) Collect(metrics chan<- prometheus.Metric) {
	stat := p.stat()
	for _, s := range p.series {
		metrics <- prometheus.MustNewConstMetric(s.desc, s.kind, s.value(stat))
	}
}

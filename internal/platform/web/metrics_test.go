package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/guichet-api/guichet/internal/platform/web"
)

func TestMetricsPerOperation(t *testing.T) {
	t.Parallel()
	registry := web.NewRegistry("1.2.3")
	metrics := registry.System("tiptop")
	b := instance(t, func(cfg *web.Config) { cfg.Metrics = metrics })
	b.GET("/tickets/:id", func(c echo.Context) error {
		switch c.Param("id") {
		case "missing":
			return echo.ErrNotFound
		case "broken":
			return errors.New("the disk is full")
		case "panic":
			panic("out of luck")
		}
		expected := `guichet_http_requests_in_flight{operation="getTicket",system="tiptop"} 1`
		if text := scrape(t, registry); !strings.Contains(text, expected) {
			t.Errorf("in flight:\n%s", text)
		}
		return c.NoContent(http.StatusOK)
	}, metrics.Around("getTicket"))
	for _, id := range []string{"1", "2", "missing", "broken", "panic"} {
		call(b, http.MethodGet, "/tickets/"+id)
	}
	call(b, http.MethodGet, "/unknown")
	call(b, http.MethodPost, "/tickets/1")
	const want = `
# HELP guichet_http_requests_total Requests answered, by the operationId of the contract and the status.
# TYPE guichet_http_requests_total counter
guichet_http_requests_total{code="200",operation="getTicket",system="tiptop"} 2
guichet_http_requests_total{code="404",operation="getTicket",system="tiptop"} 1
guichet_http_requests_total{code="404",operation="none",system="tiptop"} 1
guichet_http_requests_total{code="405",operation="none",system="tiptop"} 1
guichet_http_requests_total{code="500",operation="getTicket",system="tiptop"} 2
# HELP guichet_http_requests_in_flight Requests being answered now.
# TYPE guichet_http_requests_in_flight gauge
guichet_http_requests_in_flight{operation="getTicket",system="tiptop"} 0
guichet_http_requests_in_flight{operation="none",system="tiptop"} 0
`
	err := testutil.GatherAndCompare(registry, strings.NewReader(want), "guichet_http_requests_total", "guichet_http_requests_in_flight")
	if err != nil {
		t.Error(err)
	}
	text := scrape(t, registry)
	for _, want := range []string{
		`guichet_http_request_duration_seconds_count{operation="getTicket",system="tiptop"} 5`,
		`guichet_http_request_duration_seconds_bucket{operation="getTicket",system="tiptop",le="10"} 5`,
		`guichet_build_info{version="1.2.3"} 1`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	operations := map[string]string{}
	for _, line := range b.log.lines(t) {
		operations[line["route"].(string)+" "+line["method"].(string)] = line["operation"].(string)
	}
	if operations["/tickets/:id GET"] != "getTicket" {
		t.Errorf("logged operations %v", operations)
	}
}

// An operation's cost beyond its handler is a handful of atomics: nothing is looked up or allocated per request.
func TestAroundDoesNotAllocate(t *testing.T) {
	metrics := web.NewRegistry("").System("tiptop")
	handler := metrics.Around("getTicket")(func(c echo.Context) error { return nil })
	c := echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder())
	if err := handler(c); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _ = handler(c) }); n != 0 {
		t.Errorf("%v allocations per request", n)
	}
}

func TestPoolMetrics(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/x?pool_max_conns=7")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	registry := web.NewRegistry("")
	registry.AddPool("tiptop", pool)
	if _, err := pool.Acquire(t.Context()); err == nil {
		t.Fatal("somebody answers at port 1")
	}
	text := scrape(t, registry)
	for _, want := range []string{
		`guichet_db_pool_connections_max{pool="tiptop"} 7`, `guichet_db_pool_connections{pool="tiptop"} 0`,
		`guichet_db_pool_connections_in_use{pool="tiptop"} 0`, `guichet_db_pool_acquires_total{pool="tiptop"} 0`,
		`guichet_db_pool_acquires_waited_total{pool="tiptop"} `, `guichet_db_pool_acquires_canceled_total{pool="tiptop"} `,
		`guichet_db_pool_acquire_seconds_total{pool="tiptop"} `,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func scrape(t *testing.T, registry *web.Registry) string {
	t.Helper()
	w := call(registry.Handler(), http.MethodGet, "/metrics")
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("/metrics answers %d %v", w.Code, w.Header())
	}
	return w.Body.String()
}

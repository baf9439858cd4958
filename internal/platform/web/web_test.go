package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// logged is a log of JSON lines that tests read.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// lines are the records, parsed.
func (l *logged) lines(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []map[string]any
	for line := range strings.Lines(l.buf.String()) {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("log line %s: %v", line, err)
		}
		lines = append(lines, record)
	}
	return lines
}

// request is the one record of a request.
func (l *logged) request(t *testing.T) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, line := range l.lines(t) {
		if line["msg"] == "request" {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d requests in the log, want 1: %v", len(found), found)
	}
	return found[0]
}

func testLog(l *logged) *slog.Logger {
	return slog.New(web.WithRequestID(slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

type bundle struct {
	*echo.Echo
	log *logged
}

func instance(t *testing.T, change func(*web.Config)) bundle {
	t.Helper()
	b := bundle{log: &logged{}}
	cfg := web.Config{
		System: "tiptop",
		Logger: testLog(b.log),
	}
	if change != nil {
		change(&cfg)
	}
	b.Echo = web.New(cfg)
	b.HTTPErrorHandler = func(err error, c echo.Context) {
		status := http.StatusInternalServerError
		var he *echo.HTTPError
		if errors.As(err, &he) {
			status = he.Code
		}
		_ = c.JSON(status, map[string]any{"success": false})
	}
	return b
}

// call sends a request from 192.0.2.1, as httptest makes them, straight to the handler.
func call(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/api/auth/verify-email/:token", func(c echo.Context) error { return c.String(http.StatusOK, "twelve bytes") })
	w := call(b, http.MethodGet, "/api/auth/verify-email/s3cret-token?token=s3cret-token")
	got := b.log.request(t)
	want := map[string]any{
		"level": "INFO", "system": "tiptop", "method": "GET", "route": "/api/auth/verify-email/:token", "operation": "",
		"status": 200.0, "bytes": 12.0, "peer": "192.0.2.1", "request": w.Header().Get("X-Request-Id"),
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("log: %s is %v, want %v", key, got[key], value)
		}
	}
	if took, ok := got["took"].(float64); !ok || took <= 0 {
		t.Errorf("log: took %v", got["took"])
	}
	if strings.Contains(b.log.buf.String(), "s3cret") {
		t.Errorf("the log tells a token: %s", b.log.buf.String())
	}
}

func TestAccessLogOfUnknownRoutes(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	w := call(b, http.MethodGet, "/api/verify/"+strings.Repeat("a", 64)+"?token=s3cret")
	got := b.log.request(t)
	if w.Code != http.StatusNotFound || got["status"] != 404.0 || got["route"] != "" || got["path"] != "/api/verify/…" {
		t.Errorf("answer %d, log %v", w.Code, got)
	}
	if text := b.log.buf.String(); strings.Contains(text, "aaaa") || strings.Contains(text, "s3cret") {
		t.Errorf("the log tells a token: %s", text)
	}
	b = instance(t, nil)
	call(b, http.MethodGet, strings.Repeat("/x\xff", 300))
	if path := b.log.request(t)["path"].(string); len(path) > 140 || !strings.HasSuffix(path, "…") {
		t.Errorf("path %q", path)
	}
}

func TestServerErrorIsLoggedWithItsCause(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/broken", func(echo.Context) error { return errors.New("the disk is full") })
	w := call(b, http.MethodGet, "/broken")
	got := b.log.request(t)
	if w.Code != 500 || got["level"] != "ERROR" || got["error"] != "the disk is full" {
		t.Errorf("answer %d, log %v", w.Code, got)
	}
	if strings.Contains(w.Body.String(), "disk") {
		t.Errorf("the client is told %s", w.Body)
	}
}

func TestPanicIsTheSystemsServerError(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/panic", func(echo.Context) error { panic("out of luck") })
	w := call(b, http.MethodGet, "/panic")
	got := b.log.request(t)
	cause, _ := got["error"].(map[string]any)
	stack, _ := cause["stack"].(string)
	if w.Code != 500 || !strings.Contains(w.Body.String(), "success") || got["level"] != "ERROR" ||
		cause["panic"] != "out of luck" || !strings.Contains(stack, "TestPanicIsTheSystemsServerError") {
		t.Errorf("answer %d %s, log %v", w.Code, w.Body, got)
	}
	b.GET("/abort", func(echo.Context) error { panic(http.ErrAbortHandler) })
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // the very value
			t.Error("net/http's own way to abort does not reach it")
		}
	}()
	call(b, http.MethodGet, "/abort")
}

func TestClientThatLeftIsNoServerError(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/slow", func(c echo.Context) error { return c.Request().Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/slow", nil))
	if got := b.log.request(t); got["level"] != "INFO" || got["status"] != 500.0 {
		t.Errorf("log %v", got)
	}
}

func TestQuietRoutes(t *testing.T) {
	t.Parallel()
	b := instance(t, func(cfg *web.Config) { cfg.QuietRoutes = []string{"/healthz"} })
	fail := false
	b.GET("/healthz", func(echo.Context) error {
		if fail {
			return errors.New("no")
		}
		return nil
	})
	call(b, http.MethodGet, "/healthz")
	if got := b.log.request(t); got["level"] != "DEBUG" {
		t.Errorf("a probe that succeeds: %v", got)
	}
	fail = true
	call(b, http.MethodGet, "/healthz")
	if lines := b.log.lines(t); lines[1]["level"] != "ERROR" {
		t.Errorf("a probe that fails: %v", lines[1])
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	made := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for name, c := range map[string]struct {
		sent string
		kept bool
	}{
		"none":        {"", false},
		"theirs":      {"01JC-abc_d.E", true},
		"64 letters":  {strings.Repeat("a", 64), true},
		"65 letters":  {strings.Repeat("a", 65), false},
		"a line":      {"a\nlevel=ERROR", false},
		"a quote":     {`a"b`, false},
		"not ASCII":   {"é", false},
		"with blanks": {"a b", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := instance(t, nil)
			b.GET("/", func(c echo.Context) error {
				return c.String(http.StatusOK, web.RequestID(c.Request().Context()))
			})
			w := call(b, http.MethodGet, "/", "X-Request-Id", c.sent)
			id := w.Header().Get("X-Request-Id")
			if c.kept && id != c.sent || !c.kept && !made.MatchString(id) {
				t.Errorf("id %q", id)
			}
			if w.Body.String() != id || b.log.request(t)["request"] != id {
				t.Errorf("answered %q, in the context %q, logged %v", id, w.Body, b.log.request(t)["request"])
			}
		})
	}
}

func TestRecordsCarryTheRequestID(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	var log *slog.Logger
	_ = instance(t, func(cfg *web.Config) { log = slog.New(web.WithRequestID(slog.NewJSONHandler(b.log, nil))).With("a", 1) })
	b.GET("/", func(c echo.Context) error {
		log.InfoContext(c.Request().Context(), "inside")
		log.InfoContext(t.Context(), "outside")
		log.InfoContext(c.Request().Context(), "own", "request", "mine")
		return nil
	})
	id := call(b, http.MethodGet, "/").Header().Get("X-Request-Id")
	want := map[string]any{"inside": id, "outside": nil, "own": "mine"}
	for _, line := range b.log.lines(t) {
		if value, ok := want[line["msg"].(string)]; ok && line["request"] != value {
			t.Errorf("%s: request %v, want %v", line["msg"], line["request"], value)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/asset", func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "max-age=60")
		return c.NoContent(http.StatusOK)
	})
	for target, cache := range map[string]string{"/asset": "max-age=60", "/missing": "no-store"} {
		h := call(b, http.MethodGet, target).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" ||
			h.Get("Cache-Control") != cache || h.Get("Server") != "" {
			t.Errorf("%s: headers %v", target, h)
		}
	}
}

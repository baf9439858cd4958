package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/runtime"

	"github.com/guichet-api/guichet/internal/contract/stdjson"
)

// The stubs below do what generated ones do, call by call: read parameters with the runtime, decode the body with Echo's
// binder, encode the answer into a buffer and write it. Unvalidated ones use encoding/json, as generated code does by default.

type benchItem struct {
	ID        uuid.UUID  `json:"id"`
	Code      string     `json:"code"`
	Status    string     `json:"status"`
	PlayedAt  time.Time  `json:"playedAt"`
	ClaimedAt *time.Time `json:"claimedAt"`
	Reason    *string    `json:"rejectionReason"`
	Prize     benchPrize `json:"prize"`
}

type benchPrize struct {
	ID          uuid.UUID `json:"id"`
	Type        string    `json:"type"`
	Name        string    `json:"name"`
	Description *string   `json:"description"`
	Value       string    `json:"value"`
}

type benchList struct {
	Success bool `json:"success"`
	Data    struct {
		Items []benchItem `json:"items"`
		Total int         `json:"total"`
		Page  int         `json:"page"`
		Limit int         `json:"limit"`
	} `json:"data"`
}

type benchNew struct {
	Code     string   `json:"code"`
	Quantity int      `json:"quantity"`
	Email    *string  `json:"email,omitempty"`
	Note     *string  `json:"note,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Kind     *string  `json:"kind,omitempty"`
}

type benchServer struct {
	item   benchItem
	list   benchList
	encode func(w io.Writer, v any) error
}

func newBenchServer(encode func(io.Writer, any) error) *benchServer {
	at, text := time.Date(2025, 11, 8, 15, 30, 0, 0, time.UTC), "Infuseur de qualité premium"
	s := &benchServer{encode: encode, item: benchItem{
		ID: uuid.UUID{1}, Code: "ABC-DEFG-HIJK", Status: "PENDING", PlayedAt: at, ClaimedAt: &at,
		Prize: benchPrize{ID: uuid.UUID{2}, Type: "PHYSICAL", Name: "Infuseur à thé", Description: &text, Value: "39.00"},
	}}
	for range 20 {
		s.list.Data.Items = append(s.list.Data.Items, s.item)
	}
	return s
}

func (s *benchServer) answer(c echo.Context, status int, v any) error {
	var buf bytes.Buffer
	if err := s.encode(&buf, v); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Type", "application/json")
	c.Response().WriteHeader(status)
	_, err := buf.WriteTo(c.Response())
	return err
}

func (s *benchServer) getItem(c echo.Context) error {
	var id uuid.UUID
	if err := runtime.BindStyledParameterWithOptions("simple", "id", c.Param("id"), &id, runtime.BindStyledParameterOptions{
		ParamLocation: runtime.ParamLocationPath, Required: true, ValueIsUnescaped: c.Request().URL.RawPath == ""}); err != nil {
		return err
	}
	return s.answer(c, http.StatusOK, s.item)
}

func (s *benchServer) listItems(c echo.Context) error {
	var params struct {
		Page, Limit *int
		Status      *string
	}
	for name, target := range map[string]any{"page": &params.Page, "limit": &params.Limit, "status": &params.Status} {
		if err := runtime.BindQueryParameterWithOptions("form", true, false, name, c.QueryParams(), target,
			runtime.BindQueryParameterOptions{}); err != nil {
			return err
		}
	}
	return s.answer(c, http.StatusOK, s.list)
}

func (s *benchServer) createItem(c echo.Context) error {
	var body benchNew
	var err error
	if binder, ok := c.Echo().Binder.(*echo.DefaultBinder); ok {
		err = binder.BindBody(c, &body)
	} else {
		err = c.Bind(&body)
	}
	if err != nil {
		return err
	}
	return s.answer(c, http.StatusCreated, s.item)
}

// benchEcho serves the three calls, guarded or as generated code comes.
func benchEcho(t testing.TB, guarded bool) *echo.Echo {
	t.Helper()
	e := echo.New()
	var middlewares map[string][]echo.MiddlewareFunc
	s := newBenchServer(func(w io.Writer, v any) error { return json.NewEncoder(w).Encode(v) })
	if guarded {
		spec, err := os.ReadFile("testdata/guard/items.yaml")
		if err != nil {
			t.Fatal(err)
		}
		contract, err := Load(spec, "items.yaml")
		if err != nil {
			t.Fatal(err)
		}
		guard, err := contract.Guard(Config{})
		if err != nil {
			t.Fatal(err)
		}
		middlewares, e.Binder = guard.Middlewares(), Binder{}
		s.encode = func(w io.Writer, v any) error { return stdjson.NewEncoder(w).Encode(v) }
	}
	e.GET("/items", s.listItems, middlewares["listItems"]...)
	e.POST("/items", s.createItem, middlewares["createItem"]...)
	e.GET("/items/:id", s.getItem, middlewares["getItem"]...)
	return e
}

const benchBody = `{"code":"ABC-DEFG-HIJK","quantity":12,"email":"jeanne@example.com","note":"à livrer le matin","tags":["bio","vrac"]}`

var benchCalls = []struct{ name, method, target, body string }{
	{"get", "GET", "/items/550e8400-e29b-41d4-a716-446655440000", ""},
	{"list", "GET", "/items?page=2&limit=20&status=PENDING", ""},
	{"post", "POST", "/items", benchBody},
}

// benchCall sends one call again and again, without a network and without a recorder.
func benchCall(t testing.TB, e *echo.Echo, method, target, body string) func() {
	t.Helper()
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	content := strings.NewReader(body)
	r := &http.Request{Method: method, URL: parsed, Header: http.Header{}, Host: "example.com", RemoteAddr: "192.0.2.1:1"}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := &countingWriter{header: http.Header{}}
	return func() {
		content.Reset(body)
		r.Body, r.ContentLength = http.NoBody, 0
		if body != "" {
			r.Body, r.ContentLength = io.NopCloser(content), int64(len(body))
		}
		w.status, w.bytes = 0, 0
		e.ServeHTTP(w, r)
		if w.status/100 != 2 || w.bytes < 100 {
			t.Fatalf("%s %s: %d, %d bytes", method, target, w.status, w.bytes)
		}
	}
}

type countingWriter struct {
	header        http.Header
	status, bytes int
}

func (w *countingWriter) Header() http.Header { return w.header }
func (w *countingWriter) WriteHeader(s int)   { w.status = s }
func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}

func BenchmarkHandler(b *testing.B) {
	for _, call := range benchCalls {
		for _, kind := range []string{"unvalidated", "guarded"} {
			b.Run(call.name+"/"+kind, func(b *testing.B) {
				run := benchCall(b, benchEcho(b, kind == "guarded"), call.method, call.target, call.body)
				b.ReportAllocs()
				for b.Loop() {
					run()
				}
			})
		}
	}
}

// TestHandlerRatio asserts generously what BenchmarkHandler measures: a guarded call, with our JSON, takes no longer than an
// unvalidated one with encoding/json.
func TestHandlerRatio(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	for _, call := range benchCalls {
		plain := benchCall(t, benchEcho(t, false), call.method, call.target, call.body)
		guarded := benchCall(t, benchEcho(t, true), call.method, call.target, call.body)
		least := func(run func()) time.Duration {
			start := time.Now()
			for range 50 {
				run()
			}
			return time.Since(start)
		}
		bestPlain, bestGuarded := time.Hour, time.Hour
		for range 60 { // in turns, so that both see the same machine
			bestPlain, bestGuarded = min(bestPlain, least(plain)), min(bestGuarded, least(guarded))
		}
		ratio := float64(bestGuarded) / float64(bestPlain)
		t.Logf("%s: guarded %.2f of unvalidated (%v, %v)", call.name, ratio, bestGuarded/50, bestPlain/50)
		if ratio > 1.3*slower {
			t.Errorf("%s: guarded takes %.2f of unvalidated", call.name, ratio)
		}
	}
}

package contract

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

// errStore is a failure of whoever knows the tokens.
var errStore = errors.New("the store is away")

type callerKey struct{}

// authenticate knows the secrets "user", "admin" and, when the store is away, "broken"; it tells by which scheme they came.
func authenticate(ctx context.Context, scheme, secret string) (context.Context, string, error) {
	switch secret {
	case "user", "admin":
		return context.WithValue(ctx, callerKey{}, scheme+" "+secret), strings.ToUpper(secret), nil
	case "broken":
		return ctx, "", errStore
	}
	return ctx, "", &Error{Status: http.StatusUnauthorized, Message: "Token invalide"}
}

// harness is the test contract's server: handlers note what they see, the error handler what is refused.
type harness struct {
	t        testing.TB
	contract *Contract
	guard    *Guard
	echo     *echo.Echo
	called   string // operationId of the handler that ran
	refused  error  // what reached the error handler
	handle   func(c echo.Context) error
}

func loadTest(t testing.TB) *Contract {
	t.Helper()
	spec, err := os.ReadFile("testdata/guard/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(spec, "testdata/guard/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newHarness(t testing.TB, config Config) *harness {
	t.Helper()
	h := &harness{t: t, contract: loadTest(t), echo: echo.New()}
	if config.Authenticate == nil {
		config.Authenticate = authenticate
	}
	var err error
	if h.guard, err = h.contract.Guard(config); err != nil {
		t.Fatal(err)
	}
	h.echo.Binder = Binder{}
	middlewares := h.guard.Middlewares()
	for _, op := range h.contract.Operations {
		h.echo.Add(op.Method, op.Route, func(c echo.Context) error {
			h.called = op.ID
			if h.handle != nil {
				return h.handle(c)
			}
			_ = c.Request().Context() // as every generated handler does first
			return c.NoContent(http.StatusNoContent)
		}, middlewares[op.ID]...)
	}
	h.echo.HTTPErrorHandler = func(err error, c echo.Context) {
		h.refused = h.contract.EchoError(c, err)
		status := http.StatusInternalServerError
		var refusal *Error
		if errors.As(h.refused, &refusal) {
			status = refusal.Status
		}
		if !c.Response().Committed {
			_ = c.NoContent(status)
		}
	}
	return h
}

// do sends one request; each header is "Name: value".
func (h *harness) do(method, target, body string, header ...string) *httptest.ResponseRecorder {
	h.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	return h.send(request(method, target, reader, header...))
}

func (h *harness) send(r *http.Request) *httptest.ResponseRecorder {
	h.called, h.refused = "", nil
	recorder := httptest.NewRecorder()
	h.echo.ServeHTTP(recorder, r)
	return recorder
}

// request is like httptest.NewRequest and takes targets that a server would parse and the request constructor would not.
func request(method, target string, body io.Reader, header ...string) *http.Request {
	r := httptest.NewRequest(method, "/", body)
	parsed, err := url.ParseRequestURI(target)
	if err != nil {
		panic(err)
	}
	r.URL, r.RequestURI = parsed, target
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

// broken lists the violations of the last request: "query page minimum".
func (h *harness) broken() []string {
	var refusal *Error
	if !errors.As(h.refused, &refusal) {
		return nil
	}
	var list []string
	for _, v := range refusal.Violations {
		if v.Message == "" {
			h.t.Errorf("%+v has no message", v)
		}
		list = append(list, strings.TrimSpace(v.In+" "+v.Field())+" "+v.Keyword)
	}
	return list
}

const (
	asUser  = "Authorization: Bearer user"
	asAdmin = "Authorization: Bearer admin"
	asJSON  = "Content-Type: application/json"
)

func TestGuardOrder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, step := range []struct {
		name, method, target, body string
		header                     []string
		status                     int
	}{
		{"unknown route before credentials", "GET", "/nowhere", "", nil, 404},
		{"unknown route below a parameter", "GET", "/files/a/b", "", nil, 404},
		{"wrong method", "POST", "/files/a", "", nil, 405},
		{"no credentials", "GET", "/files/a", "", nil, 401},
		{"credentials before roles", "DELETE", "/files/a", "", nil, 401},
		{"role", "DELETE", "/files/" + strings.Repeat("a", 40), "", []string{asUser}, 403},
		{"parameters last", "DELETE", "/files/" + strings.Repeat("a", 40), "", []string{asAdmin}, 400},
		{"media type before size", "POST", "/items", strings.Repeat("x", 600), nil, 415},
		{"size before parameters", "POST", "/items?%zz", strings.Repeat("x", 600), []string{asJSON}, 413},
		{"fine", "DELETE", "/files/a", "", []string{asAdmin}, 204},
	} {
		if got := h.do(step.method, step.target, step.body, step.header...).Code; got != step.status {
			t.Errorf("%s: %d, want %d (%v)", step.name, got, step.status, h.refused)
		}
		if (h.called != "") != (step.status == 204) {
			t.Errorf("%s: handler %q ran", step.name, h.called)
		}
	}
}

func TestGuardCredentials(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var caller any
	h.handle = func(c echo.Context) error {
		caller = c.Request().Context().Value(callerKey{})
		return c.NoContent(http.StatusNoContent)
	}
	for _, step := range []struct {
		name, target string
		header       []string
		status       int
		caller       any
	}{
		{"bearer", "/files/a", []string{asUser}, 204, "token user"},
		{"any case", "/files/a", []string{"Authorization: bEARER   user "}, 204, "token user"},
		{"no token", "/files/a", []string{"Authorization: Bearer"}, 401, nil},
		{"empty token", "/files/a", []string{"Authorization: Bearer "}, 401, nil},
		{"two words", "/files/a", []string{"Authorization: Bearer user admin"}, 401, nil},
		{"two tokens in one header", "/files/a", []string{"Authorization: Bearer user, Bearer admin"}, 401, nil},
		{"two headers", "/files/a", []string{asUser, asUser}, 401, nil},
		{"another scheme", "/files/a", []string{"Authorization: Basic user"}, 401, nil},
		{"no scheme", "/files/a", []string{"Authorization: user"}, 401, nil},
		{"wrong", "/files/a", []string{"Authorization: Bearer nobody"}, 401, nil},
		{"the store is away", "/files/a", []string{"Authorization: Bearer broken"}, 500, nil},
		{"one of the roles", "/admin/secret", []string{asAdmin}, 204, "token admin"},
		{"another role", "/admin/secret", []string{asUser}, 403, nil},
		{"optional, absent", "/maybe", nil, 204, nil},
		{"optional, given", "/maybe", []string{asUser}, 204, "token user"},
		{"optional, wrong", "/maybe", []string{"Authorization: Bearer nobody"}, 401, nil},
		{"optional, malformed", "/maybe", []string{"Authorization: Bearer a b"}, 401, nil},
		{"key in a header", "/keys", []string{"X-Key: user"}, 204, "headerKey user"},
		{"key in the query", "/keys?key=admin", nil, 204, "queryKey admin"},
		{"key in a cookie", "/keys", []string{"Cookie: a=b; key=user"}, 204, "cookieKey user"},
		{"the first scheme decides", "/keys?key=user", []string{"X-Key: nobody"}, 401, nil},
		{"key twice", "/keys?key=user&key=user", nil, 401, nil},
		{"empty key", "/keys?key=", nil, 401, nil},
		{"no key", "/keys", nil, 401, nil},
		{"a token is no key", "/keys", []string{asUser}, 401, nil},
	} {
		caller = nil
		recorder := h.do("GET", step.target, "", step.header...)
		if recorder.Code != step.status || caller != step.caller {
			t.Errorf("%s: %d as %v, want %d as %v (%v)", step.name, recorder.Code, caller, step.status, step.caller, h.refused)
		}
		ours := recorder.Code == http.StatusUnauthorized && !strings.Contains(h.refused.Error(), "Token invalide")
		if challenge := recorder.Header().Get("WWW-Authenticate"); (challenge == "Bearer") != (ours && step.target[1] != 'k') {
			t.Errorf("%s: WWW-Authenticate %q", step.name, challenge)
		}
	}
	for _, malformed := range []string{"Bearer", "Bearer ", "Bearer user admin", "Bearer user, Bearer admin"} {
		if h.do("GET", "/files/a", "", "Authorization: "+malformed); h.refused.Error() != statusText("fr", 401) {
			t.Errorf("%s: somebody was asked about it: %v", malformed, h.refused)
		}
	}
	h.do("GET", "/files/a", "", "Authorization: Bearer broken")
	if h.refused != errStore {
		t.Errorf("the store's error became %v", h.refused)
	}
}

func TestGuardMessages(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for status, request := range map[int][]string{
		400: {"GET", "/required", ""}, 401: {"GET", "/files/a", ""}, 403: {"GET", "/admin/secret", "", asUser}, 404: {"GET", "/x", ""},
		405: {"PUT", "/maybe", ""}, 413: {"POST", "/raw", strings.Repeat("x", 65), "Content-Type: application/octet-stream"},
		415: {"POST", "/raw", "x"},
	} {
		h.do(request[0], request[1], request[2], request[3:]...)
		var refusal *Error
		if status == 413 {
			continue // handed to the handler as a read error; see TestStream
		}
		if !errors.As(h.refused, &refusal) || refusal.Status != status || refusal.Message != statusText("fr", status) {
			t.Errorf("%d: %v", status, h.refused)
		}
	}
	seen := map[string]bool{}
	for _, status := range []int{400, 401, 403, 404, 405, 413, 415, 426, 503} {
		for _, lang := range []string{"fr", "en"} {
			refusal := (&Contract{Lang: lang}).Refusal(status, errStore)
			if refusal.Status != status || !errors.Is(refusal, errStore) || seen[refusal.Message] {
				t.Errorf("%d in %s: %+v", status, lang, refusal)
			}
			seen[refusal.Message] = true
		}
	}
}

// TestGuardAllAtOnce breaks every place of one request.
func TestGuardAllAtOnce(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.do("PUT", "/items/0?dry=maybe", `{"code":"x","quantity":0,"extra":1}`, asJSON)
	got := h.broken()
	want := []string{"path id minimum", "query dry type", "body code pattern", "body quantity minimum", "body extra unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	h.do("PUT", "/items/0?dry=x&dry=y", "")
	if got, want := h.broken(), []string{"path id minimum", "query dry duplicate"}; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	h.do("GET", "/required", "")
	if got, want := h.broken(), []string{"query q required", "header X-Id required", "cookie sid required"}; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestGuardAround(t *testing.T) {
	t.Parallel()
	var log []string
	h := newHarness(t, Config{Around: func(op *Operation) echo.MiddlewareFunc {
		return func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				err := next(c)
				log = append(log, op.ID)
				return err
			}
		}
	}})
	h.do("GET", "/files/a", "")
	h.do("GET", "/maybe", "")
	h.do("GET", "/nowhere", "")
	if want := []string{"getFile", "getMaybe"}; !slices.Equal(log, want) {
		t.Errorf("around %v, want %v", log, want)
	}
	if err := h.guard.CheckRoutes(h.echo); err != nil {
		t.Error(err)
	}
}

func TestGuardConfig(t *testing.T) {
	t.Parallel()
	c := loadTest(t)
	if _, err := c.Guard(Config{}); err == nil || !strings.Contains(err.Error(), "Authenticate") {
		t.Errorf("without Authenticate: %v", err)
	}
	if _, err := c.Guard(Config{Authenticate: authenticate, MaxBody: -1}); err == nil {
		t.Error("a negative limit was taken")
	}
}

func TestOperationOf(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got *Operation
	h.echo.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			got = h.contract.OperationOf(c)
			return next(c)
		}
	})
	for target, id := range map[string]string{"/files/a": "getFile", "/files/a/meta": "getMeta", "/nowhere": ""} {
		h.do("GET", target, "")
		if id == "" && got != nil || id != "" && (got == nil || got.ID != id || h.contract.Operation(id) != got) {
			t.Errorf("%s: %v", target, got)
		}
	}
}

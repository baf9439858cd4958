package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
)

func TestCheckRoutes(t *testing.T) {
	t.Parallel()
	handler := func(c echo.Context) error {
		_ = c.Request().Context()
		return nil
	}
	for name, step := range map[string]struct {
		change func(h *harness)
		also   []string
		want   []string // one part of each line; none: no error
	}{
		"the same": {change: func(*harness) {}},
		"declared extras": {
			change: func(h *harness) { h.echo.GET("/docs", handler) }, also: []string{"GET /docs"},
		},
		"undeclared": {
			change: func(h *harness) { h.echo.GET("/docs", handler); h.echo.HEAD("/maybe", handler) },
			want:   []string{"GET /docs is served but not in", "HEAD /maybe is served but not in"},
		},
		"declared, not served": {
			change: func(*harness) {}, also: []string{"GET /docs"}, want: []string{"GET /docs is declared but not served"},
		},
		"an operation as an extra": {
			change: func(*harness) {}, also: []string{"GET /maybe"}, want: []string{"GET /maybe is declared as an extra and is operation getMaybe"},
		},
		"without its guard": {
			change: func(h *harness) { h.echo.GET("/maybe", handler) }, want: []string{"GET /maybe (operation getMaybe) is served without its guard"},
		},
		"with another's guard": {
			change: func(h *harness) { h.echo.GET("/maybe", handler, h.guard.Middlewares()["createItem"]...) },
			want:   []string{"GET /maybe (operation getMaybe) is served without its guard"},
		},
		"a host of its own": {
			change: func(h *harness) { h.echo.Host("admin.example.com").GET("/admin/secret", handler) },
			want:   []string{"host admin.example.com has routes of its own"},
		},
	} {
		h := newHarness(t, Config{})
		step.change(h)
		err := h.guard.CheckRoutes(h.echo, step.also...)
		if len(step.want) == 0 {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")[1:]
		if !slices.EqualFunc(lines, step.want, strings.Contains) {
			t.Errorf("%s: %q, want %q", name, lines, step.want)
		}
		if h.called != "" {
			t.Errorf("%s: handler %s ran", name, h.called)
		}
	}
}

func TestCheckRoutesMissing(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	bare := echo.New()
	err := h.guard.CheckRoutes(bare)
	if err == nil || strings.Count(err.Error(), "but not served") != len(h.contract.Operations) {
		t.Errorf("nothing served: %v", err)
	}
}

// TestSpellings sends every odd spelling of paths to protected operations that came to mind: none reaches a handler without
// credentials, and what is not a path of the contract is 404 whoever asks.
func TestSpellings(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.echo.GET("/docs", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	spellings := map[string]int{ // status with credentials
		"/admin/secret": 204, "/admin/secret/": 404, "//admin/secret": 404, "/admin//secret": 404, "/ADMIN/secret": 404,
		"/admin/./secret": 404, "/admin/../admin/secret": 404, "/docs/../admin/secret": 404, "/admin/secret/.": 404,
		"/%61dmin/secret": 404, "/admin%2Fsecret": 404, "/admin%2fsecret": 404, "/admin/secret%20": 404, "/admin/secret%00": 404,
		"/admin/secret;x=1": 404, "/admin/secret?x": 204, "/admin/secret%3Fx": 404, "/admin\\secret": 404, "/admin/%2e%2e/admin/secret": 404,
		"/files/secret": 204, "/files/a%2Fb": 204, "/files/a/b": 404, "/files/": 404, "/files": 404, "/files//": 404, "/files/a/": 404,
		"/files/..": 404, "/files/.": 404, "/files/%2e%2E": 404, "/files/%2e": 404, "/files/..%2Fadmin": 204, "/files/...": 204,
		"/files//meta": 404, "/files/a/meta": 204, "/files/a/meta/": 404, "/files/a/meta/x": 404, "/files/a%2Fmeta": 204,
		"/files/../meta": 404, "/files/a%2F..%2F/meta": 204, "/files/:name": 204, "/files/*": 204, "/files/%3Aname": 204,
		// Echo gives all the rest of a path to a last parameter.
		"/notes/a": 204, "/notes/a/b": 404, "/notes/a/": 404, "/notes/a%2Fb": 204, "/notes/a%2Fb/c": 404, "/notes/..": 404, "/notes//": 404,
	}
	for target, status := range spellings {
		if h.do("GET", target, ""); h.called != "" {
			t.Errorf("%s reached %s without credentials", target, h.called)
		}
		if code := h.do("GET", target, "", asAdmin).Code; code != status {
			t.Errorf("%s: %d, want %d (%v, %s)", target, code, status, h.refused, h.called)
		}
		for _, override := range []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"} {
			if h.do("GET", target, "", asAdmin, override); h.called == "deleteFile" {
				t.Errorf("%s: %s changed the method", target, override)
			}
		}
		for _, elsewhere := range []string{"X-Original-URL: /admin/secret", "X-Rewrite-URL: /admin/secret"} {
			if h.do("GET", target, "", elsewhere); h.called != "" {
				t.Errorf("%s: %s reached %s", target, elsewhere, h.called)
			}
		}
	}
	for _, method := range []string{"HEAD", "POST", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "Get", "GETT", "REPORT"} {
		code := h.do(method, "/admin/secret", "", asAdmin).Code
		if code != http.StatusMethodNotAllowed || h.called != "" {
			t.Errorf("%s: %d, %s", method, code, h.called)
		}
	}
}

func TestEchoError(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, step := range []struct {
		method, target string
		status         int
		allow          []string
	}{
		{"GET", "/nowhere", 404, nil},
		{"POST", "/files/a", 405, []string{"DELETE", "GET", "OPTIONS"}},
		{"POST", "/files/a/b", 404, nil},
		{"POST", "/files/a/meta", 405, []string{"GET", "OPTIONS"}},
		{"POST", "/notes/a", 405, []string{"GET", "OPTIONS"}},
		{"POST", "/notes/a/b", 404, nil},
		{"GET", "/items/1", 405, []string{"OPTIONS", "PUT"}},
	} {
		recorder := h.do(step.method, step.target, "")
		allow := strings.FieldsFunc(recorder.Header().Get("Allow"), func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(allow)
		if recorder.Code != step.status || !slices.Equal(allow, step.allow) {
			t.Errorf("%s %s: %d %v, want %d %v", step.method, step.target, recorder.Code, allow, step.status, step.allow)
		}
	}
	h.handle = func(echo.Context) error {
		return echo.NewHTTPError(http.StatusBadRequest, "Invalid format for parameter page")
	}
	if code := h.do("GET", "/maybe", "").Code; code != 400 || h.refused.Error() != "Requête invalide" {
		t.Errorf("what a stub cannot read: %d %v", code, h.refused)
	}
	h.handle = func(echo.Context) error { return echo.ErrTeapot }
	if h.do("GET", "/maybe", ""); h.refused != error(echo.ErrTeapot) {
		t.Errorf("another HTTP error became %v", h.refused)
	}
	h.handle = func(echo.Context) error { return errStore }
	if h.do("GET", "/maybe", ""); h.refused != errStore {
		t.Errorf("a handler's error became %v", h.refused)
	}
}

package web_test

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

func TestCORS(t *testing.T) {
	t.Parallel()
	const page, other = "https://app.example.com", "https://evil.example.com"
	for name, c := range map[string]struct {
		origins []string
		method  string
		header  []string
		status  int
		want    map[string]string
	}{
		"no browser": {nil, http.MethodGet, nil, 200, map[string]string{"Access-Control-Allow-Origin": "*"}},
		"any origin": {nil, http.MethodGet, []string{"Origin", page}, 200, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Content-Disposition, Retry-After, X-Request-ID",
		}},
		"any, spelt out": {[]string{"*"}, http.MethodGet, []string{"Origin", page}, 200, map[string]string{"Access-Control-Allow-Origin": "*"}},
		"an error":       {nil, http.MethodPost, []string{"Origin", page}, 405, map[string]string{"Access-Control-Allow-Origin": "*", "Allow": "OPTIONS, GET"}},
		"one of a list": {[]string{other, page}, http.MethodGet, []string{"Origin", page}, 200, map[string]string{
			"Access-Control-Allow-Origin": page, "Vary": "Origin",
		}},
		"not of the list":      {[]string{page}, http.MethodGet, []string{"Origin", other}, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		"a list, and no page":  {[]string{page}, http.MethodGet, nil, 200, map[string]string{"Access-Control-Allow-Origin": "", "Vary": "Origin"}},
		"options, no question": {nil, http.MethodOptions, []string{"Origin", page}, 204, map[string]string{"Allow": "OPTIONS, GET"}},
		"preflight": {
			nil, http.MethodOptions,
			[]string{"Origin", page, "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization,content-type"},
			204,
			map[string]string{
				"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
				"Access-Control-Allow-Headers": "authorization,content-type", "Access-Control-Max-Age": "600",
				"Access-Control-Expose-Headers": "",
			},
		},
		"preflight, refused": {
			[]string{page}, http.MethodOptions, []string{"Origin", other, "Access-Control-Request-Method", "GET"}, 204,
			map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": ""},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := instance(t, func(cfg *web.Config) { cfg.CORSOrigins = c.origins })
			b.GET("/", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
			w := call(b, c.method, "/", c.header...)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}
			for header, want := range c.want {
				if got := w.Header().Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Error("credentials are allowed")
			}
		})
	}
}

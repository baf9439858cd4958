package web

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// cors lets browsers' pages of other origins call (fetch.spec.whatwg.org, CORS protocol). Credentials are never allowed:
// tokens are sent by scripts, cookies do not exist.
type cors struct{ origins []string } // empty: any

func newCORS(origins []string) cors {
	if slices.Contains(origins, "*") {
		origins = nil
	}
	return cors{origins: origins}
}

// What pages may read of an answer, how long a preflight holds (s), and what it allows.
const (
	corsExposed = "Content-Disposition, Retry-After, X-Request-ID"
	corsMaxAge  = "600"
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE"
)

// headers tells the browser whether the page may read this answer.
func (p cors) headers(r *http.Request, h http.Header) {
	origin := r.Header.Get(echo.HeaderOrigin)
	switch {
	case len(p.origins) == 0:
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
	default:
		h.Add(echo.HeaderVary, echo.HeaderOrigin)
		if origin == "" || !slices.Contains(p.origins, origin) {
			return
		}
		h.Set(echo.HeaderAccessControlAllowOrigin, origin)
	}
	if origin != "" {
		h.Set(echo.HeaderAccessControlExposeHeaders, corsExposed)
	}
}

// answer answers a preflight, whatever the path: the question is the browser's, the routes are asked by what follows it.
func (p cors) answer(c echo.Context) bool {
	r, h := c.Request(), c.Response().Header()
	if r.Method != http.MethodOptions || r.Header.Get(echo.HeaderAccessControlRequestMethod) == "" ||
		r.Header.Get(echo.HeaderOrigin) == "" {
		return false
	}
	if h.Get(echo.HeaderAccessControlAllowOrigin) != "" {
		h.Set(echo.HeaderAccessControlAllowMethods, corsMethods)
		if asked := r.Header.Get(echo.HeaderAccessControlRequestHeaders); asked != "" {
			h.Set(echo.HeaderAccessControlAllowHeaders, asked)
			h.Add(echo.HeaderVary, echo.HeaderAccessControlRequestHeaders)
		}
		h.Set(echo.HeaderAccessControlMaxAge, corsMaxAge)
	}
	h.Del(echo.HeaderAccessControlExposeHeaders)
	c.Response().WriteHeader(http.StatusNoContent)
	return true
}

package web_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

func TestRefuse(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/:case", func(c echo.Context) error {
		switch c.Param("case") {
		case "later":
			web.Refuse(c, http.StatusTooManyRequests, 1500*time.Millisecond, map[string]string{"error": "later"})
		case "who":
			web.Refuse(c, http.StatusUnauthorized, 0, map[string]string{"error": "who?"})
		case "begun":
			_ = c.String(http.StatusOK, "begun")
			web.Refuse(c, http.StatusInternalServerError, 0, map[string]string{"error": "too late"})
		case "unwritable":
			web.Refuse(c, http.StatusBadRequest, 0, map[string]string{"error": "\xff"})
		}
		return nil
	})
	for name, want := range map[string]struct {
		status                int
		body, wait, challenge string
	}{
		"later":      {http.StatusTooManyRequests, `{"error":"later"}`, "2", ""},
		"who":        {http.StatusUnauthorized, `{"error":"who?"}`, "", "Bearer"},
		"begun":      {http.StatusOK, "begun", "", ""},
		"unwritable": {http.StatusBadRequest, "", "", ""},
	} {
		w := call(b, http.MethodGet, "/"+name)
		if w.Code != want.status || w.Body.String() != want.body || w.Header().Get("Retry-After") != want.wait ||
			w.Header().Get("WWW-Authenticate") != want.challenge {
			t.Errorf("%s: %d %s %v", name, w.Code, w.Body, w.Header())
		}
	}
}

package web

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/contract/stdjson"
)

// Refuse answers a request that failed, for a system's HTTPErrorHandler: body is the system's own envelope. retryAfter tells
// when to come back, in whole seconds; 0 says nothing. An answer that has begun is left alone, and a client that has gone is
// nobody's concern: the request's log line tells what failed.
func Refuse(c echo.Context, status int, retryAfter time.Duration, body any) {
	if c.Response().Committed {
		return
	}
	h := c.Response().Header()
	if retryAfter > 0 {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(retryAfter.Seconds()))))
	}
	if status == http.StatusUnauthorized && h.Get(echo.HeaderWWWAuthenticate) == "" {
		h.Set(echo.HeaderWWWAuthenticate, "Bearer") // RFC 9110 wants a challenge with every 401
	}
	text, err := stdjson.Marshal(body)
	if err != nil { // text of the client's that JSON cannot hold: the status says enough
		_ = c.NoContent(status)
		return
	}
	_ = c.Blob(status, echo.MIMEApplicationJSON, text)
}

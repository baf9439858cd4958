package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

func TestRequestsHaveADeadline(t *testing.T) {
	t.Parallel()
	b := instance(t, func(cfg *web.Config) { cfg.Timeout = time.Minute })
	b.GET("/", func(c echo.Context) error {
		if deadline, ok := c.Request().Context().Deadline(); ok {
			return c.String(http.StatusOK, time.Until(deadline).Round(time.Minute).String())
		}
		return c.String(http.StatusOK, "none")
	})
	if w := call(b, http.MethodGet, "/"); w.Body.String() != "1m0s" {
		t.Errorf("deadline in %s", w.Body)
	}
	if w := call(b, http.MethodGet, "/", "Upgrade", "websocket"); w.Body.String() != "none" {
		t.Errorf("deadline of a socket in %s", w.Body)
	}
	b.POST("/", func(c echo.Context) error {
		_, ok := c.Request().Context().Deadline()
		return c.String(http.StatusOK, fmt.Sprint(ok))
	})
	if w := call(b, http.MethodPost, "/", "Upgrade", "websocket"); w.Body.String() != "true" {
		t.Error("a POST that calls itself an upgrade has no deadline")
	}
}

// deadlines is a connection that remembers its limits.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error  { d.read = t; return nil }
func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

// A connection gives a handler whose time is up the time to say so, and no more.
func TestConnectionsHaveDeadlines(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	var end time.Time
	b.GET("/", func(c echo.Context) error {
		end, _ = c.Request().Context().Deadline()
		return nil
	})
	conn := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	b.ServeHTTP(conn, httptest.NewRequest(http.MethodGet, "/", nil))
	if !conn.read.After(end) || !conn.write.After(conn.read) || conn.write.After(end.Add(time.Minute)) {
		t.Errorf("the context ends at %v, reading at %v, writing at %v", end, conn.read, conn.write)
	}
	socket := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Upgrade", "websocket")
	b.ServeHTTP(socket, r)
	if socket.read.IsZero() || socket.write.IsZero() {
		t.Error("who only asks for another protocol lifts the limits of the connection")
	}
	beside := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	web.Bounded(http.NotFoundHandler()).ServeHTTP(beside, httptest.NewRequest(http.MethodGet, "/", nil))
	if beside.Code != http.StatusNotFound || beside.read.IsZero() || !beside.write.After(beside.read) {
		t.Errorf("a handler beside the instance: %d, reading until %v, writing until %v", beside.Code, beside.read, beside.write)
	}
}

// A socket outlives the limits of the request that it began as: taking the connection over lifts them.
func TestSocketsOutliveTheirRequest(t *testing.T) {
	t.Parallel()
	b := instance(t, nil)
	b.GET("/", func(c echo.Context) error {
		rc := http.NewResponseController(c.Response())
		if err := rc.SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
			return err
		}
		conn, _, err := rc.Hijack()
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		return err
	})
	server := httptest.NewServer(b)
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "x")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("status %d", response.StatusCode)
	}
}

// A client that begins its body and never ends it does not hold its request for ever, and still gets an answer.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	b := instance(t, func(cfg *web.Config) { cfg.Timeout = 100 * time.Millisecond })
	ended := make(chan error, 1)
	b.POST("/", func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		ended <- err
		return c.NoContent(http.StatusRequestTimeout)
	})
	server := httptest.NewServer(b)
	defer server.Close()
	body, feed := io.Pipe()
	defer feed.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = feed.Write([]byte("x")) }()
	start := time.Now()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestTimeout {
		t.Errorf("status %d", response.StatusCode)
	}
	if err := <-ended; err == nil {
		t.Error("the body ended without an error")
	}
	t.Logf("answered after %v", time.Since(start))
}

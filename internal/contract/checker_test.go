package contract

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// checkedServer answers GET and HEAD /answer with handle, under the eyes of a checker.
func checkedServer(t *testing.T, handle echo.HandlerFunc, around func(*Operation) echo.MiddlewareFunc) (*echo.Echo, *Checker, *[]string) {
	t.Helper()
	spec, err := os.ReadFile("testdata/guard/answers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(spec, "answers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	said := &[]string{}
	checker := NewChecker(func(op *Operation, status int, err error) {
		mu.Lock()
		defer mu.Unlock()
		*said = append(*said, op.ID+" "+http.StatusText(status)+": "+err.Error())
	}, time.Now)
	guard, err := c.Guard(Config{Check: checker, Around: around})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		if !c.Response().Committed {
			_ = c.JSONBlob(http.StatusBadRequest, []byte(err.Error()))
		}
	}
	for _, op := range c.Operations {
		e.Add(op.Method, op.Route, handle, guard.Middlewares()[op.ID]...)
	}
	if err := guard.CheckRoutes(e); err != nil {
		t.Fatal(err)
	}
	return e, checker, said
}

const goodID = `{"id":"550e8400-e29b-41d4-a716-446655440000"}`

func TestChecker(t *testing.T) {
	t.Parallel()
	answer := func(status int, contentType, body string, header ...string) echo.HandlerFunc {
		return func(c echo.Context) error {
			for i := 0; i < len(header); i += 2 {
				c.Response().Header().Set(header[i], header[i+1])
			}
			if contentType == "" {
				return c.NoContent(status)
			}
			return c.Blob(status, contentType, []byte(body))
		}
	}
	const json = "application/json"
	for name, step := range map[string]struct {
		method string
		handle echo.HandlerFunc
		want   string // part of the only discrepancy; "": none
	}{
		"fine":            {"GET", answer(200, json, goodID, "X-Total", "3"), ""},
		"charset":         {"GET", answer(200, json+"; charset=UTF-8", goodID, "X-Total", "3"), ""},
		"nothing":         {"GET", answer(204, "", ""), ""},
		"a file":          {"GET", answer(202, "application/pdf", "%PDF"), ""},
		"csv":             {"GET", answer(202, "text/csv; charset=utf-8", "a;b\n"), ""},
		"an error":        {"GET", func(echo.Context) error { return errors.New(`{"error":"x"}`) }, ""},
		"a wrong error":   {"GET", func(echo.Context) error { return errors.New(`{"message":"x"}`) }, "error"},
		"format":          {"GET", answer(200, json, `{"id":"x"}`, "X-Total", "3"), "uuid"},
		"missing":         {"GET", answer(200, json, `{}`, "X-Total", "3"), "id"},
		"unknown field":   {"GET", answer(200, json, `{"id":"550e8400-e29b-41d4-a716-446655440000","x":1}`, "X-Total", "3"), "x"},
		"null":            {"GET", answer(200, json, `{"id":"550e8400-e29b-41d4-a716-446655440000","next":null}`, "X-Total", "3"), "next"},
		"no JSON":         {"GET", answer(200, json, `{"id":`, "X-Total", "3"), "decode"},
		"header missing":  {"GET", answer(200, json, goodID), "X-Total"},
		"header's type":   {"GET", answer(200, json, goodID, "X-Total", "many"), "X-Total"},
		"status":          {"GET", answer(201, json, goodID), "status"},
		"media type":      {"GET", answer(200, "text/plain", "x", "X-Total", "3"), "text/plain"},
		"another file":    {"GET", answer(202, "image/png", "x"), "image/png"},
		"unexpected body": {"GET", func(c echo.Context) error { return c.Blob(204, json, []byte(goodID)) }, "no body"},
		"no answer":       {"GET", func(c echo.Context) error { return nil }, "answered nothing"},
		"HEAD":            {"HEAD", answer(200, json, ""), ""},
	} {
		e, checker, said := checkedServer(t, step.handle, nil)
		recorder := httptest.NewRecorder()
		e.ServeHTTP(recorder, httptest.NewRequest(step.method, "/answer", nil))
		switch {
		case step.want == "" && len(*said) > 0:
			t.Errorf("%s: %q", name, *said)
		case step.want != "" && (len(*said) != 1 || !strings.Contains((*said)[0], step.want)):
			t.Errorf("%s: %q, want %q", name, *said, step.want)
		}
		if recent := checker.Recent(); len(recent) != len(*said) {
			t.Errorf("%s: %d remembered, %d reported", name, len(recent), len(*said))
		}
	}
}

// TestCheckerAround has an outer middleware that answers errors, as metrics do.
func TestCheckerAround(t *testing.T) {
	t.Parallel()
	e, _, said := checkedServer(t, func(echo.Context) error { return errors.New(`{"message":"x"}`) },
		func(*Operation) echo.MiddlewareFunc {
			return func(next echo.HandlerFunc) echo.HandlerFunc {
				return func(c echo.Context) error {
					if err := next(c); err != nil {
						c.Error(err)
					}
					return nil
				}
			}
		})
	e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/answer", nil))
	if len(*said) != 1 {
		t.Errorf("%q", *said)
	}
}

// TestCheckerStreams answers in ways whose bodies are not kept: too long, flushed in between, copied from a file.
func TestCheckerStreams(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(" ", checkedBody) + "{}"
	for name, write := range map[string]func(w http.ResponseWriter) error{
		"long": func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, long)
			return err
		},
		"flushed": func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, "{")
			w.(http.Flusher).Flush()
			_, err2 := io.WriteString(w, "}")
			return errors.Join(err, err2, http.NewResponseController(w).Flush())
		},
		"copied": func(w http.ResponseWriter) error {
			_, err := w.(*echo.Response).Writer.(io.ReaderFrom).ReadFrom(strings.NewReader("{}"))
			return err
		},
	} {
		for _, total := range []string{"1", "many"} {
			e, _, said := checkedServer(t, func(c echo.Context) error {
				c.Response().Header().Set("X-Total", total)
				c.Response().Header().Set("Content-Type", "application/json")
				c.Response().WriteHeader(http.StatusOK)
				return write(c.Response())
			}, nil)
			recorder := httptest.NewRecorder()
			e.ServeHTTP(recorder, httptest.NewRequest("GET", "/answer", nil))
			if (len(*said) == 0) != (total == "1") {
				t.Errorf("%s, X-Total %s: %q", name, total, *said)
			}
			if body := recorder.Body.String(); body != "{}" && body != long {
				t.Errorf("%s: the client got %d bytes", name, len(body))
			}
		}
	}
}

// TestCheckerHijacked gives the connection away.
func TestCheckerHijacked(t *testing.T) {
	t.Parallel()
	e, _, said := checkedServer(t, func(c echo.Context) error {
		conn, _, err := c.Response().Hijack()
		if err != nil {
			return err
		}
		_, err = io.WriteString(conn, "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		return errors.Join(err, conn.Close())
	}, nil)
	server := httptest.NewServer(e)
	defer server.Close()
	response, err := http.Get(server.URL + "/answer")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); !bytes.Equal(body, []byte("ok")) || len(*said) > 0 {
		t.Errorf("%s, %q", body, *said)
	}
}

func TestCheckerRecent(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	checker := NewChecker(nil, func() time.Time {
		now = now.Add(time.Second)
		return now
	})
	if len(checker.Recent()) != 0 {
		t.Error("something before anything")
	}
	for n := range recentMax + 30 {
		checker.note(&Operation{ID: "op"}, n, io.EOF)
		recent := checker.Recent()
		if len(recent) != min(n+1, recentMax) || recent[0].Status != n || recent[len(recent)-1].Status != max(0, n+1-recentMax) {
			t.Fatalf("after %d: %d, newest %d, oldest %d", n+1, len(recent), recent[0].Status, recent[len(recent)-1].Status)
		}
	}
	if recent := checker.Recent(); !recent[0].Time.After(recent[1].Time) {
		t.Error("not the newest first")
	}
}

package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
)

// itemBody is what a generated stub has for the schema Item.
type itemBody struct {
	Code     string   `json:"code"`
	Quantity int      `json:"quantity"`
	Kind     *string  `json:"kind,omitempty"`
	Note     *string  `json:"note,omitempty"`
	Tags     []string `json:"tags,omitempty"`
}

// chunked is a body of unknown length that comes a byte at a time.
func chunked(text string) io.Reader { return io.MultiReader(&drip{text: text}) }

type drip struct{ text string }

func (d *drip) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], d.text)
	d.text = d.text[n:]
	return n, nil
}

const goodItem = `{"code":"ABC-12","quantity":3}`

func TestJSONBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got itemBody
	var bound error
	h.handle = func(c echo.Context) error {
		got = itemBody{}
		bound = c.Bind(&got)
		return c.NoContent(http.StatusNoContent)
	}
	for _, contentType := range []string{
		"application/json", "Application/JSON", "application/json;charset=utf-8", `application/json; charset="UTF-8"`, "application/json ; v=1",
	} {
		for name, body := range map[string]io.Reader{"known length": strings.NewReader(goodItem), "chunked": chunked(goodItem)} {
			h.send(request("POST", "/items", body, "Content-Type: "+contentType))
			if bound != nil || h.called == "" || got.Code != "ABC-12" || got.Quantity != 3 || got.Kind == nil || *got.Kind != "gift" {
				t.Errorf("%s, %s: %+v, %v, %v", contentType, name, got, bound, h.refused)
			}
		}
	}
	h.do("POST", "/items", ` {"kind":"sale", "tags":["a"],"quantity":1,"code":"ABC-12"} `, asJSON)
	if *got.Kind != "sale" || len(got.Tags) != 1 {
		t.Errorf("%+v, %v", got, h.refused)
	}
}

func TestJSONBodyRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for body, want := range map[string]string{
		"":                  "body required",
		`{"code":"ABC-12"}`: "body quantity required",
		`{"code":"ABC-12","quantity":3,"Code":"ABC-12"}`:          "body Code unknown",
		`{"code":"ABC-12","quantity":3,"quantity":4}`:             "body quantity duplicate",
		`{"code":"ABC-12","quantity":3,"note":"\u0000"}`:          "body note nul",
		"{\"code\":\"ABC-12\",\"quantity\":3,\"note\":\"\xff\"}":  "body note utf8",
		`{"code":"ABC-12","quantity":3} {}`:                       "body syntax",
		`{"code":"ABC-12","quantity":3`:                           "body syntax",
		`{"code":"ABC-12","quantity":"3"}`:                        "body quantity type",
		`{"code":"ABC-12","quantity":1.0}`:                        "body quantity type",
		`{"code":"ABC-12","quantity":3,"tags":["a","123456789"]}`: "body tags.1 maxLength",
		"\ufeff" + goodItem:                                       "body syntax",
		"null":                                                    "body type",
	} {
		for name, reader := range map[string]io.Reader{"known length": strings.NewReader(body), "chunked": chunked(body)} {
			h.send(request("POST", "/items", reader, asJSON))
			if got := h.broken(); !slices.Equal(got, []string{want}) {
				t.Errorf("%s (%s): %q, want %q (%v)", body, name, got, want, h.refused)
			}
		}
	}
	if h.send(request("POST", "/items", http.NoBody)); !slices.Equal(h.broken(), []string{"body required"}) {
		t.Errorf("no body, no media type: %v", h.refused)
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, header := range [][]string{
		nil, {"Content-Type: "}, {"Content-Type: text/plain"}, {"Content-Type: application/jsonx"}, {"Content-Type: application/json-patch+json"},
		{"Content-Type: application/x-www-form-urlencoded"}, {"Content-Type: application/json; charset=latin1"},
		{"Content-Type: application/json; charset"}, {"Content-Type: application/json, text/plain"}, {asJSON, asJSON},
		{asJSON, "Content-Encoding: gzip"}, {"Content-Type: */*"},
	} {
		if got := h.do("POST", "/items", goodItem, header...).Code; got != http.StatusUnsupportedMediaType {
			t.Errorf("%q: %d", header, got)
		}
		if h.send(request("POST", "/items", chunked(goodItem), header...)); h.called != "" {
			t.Errorf("%q: chunked got through", header)
		}
	}
	if h.do("POST", "/items", goodItem, asJSON, "Content-Encoding: identity"); h.called == "" {
		t.Errorf("identity: %v", h.refused)
	}
	for _, contentType := range []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x"} {
		if got := h.do("POST", "/form", "--x--", "Content-Type: "+contentType).Code; got != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d", contentType, got)
		}
	}
}

// TestEither lets a stub that looks at the prefix of the media type see the spelling that it knows.
func TestEither(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var contentType string
	var bound error
	h.handle = func(c echo.Context) error {
		contentType = c.Request().Header.Get(echo.HeaderContentType)
		bound = c.Bind(new(int))
		return nil
	}
	for given, want := range map[string]string{
		"application/json": "application/json", "APPLICATION/JSON": "application/json", "Text/Plain; charset=UTF-8": "text/plain; charset=UTF-8",
	} {
		if h.do("POST", "/either", "12", "Content-Type: "+given); contentType != want || bound != nil {
			t.Errorf("%s became %s, %v, %v", given, contentType, bound, h.refused)
		}
	}
	for name, body := range map[string]io.Reader{"none": nil, "empty and chunked": chunked("")} {
		bound = nil
		if h.send(request("POST", "/either", body)); bound != io.EOF {
			t.Errorf("%s: Bind is %v, refused %v", name, bound, h.refused)
		}
	}
	if h.do("POST", "/either", `"x"`, asJSON); !slices.Equal(h.broken(), []string{"body type"}) {
		t.Errorf("text as JSON: %v", h.refused)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	item := func(size int) string { return goodItem + strings.Repeat(" ", size-len(goodItem)) }
	for size, want := range map[int]int{511: 204, 512: 204, 513: 413, 100_000: 413} {
		if got := h.do("POST", "/items", item(size), asJSON).Code; got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
		if got := h.send(request("POST", "/items", chunked(item(size)), asJSON)).Code; got != want {
			t.Errorf("%d bytes, chunked: %d, want %d", size, got, want)
		}
	}
	small := newHarness(t, Config{MaxBody: 16})
	if got := small.do("PUT", "/items/1", goodItem, asJSON).Code; got != http.StatusRequestEntityTooLarge {
		t.Errorf("Config.MaxBody: %d", got)
	}
	if got := small.do("POST", "/items", goodItem, asJSON).Code; got != http.StatusNoContent {
		t.Errorf("x-max-body over Config.MaxBody: %d", got)
	}
	r := request("POST", "/items", strings.NewReader(goodItem), asJSON)
	r.Body = http.MaxBytesReader(httptest.NewRecorder(), r.Body, 5)
	if got := h.send(r).Code; got != http.StatusRequestEntityTooLarge {
		t.Errorf("a smaller limit around the guard: %d", got)
	}
}

func TestTextBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got []byte
	h.handle = func(c echo.Context) (err error) {
		got, err = io.ReadAll(c.Request().Body)
		return err
	}
	if h.do("POST", "/text", "été\n\"x\"", "Content-Type: text/plain"); string(got) != "été\n\"x\"" {
		t.Errorf("got %q, %v", got, h.refused)
	}
	for body, want := range map[string]string{
		strings.Repeat("é", 11): "body maxLength", "a\x00": "body nul", "caf\xe9": "body utf8", "": "body required",
	} {
		if h.do("POST", "/text", body, "Content-Type: text/plain; charset=utf-8"); !slices.Equal(h.broken(), []string{want}) {
			t.Errorf("%q: %q, want %q", body, h.broken(), want)
		}
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got []byte
	h.handle = func(c echo.Context) (err error) {
		got, err = io.ReadAll(c.Request().Body)
		return errors.Join(err, c.Request().Body.Close())
	}
	const octets = "Content-Type: application/octet-stream"
	body := "\x00\xff" + strings.Repeat("x", 62)
	for name, reader := range map[string]io.Reader{"known length": strings.NewReader(body), "chunked": chunked(body)} {
		if h.send(request("POST", "/raw", reader, octets)); string(got) != body || h.refused != nil {
			t.Errorf("%s: got %q, %v", name, got, h.refused)
		}
	}
	for name, reader := range map[string]io.Reader{"known length": strings.NewReader(body + "x"), "chunked": chunked(body + "x")} {
		if code := h.send(request("POST", "/raw", reader, octets)).Code; code != http.StatusRequestEntityTooLarge || len(got) > 64 {
			t.Errorf("%s: %d after %d bytes", name, code, len(got))
		}
		if name == "known length" && h.called != "" {
			t.Error("a handler started on a body that announced to be too large")
		}
	}
	for name, reader := range map[string]io.Reader{"none": nil, "chunked": chunked("")} {
		if h.send(request("POST", "/raw", reader, octets)); !slices.Equal(h.broken(), []string{"body required"}) {
			t.Errorf("%s: %v", name, h.refused)
		}
	}
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got []byte
	h.handle = func(c echo.Context) error {
		parts, err := c.Request().MultipartReader()
		if err != nil {
			return err
		}
		part, err := parts.NextPart()
		if err != nil {
			return err
		}
		got, err = io.ReadAll(part)
		return err
	}
	form := func(size int) (io.Reader, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		part, err := w.CreateFormFile("file", "a.bin")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(part, strings.Repeat("x", size))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return &body, "Content-Type: " + w.FormDataContentType()
	}
	body, contentType := form(100)
	if h.send(request("POST", "/form", body, contentType)); len(got) != 100 || h.refused != nil {
		t.Errorf("got %d bytes, %v", len(got), h.refused)
	}
	body, contentType = form(2000)
	if code := h.send(request("POST", "/form", io.MultiReader(body), contentType)).Code; code != http.StatusRequestEntityTooLarge {
		t.Errorf("2,000 bytes in a form of 1,024: %d, %v", code, h.refused)
	}
}

var errBroken = errors.New("connection reset")

type brokenReader struct{ text io.Reader }

func (b brokenReader) Read(p []byte) (int, error) {
	if n, _ := b.text.Read(p); n > 0 {
		return n, nil
	}
	return 0, errBroken
}

// TestBrokenBody breaks off in the middle of a body, whatever its kind.
func TestBrokenBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.handle = func(c echo.Context) error {
		_, err := io.ReadAll(c.Request().Body)
		return err
	}
	for target, contentType := range map[string]string{
		"/items": "application/json", "/text": "text/plain", "/raw": "application/octet-stream", "/form": "multipart/form-data; boundary=x",
	} {
		for _, sent := range []string{"", "{"} {
			for _, length := range []int64{10, -1} {
				r := request("POST", target, brokenReader{strings.NewReader(sent)}, "Content-Type: "+contentType)
				r.ContentLength = length
				code := h.send(r).Code
				if code != http.StatusBadRequest || !slices.Equal(h.broken(), []string{"body incomplete"}) || !errors.Is(h.refused, errBroken) {
					t.Errorf("%s after %q of %d: %d, %v", target, sent, length, code, h.refused)
				}
			}
		}
	}
}

// TestUndeclaredBody keeps a body that the contract does not know from the handler.
func TestUndeclaredBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var got []byte
	h.handle = func(c echo.Context) (err error) {
		got, err = io.ReadAll(c.Request().Body)
		return err
	}
	if h.do("GET", "/maybe", goodItem, asJSON); h.called == "" || len(got) > 0 {
		t.Errorf("got %q, %v", got, h.refused)
	}
}

func TestBinder(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.handle = func(c echo.Context) error {
		var tight struct {
			Quantity int8 `json:"quantity"`
			Note     bool `json:"note"`
		}
		return c.Bind(&tight)
	}
	h.do("POST", "/items", `{"code":"ABC-12","quantity":3,"note":"x"}`, asJSON)
	if got := h.broken(); !slices.Equal(got, []string{"body note type"}) {
		t.Errorf("a type that is too tight: %q, %v", got, h.refused)
	}
	c := h.echo.NewContext(httptest.NewRequest("POST", "/", strings.NewReader("{}")), httptest.NewRecorder())
	if err := c.Bind(&itemBody{}); err != errUnguarded {
		t.Errorf("a body that nothing validated: %v", err)
	}
	h.handle = func(c echo.Context) error { return nil }
	r := request("POST", "/items", strings.NewReader(goodItem), asJSON)
	h.send(r)
	if rest, _ := io.ReadAll(r.Body); len(rest) > 0 {
		t.Errorf("after the handler the body still reads %q", rest)
	}
}

// TestBodiesDoNotMix sends many bodies at once through the pool: what is decoded belongs to its request for good.
func TestBodiesDoNotMix(t *testing.T) {
	t.Parallel()
	contract := loadTest(t)
	guard, err := contract.Guard(Config{Authenticate: authenticate})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Binder = Binder{}
	var mu sync.Mutex
	decoded := map[string]itemBody{}
	op := contract.Operation("createItem")
	e.Add(op.Method, op.Route, func(c echo.Context) error {
		var item itemBody
		if err := c.Bind(&item); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		decoded[c.Request().Header.Get("X-N")] = item
		return nil
	}, guard.Middlewares()[op.ID]...)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 50 {
				n := worker*50 + i
				body := fmt.Sprintf(`{"code":"ABC-%02d","quantity":%d,"note":"note %d","tags":["t%d"]}`, n%100, n%100+1, n, n)
				e.ServeHTTP(httptest.NewRecorder(), request("POST", "/items", strings.NewReader(body), asJSON, fmt.Sprintf("X-N: %d", n)))
			}
		})
	}
	group.Wait()
	for n := range 400 {
		item := decoded[fmt.Sprint(n)]
		if item.Code != fmt.Sprintf("ABC-%02d", n%100) || item.Quantity != n%100+1 || item.Note == nil || *item.Note != fmt.Sprintf("note %d", n) ||
			len(item.Tags) != 1 || item.Tags[0] != fmt.Sprintf("t%d", n) {
			t.Fatalf("body %d became %+v", n, item)
		}
	}
}

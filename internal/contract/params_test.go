package contract

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/runtime"
	openapi_types "github.com/oapi-codegen/runtime/types"
)

// styles is what a generated stub would make of getStyles' parameters. Its field types are those of generated code.
type styles struct {
	ID    int
	List  []string
	Page  *int
	Ratio *float32
	Flag  *bool
	Q     *string
	Sort  *string
	Since *time.Time
	Day   *openapi_types.Date
	Owner *openapi_types.UUID
	Tag   []string
	N     []int
	W     []string
	P     []bool
	Trace *string
	Level *int
	Langs []string
	Theme *string
	Seen  []int
}

// bind reads the parameters as generated stubs do, with the same runtime.
func (s *styles) bind(c echo.Context) error {
	path := func(name string, target any) error {
		return runtime.BindStyledParameterWithOptions("simple", name, c.Param(name), target, runtime.BindStyledParameterOptions{
			ParamLocation: runtime.ParamLocationPath, Required: true, ValueIsUnescaped: c.Request().URL.RawPath == ""})
	}
	query := func(style string, explode bool, name string, target any) error {
		return runtime.BindQueryParameterWithOptions(style, explode, false, name, c.QueryParams(), target, runtime.BindQueryParameterOptions{})
	}
	single := func(location runtime.ParamLocation, name, value string, target any) error {
		return runtime.BindStyledParameterWithOptions("simple", name, value, target, runtime.BindStyledParameterOptions{ParamLocation: location})
	}
	errs := []error{
		path("id", &s.ID), path("list", &s.List),
		query("form", true, "page", &s.Page), query("form", true, "ratio", &s.Ratio), query("form", true, "flag", &s.Flag),
		query("form", true, "q", &s.Q), query("form", true, "sort", &s.Sort), query("form", true, "since", &s.Since),
		query("form", true, "day", &s.Day), query("form", true, "owner", &s.Owner), query("form", true, "tag", &s.Tag),
		query("form", false, "n", &s.N), query("spaceDelimited", false, "w", &s.W), query("pipeDelimited", false, "p", &s.P),
	}
	header := func(name string, target any) {
		if values, ok := c.Request().Header[http.CanonicalHeaderKey(name)]; ok {
			if len(values) != 1 {
				errs = append(errs, fmt.Errorf("%d values of %s", len(values), name))
				return
			}
			errs = append(errs, single(runtime.ParamLocationHeader, name, values[0], target))
		}
	}
	s.Trace, s.Level, s.Theme = new(string), new(int), new(string)
	header("X-Trace", s.Trace)
	header("X-Level", s.Level)
	header("X-Langs", &s.Langs)
	if cookie, err := c.Cookie("theme"); err == nil {
		errs = append(errs, single(runtime.ParamLocationCookie, "theme", cookie.Value, s.Theme))
	}
	if cookie, err := c.Cookie("seen"); err == nil {
		errs = append(errs, single(runtime.ParamLocationCookie, "seen", cookie.Value, &s.Seen))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// stylesHarness is a harness whose handlers read parameters as stubs do.
func stylesHarness(t testing.TB) (*harness, *styles) {
	h, got := newHarness(t, Config{}), &styles{}
	h.handle = func(c echo.Context) error {
		*got = styles{}
		if err := got.bind(c); err != nil {
			return fmt.Errorf("the guard let through what the stub cannot read: %w", err)
		}
		return c.NoContent(http.StatusNoContent)
	}
	return h, got
}

func TestParameters(t *testing.T) {
	t.Parallel()
	h, got := stylesHarness(t)
	since := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	for target, check := range map[string]func() bool{
		"/styles/7/a,b": func() bool {
			return got.ID == 7 && slices.Equal(got.List, []string{"a", "b"}) && *got.Page == 1 && got.Ratio == nil && *got.Sort == "name" &&
				slices.Equal(got.N, []int{1, 2}) && *got.Level == 3 && *got.Theme == "light" && got.Tag == nil
		},
		"/styles/7/a%2Cb,%C3%A9%2F":          func() bool { return slices.Equal(got.List, []string{"a", "b", "é/"}) },
		"/styles/7/100%25":                   func() bool { return slices.Equal(got.List, []string{"100%"}) },
		"/styles/%37/x":                      func() bool { return got.ID == 7 },
		"/styles/7/x?page=2&sort=date":       func() bool { return *got.Page == 2 && *got.Sort == "date" },
		"/styles/7/x?ratio=-1.5e0&flag=true": func() bool { return *got.Ratio == -1.5 && *got.Flag },
		"/styles/7/x?q=a+b%20c":              func() bool { return *got.Q == "a b c" },
		"/styles/7/x?q=thé":                  func() bool { return *got.Q == "thé" },
		"/styles/7/x?q=%26%3D%23":            func() bool { return *got.Q == "&=#" },
		"/styles/7/x?since=2025-01-02T03:04:05Z&day=2025-01-02": func() bool {
			return got.Since.Equal(since) && got.Day.Format(time.DateOnly) == "2025-01-02"
		},
		"/styles/7/x?since=2025-01-02T04:04:05%2B01:00":          func() bool { return got.Since.Equal(since) },
		"/styles/7/x?owner=550e8400-e29b-41d4-a716-446655440000": func() bool { return *got.Owner != uuid.Nil },
		"/styles/7/x?tag=b&tag=a&tag=,":                          func() bool { return slices.Equal(got.Tag, []string{"b", "a", ","}) },
		"/styles/7/x?n=3,-4&w=a%20b+c&p=true%7Cfalse":            func() bool { return slices.Equal(got.N, []int{3, -4}) && len(got.W) == 3 && got.P[0] && !got.P[1] },
		"/styles/7/x?flag=&sort=&since&q=ab": func() bool { // as if they were not there
			return got.Flag == nil && *got.Sort == "name" && got.Since == nil && *got.Q == "ab"
		},
		"/styles/7/x?unknown=1&unknown=2&utm;x=1;y&a&&=b&%E2%82%AC": func() bool { return *got.Page == 1 },
	} {
		if code := h.do("GET", target, "").Code; code != http.StatusNoContent || !check() {
			t.Errorf("%s: %d, %v, %+v", target, code, h.refused, got)
		}
	}
	for line, check := range map[string]func() bool{
		"X-Trace: 0af":                      func() bool { return *got.Trace == "0af" },
		"X-Level: -2":                       func() bool { return *got.Level == -2 },
		"X-Langs: fr,en":                    func() bool { return slices.Equal(got.Langs, []string{"fr", "en"}) },
		"Cookie: theme=dark; other=\"x y\"": func() bool { return *got.Theme == "dark" },
		"Cookie: seen=1,2,3":                func() bool { return slices.Equal(got.Seen, []int{1, 2, 3}) && *got.Theme == "light" },
		"Cookie: other=thé":                 func() bool { return *got.Theme == "light" },
	} {
		if code := h.do("GET", "/styles/7/x", "", line).Code; code != http.StatusNoContent || !check() {
			t.Errorf("%s: %d, %v, %+v", line, code, h.refused, got)
		}
	}
	if h.do("GET", "/styles/7/x", "", "X-Langs: fr", "X-Langs: en"); !slices.Equal(got.Langs, []string{"fr", "en"}) {
		t.Errorf("a list in two lines: %v, %v", got.Langs, h.refused)
	}
}

func TestParametersRefused(t *testing.T) {
	t.Parallel()
	h, _ := stylesHarness(t)
	for target, want := range map[string]string{
		"/styles/0/x":                                   "path id minimum",
		"/styles/a/x":                                   "path id type",
		"/styles/1.5/x":                                 "path id type",
		"/styles/%2B1/x":                                "path id type",
		"/styles/%201/x":                                "path id type",
		"/styles/99999999999999999999/x":                "path id format",
		"/styles/1/a,b,c,d":                             "path list maxItems",
		"/styles/1/a,123456789":                         "path list.1 maxLength",
		"/styles/1/%FF":                                 "path list.0 utf8",
		"/styles/1/a%00":                                "path list.0 nul",
		"/styles/1/x?page=":                             "query page type",
		"/styles/1/x?page":                              "query page type",
		"/styles/1/x?page=01":                           "query page type",
		"/styles/1/x?page=1&page=2":                     "query page duplicate",
		"/styles/1/x?page=1&%70age=2":                   "query page duplicate",
		"/styles/1/x?page=1;page=2":                     "query page encoding",
		"/styles/1/x?a=1;page=2":                        "query a encoding",
		"/styles/1/x?page=%zz":                          "query page encoding",
		"/styles/1/x?page=%":                            "query page encoding",
		"/styles/1/x?%zz=1":                             "query %zz encoding",
		"/styles/1/x?other=%E9":                         "query other utf8",
		"/styles/1/x?other=\xe9":                        "query other utf8",
		"/styles/1/x?%E9=1":                             "query \uFFFD utf8",
		"/styles/1/x?other=%00":                         "query other nul",
		"/styles/1/x?q=%E9%E9":                          "query q utf8",
		"/styles/1/x?q=ab%00":                           "query q nul",
		"/styles/1/x?q=":                                "query q minLength",
		"/styles/1/x?flag=&flag=true":                   "query flag duplicate",
		"/styles/1/x?flag=+":                            "query flag type",
		"/styles/1/x?flag=1":                            "query flag type",
		"/styles/1/x?flag=True":                         "query flag type",
		"/styles/1/x?ratio=NaN":                         "query ratio type",
		"/styles/1/x?ratio=0x1p4":                       "query ratio type",
		"/styles/1/x?ratio=1_0":                         "query ratio type",
		"/styles/1/x?sort=Name":                         "query sort enum",
		"/styles/1/x?since=2025-01-02":                  "query since format",
		"/styles/1/x?day=2025-02-30":                    "query day format",
		"/styles/1/x?owner=x":                           "query owner format",
		"/styles/1/x?tag=a&tag=":                        "query tag.1 minLength",
		"/styles/1/x?tag=a&tag=a":                       "query tag uniqueItems",
		"/styles/1/x?tag=":                              "query tag type",
		"/styles/1/x?w":                                 "query w type",
		"/styles/1/x?n=1,,2":                            "query n.1 type",
		"/styles/1/x?n=1&n=2":                           "query n duplicate",
		"/styles/1/x?w=abcdef":                          "query w.0 maxLength",
		"/styles/1/x?p=true%7Cno":                       "query p.1 type",
		"/styles/1/x?" + strings.Repeat("a&", maxPairs): "query encoding",
	} {
		if h.do("GET", target, ""); !slices.Equal(h.broken(), []string{want}) {
			t.Errorf("%q: %q, want %q (%v)", target, h.broken(), want, h.refused)
		}
	}
	for line, want := range map[string]string{
		"X-Trace: xyz":             "header X-Trace pattern",
		"X-Trace: ":                "header X-Trace pattern",
		"X-Level: one":             "header x-level type",
		"X-Langs: fr,de":           "header X-Langs.1 enum",
		"Cookie: theme=blue":       "cookie theme enum",
		"Cookie: theme=":           "cookie theme enum",
		"Cookie: theme=d\xe9":      "cookie theme encoding",
		"Cookie: seen=1,x":         "cookie seen.1 type",
		"Cookie: theme=a; theme=b": "cookie theme duplicate",
	} {
		if h.do("GET", "/styles/1/x", "", line); !slices.Equal(h.broken(), []string{want}) {
			t.Errorf("%q: %q, want %q (%v)", line, h.broken(), want, h.refused)
		}
	}
	if h.do("GET", "/styles/1/x", "", "X-Trace: a", "X-Trace: b"); !slices.Equal(h.broken(), []string{"header X-Trace duplicate"}) {
		t.Errorf("a header twice: %q", h.broken())
	}
	if got := len(h.brokenOf("GET", "/styles/0/%FF?page=0&sort=x&tag=", "X-Level: x", "Cookie: theme=x")); got != 7 {
		t.Errorf("%d violations at once: %q", got, h.broken())
	}
}

func (h *harness) brokenOf(method, target string, header ...string) []string {
	h.do(method, target, "", header...)
	return h.broken()
}

// TestDefaultsAreShared adds to the values of one request what no other request may see.
func TestDefaultsAreShared(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	var seen []url.Values
	var levels [][]string
	h.handle = func(c echo.Context) error {
		mine := fmt.Sprint(len(seen))
		c.QueryParams().Add("page", mine)
		c.Request().Header.Add("X-Level", mine)
		seen, levels = append(seen, c.QueryParams()), append(levels, c.Request().Header["X-Level"])
		return nil
	}
	for range 3 {
		h.do("GET", "/styles/7/x", "")
	}
	for i := range seen {
		mine := fmt.Sprint(i)
		if !slices.Equal(seen[i]["page"], []string{"1", mine}) || !slices.Equal(levels[i], []string{"3", mine}) {
			t.Errorf("request %d: page %v, level %v", i, seen[i]["page"], levels[i])
		}
	}
}

// TestGuardAllocates asserts what the guard adds to a valid GET with parameters in path and query: the query that Echo keeps
// for the stub anyway, and nothing else.
func TestGuardAllocates(t *testing.T) {
	h := newHarness(t, Config{})
	op := h.contract.Operation("getStyles")
	var handler echo.HandlerFunc
	for _, one := range h.guard.guarded {
		if one.op == op {
			handler = one.middleware(func(echo.Context) error { return nil })
		}
	}
	recorder := &discard{header: http.Header{}}
	r := request("GET", "/styles/7/x?page=2&q=abc&sort=date&flag=true&n=1", nil, "X-Level: 1", "Cookie: theme=dark")
	measure := func(run func(c echo.Context)) float64 {
		c := h.echo.NewContext(r, recorder)
		return testing.AllocsPerRun(200, func() {
			c.Reset(r, recorder)
			c.SetParamNames("id", "list")
			c.SetParamValues("7", "x")
			run(c)
		})
	}
	stub := measure(func(c echo.Context) {
		c.QueryParams()
		_, _ = c.Cookie("theme")
		_, _ = c.Cookie("seen")
	})
	guarded := measure(func(c echo.Context) {
		if err := handler(c); err != nil {
			t.Fatal(err)
		}
	})
	// One slice for the path's list, one for the query's, one each for the two cookies' lists.
	if extra := guarded - stub; extra > 4 {
		t.Errorf("%v allocations, %v of them the stub's", guarded, stub)
	}
}

// discard is a response that goes nowhere.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

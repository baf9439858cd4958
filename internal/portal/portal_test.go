package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
)

// miniSpec is a contract with what the tests look at.
const miniSpec = `openapi: 3.0.3
info: {title: Mini, version: 2.1.0, description: "A ` + "`small`" + `\n  system. More of it."} # kept
servers:
  - url: http://localhost:4000
    description: Elsewhere
paths:
  /things: {get: {operationId: listThings, responses: {'200': {description: Things}}}, post: {operationId: addThing, responses: {'201': {description: Added}}}}
`

// plannedSpec has operations that are published ahead of their server.
const plannedSpec = `openapi: 3.0.3
info: {title: Mini, version: 2.1.0}
paths:
  /things:
    get: {operationId: listThings, responses: {'200': {description: Things}}}
    put: {operationId: replaceThings, x-planned: true, tags: [later, both], responses: {'204': {description: Replaced}}}
  /now: {get: {operationId: now, tags: [both], responses: {'200': {description: Now}}}}
  /later: {get: {operationId: later, x-planned: true, tags: [later], responses: {'200': {description: Later}}}, parameters: []}
tags: [{name: later}, {name: both}]
`

// mini is a system that tells how a request reached it.
func mini() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Mini", "yes")
		fmt.Fprintf(w, "%s %s raw=%s query=%s mount=%s public=%s peer=%s", r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery,
			web.MountOf(r.Context()), web.PublicURL(r), r.RemoteAddr)
	})
}

func ready(context.Context) error { return nil }

func newPortal(t *testing.T, change func(*portal.Config)) *portal.Portal {
	t.Helper()
	system, err := portal.Docs("Mini & Co", []byte(miniSpec), nil, mini())
	if err != nil {
		t.Fatal(err)
	}
	cfg := portal.Config{
		Systems: []portal.System{{
			Name: "mini", Title: "Mini & Co", URL: "http://127.0.0.1:4999", Spec: []byte(miniSpec), Handler: system, Ready: ready,
			Accounts: []string{"a@example.com / hunter2 (ADMIN)"},
		}},
		Version:  "v1.2.3",
		Database: "PostgreSQL 17, embedded",
		Metrics:  http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "guichet_up 1\n") }),
		Echo:     web.Config{System: "portal", Logger: slog.New(slog.DiscardHandler)},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := portal.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func get(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

func TestIndex(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	w := get(p, "GET", "/")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=UTF-8" {
		t.Fatalf("got %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	for _, want := range []string{
		"Mini &amp; Co", "A small system.", `href="http://127.0.0.1:4999"`, `href="mini/"`, "2 operations", "hunter2", "version 2.1.0",
		`href="docs?urls.primaryName=Mini%20%26%20Co"`, `href="specs/mini/openapi.yaml"`, `class="state ok"`, "v1.2.3",
		"PostgreSQL 17, embedded", "not checked",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the index lacks %q", want)
		}
	}
	if strings.Contains(w.Body.String(), "More of it") {
		t.Error("the index shows more than the first sentence of the description")
	}
}

// TestPlannedIsNotPublished: who tries a contract out finds only what answers.
func TestPlannedIsNotPublished(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(c *portal.Config) { c.Systems[0].Spec = []byte(plannedSpec) })
	published := get(p, "GET", "/specs/mini/openapi.yaml").Body.String()
	for _, want := range []string{"listThings", "/now", "name: both"} {
		if !strings.Contains(published, want) {
			t.Errorf("the published contract lacks %s:\n%s", want, published)
		}
	}
	for _, planned := range []string{"replaceThings", "later", "x-planned"} {
		if strings.Contains(published, planned) {
			t.Errorf("%s is published:\n%s", planned, published)
		}
	}
	if body := get(p, "GET", "/").Body.String(); !strings.Contains(body, "2 operations") {
		t.Error("the index counts what is planned")
	}
}

func TestIndexShowsWhatIsWrong(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(c *portal.Config) {
		c.Systems[0].Ready = func(context.Context) error { return problem.New(problem.Unavailable, "the database <is> away") }
		c.Systems[0].Findings = func() []portal.Finding {
			return []portal.Finding{{At: time.Unix(0, 0), Operation: "listThings", Status: 200, Problem: "<script>alert(1)</script>", Count: 3}}
		}
	})
	body := get(p, "GET", "/").Body.String()
	for _, want := range []string{"the database &lt;is&gt; away", "1 violation of", "listThings", "&lt;script&gt;alert(1)", "00:00:00"} {
		if !strings.Contains(body, want) {
			t.Errorf("the index lacks %q", want)
		}
	}
	if strings.Contains(body, "<script>") {
		t.Error("the index runs what a response says")
	}
}

// TestAddressesAreReachable: a system that listens everywhere is where the visitor found the portal.
func TestAddressesAreReachable(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(c *portal.Config) { c.Systems[0].URL = "http://localhost:4000" })
	for host, want := range map[string]string{
		"guichet.example.com:8080": "http://guichet.example.com:4000", "192.0.2.7": "http://192.0.2.7:4000",
		"[2001:db8::1]:8080": "http://[2001:db8::1]:4000", "localhost:8080": "http://localhost:4000",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), `href="`+want+`"`) {
			t.Errorf("a visitor of %s is not told %s", host, want)
		}
	}
}

// TestMountIsTheSystem: the mount hands over everything as it came but the prefix.
func TestMountIsTheSystem(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	for _, c := range []struct{ method, target, want string }{
		{"GET", "/mini/", "GET / raw= query= mount=/mini public=http://example.com/mini"},
		{"POST", "/mini/things?a=1&a=2", "POST /things raw= query=a=1&a=2 mount=/mini"},
		{"GET", "/mini/things//x/../y", "GET /things//x/../y raw= query="},
		{"GET", "/mini/things/a%2Fb%20c", "GET /things/a/b c raw=/things/a%2Fb%20c query="},
		{"DELETE", "/mini/healthz", "DELETE /healthz"},
		{"POST", "/mini/docs", "POST /docs"},
		{"GET", "/mini/docs/secret", "GET /docs/secret"},
	} {
		if body := get(p, c.method, c.target).Body.String(); !strings.HasPrefix(body, c.want) {
			t.Errorf("%s %s reached the system as %q, want %q", c.method, c.target, body, c.want)
		}
	}
	r := httptest.NewRequest("GET", "/mini/things", nil)
	r.RemoteAddr = "203.0.113.9:1234"
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "peer=203.0.113.9:1234") {
		t.Errorf("the peer is lost: %s", w.Body)
	}
}

func TestMountWithoutSlash(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	w := get(p, "POST", "/mini?x=1")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "mini/?x=1" {
		t.Errorf("got %d to %q", w.Code, w.Header().Get("Location"))
	}
	if w := get(p, "GET", "/minix/"); w.Code != 404 {
		t.Errorf("a name that only begins like a system's answers %d", w.Code)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	for target, server := range map[string]string{
		"/specs/mini/openapi.yaml": `- url: "/mini"`,
		"/mini/openapi.yaml":       `- url: "/mini"`,
	} {
		w := get(p, "GET", target)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/yaml") {
			t.Errorf("%s: %d %s", target, w.Code, w.Header().Get("Content-Type"))
		}
		if body := w.Body.String(); !strings.Contains(body, server) || strings.Contains(body, "localhost:4000") || !strings.Contains(body, "# kept") {
			t.Errorf("%s:\n%s", target, body)
		}
	}
	own, err := portal.Docs("Mini", []byte(miniSpec), nil, mini())
	if err != nil {
		t.Fatal(err)
	}
	if body := get(own, "GET", "/openapi.yaml").Body.String(); !strings.Contains(body, `- url: "/"`) {
		t.Errorf("on the system's own port:\n%s", body)
	}
	if w := get(p, "GET", "/specs/nobody/openapi.yaml"); w.Code != 404 {
		t.Errorf("an unknown system's contract answers %d", w.Code)
	}
}

func TestSpecWithoutServers(t *testing.T) {
	t.Parallel()
	own, err := portal.Docs("Mini", []byte("openapi: 3.0.3\ninfo: {title: M, version: '1'}\npaths: {}\n"), nil, mini())
	if err != nil {
		t.Fatal(err)
	}
	if body := get(own, "GET", "/openapi.yaml").Body.String(); !strings.HasSuffix(body, "servers:\n  - url: \"/\"\n") {
		t.Errorf("got\n%s", body)
	}
	for name, broken := range map[string]string{"a list": "- a\n", "no YAML": "a: [", "nothing": ""} {
		if _, err := portal.Docs("Mini", []byte(broken), nil, mini()); err == nil {
			t.Errorf("%s passes for a contract", name)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	if w := get(p, "GET", "/healthz"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"status":"alive"}` {
		t.Errorf("/healthz: %d %s", w.Code, w.Body)
	}
	if w := get(p, "GET", "/readyz"); w.Code != 200 || strings.TrimSpace(w.Body.String()) != `{"status":"ready","systems":[{"name":"mini","status":"ready"}]}` {
		t.Errorf("/readyz: %d %s", w.Code, w.Body)
	}
	if w := get(p, "GET", "/metrics"); w.Code != 200 || !strings.Contains(w.Body.String(), "guichet_up 1") {
		t.Errorf("/metrics: %d %s", w.Code, w.Body)
	}
	if w := get(p, "GET", "/nothing"); w.Code != 404 || strings.TrimSpace(w.Body.String()) != `{"error":"not found"}` {
		t.Errorf("unknown: %d %s", w.Code, w.Body)
	}
	if w := get(p, "POST", "/readyz"); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("POST: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w := get(p, "HEAD", "/readyz"); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(c *portal.Config) {
		c.Systems[0].Ready = func(context.Context) error { return errors.New("dial tcp 10.1.2.3: password=hush") }
		c.Systems = append(c.Systems, portal.System{
			Name: "stuck", Title: "Stuck", Spec: []byte(miniSpec), Handler: mini(),
			Ready: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		})
	})
	start := time.Now()
	w := get(p, "GET", "/readyz")
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("a system that does not answer holds the probe up for %v", took)
	}
	var answer struct {
		Status  string
		Systems []struct{ Name, Status, Reason string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Status != "unavailable" || len(answer.Systems) != 2 || answer.Systems[0].Status != "unavailable" ||
		answer.Systems[1].Reason != "no answer in time" {
		t.Errorf("got %s", w.Body)
	}
	if strings.Contains(w.Body.String(), "hush") || strings.Contains(w.Body.String(), "10.1.2.3") {
		t.Errorf("the probe tells strangers %s", w.Body)
	}
}

func TestStarting(t *testing.T) {
	t.Parallel()
	h := portal.Starting([]string{"mini"})
	if w := get(h, "GET", "/healthz"); w.Code != 200 {
		t.Errorf("/healthz: %d", w.Code)
	}
	for _, target := range []string{"/readyz", "/", "/mini/things"} {
		w := get(h, "GET", target)
		if w.Code != 503 || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), `"name":"mini","status":"starting"`) {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := portal.System{Name: "mini", Title: "Mini", Spec: []byte(miniSpec), Handler: mini(), Ready: ready}
	for name, systems := range map[string][]portal.System{
		"one name twice":  {good, good},
		"a page's name":   {{Name: "docs", Spec: []byte(miniSpec), Handler: mini(), Ready: ready}},
		"a name in parts": {{Name: "a/b", Spec: []byte(miniSpec), Handler: mini(), Ready: ready}},
		"no contract":     {{Name: "mini", Spec: []byte("a: ["), Handler: mini(), Ready: ready}},
	} {
		_, err := portal.New(portal.Config{Systems: systems, Metrics: mini(), Echo: web.Config{Logger: slog.New(slog.DiscardHandler)}})
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// TestPagesAreLocked: pages run nothing that is not a file of their own origin.
func TestPagesAreLocked(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	for _, target := range []string{"/", "/docs", "/mini/docs"} {
		w := get(p, "GET", target)
		policy := w.Header().Get("Content-Security-Policy")
		if w.Code != 200 || !strings.HasPrefix(policy, "default-src 'none'; ") {
			t.Errorf("%s: %d, policy %q", target, w.Code, policy)
		}
		for _, hole := range []string{"unsafe", "http:", "https:", "*"} {
			if strings.Contains(policy, hole) {
				t.Errorf("%s: the policy lets %s through", target, hole)
			}
		}
		body := w.Body.String()
		if strings.Contains(body, "<style") || strings.Contains(body, " style=") || strings.Contains(body, "<script>") || strings.Contains(body, " on") && strings.Contains(body, "onload=") {
			t.Errorf("%s has inline script or style", target)
		}
	}
}

func TestDocsFiles(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	for _, base := range []string{"/docs/", "/mini/docs/"} {
		for name, kind := range map[string]string{
			"docs.js": "text/javascript", "docs.css": "text/css", "swagger-ui.css": "text/css",
			"swagger-ui-bundle.js": "text/javascript", "favicon-32x32.png": "image/png",
		} {
			plain := get(p, "GET", base+name)
			if plain.Code != 200 || !strings.HasPrefix(plain.Header().Get(echo.HeaderContentType), kind) || plain.Body.Len() == 0 {
				t.Errorf("%s%s: %d %s, %d bytes", base, name, plain.Code, plain.Header().Get(echo.HeaderContentType), plain.Body.Len())
			}
			r := httptest.NewRequest("GET", base+name, nil)
			r.Header.Set("Accept-Encoding", "gzip, br")
			packed := httptest.NewRecorder()
			p.ServeHTTP(packed, r)
			if coded := packed.Header().Get("Content-Encoding") == "gzip"; coded != (packed.Body.Len() < plain.Body.Len()) {
				t.Errorf("%s%s: encoding %q, %d bytes of %d", base, name, packed.Header().Get("Content-Encoding"), packed.Body.Len(), plain.Body.Len())
			}
		}
		if w := get(p, "GET", base); w.Code != 308 || w.Header().Get("Location") != "../docs" {
			t.Errorf("%s: %d to %q", base, w.Code, w.Header().Get("Location"))
		}
	}
	for _, target := range []string{"/docs/index.html", "/docs/embed.go", "/docs/../portal.go", "/assets/", "/assets/index.html"} {
		if w := get(p, "GET", target); w.Code != 404 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if w := get(p, "GET", "/assets/portal.css"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("the style sheet: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

package portal_test

import (
	"crypto/tls"
	"maps"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/guichet-api/guichet/internal/portal"
)

// miniEvents is an AsyncAPI contract with every kind of server.
const miniEvents = `asyncapi: 3.0.0
info: {title: Mini, version: 2.1.0} # kept
servers:
  page: {host: 'localhost:4000', pathname: /ws/mini, protocol: ws, description: Frames}
  root: {host: 'localhost:4000', protocol: ws}
  npm: {host: 'localhost:4000', pathname: /socket.io/, protocol: socketio}
  text: {host: 'localhost:4000', protocol: tcp}
channels: {desk: {address: desk}, user: {address: user}, idle: {address: idle}}
operations:
  added: {action: send, channel: {$ref: '#/channels/desk'}}
  told: {action: send, channel: {$ref: '#/channels/user'}, x-planned: true}
  moved: {action: send, channel: {$ref: '#/channels/desk'}, x-planned: true}
  removed: {action: send}
  add: {action: receive}
`

type miniServer struct{ Host, Pathname, Protocol, Description string }

// servers are the server entries of a published document.
func servers(t *testing.T, document string) map[string]miniServer {
	t.Helper()
	var contract struct{ Servers map[string]miniServer }
	if err := yaml.Unmarshal([]byte(document), &contract); err != nil {
		t.Fatalf("%v in\n%s", err, document)
	}
	return contract.Servers
}

func withEvents(c *portal.Config) { c.Systems[0].Events = []byte(miniEvents) }

// TestEventContracts: a document's servers are where its reader found it.
func TestEventContracts(t *testing.T) {
	t.Parallel()
	own, err := portal.Docs("Mini", []byte(miniSpec), []byte(miniEvents), mini())
	if err != nil {
		t.Fatal(err)
	}
	p := newPortal(t, func(c *portal.Config) {
		withEvents(c)
		c.Systems[0].Handler = own
		c.Echo.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	})
	for name, test := range map[string]struct {
		ask       func() *httptest.ResponseRecorder
		host      string
		mount, ws string
		text      string
	}{
		"on its own port":    {func() *httptest.ResponseRecorder { return get(own, "GET", "/asyncapi.yaml") }, "example.com", "", "ws", "example.com"},
		"below the mount":    {func() *httptest.ResponseRecorder { return get(p, "GET", "/mini/asyncapi.yaml") }, "example.com", "/mini", "ws", "example.com"},
		"among the portal's": {func() *httptest.ResponseRecorder { return get(p, "GET", "/specs/mini/asyncapi.yaml") }, "example.com", "/mini", "ws", "127.0.0.1:4999"},
		"behind a proxy": {func() *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/specs/mini/asyncapi.yaml", nil)
			r.Header.Set("X-Forwarded-Proto", "https")
			w := httptest.NewRecorder()
			p.ServeHTTP(w, r)
			return w
		}, "example.com", "/mini", "wss", "127.0.0.1:4999"},
		"with TLS and a strange name": {func() *httptest.ResponseRecorder {
			r := httptest.NewRequest("GET", "/asyncapi.yaml", nil)
			r.Host, r.TLS = `x"y: [`, &tls.ConnectionState{}
			w := httptest.NewRecorder()
			own.ServeHTTP(w, r)
			return w
		}, `x"y: [`, "", "wss", `x"y: [`},
	} {
		w := test.ask()
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/yaml; charset=utf-8" || !strings.Contains(w.Body.String(), "# kept") {
			t.Errorf("%s: %d %s\n%s", name, w.Code, w.Header().Get("Content-Type"), w.Body)
			continue
		}
		got := servers(t, w.Body.String())
		for server, want := range map[string]miniServer{
			"page": {test.host, test.mount + "/ws/mini", test.ws, "Frames"}, "root": {test.host, test.mount + "/", test.ws, ""},
			"npm": {test.host, test.mount + "/socket.io/", "socketio", ""}, "text": {test.text, "", "tcp", ""},
		} {
			if got[server] != want {
				t.Errorf("%s: server %s is %+v, want %+v", name, server, got[server], want)
			}
		}
	}
	if body := get(newPortal(t, withEvents), "GET", "/").Body.String(); !strings.Contains(body, "2 operations; live: 2 events, 1 command") ||
		!strings.Contains(body, `href="specs/mini/asyncapi.yaml"`) {
		t.Error("the index does not tell of the events")
	}
}

// TestPlannedEvents: what is published ahead of its server is not shown, nor is a channel of its own.
func TestPlannedEvents(t *testing.T) {
	t.Parallel()
	var contract struct{ Channels, Operations map[string]any }
	body := get(newPortal(t, withEvents), "GET", "/specs/mini/asyncapi.yaml").Body.String()
	if err := yaml.Unmarshal([]byte(body), &contract); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(contract.Operations)); !slices.Equal(got, []string{"add", "added", "removed"}) {
		t.Errorf("operations %q", got)
	}
	if got := slices.Sorted(maps.Keys(contract.Channels)); !slices.Equal(got, []string{"desk", "idle"}) {
		t.Errorf("channels %q", got)
	}
}

// TestNoEventContract: a system without a live side has no such document, and a path of that name is its own.
func TestNoEventContract(t *testing.T) {
	t.Parallel()
	p := newPortal(t, nil)
	if w := get(p, "GET", "/specs/mini/asyncapi.yaml"); w.Code != 404 {
		t.Errorf("the portal answers %d", w.Code)
	}
	if w := get(p, "GET", "/mini/asyncapi.yaml"); w.Header().Get("X-Mini") != "yes" {
		t.Errorf("the system is not asked: %d", w.Code)
	}
	if strings.Contains(get(p, "GET", "/").Body.String(), "live:") {
		t.Error("the index tells of events that are none")
	}
	for name, broken := range map[string]string{
		"a list": "- a\n", "no YAML": "a: [", "nothing": "", "no servers": "asyncapi: 3.0.0\n", "a server without host": "servers: {a: {protocol: ws}}\n",
	} {
		if _, err := portal.Docs("Mini", []byte(miniSpec), []byte(broken), mini()); err == nil {
			t.Errorf("%s passes for a contract", name)
		}
	}
}

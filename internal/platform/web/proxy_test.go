package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/guichet-api/guichet/internal/platform/web"
)

func TestPeer(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for name, c := range map[string]struct {
		socket string
		header []string
		want   string
		key    string
	}{
		"direct":                   {"203.0.113.9:1", nil, "203.0.113.9", "203.0.113.9"},
		"direct, and lying":        {"203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9", "203.0.113.9"},
		"one proxy":                {"192.0.2.1:1", []string{"198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		"one proxy, and lying":     {"192.0.2.1:1", []string{"10.0.0.1, 127.0.0.1, 198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		"two proxies":              {"192.0.2.1:1", []string{"8.8.8.8, 198.51.100.1, 192.0.2.7"}, "198.51.100.1", "198.51.100.1"},
		"two headers":              {"192.0.2.1:1", []string{"8.8.8.8", "198.51.100.1,192.0.2.7"}, "198.51.100.1", "198.51.100.1"},
		"proxies only":             {"192.0.2.1:1", []string{"192.0.2.8, 192.0.2.7"}, "192.0.2.8", "192.0.2.8"},
		"proxy without the header": {"192.0.2.1:1", nil, "192.0.2.1", "192.0.2.1"},
		"rubbish":                  {"192.0.2.1:1", []string{"198.51.100.1, unknown"}, "192.0.2.1", "192.0.2.1"},
		"rubbish, further left":    {"192.0.2.1:1", []string{"unknown, 192.0.2.7"}, "192.0.2.7", "192.0.2.7"},
		"with a port":              {"192.0.2.1:1", []string{"198.51.100.1:4711"}, "198.51.100.1", "198.51.100.1"},
		"IPv6":                     {"[2001:db8::1]:1", []string{"2001:470:1:2:3:4:5:6"}, "2001:470:1:2:3:4:5:6", "2001:470:1:2::/64"},
		"IPv6 with a port":         {"[2001:db8::1]:1", []string{"[2001:470:1:2::6]:80"}, "2001:470:1:2::6", "2001:470:1:2::/64"},
		"IPv6 in brackets":         {"[2001:db8::1]:1", []string{"[2001:470:1:2::6]"}, "2001:470:1:2::6", "2001:470:1:2::/64"},
		"IPv4 in IPv6":             {"[::ffff:192.0.2.1]:1", []string{"::ffff:198.51.100.1"}, "198.51.100.1", "198.51.100.1"},
		"zone":                     {"[fe80::1%eth0]:1", nil, "fe80::1", "fe80::/64"},
		"no address":               {"@", []string{"198.51.100.1"}, "invalid IP", "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := instance(t, func(cfg *web.Config) { cfg.TrustedProxies = trusted })
			b.GET("/", func(c echo.Context) error {
				ctx := c.Request().Context()
				if c.RealIP() != web.Peer(ctx).String() {
					t.Errorf("Echo's address is %s", c.RealIP())
				}
				return c.String(http.StatusOK, web.Peer(ctx).String()+" "+web.PeerKey(ctx))
			})
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = c.socket
			for _, value := range c.header {
				r.Header.Add("X-Forwarded-For", value)
			}
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if got := w.Body.String(); got != c.want+" "+c.key {
				t.Errorf("peer and key are %q, want %q", got, c.want+" "+c.key)
			}
			if got := b.log.request(t)["peer"]; got != c.want {
				t.Errorf("logged %v", got)
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	for name, c := range map[string]struct {
		target  string
		trusted []netip.Prefix
		header  []string
		want    string
	}{
		"own address":         {"http://127.0.0.1:4000/x?y=z", nil, nil, "http://127.0.0.1:4000"},
		"TLS":                 {"https://example.com/x", nil, nil, "https://example.com"},
		"mounted":             {"http://localhost:8080/tiptop/x", nil, nil, "http://localhost:8080/tiptop"},
		"stranger's headers":  {"http://localhost/x", nil, []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil"}, "http://localhost"},
		"behind a proxy":      {"http://10.0.0.1/x", trusted, []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "shop.example.com"}, "https://shop.example.com"},
		"behind, mounted":     {"http://10.0.0.1/tiptop/x", trusted, []string{"X-Forwarded-Proto", "https"}, "https://10.0.0.1/tiptop"},
		"the nearest counts":  {"http://10.0.0.1/x", trusted, []string{"X-Forwarded-Host", "evil, shop.example.com", "X-Forwarded-Proto", "gopher, https"}, "https://shop.example.com"},
		"the last of headers": {"http://10.0.0.1/x", trusted, []string{"X-Forwarded-Host", "evil", "X-Forwarded-Host", "shop.example.com"}, "http://shop.example.com"},
		"rubbish":             {"http://10.0.0.1/x", trusted, []string{"X-Forwarded-Host", "evil/path", "X-Forwarded-Proto", "javascript"}, "http://10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := instance(t, func(cfg *web.Config) { cfg.TrustedProxies = c.trusted })
			b.GET("/x", func(c echo.Context) error { return c.String(http.StatusOK, web.PublicURL(c.Request()).String()) })
			mux := http.NewServeMux()
			mux.Handle("/tiptop/", web.Mount("/tiptop", b))
			mux.Handle("/", b)
			if w := call(mux, http.MethodGet, c.target, c.header...); w.Code != 200 || w.Body.String() != c.want {
				t.Errorf("%d %s, want %s", w.Code, w.Body, c.want)
			}
		})
	}
}

// An instance inside of another one, as when a portal's instance mounts a system: one log line, one id, one set of headers.
func TestInstanceInInstance(t *testing.T) {
	t.Parallel()
	inner := instance(t, nil)
	inner.GET("/x", func(c echo.Context) error { return c.String(http.StatusOK, web.MountOf(c.Request().Context())) })
	outer := instance(t, func(cfg *web.Config) { cfg.Logger = slog.New(slog.NewJSONHandler(inner.log, nil)) })
	outer.Any("/tiptop/*", echo.WrapHandler(web.Mount("/tiptop", inner)))
	w := call(outer, http.MethodGet, "/tiptop/x")
	if w.Body.String() != "/tiptop" || len(w.Header().Values("X-Request-Id")) != 1 || len(w.Header().Values("Access-Control-Allow-Origin")) != 1 {
		t.Errorf("%s, headers %v", w.Body, w.Header())
	}
	if got := inner.log.request(t); got["route"] != "/x" {
		t.Errorf("log %v", got)
	}
}

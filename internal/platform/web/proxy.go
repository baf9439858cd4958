package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// peer finds the client's address. X-Forwarded-For counts only when the socket's other end is trusted: it is read from the
// right, past further trusted proxies, to the first address that is not. What stands left of that one, the client may have
// made up.
func peer(r *http.Request, trusted []netip.Prefix) (addr netip.Addr, viaProxy bool) {
	end, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	addr = plain(end.Addr())
	if !isTrusted(addr, trusted) {
		return addr, false
	}
	chain := strings.Split(strings.Join(r.Header.Values(echo.HeaderXForwardedFor), ","), ",")
	for _, hop := range slices.Backward(chain) {
		next, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = next
		if !isTrusted(addr, trusted) {
			break
		}
	}
	return addr, true
}

// parseHop reads an address as proxies write it: bare, with a port, or IPv6 in brackets.
func parseHop(hop string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(hop); err == nil {
		return plain(withPort.Addr()), nil
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(hop, "["), "]"))
	return plain(addr), err
}

// plain is the address without what makes one client look like many.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}

type mountKey struct{}

// Mount serves a handler below a prefix, such as "/tiptop", that the handler need not know: the prefix is taken off the path
// and PublicURL puts it back. Mount outside of the Echo instance that is mounted.
func Mount(prefix string, h http.Handler) http.Handler {
	return http.StripPrefix(prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), mountKey{}, MountOf(r.Context())+prefix)
		h.ServeHTTP(w, r.WithContext(ctx))
	}))
}

// MountOf is the prefix below which the request found its system: "" at its own address.
func MountOf(ctx context.Context) string {
	prefix, _ := ctx.Value(mountKey{}).(string)
	return prefix
}

// PublicURL is where the client found the system: scheme, host and mount without a slash at the end, as the request tells
// them; X-Forwarded-Proto and X-Forwarded-Host count from trusted proxies only.
//
// The client chooses the Host header. The URL is right for answers to that client, and wrong for what others will read:
// a link in a mail built from it lets a stranger send people to his own host.
func PublicURL(r *http.Request) *url.URL {
	u := &url.URL{Scheme: "http", Host: r.Host, Path: MountOf(r.Context())}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	if req := requestOf(r.Context()); req != nil && req.trusted {
		if proto := lastOf(r.Header, echo.HeaderXForwardedProto); proto == "https" || proto == "http" {
			u.Scheme = proto
		}
		if host := lastOf(r.Header, "X-Forwarded-Host"); host != "" && !strings.ContainsAny(host, "/\\@?# ") {
			u.Host = host
		}
	}
	return u
}

// lastOf is the value that the nearest proxy wrote.
func lastOf(h http.Header, name string) string {
	values := h.Values(name)
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
}

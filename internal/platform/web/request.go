package web

import (
	"context"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"
)

// request is what this package knows of a request, one value for all who handle it.
type request struct {
	id        string
	peer      netip.Addr
	trusted   bool // the socket's end is a trusted proxy
	operation string
	err       error
	ended     bool
}

type requestKey struct{}

func requestOf(ctx context.Context) *request {
	req, _ := ctx.Value(requestKey{}).(*request)
	return req
}

// begin makes the request's value, or takes the one of the instance outside of this one.
func (a *around) begin(c echo.Context) *request {
	if req := requestOf(c.Request().Context()); req != nil {
		return req
	}
	req := &request{id: a.requestID(c.Request())}
	req.peer, req.trusted = peer(c.Request(), a.TrustedProxies)
	return req
}

// maxRequestID is how long an id may be that a client brings along.
const maxRequestID = 64

// requestID is the client's own id if it is harmless, else 16 random bytes.
func (a *around) requestID(r *http.Request) string {
	if id := r.Header.Get(echo.HeaderXRequestID); id != "" && len(id) <= maxRequestID && !strings.ContainsFunc(id, notInID) {
		return id
	}
	random := make([]byte, 16)
	if _, err := io.ReadFull(a.Random, random); err != nil {
		return "" // an id is a convenience; the request goes on without
	}
	return hex.EncodeToString(random)
}

func notInID(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r != '-' && r != '_' && r != '.'
}

// RequestID is the id of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	if req := requestOf(ctx); req != nil {
		return req.id
	}
	return ""
}

// Peer is the address of the client: the socket's other end, or whom a trusted proxy names. The zero Addr outside of a
// request and for sockets that are no IP.
func Peer(ctx context.Context) netip.Addr {
	if req := requestOf(ctx); req != nil {
		return req.peer
	}
	return netip.Addr{}
}

// PeerKey is what rate limits count a client by: its IPv4 address, or its IPv6 network of 64 bits, which is the least that
// one subscriber has.
func PeerKey(ctx context.Context) string {
	return AddressKey(Peer(ctx))
}

// AddressKey is what rate limits count an address by, as PeerKey does: sockets outlive their request.
func AddressKey(addr netip.Addr) string {
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}

// WithRequestID wraps a log handler: records that are logged with a request's context carry its id.
func WithRequestID(h slog.Handler) slog.Handler { return idHandler{h} }

type idHandler struct{ slog.Handler }

// Handle adds the id, unless the record has one.
func (h idHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		has := false
		r.Attrs(func(a slog.Attr) bool {
			has = a.Key == "request"
			return !has
		})
		if !has {
			r = r.Clone()
			r.AddAttrs(slog.String("request", id))
		}
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs keeps adding ids.
func (h idHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return idHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps adding ids.
func (h idHandler) WithGroup(name string) slog.Handler { return idHandler{h.Handler.WithGroup(name)} }

// Limits of a path in the log.
const (
	maxLoggedPath    = 120
	maxLoggedSegment = 20
)

// redact shortens a path that has no route: it may be a mistyped link, and a long part of it a token.
func redact(path string) string {
	var b strings.Builder
	for i, segment := range strings.Split(path, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		if len(segment) > maxLoggedSegment {
			segment = "…"
		}
		b.WriteString(strings.ToValidUTF8(segment, "\uFFFD"))
		if b.Len() > maxLoggedPath {
			return b.String() + "…"
		}
	}
	return b.String()
}

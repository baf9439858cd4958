package websocket

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/guichet-api/guichet/internal/realtime"
)

// bearer is the subprotocol that announces a token as the next one: browsers cannot set headers.
const bearer = "bearer"

// handshake holds a request to RFC 6455, 4.2.1, and finds out who it comes from. Otherwise it returns a status.
func (h *Handler) handshake(w http.ResponseWriter, r *http.Request) (*realtime.Peer, int, error) {
	header := w.Header()
	switch {
	case r.Method != http.MethodGet:
		header.Set("Allow", http.MethodGet)
		return nil, http.StatusMethodNotAllowed, fmt.Errorf("websocket: method %s", r.Method)
	case !r.ProtoAtLeast(1, 1) || !hasToken(r.Header["Upgrade"], "websocket") || !hasToken(r.Header["Connection"], "upgrade"):
		header.Set("Upgrade", "websocket")
		header.Set("Connection", "Upgrade")
		return nil, http.StatusUpgradeRequired, errors.New("websocket: no upgrade asked for")
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		header.Set("Sec-WebSocket-Version", "13")
		return nil, http.StatusBadRequest, fmt.Errorf("websocket: version %q", r.Header.Get("Sec-WebSocket-Version"))
	case !isKey(r.Header["Sec-Websocket-Key"]):
		return nil, http.StatusBadRequest, errors.New("websocket: Sec-WebSocket-Key is not one key of 16 bytes")
	case h.cfg.Gateway.Hub.Draining():
		return nil, http.StatusServiceUnavailable, realtime.ErrDraining
	}
	if origin := r.Header.Get("Origin"); origin != "" && h.cfg.Origin != nil && !h.cfg.Origin(origin) {
		return nil, http.StatusForbidden, fmt.Errorf("websocket: origin %q", origin)
	}
	peer := realtime.NewPeer(rand.Text(), h.cfg.Server.Wire, h.cfg.Address(r))
	if status, err := h.identify(r, peer); err != nil {
		return nil, status, err
	}
	return peer, 0, nil
}

// hasToken reports whether a header's list has a word, in any case.
func hasToken(values []string, word string) bool {
	for _, token := range tokens(values) {
		if strings.EqualFold(token, word) {
			return true
		}
	}
	return false
}

func tokens(values []string) []string {
	var list []string
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(token))
		}
	}
	return list
}

func isKey(values []string) bool {
	if len(values) != 1 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(values[0]))
	return err == nil && len(key) == 16
}

// credential is the token of a handshake: of the Authorization header, behind the subprotocol "bearer", or ?token=.
func credential(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, bearer) {
		return strings.TrimSpace(token)
	}
	list := tokens(r.Header["Sec-Websocket-Protocol"])
	for i, token := range list[:max(len(list)-1, 0)] {
		if strings.EqualFold(token, bearer) {
			return list[i+1]
		}
	}
	return r.URL.Query().Get("token")
}

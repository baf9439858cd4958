package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coder/websocket"
)

// refused is an upgrade that the server answered with something else.
type refused struct {
	status int
	header http.Header
	body   []byte
}

func (r *refused) Error() string {
	return fmt.Sprintf("the server refused the connection: %d %s", r.status, r.body)
}

// wsWire is a WebSocket connection of text frames.
type wsWire struct {
	conn   *websocket.Conn
	header http.Header // of the 101 answer
	inbox  *inbox
	stop   context.CancelFunc
}

// dialWS opens a WebSocket; headers may name subprotocols in Sec-WebSocket-Protocol.
func dialWS(ctx context.Context, address string, headers http.Header) (*wsWire, error) {
	options := &websocket.DialOptions{HTTPHeader: headers.Clone()}
	for _, protocol := range strings.Split(headers.Get("Sec-WebSocket-Protocol"), ",") {
		if protocol = strings.TrimSpace(protocol); protocol != "" {
			options.Subprotocols = append(options.Subprotocols, protocol)
		}
	}
	options.HTTPHeader.Del("Sec-WebSocket-Protocol")
	conn, response, err := websocket.Dial(ctx, address, options)
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			body, readErr := io.ReadAll(response.Body)
			return nil, errors.Join(&refused{response.StatusCode, response.Header, body}, readErr)
		}
		return nil, err
	}
	conn.SetReadLimit(maxFrame)
	reading, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &wsWire{conn: conn, header: response.Header, inbox: newInbox(), stop: stop}
	go w.read(reading)
	return w, nil
}

// maxFrame bounds what a server may send at once.
const maxFrame = 64 << 20

func (w *wsWire) read(ctx context.Context) {
	for {
		_, frame, err := w.conn.Read(ctx)
		if err != nil {
			w.inbox.finish(max(0, int(websocket.CloseStatus(err))), err)
			return
		}
		w.inbox.add(frame)
	}
}

func (w *wsWire) received() *inbox { return w.inbox }

func (w *wsWire) send(ctx context.Context, frame string) error {
	return w.conn.Write(ctx, websocket.MessageText, []byte(frame))
}

// close says good-bye and does not wait for more than the answer.
func (w *wsWire) close() {
	_ = w.conn.Close(websocket.StatusNormalClosure, "")
	w.stop()
}

package testkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/coder/websocket"
)

// socketioWire is a Socket.IO client (protocol 5) in the default namespace, over Engine.IO 4 on a WebSocket. Binary
// attachments are not spoken.
type socketioWire struct {
	ws    *wsWire
	inbox *inbox // ["event", argument…]
	ready chan error

	mu      sync.Mutex
	lastAck int
	acks    map[int]chan string // arguments as a JSON array
}

// connectError is a CONNECT that the server answered with CONNECT_ERROR.
type connectError struct{ payload string }

func (e *connectError) Error() string { return "connect_error " + e.payload }

// dialSocketIO connects with an auth payload (JSON, or empty) and waits for the server's answer. A *connectError leaves a
// wire on which the payload can be expected as the event connect_error.
func dialSocketIO(ctx context.Context, address, auth string, headers http.Header) (*socketioWire, error) {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	ws, err := dialWS(ctx, address+separator+"EIO=4&transport=websocket", headers)
	if err != nil {
		return nil, err
	}
	w := &socketioWire{ws: ws, inbox: newInbox(), ready: make(chan error, 1), acks: map[int]chan string{}}
	go w.read(context.WithoutCancel(ctx), auth)
	select {
	case err := <-w.ready:
		return w, err
	case <-ctx.Done():
		w.close()
		return nil, fmt.Errorf("the server did not answer the connection: %w", ctx.Err())
	}
}

// read handles packets until the connection ends.
func (w *socketioWire) read(ctx context.Context, auth string) {
	for {
		frame, err := w.ws.inbox.next(ctx)
		if err == nil {
			err = w.packet(ctx, string(frame), auth)
		}
		if err != nil {
			var ended *endedError
			if !errors.As(err, &ended) {
				ended = &endedError{err: err}
				w.ws.close()
			}
			w.inbox.finish(ended.code, ended.err)
			w.answered(ended)
			return
		}
	}
}

// answered tells who dials how it went; only the first word counts.
func (w *socketioWire) answered(err error) {
	select {
	case w.ready <- err:
	default:
	}
}

// packet handles one Engine.IO packet.
func (w *socketioWire) packet(ctx context.Context, packet, auth string) error {
	switch {
	case strings.HasPrefix(packet, "0"):
		return w.ws.send(ctx, "40"+auth)
	case packet == "2":
		return w.ws.send(ctx, "3")
	case packet == "6":
		return nil
	case packet == "1":
		return errors.New("the server closed the session")
	case strings.HasPrefix(packet, "40"):
		w.answered(nil)
		return nil
	case packet == "41":
		w.inbox.add([]byte(`["disconnect"]`))
		return nil
	case strings.HasPrefix(packet, "42"):
		w.inbox.add([]byte(strings.TrimLeft(packet[2:], "0123456789")))
		return nil
	case strings.HasPrefix(packet, "43"):
		return w.acknowledged(packet[2:])
	case strings.HasPrefix(packet, "44"):
		w.inbox.add([]byte(`["connect_error", ` + packet[2:] + `]`))
		w.answered(&connectError{packet[2:]})
		return nil
	}
	return fmt.Errorf("a packet that this client does not know: %.80q", packet)
}

// acknowledged hands an ack to who waits for it.
func (w *socketioWire) acknowledged(rest string) error {
	arguments := strings.TrimLeft(rest, "0123456789")
	id, err := strconv.Atoi(strings.TrimSuffix(rest, arguments))
	if err != nil {
		return fmt.Errorf("an ack without a number: %.80q", rest)
	}
	w.mu.Lock()
	waiting := w.acks[id]
	delete(w.acks, id)
	w.mu.Unlock()
	if waiting == nil {
		return fmt.Errorf("an ack, %d, that nobody asked for, or a second one", id)
	}
	waiting <- arguments
	return nil
}

// emit sends an event: arguments are JSON values, comma-separated. With ack it answers where the ack arrives.
func (w *socketioWire) emit(ctx context.Context, event, arguments string, ack bool) (<-chan string, error) {
	id := ""
	var waiting chan string
	if ack {
		waiting = make(chan string, 1)
		w.mu.Lock()
		w.lastAck++
		w.acks[w.lastAck] = waiting
		id = strconv.Itoa(w.lastAck)
		w.mu.Unlock()
	}
	if arguments != "" {
		arguments = "," + arguments
	}
	return waiting, w.ws.send(ctx, "42"+id+"["+quote(event)+arguments+"]")
}

func (w *socketioWire) received() *inbox { return w.inbox }

// close leaves as a browser tab does: the WebSocket goes.
func (w *socketioWire) close() { _ = w.ws.conn.Close(websocket.StatusGoingAway, ""); w.ws.stop() }

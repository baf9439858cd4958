//go:build unix

package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/tickets"
)

// ear is a client that hears the ticket desk over WebSocket, and comes back after every crash with the id of what it heard last. It
// must hear everything once and in order.
type ear struct {
	t     *testing.T
	token string

	mu    sync.Mutex
	since string   // the last id
	heard []string // payloads; the event numbered n is heard[n-1]
}

func newEar(t *testing.T, token string) *ear { return &ear{t: t, token: token} }

// last is the number of the event that was heard last.
func (e *ear) last() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.heard)
}

// listen hears until the connection breaks or ctx ends. connected, unless nil, is closed once the server has answered a ping.
func (e *ear) listen(ctx context.Context, s *server, connected chan<- struct{}) {
	e.mu.Lock()
	query := url.Values{"token": {e.token}, "since": {e.since}}
	e.mu.Unlock()
	conn, _, err := websocket.Dial(ctx, strings.Replace(s.tickets, "http", "ws", 1)+"/ws/tickets-client?"+query.Encode(), nil)
	if err != nil {
		return // nobody serves for the moment
	}
	defer conn.CloseNow()
	if connected != nil && conn.Write(ctx, websocket.MessageText, []byte(`{"type":"ping"}`)) != nil {
		return
	}
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var frame struct {
			Type, ID string
			Data     json.RawMessage
		}
		if err := json.Unmarshal(text, &frame); err != nil {
			e.t.Errorf("heard %s", text)
			return
		}
		if frame.Type == "pong" {
			close(connected)
			continue
		}
		if !e.note(frame.ID, string(frame.Data)) {
			e.t.Errorf("after event %d came %s", e.last(), text)
			return
		}
	}
}

// note keeps an event, and reports whether it is the next one.
func (e *ear) note(id, payload string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	epoch, number, _ := strings.Cut(id, ":")
	before, _, _ := strings.Cut(e.since, ":")
	n, err := strconv.Atoi(number)
	if err != nil || n != len(e.heard)+1 || before != "" && epoch != before {
		return false
	}
	e.since, e.heard = id, append(e.heard, payload)
	return true
}

// settle listens until everything was heard, and compares it with what is stored.
func (d *desk) settle(s *server) {
	d.t.Helper()
	conn := connect(d.t, s, tickets.Name)
	eventually(d.t, "the numbers of all events", func() bool {
		return collect(d.t, conn, `SELECT count(*)::text FROM platform.outbox WHERE system = 'tickets'`)[0] == "0"
	})
	stored := collect(d.t, conn, `SELECT payload::text FROM platform.outbox_log WHERE system = 'tickets' ORDER BY n`)
	ctx, cancel := context.WithCancel(d.t.Context())
	var group sync.WaitGroup
	group.Go(func() { d.ear.listen(ctx, s, nil) })
	eventually(d.t, "everything that was missed", func() bool { return d.ear.last() >= len(stored) })
	cancel()
	group.Wait()
	for i, payload := range stored {
		if d.ear.heard[i] != payload {
			d.t.Errorf("event %d is %s, heard was %s", i+1, payload, d.ear.heard[i])
		}
	}
}

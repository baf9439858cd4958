package fanout

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/bench/guichet"
	"github.com/guichet-api/guichet/internal/bench/process"
)

// audience is one server with its subscribers.
type audience struct {
	name  string
	url   string
	child *process.Child
	conns []*websocket.Conn
	empty use // the server's, before they came

	sent   int           // broadcasts so far
	left   atomic.Int64  // messages still to come, of those that were asked for
	all    chan struct{} // gets one item when none is left
	broken chan error    // gets the first failure
}

// newAudience starts a server and connects to it. Whoever called it calls Close, also after an error.
func newAudience(ctx context.Context, name, dir, executable string, environment []string, size int) (*audience, error) {
	a := &audience{name: name, all: make(chan struct{}, 1), broken: make(chan error, 1)}
	addr, err := guichet.FreeAddr()
	if err != nil {
		return a, err
	}
	a.url = "http://" + addr
	a.child, err = process.Start(process.Config{Name: "fanout", Logs: dir, Env: environment, Args: []string{executable, Command, name, addr}})
	if err != nil {
		return a, err
	}
	ready := func(ctx context.Context) (err error) {
		a.empty, err = a.use(ctx)
		return err
	}
	if err := a.child.WaitReady(ctx, ready); err != nil {
		return a, err
	}
	for range size {
		conn, _, err := websocket.Dial(ctx, a.url+"/events", nil)
		if err != nil {
			return a, fmt.Errorf("%s: %w", name, err)
		}
		a.conns = append(a.conns, conn)
		go a.listen(ctx, conn)
	}
	return a, a.child.WaitReady(ctx, func(ctx context.Context) error {
		if now, err := a.use(ctx); err != nil || now.Connections < size {
			return fmt.Errorf("%s: %d of %d connections: %w", name, now.Connections, size, err)
		}
		return nil
	})
}

// Close ends the server, and with it the connections.
func (a *audience) Close() error {
	for _, conn := range a.conns {
		_ = conn.CloseNow() // the server sees them end
	}
	if a.child == nil {
		return nil
	}
	return a.child.Stop()
}

// listen checks what one subscriber gets.
func (a *audience) listen(ctx context.Context, conn *websocket.Conn) {
	for n := 1; ; n++ {
		_, text, err := conn.Read(ctx)
		text = bytes.TrimSpace(text) // wsjson ends it with a line feed
		if err == nil && !bytes.HasSuffix(text, fmt.Appendf(nil, `,"id":%q}`, id(n))) {
			err = fmt.Errorf("message %d reads %s", n, text)
		}
		if err == nil && n == 1 {
			err = check(text)
		}
		if err != nil {
			select {
			case a.broken <- fmt.Errorf("%s: %w", a.name, err):
			default:
			}
			return
		}
		if a.left.Add(-1) == 0 {
			a.all <- struct{}{}
		}
	}
}

// check compares a first message with what every contestant must send.
func check(text []byte) error {
	data, err := json.Marshal(payload())
	if want := fmt.Appendf(nil, `{"type":%q,"data":%s,"id":%q}`, event, data, id(1)); err != nil || !bytes.Equal(text, want) {
		return fmt.Errorf("a message reads %s, not %s: %w", text, want, err)
	}
	return nil
}

// turn sends broadcasts, so many at once, and waits each time until all subscribers have them. It answers with the server's
// CPU time for one message to one subscriber.
func (a *audience) turn(ctx context.Context, broadcasts, atOnce int) (time.Duration, error) {
	before, err := process.CPU(a.child.PID)
	if err != nil {
		return 0, err
	}
	for range broadcasts / atOnce {
		a.left.Store(int64(atOnce * len(a.conns)))
		if err := a.post(ctx, fmt.Sprintf("/broadcast/%d", atOnce)); err != nil {
			return 0, err
		}
		select {
		case <-a.all:
		case err := <-a.broken:
			return 0, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	after, err := process.CPU(a.child.PID)
	return (after - before) / time.Duration(broadcasts*len(a.conns)), err
}

func (a *audience) post(ctx context.Context, path string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+path, http.NoBody)
	if err != nil {
		return err
	}
	return do(r, nil)
}

// use asks the server what it has in use.
func (a *audience) use(ctx context.Context) (u use, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/use", http.NoBody)
	if err != nil {
		return u, err
	}
	return u, do(r, &u)
}

func do(r *http.Request, answer any) error {
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		return err
	}
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", r.URL.Path, w.Status, body)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}

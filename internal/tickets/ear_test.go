package tickets

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// ear is a connection that keeps what it hears.
type ear struct {
	d    *desk
	conn *websocket.Conn

	mu     sync.Mutex
	frames []frame
	err    error         // why the connection has ended
	more   chan struct{} // closed, and replaced, when something was added
}

// dial opens a WebSocket; since may be empty.
func (d *desk) dial(ctx context.Context, token, since string) (*websocket.Conn, error) {
	query := url.Values{"token": {token}}
	if since != "" {
		query.Set("since", since)
	}
	conn, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(d.url, "http")+"/ws/tickets-client?"+query.Encode(), nil)
	if err == nil {
		conn.SetReadLimit(1 << 20)
	}
	return conn, err
}

// listen connects and hears until the test ends. Without since it returns once the peer is in its rooms, which it enters after the
// handshake was answered.
func (d *desk) listen(token, since string) *ear {
	d.t.Helper()
	conn, err := d.dial(d.t.Context(), token, since)
	d.must(err)
	e := &ear{d: d, conn: conn, more: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithoutCancel(d.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.hear(ctx)
	}()
	d.t.Cleanup(func() {
		cancel()
		<-done
		_ = conn.CloseNow()
	})
	if since == "" {
		e.ping()
	}
	return e
}

func (e *ear) hear(ctx context.Context) {
	for {
		_, text, err := e.conn.Read(ctx)
		var f frame
		if err == nil {
			if f, err = checkFrame(e.d.checker, text); err != nil {
				e.d.t.Errorf("the contract is broken by %s: %v", text, err)
			}
		}
		e.mu.Lock()
		if err != nil {
			e.err = err
		} else {
			e.frames = append(e.frames, f)
		}
		close(e.more)
		e.more = make(chan struct{})
		e.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// take awaits n frames and takes them.
func (e *ear) take(n int) []frame {
	e.d.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		if len(e.frames) >= n {
			taken := e.frames[:n]
			e.frames = e.frames[n:]
			e.mu.Unlock()
			return taken
		}
		came, err, more := len(e.frames), e.err, e.more
		e.mu.Unlock()
		if err != nil {
			e.d.t.Fatalf("after %d of %d frames: %v", came, n, err)
		}
		select {
		case <-more:
		case <-deadline:
			e.d.t.Fatalf("%d of %d frames have come", came, n)
		}
	}
}

// ends awaits the end of the connection, and answers the code of its close frame: -1 for none.
func (e *ear) ends() websocket.StatusCode {
	e.d.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		e.mu.Lock()
		err, more := e.err, e.more
		e.mu.Unlock()
		if err != nil {
			return websocket.CloseStatus(err)
		}
		select {
		case <-more:
		case <-deadline:
			e.d.t.Fatal("the connection does not end")
		}
	}
}

// send sends a ping.
func (e *ear) send() {
	e.d.t.Helper()
	e.d.must(e.conn.Write(e.d.t.Context(), websocket.MessageText, []byte(`{"type":"ping"}`)))
}

// ping asks, and awaits the answer as the next frame: whatever was to come before it has come.
func (e *ear) ping() {
	e.d.t.Helper()
	e.send()
	if f := e.take(1)[0]; f.Type != "pong" {
		e.d.t.Errorf("%s %.200s has come, want pong", f.Type, f.Data)
	}
}

// pingAmong asks while events come, and takes the answer from among them.
func (e *ear) pingAmong() {
	e.d.t.Helper()
	e.send()
	e.d.await("ping is answered", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		i := slices.IndexFunc(e.frames, func(f frame) bool { return f.Type == "pong" })
		if i >= 0 {
			e.frames = slices.Delete(e.frames, i, i+1)
		}
		return i >= 0
	})
}

// seq is the number in a frame's id.
func (f frame) seq() uint64 {
	_, number, _ := strings.Cut(f.ID, ":")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

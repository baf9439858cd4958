package socketio_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// TestCrowd: two hundred clients that poll, upgrade, join rooms, send, ask and vanish at any moment. Nobody's end is told
// twice or forgotten, and a client that behaves is served all the while. Its point is the race detector.
func TestCrowd(t *testing.T) {
	t.Parallel()
	const clients, length = 200, 2 * time.Second
	var came, went atomic.Int64
	var n *socketio.Namespace
	url := setup(t, socketio.Config{
		PingInterval: 300 * time.Millisecond, PingTimeout: 3 * time.Second, Recovery: socketio.Recovery{Window: time.Second},
	}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) {
			came.Add(1)
			s.Join("all")
		})
		n.OnDisconnect(func(*socketio.Socket, engineio.Cause) { went.Add(1) })
		n.On("say", func(_ context.Context, e *socketio.Event) { check(t, e.Socket.To("all").Emit("said", e.Args)) })
		n.On("ask", func(_ context.Context, e *socketio.Event) { check(t, e.Ack(e.Args)) })
		n.On("move", func(_ context.Context, e *socketio.Event) {
			e.Socket.Leave("all")
			check(t, e.Socket.Volatile().Emit("moved", []byte("bytes")))
		})
		n.On("leave me", func(_ context.Context, e *socketio.Event) { e.Socket.Disconnect(rand.IntN(2) == 0) })
	})
	steady := connect(t, url, "/", "")
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for ctx.Err() == nil {
				wander(ctx, url)
			}
		})
	}
	for i := 0; ctx.Err() == nil; i++ {
		steady.send(fmt.Sprintf(`42%d["ask",%d]`, i, i))
		for got := ""; got != fmt.Sprintf(`43%d[%d]`, i, i); {
			if got = steady.read(); got == "2" {
				steady.send("3")
			}
		}
	}
	group.Wait()
	steady.send("41")
	deadline := time.After(wait)
	for len(n.Sockets()) > 0 || came.Load() != went.Load() {
		select {
		case <-deadline:
			t.Fatalf("%d came, %d went, %d are left", came.Load(), went.Load(), len(n.Sockets()))
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Logf("%d sockets", came.Load())
}

// wander is a life of one client. It may end anywhere, by its own choice or with the context.
func wander(ctx context.Context, url string) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(200))*time.Millisecond)
	defer cancel()
	query, sid := "/?EIO=4&transport=", ""
	do := func(method, body string) string {
		r, err := http.NewRequestWithContext(ctx, method, url+query+"polling"+sid, strings.NewReader(body))
		if err != nil {
			return ""
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return ""
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body) // what was cut off is over
		return string(text)
	}
	if rand.IntN(2) == 0 {
		_, rest, _ := strings.Cut(do(http.MethodGet, ""), `"sid":"`)
		id, _, _ := strings.Cut(rest, `"`)
		sid = "&sid=" + id
		do(http.MethodPost, "40")
		for range rand.IntN(4) {
			go do(http.MethodPost, word())
			do(http.MethodGet, "")
		}
	}
	conn, _, err := websocket.Dial(ctx, url+query+"websocket"+sid, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	first := []string{"40", `42["say",1]`}
	if sid != "" {
		first = []string{"2probe", "5", `42["say",1]`}
	}
	for _, text := range append(first, word(), word()) {
		if conn.Write(ctx, websocket.MessageText, []byte(text)) != nil {
			return
		}
	}
	for rand.IntN(20) > 0 {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
	}
	if rand.IntN(2) == 0 {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}

// word is something that a client says.
func word() string {
	words := []string{`42["say","x"]`, `421["ask",1]`, `42["move"]`, `42["leave me"]`, "41", "1", "3", "4nonsense", `42["say",{"a":1}]`}
	return words[rand.IntN(len(words))]
}

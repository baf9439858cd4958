package ws_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// TestTryAfterWrite: the time that a Write was given does not end what is tried after it.
func TestTryAfterWrite(t *testing.T) {
	t.Parallel()
	const timeout = 50 * time.Millisecond
	acceptor := ws.NewAcceptor(ws.Options{MaxMessage: 1000, WriteTimeout: timeout})
	accepted := make(chan *ws.Conn, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := acceptor.Accept(w, r)
		if err != nil {
			t.Error(err)
		}
		accepted <- conn
	}))
	defer server.Close()
	client, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.CloseNow() }()
	conn := <-accepted
	defer func() { _ = conn.CloseNow() }()
	if err := conn.Write([][]byte{ws.Frame(ws.Text, []byte("written"))}); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * timeout)
	frame := [][]byte{ws.Frame(ws.Text, []byte("tried"))}
	all, err := conn.Try(frame)
	if err == nil && !all {
		err = conn.Write(frame)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"written", "tried"} {
		if _, got, err := client.Read(t.Context()); err != nil || string(got) != want {
			t.Fatalf("%q, %v; want %q", got, err, want)
		}
	}
}

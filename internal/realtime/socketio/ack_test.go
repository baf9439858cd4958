package socketio

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
)

// TestAcksAreForgotten: who does not wait any more for an acknowledgement keeps nothing.
func TestAcksAreForgotten(t *testing.T) {
	t.Parallel()
	server := NewServer(Config{Log: slog.New(slog.DiscardHandler)})
	n := server.Of(mainNamespace)
	sockets := make(chan *Socket, 1)
	n.OnConnect(func(_ context.Context, s *Socket) { sockets <- s })
	web := httptest.NewServer(server)
	defer web.Close()
	client, _, err := websocket.Dial(t.Context(), web.URL+"/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.CloseNow() }()
	if err := client.Write(t.Context(), websocket.MessageText, []byte("40")); err != nil {
		t.Fatal(err)
	}
	s := <-sockets
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.EmitWithAck(ctx, "name?"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if replies, err := n.To().EmitWithAck(ctx, "name?"); !errors.Is(err, context.Canceled) || len(replies) != 1 {
		t.Errorf("%v, %v", replies, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.acks) > 0 {
		t.Errorf("%d acknowledgements are waited for", len(s.acks))
	}
}

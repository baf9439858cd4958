package engineio_test

import (
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
)

// TestVanish: a client that is gone before its session was ready leaves nothing behind: its end is told once, and the server
// can close.
func TestVanish(t *testing.T) {
	t.Parallel()
	opened, gone, causes := make(chan struct{}), make(chan struct{}), make(chan engineio.Cause, 2)
	b := setup(t, engineio.Config{Open: func(s *engineio.Session) engineio.Receiver {
		close(opened)
		<-gone
		for s.Context().Err() == nil { // until it notices
			s.SendMessage([]byte("hello?"), false)
		}
		return echo{s, causes}
	}})
	conn := b.dial(t, webSocket)
	<-opened
	_ = conn.CloseNow()
	close(gone)
	select {
	case <-causes: // the connection broke, or nobody read what was sent
	case <-time.After(wait):
		t.Fatal("the session does not end")
	}
	if err := b.server.Close(t.Context()); err != nil || len(causes) > 0 {
		t.Errorf("%v, told %d times more", err, len(causes))
	}
}

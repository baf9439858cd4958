package fanout

import (
	"bytes"
	"net/http/httptest"
	"testing"

	"github.com/coder/websocket"
)

// TestContestants: every connection gets what check wants, so that the table compares like with like.
func TestContestants(t *testing.T) {
	t.Parallel()
	for _, name := range []string{namePlain, nameGuichet} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := newContestant(name)
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(c)
			defer server.Close()
			var conns []*websocket.Conn
			for range 3 {
				conn, _, err := websocket.Dial(t.Context(), server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.CloseNow() }()
				conns = append(conns, conn)
			}
			for c.Connections() < len(conns) { // the handshake's answer comes before the list
				if t.Context().Err() != nil {
					t.Fatal("they are not listed")
				}
			}
			if err := c.Broadcast(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			for _, conn := range conns {
				_, text, err := conn.Read(t.Context())
				if err == nil {
					err = check(bytes.TrimSpace(text))
				}
				if err != nil {
					t.Error(err)
				}
			}
			if u := used(c); u.Connections != len(conns) || u.Bytes == 0 {
				t.Errorf("it uses %+v", u)
			}
		})
	}
	if _, err := newContestant("nobody"); err == nil {
		t.Error("nobody is a contestant")
	}
}

package ws_test

import (
	"bytes"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime/ws"
)

// FuzzCut: frames come apart as they were put together, and other bytes are an error or frames within them.
func FuzzCut(f *testing.F) {
	f.Add([]byte("hello"), 1)
	f.Add([]byte{0x81, 126, 0, 1}, 126)
	f.Add([]byte{0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 1<<16)
	f.Fuzz(func(t *testing.T, payload []byte, repeat int) {
		payload = bytes.Repeat(payload, 1+min(max(repeat, 0), 1<<17)/(1+len(payload)))
		frames := append(ws.Frame(ws.Text, payload), ws.Frame(ws.Binary, nil)...)
		op, got, rest, err := ws.Cut(frames)
		if op != ws.Text || !bytes.Equal(got, payload) || err != nil {
			t.Fatalf("%d bytes became %v, %d bytes, %v", len(payload), op, len(got), err)
		}
		if op, got, rest, err = ws.Cut(rest); op != ws.Binary || len(got) > 0 || len(rest) > 0 || err != nil {
			t.Fatalf("%v, %d and %d bytes, %v", op, len(got), len(rest), err)
		}
		if _, got, rest, err = ws.Cut(payload); err == nil && len(got)+len(rest) >= len(payload) {
			t.Fatalf("%d bytes of %d", len(got)+len(rest), len(payload))
		}
	})
}

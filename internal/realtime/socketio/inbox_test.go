package socketio

import (
	"testing"
)

// TestCrowded: what waits for a handler is bounded in number and bytes; in bytes alone while the client is waited for.
func TestCrowded(t *testing.T) {
	t.Parallel()
	c := &conn{server: &Server{cfg: Config{MaxEvent: 10_000}}}
	for _, test := range []struct {
		waiting, bytes, size int
		awaited              int32
		want                 bool
	}{
		{0, 0, 20_000, 0, false}, // one always fits
		{1, 5_000, 5_000, 0, false},
		{1, 5_000, 5_001, 0, true},
		{1, 5_000, 5_001, 1, true},
		{maxInbox - 1, 0, 1, 0, false},
		{maxInbox, 0, 1, 0, true},
		{maxInbox, 0, 1, 1, false},
	} {
		c.awaited.Store(test.awaited)
		s := &Socket{conn: c, inbox: make([]task, test.waiting), bytes: test.bytes}
		if got := s.crowded(test.size); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
		s.closed = true
		if s.crowded(test.size) {
			t.Errorf("%+v: a closed socket makes its reader wait", test)
		}
	}
	args := Args{items: [][]byte{[]byte("1"), []byte("22")}, attachments: [][]byte{make([]byte, 1000)}}
	if got, want := (&Event{Name: "name", Args: args}).size(), taskCost+4+3*itemCost+1+2+1000; got != want {
		t.Errorf("an event is taken for %d bytes, want %d", got, want)
	}
}

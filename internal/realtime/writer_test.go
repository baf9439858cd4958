package realtime_test

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// TestFlusher: what Try leaves is written by Write, which may wait, while other queues go on.
func TestFlusher(t *testing.T) {
	t.Parallel()
	flusher := realtime.NewFlusher()
	s := newSocket()
	tried := make(chan []string, 16)
	slow := realtime.NewOutbound(realtime.OutboundConfig{
		Write: s.write, Flusher: flusher, Ended: func(err error) { s.ended <- err },
		Try: func(frames [][]byte) (bool, error) { tried <- texts(frames); return false, nil },
	})
	put(slow, realtime.QueueClose, "1")
	if got := <-s.calls; !slices.Equal(got, []string{"1"}) || !slices.Equal(<-tried, got) {
		t.Errorf("Write got %q", got)
	}
	put(slow, realtime.QueueClose, "2")

	const queues, frames = 50, 200
	var wait sync.WaitGroup
	for range queues {
		var got []string
		done := make(chan error)
		o := realtime.NewOutbound(realtime.OutboundConfig{
			Flusher: flusher, Ended: func(err error) { done <- err },
			Write: func([][]byte) error { return errors.New("there was nothing to wait for") },
			Try:   func(frames [][]byte) (bool, error) { got = append(got, texts(frames)...); return true, nil },
		})
		wait.Go(func() {
			for i := range frames {
				put(o, realtime.QueueClose, string(rune('a'+i%26)))
			}
			o.End([]byte("bye"), false)
			if err := <-done; err != nil || len(got) != frames+1 || got[frames] != "bye" || got[27] != "b" {
				t.Errorf("%d frames, %v", len(got), err)
			}
		})
	}
	wait.Wait()
	s.end <- nil
	s.written(t, "2")
	slow.End(nil, false)
	<-s.calls
	broken := errors.New("broken")
	s.end <- broken
	if err := <-s.ended; !errors.Is(err, broken) {
		t.Error(err)
	}
}

// TestFlusherAgain: what is queued while Try runs is tried next.
func TestFlusherAgain(t *testing.T) {
	t.Parallel()
	ended := make(chan error)
	var o *realtime.Outbound
	var calls [][]string
	o = realtime.NewOutbound(realtime.OutboundConfig{
		Flusher: realtime.NewFlusher(), Ended: func(err error) { ended <- err }, Write: func([][]byte) error { return errors.New("waited") },
		Try: func(frames [][]byte) (bool, error) {
			if calls = append(calls, texts(frames)); len(calls) == 1 {
				put(o, realtime.QueueClose, "2")
				o.End([]byte("3"), false)
			}
			return true, nil
		},
	})
	put(o, realtime.QueueClose, "1")
	if err := <-ended; err != nil || len(calls) != 2 || !slices.Equal(calls[1], []string{"2", "3"}) {
		t.Errorf("%v, %q", err, calls)
	}
}

// TestFlusherClose: a queue that is closed before its turn is not tried, but ends.
func TestFlusherClose(t *testing.T) {
	t.Parallel()
	flusher, n := realtime.NewFlusher(), runtime.GOMAXPROCS(0)
	release := make(chan struct{})
	for range n { // nobody's turn comes
		o := realtime.NewOutbound(realtime.OutboundConfig{
			Flusher: flusher, Write: func([][]byte) error { return nil }, Try: func([][]byte) (bool, error) { <-release; return true, nil },
		})
		put(o, realtime.QueueClose, "1")
	}
	ended := make(chan error, n)
	for range n {
		o := realtime.NewOutbound(realtime.OutboundConfig{
			Flusher: flusher, Write: func([][]byte) error { return nil }, Ended: func(err error) { ended <- err },
			Try: func(frames [][]byte) (bool, error) { t.Errorf("%q is tried", texts(frames)); return true, nil },
		})
		put(o, realtime.QueueClose, "1")
		o.Close()
	}
	close(release)
	for range n {
		if err := <-ended; !errors.Is(err, realtime.ErrClosed) {
			t.Error(err)
		}
	}
}

// TestFlusherBreaks: an error of Try is the end.
func TestFlusherBreaks(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	ended := make(chan error, 2)
	o := realtime.NewOutbound(realtime.OutboundConfig{
		Flusher: realtime.NewFlusher(), Ended: func(err error) { ended <- err },
		Write: func([][]byte) error { return nil }, Try: func([][]byte) (bool, error) { return false, broken },
	})
	put(o, realtime.QueueClose, "1")
	if err := <-ended; !errors.Is(err, broken) || put(o, realtime.QueueClose, "2") {
		t.Error(err)
	}
}

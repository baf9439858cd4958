package testkit

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// wire is a named connection. Those of messages (ws, socketio) receive frames, tcp receives bytes.
type wire interface {
	close()
}

// messenger is a wire of messages.
type messenger interface {
	wire
	received() *inbox
}

// endedError is the end of a connection, whichever side brought it about.
type endedError struct {
	code int // of a websocket's close frame; 0: there was none
	err  error
}

func (e *endedError) Error() string { return fmt.Sprintf("the connection has ended: %v", e.err) }

// inbox keeps the frames of a connection until the vector asks for them, and then the connection's end.
type inbox struct {
	mu     sync.Mutex
	frames [][]byte
	end    *endedError
	more   chan struct{} // closed, and replaced, when something was added
}

func newInbox() *inbox { return &inbox{more: make(chan struct{})} }

func (i *inbox) add(frame []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.frames = append(i.frames, frame)
	close(i.more)
	i.more = make(chan struct{})
}

// finish notes the end, once.
func (i *inbox) finish(code int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.end == nil {
		i.end = &endedError{code, err}
		close(i.more)
		i.more = make(chan struct{})
	}
}

// next is the next frame. The connection's end is an *endedError, told again and again.
func (i *inbox) next(ctx context.Context) ([]byte, error) {
	for {
		i.mu.Lock()
		if len(i.frames) > 0 {
			frame := i.frames[0]
			i.frames = i.frames[1:]
			i.mu.Unlock()
			return frame, nil
		}
		end, more := i.end, i.more
		i.mu.Unlock()
		if end != nil {
			return nil, end
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, errNothing
		}
	}
}

// errNothing is a wait that ended without a frame.
var errNothing = errors.New("nothing has come")

package ws

import (
	"bufio"
	"net"
	"net/http"
	"sync"

	"github.com/coder/websocket"
)

// Upgrader takes connections over from HTTP. It is safe for concurrent use.
type Upgrader struct {
	maxMessage   int64
	subprotocols []string
	batches      sync.Pool // *[]byte: frames that are written together
}

// NewUpgrader returns an upgrader. A message from a peer that is longer than maxMessage bytes ends its connection with 1009;
// of the subprotocols that a client offers the first of the list is chosen.
func NewUpgrader(maxMessage int64, subprotocols ...string) *Upgrader {
	return &Upgrader{maxMessage: maxMessage, subprotocols: subprotocols, batches: sync.Pool{New: func() any { return new([]byte) }}}
}

// Upgrade answers the request with 101: the HTTP handler may return. The connection that is returned reads from what wrap
// makes of the socket, and writes control frames to it, each with one call. Origins are the caller's matter. After an error
// the request has been answered.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request, wrap func(*Socket) net.Conn) (*websocket.Conn, error) {
	conn, err := websocket.Accept(&hijacker{w, u, wrap}, r, &websocket.AcceptOptions{
		Subprotocols: u.subprotocols, InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(u.maxMessage)
	return conn, nil
}

// hijacker gives coder/websocket the connection with buffers of a few hundred bytes instead of net/http's 8 KiB.
type hijacker struct {
	http.ResponseWriter
	upgrader *Upgrader
	wrap     func(*Socket) net.Conn
}

// Sizes of the buffers: frames that clients send are mostly short, and what coder/websocket writes are control frames,
// which must fit whole.
const (
	readBuffer  = 256
	writeBuffer = 132
)

// Hijack implements http.Hijacker.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	socket := &Socket{Conn: conn, prober: newProber(conn), batches: &h.upgrader.batches}
	if n := buffered.Reader.Buffered(); n > 0 {
		early, err := buffered.Reader.Peek(n)
		if err != nil {
			return nil, nil, err
		}
		socket.early = append(socket.early, early...)
	}
	wrapped := h.wrap(socket)
	socket.reader = bufio.NewReaderSize(wrapped, readBuffer)
	return wrapped, bufio.NewReadWriter(socket.reader, bufio.NewWriterSize(wrapped, writeBuffer)), nil
}

// Socket is the network connection of a WebSocket. WriteFrames and TryFrames are called by one goroutine at a time.
type Socket struct {
	net.Conn
	early   []byte        // what the peer sent right behind its request
	reader  *bufio.Reader // coder/websocket's, between it and Read
	prober  *prober       // nil: bytes cannot be written as they are
	tried   int           // bytes that TryFrames has written of what WriteFrames gets
	batches *sync.Pool
}

// Read reads what came early first.
func (s *Socket) Read(p []byte) (int, error) {
	if len(s.early) > 0 {
		n := copy(p, s.early)
		if s.early = s.early[n:]; len(s.early) == 0 {
			s.early = nil
		}
		return n, nil
	}
	return s.Conn.Read(p)
}

// WriteFrames writes whole frames in one system call: copied together, which costs less than a list of small pieces and
// makes one record of TLS. It goes on where TryFrames has stopped.
func (s *Socket) WriteFrames(frames [][]byte) error {
	return s.joined(frames, func(bytes []byte) error {
		bytes, s.tried = bytes[s.tried:], 0
		_, err := s.Conn.Write(bytes)
		return err
	})
}

// CanTry reports whether TryFrames can write at all: not through TLS, and not everywhere.
func (s *Socket) CanTry() bool { return s.prober != nil }

// TryFrames writes what it can without waiting, and reports whether that was all. Otherwise WriteFrames must follow, with
// the same frames and perhaps more behind them.
func (s *Socket) TryFrames(frames [][]byte) (all bool, err error) {
	if s.prober == nil {
		return false, nil
	}
	err = s.joined(frames, func(bytes []byte) error {
		n, err := s.prober.write(bytes)
		if all = err == nil && n == len(bytes); !all {
			s.tried = n
		}
		return err
	})
	return all, err
}

// joined calls fn with the frames copied together, unless there is only one.
func (s *Socket) joined(frames [][]byte, fn func(bytes []byte) error) error {
	if len(frames) == 1 {
		return fn(frames[0])
	}
	batch := s.batches.Get().(*[]byte)
	defer s.batches.Put(batch)
	*batch = (*batch)[:0]
	for _, frame := range frames {
		*batch = append(*batch, frame...)
	}
	return fn(*batch)
}

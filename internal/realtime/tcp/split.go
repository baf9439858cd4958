package tcp

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// SplitConfig says how the connections of one port are told apart.
type SplitConfig struct {
	// Text serves a text connection, in the connection's own goroutine, and closes it.
	Text func(socket net.Conn)
	// First is how long a connection may take until its first byte, default 2 min; Decide how long until those that tell
	// HTTP from text, default 10 s.
	First, Decide time.Duration
}

// Split is a listener whose HTTP connections are accepted as usual, while text connections are served aside. The first four
// bytes tell: HTTP begins with a method, and no contract's command looks like one. With TLS, the protocol that was
// negotiated tells before that.
//
// A connection is looked at in its own goroutine, so that one that says nothing delays nobody.
func Split(inner net.Listener, cfg SplitConfig) net.Listener {
	orDefault(&cfg.First, 2*time.Minute)
	orDefault(&cfg.Decide, 10*time.Second)
	s := &splitter{Listener: inner, cfg: cfg, http: make(chan net.Conn), ended: make(chan struct{}), undecided: map[net.Conn]struct{}{}}
	go s.accept()
	return s
}

// splitter is the listener for HTTP.
type splitter struct {
	net.Listener
	cfg   SplitConfig
	http  chan net.Conn
	ended chan struct{} // closed when inner accepts no more
	err   error         // why; readable after ended

	mu        sync.Mutex
	undecided map[net.Conn]struct{} // nil after Close
}

// Accept implements net.Listener: the next HTTP connection.
func (s *splitter) Accept() (net.Conn, error) {
	select {
	case conn := <-s.http:
		return conn, nil
	case <-s.ended:
		return nil, s.err
	}
}

// Close implements net.Listener. Connections that have not shown what they are end too.
func (s *splitter) Close() error {
	err := s.Listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.undecided {
		_ = conn.Close() // its goroutine learns it
	}
	s.undecided = nil
	return err
}

// acceptPause is how long to wait when the process has no descriptor left: net/http does the same.
const acceptPause = 50 * time.Millisecond

// accept looks at each connection in a goroutine of its own.
func (s *splitter) accept() {
	for {
		conn, err := s.Listener.Accept()
		if err == nil {
			go s.decide(conn)
			continue
		}
		if passing := (interface{ Temporary() bool })(nil); !errors.As(err, &passing) || !passing.Temporary() {
			s.err = err
			close(s.ended)
			return
		}
		time.Sleep(acceptPause)
	}
}

// decide finds out what a connection is and hands it on.
func (s *splitter) decide(conn net.Conn) {
	if !s.hold(conn) {
		_ = conn.Close()
		return
	}
	decided, isHTTP, err := s.look(conn)
	if s.release(conn); err != nil {
		_ = conn.Close()
		return
	}
	if !isHTTP {
		s.cfg.Text(decided)
		return
	}
	select {
	case s.http <- decided:
	case <-s.ended:
		_ = conn.Close()
	}
}

// hold notes a connection that is looked at; not after Close.
func (s *splitter) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.undecided == nil {
		return false
	}
	s.undecided[conn] = struct{}{}
	return true
}

func (s *splitter) release(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.undecided, conn)
}

// look reads the first bytes. What it returns has them again.
func (s *splitter) look(conn net.Conn) (decided net.Conn, isHTTP bool, err error) {
	if err := conn.SetReadDeadline(time.Now().Add(s.cfg.First)); err != nil {
		return nil, false, err
	}
	if secure, ok := conn.(*tls.Conn); ok {
		if err := secure.Handshake(); err != nil {
			return nil, false, err
		}
		if secure.ConnectionState().NegotiatedProtocol != "" {
			return conn, true, conn.SetReadDeadline(time.Time{})
		}
	}
	first := make([]byte, 0, longest)
	for {
		n, err := conn.Read(first[len(first):cap(first)])
		first = first[:len(first)+n]
		isHTTP, decided := speaksHTTP(string(first))
		switch {
		case decided, len(first) > 0 && errors.Is(err, os.ErrDeadlineExceeded): // half a word is no request
			return &peeked{conn, first}, isHTTP, conn.SetReadDeadline(time.Time{})
		case err != nil:
			return nil, false, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(s.cfg.Decide)); err != nil {
			return nil, false, err
		}
	}
}

// methods are the beginnings of HTTP requests: the methods that net/http's clients, browsers and proxies send, and the
// preface of HTTP/2.
var methods = [...]string{"GET ", "HEAD", "POST", "PUT ", "PATC", "DELE", "OPTI", "CONN", "TRAC", "PRI "}

// longest is how many bytes tell in any case: DEL_MSG and DELETE differ in the fourth.
const longest = 4

// speaksHTTP reports whether the first bytes of a connection are HTTP's, and whether they suffice to tell.
func speaksHTTP(first string) (isHTTP, decided bool) {
	for _, method := range methods {
		switch {
		case strings.HasPrefix(first, method):
			return true, true
		case strings.HasPrefix(method, first):
			return false, false
		}
	}
	return false, true
}

// peeked is a connection whose first bytes were read and are read again.
type peeked struct {
	net.Conn
	first []byte
}

// Read reads the first bytes first.
func (p *peeked) Read(b []byte) (int, error) {
	if len(p.first) > 0 {
		n := copy(b, p.first)
		if p.first = p.first[n:]; len(p.first) == 0 {
			p.first = nil
		}
		return n, nil
	}
	return p.Conn.Read(b)
}

// CloseWrite ends the server's half of the connection.
func (p *peeked) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// NetConn is the connection below.
func (p *peeked) NetConn() net.Conn { return p.Conn }

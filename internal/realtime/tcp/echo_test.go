package tcp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
)

// echo is a system whose commands are SAY (with text, and optionally more), BIG (answered with many bytes), WAIT (answered when
// the test says so), IN (identifies) and BYE.
type echo struct {
	hub     *realtime.Hub
	gateway *realtime.Gateway
	joined  chan *realtime.Peer
	left    chan *realtime.Peer
	waiting chan struct{} // WAIT has begun
	release chan struct{} // WAIT may end
	errors  bool          // the contract has no words for refusals
}

func field(name string, more func(*realtime.Field)) realtime.Field {
	f := realtime.Field{Name: name, Keys: []string{name}, Wires: realtime.AllWires}
	if more != nil {
		more(&f)
	}
	return f
}

func surface() *realtime.Surface {
	text := field("text", func(f *realtime.Field) { f.Required = true; f.Length = "length" })
	more := field("more", nil)
	say := &realtime.Shape{Fields: []realtime.Field{more, text}}
	note := &realtime.Shape{Fields: []realtime.Field{field("to", func(f *realtime.Field) { f.Required = true }), more}}
	list := map[string]*realtime.Command{
		"SAY": {Event: "SAY", Replies: true, Shape: say}, "NOTE": {Event: "NOTE", Replies: true, Shape: note},
	}
	for _, name := range []string{"BIG", "WAIT", "IN", "BYE", "DEL_IT"} {
		list[name] = &realtime.Command{Event: name, Replies: true}
	}
	return &realtime.Surface{Commands: list, Servers: []realtime.Server{{Name: "tcp", Wire: realtime.WireKeyValue}}}
}

// answer is a message with one line behind its status.
func answer(status, line string) *realtime.Message {
	shape := &realtime.Shape{Fields: []realtime.Field{field("message", nil)}}
	payload := fmt.Appendf(nil, `{"message":%q}`, line)
	return &realtime.Message{Event: "answer", Status: status, Shape: shape, Payload: payload}
}

// Dispatch implements realtime.Dispatcher.
func (e *echo) Dispatch(_ context.Context, p *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	switch in.Event {
	case "SAY", "NOTE":
		return answer("200/OK", in.Event+" "+strings.ReplaceAll(string(in.Args[0]), `"`, "'")), nil
	case "BIG":
		return answer("200/OK", strings.Repeat("x", 1<<20)), nil
	case "WAIT":
		e.waiting <- struct{}{}
		<-e.release
	case "IN":
		p.Identify("guest", nil)
	case "BYE":
		e.hub.Close(p, realtime.ReasonNormal)
		return nil, nil
	case "DEL_IT":
	default:
		if e.errors {
			return nil, &realtime.UnknownEvent{Event: in.Event}
		}
		return answer("416/MISFMT", "what?"), nil
	}
	return answer("200/OK", "done"), nil
}

func (e *echo) Authenticate(context.Context, string) (role string, caller any, err error) {
	return "", nil, nil
}

func (e *echo) Connected(_ context.Context, p *realtime.Peer) error {
	e.joined <- p
	return nil
}

func (e *echo) Disconnected(_ context.Context, p *realtime.Peer) { e.left <- p }

// place is a port of echo.
type place struct {
	*echo
	t    *testing.T
	addr string
}

// newEcho serves echo on a port, text alone.
func newEcho(t *testing.T, cfg tcp.Config) *place {
	t.Helper()
	e := &echo{
		hub: realtime.NewHub(realtime.HubConfig{}), joined: make(chan *realtime.Peer, 1<<16), left: make(chan *realtime.Peer, 1<<16),
		waiting: make(chan struct{}, 1), release: make(chan struct{}),
	}
	e.gateway = &realtime.Gateway{Surface: surface(), Dispatcher: e, Hub: e.hub, Lifecycle: e, Log: slog.New(slog.DiscardHandler)}
	cfg.Gateway, cfg.Server = e.gateway, e.gateway.Surface.Servers[0]
	handler, err := tcp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := e.hub.Drain(ctx); err != nil {
			t.Errorf("Drain: %v", err)
		}
	})
	go func() {
		for {
			socket, err := listener.Accept()
			if err != nil {
				return
			}
			go handler.ServeConn(context.WithoutCancel(t.Context()), socket)
		}
	}()
	return &place{echo: e, t: t, addr: listener.Addr().String()}
}

// client is one connection.
type client struct {
	t    *testing.T
	conn *net.TCPConn
	in   *bufio.Reader
}

func (p *place) dial() *client {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	return &client{p.t, conn.(*net.TCPConn), bufio.NewReader(conn)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// patient gives what is awaited 20 s.
func (c *client) patient() {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		c.t.Fatal(err)
	}
}

// want expects an answer of a status and a line.
func (c *client) want(status, line string) {
	c.t.Helper()
	c.patient()
	for _, want := range []string{status + "\n", "message:" + line + "\n"} {
		if got, err := c.in.ReadString('\n'); got != want {
			c.t.Fatalf("got %.200q, %v, want %q", got, err, want)
		}
	}
}

// ended expects the end, and nothing before it.
func (c *client) ended() {
	c.t.Helper()
	c.patient()
	left, err := io.ReadAll(c.in)
	var timeout net.Error
	if len(left) > 0 || errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatalf("the connection goes on: %.100q, %v", left, err)
	}
}

const misfit = "416/MISFMT"

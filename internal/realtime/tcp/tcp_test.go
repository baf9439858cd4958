package tcp_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
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

func TestConversation(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	c := p.dial()
	c.send("SAY\nlength:2\ntext:ab\nSAY\ntext:c\nNOTE\nto:me\nDEL_IT\nHELLO\nnobody knows\nIN\nBYE\nIN\n")
	c.want("200/OK", "SAY {'text':'ab'}")
	c.want("200/OK", "SAY {'text':'c'}")
	c.want("200/OK", "NOTE {'to':'me'}")
	c.want("200/OK", "done")
	c.want(misfit, "what?")
	c.want("200/OK", "done")
	c.ended()
	<-p.left
}

// TestSilence: time ends what has no end mark.
func TestSilence(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{Silence: 20 * time.Millisecond, Incomplete: 200 * time.Millisecond})
	c := p.dial()
	c.send("NOTE\nto:me\n")
	c.want("200/OK", "NOTE {'to':'me'}")
	c.send("SAY\nlength:2\ntext:ab")
	c.want("200/OK", "SAY {'text':'ab'}")
	for _, half := range []string{"SA", "SAY\n", "SAY\nlength:9\ntext:ab\n", "NOTE\nto:me\nmo"} {
		began := time.Now()
		c.send(half)
		c.want(misfit, "what?")
		if took := time.Since(began); took < 150*time.Millisecond {
			t.Errorf("%q was refused after %v", half, took)
		}
		c.send("\nIN\n")
		c.want("200/OK", "done")
	}
	// Who goes on, however slowly, does not get more time.
	began := time.Now()
	for range 1000 {
		if _, err := io.WriteString(c.conn, "S"); err != nil {
			t.Fatal(err)
		}
		if err := c.conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.in.Peek(1); err == nil {
			break
		}
		c.in.Reset(c.conn)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a slow writer was refused after %v", took)
	}
	c.want(misfit, "what?")
}

// TestLimits: what is too much ends the connection, after the refusal.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{MaxCommand: 1000, MaxGarbage: 3000})
	for name, text := range map[string]string{
		"endless line":    strings.Repeat("x", 2000),
		"endless command": "NOTE\n" + strings.Repeat("a:b\n", 500),
		"endless garbage": strings.Repeat("garbage\n", 1000),
	} {
		c := p.dial()
		_, _ = io.WriteString(c.conn, text) // the end may come before all of it is written
		c.want(misfit, "what?")
		left, _ := io.ReadAll(c.in)
		if len(left) > 0 {
			t.Errorf("%s: also answered %q", name, left)
		}
		<-p.left
	}
	c := p.dial()
	for range 20 { // a peer whose commands are good may send any number of them
		c.send("SAY\nlength:500\ntext:" + strings.Repeat("x", 500) + "\n")
		c.want("200/OK", "SAY {'text':'"+strings.Repeat("x", 500)+"'}")
	}
}

// TestIdle: who says nothing is let go, sooner if it has not said who it is.
func TestIdle(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{Stranger: 100 * time.Millisecond, Idle: 400 * time.Millisecond})
	for name, limit := range map[string]time.Duration{"": 100 * time.Millisecond, "IN\n": 400 * time.Millisecond} {
		began := time.Now()
		c := p.dial()
		if name != "" {
			c.send(name)
			c.want("200/OK", "done")
		}
		c.ended()
		if took := time.Since(began); took < limit*9/10 {
			t.Errorf("%q: let go after %v", name, took)
		}
		<-p.left
	}
}

// TestSlowReader: who does not take its answers is cut off, and holds nobody up.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{Write: 300 * time.Millisecond})
	slow, other := p.dial(), p.dial()
	if err := slow.conn.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	slow.send(strings.Repeat("BIG\n", 50))
	gone := false
	for !gone {
		other.send("DEL_IT\n")
		other.want("200/OK", "done")
		select {
		case <-p.left:
			gone = true
		default:
		}
	}
}

// TestEvents: what the system sends by itself arrives, and a peer that does not read it is closed.
func TestEvents(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{MaxQueue: 1 << 20, Write: 20 * time.Second})
	reader := p.dial()
	peer := <-p.joined
	p.hub.Join(peer, "room")
	p.hub.Broadcast(t.Context(), "room", answer("200/EVENT", "hello"), nil)
	reader.want("200/EVENT", "hello")
	big := answer("200/EVENT", strings.Repeat("x", 512<<10))
	for range 100 {
		p.hub.Broadcast(t.Context(), "room", big, nil)
	}
	if <-p.left != peer {
		t.Error("another peer was closed")
	}
}

// TestDrain: the answer that is being made is sent, and what came behind it is not handled any more.
func TestDrain(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	c, idle := p.dial(), p.dial()
	c.send("WAIT\nIN\n")
	<-p.waiting
	drained := make(chan error, 1)
	go func() { drained <- p.hub.Drain(context.WithoutCancel(t.Context())) }()
	idle.ended()
	close(p.release)
	c.want("200/OK", "done")
	c.ended()
	if err := <-drained; err != nil {
		t.Error(err)
	}
	late := p.dial()
	late.ended()
}

// TestClose: a system ends a connection at once, whatever its peer does.
func TestClose(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	c := p.dial()
	c.send("NOTE\nto:") // in the middle of something
	p.hub.Close(<-p.joined, realtime.ReasonPolicy)
	c.ended()
	<-p.left
}

// TestNoWords: a contract without words for refusals ends the connection: the peer would take the next answer for the one it
// waits for.
func TestNoWords(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	p.errors = true
	c := p.dial()
	c.send("DEL_IT\nHELLO\nIN\n")
	c.want("200/OK", "done")
	c.ended()
}

// TestKeepAlive: the kernel is told to look for peers that are gone without a word.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	socket, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := tcp.New(tcp.Config{Gateway: p.gateway, Server: p.gateway.Surface.Servers[0], KeepAlive: 7 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	go handler.ServeConn(t.Context(), socket)
	<-p.joined
	raw, err := socket.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var on, idle int
	var failed error
	err = raw.Control(func(fd uintptr) {
		on, failed = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		if failed == nil {
			idle, failed = keepAliveIdle(int(fd))
		}
	})
	if err != nil || failed != nil || on == 0 || idle != 7 {
		t.Errorf("keep-alive is %d after %d s of silence, %v, %v", on, idle, err, failed)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := tcp.New(tcp.Config{Gateway: &realtime.Gateway{Surface: surface()}, Server: realtime.Server{Wire: realtime.WireCommand}}); err == nil {
		t.Error("a WebSocket is served as text")
	}
	broken := surface()
	broken.Commands["SAY"].Shape.Fields = append(broken.Commands["SAY"].Shape.Fields, field("after the raw one", nil))
	if _, err := tcp.New(tcp.Config{Gateway: &realtime.Gateway{Surface: broken}, Server: broken.Servers[0]}); err == nil {
		t.Error("a contract that cannot be read is served")
	}
}

// TestFlood: garbage, endless lines, peers that do not read and writers of a byte now and then, from 500 connections at once, that
// come back. Others are answered, and
// memory stays bounded.
func TestFlood(t *testing.T) {
	t.Parallel()
	const attackers = 500
	p := newEcho(t, tcp.Config{Incomplete: 2 * time.Second})
	before := heap()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var sent atomic.Int64
	for i := range attackers {
		go func() {
			again := time.NewTicker(5 * time.Second)
			defer again.Stop()
			for ctx.Err() == nil {
				attack(ctx, p.addr, i, &sent)
				select {
				case <-again.C:
				case <-ctx.Done():
				}
			}
		}()
	}
	for range attackers / 2 {
		<-p.joined
	}
	c := p.dial()
	var slowest time.Duration
	most := uint64(0)
	for range 20 {
		began := time.Now()
		c.send("SAY\ntext:still here\n")
		c.want("200/OK", "SAY {'text':'still here'}")
		slowest = max(slowest, time.Since(began))
		most = max(most, heap())
	}
	grown := int64(most) - int64(before)
	t.Logf("%d attackers sent %d KiB; the slowest of 20 answers took %v; the heap grew by %d KiB, %d bytes for each",
		attackers, sent.Load()>>10, slowest.Round(time.Millisecond), grown>>10, grown/attackers)
	if grown > attackers*128<<10 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// attack is one hostile connection, until it is closed.
func attack(ctx context.Context, addr string, kind int, sent *atomic.Int64) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*net.TCPConn).SetWriteBuffer(16 << 10); err != nil { // the attack is on the server, not on the kernel
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	var text []byte
	switch kind % 4 {
	case 0:
		text = bytes.Repeat([]byte("garbage\x00\xff\n"), 500)
	case 1:
		text = bytes.Repeat([]byte("x"), 5000)
	case 2: // a byte now and then
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if _, err := conn.Write([]byte("S")); err != nil {
				return
			}
			sent.Add(1)
		}
	default: // asks, and does not read
		text = bytes.Repeat([]byte("DEL_IT\n"), 2000)
		n, _ := conn.Write(text)
		sent.Add(int64(n))
		<-ctx.Done()
		return
	}
	for {
		n, err := conn.Write(text)
		sent.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// heap is what lives, in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

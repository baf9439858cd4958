package tcp_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
)

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

// TestHalfClose: a peer that ends its half gets all its answers, also to what had no end mark.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{Silence: time.Minute, Incomplete: time.Minute})
	for text, want := range map[string][2]string{
		"IN\nNOTE\nto:2\n": {"200/OK", "NOTE {'to':'2'}"},
		"IN\nNOTE\n":       {misfit, "what?"},
		"IN\nSA":           {misfit, "what?"},
	} {
		c := p.dial()
		c.send(text)
		if err := c.conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		c.want("200/OK", "done")
		c.want(want[0], want[1])
		c.ended()
		<-p.left
	}
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

// TestLost: the system is told which peers went without a word, or did not take their answers.
func TestLost(t *testing.T) {
	t.Parallel()
	p := newEcho(t, tcp.Config{Stranger: 300 * time.Millisecond, Write: 300 * time.Millisecond, Grace: 300 * time.Millisecond})
	for _, test := range []struct {
		name  string
		leave func(c *client)
		lost  bool
	}{
		{"closed", func(c *client) { _ = c.conn.CloseWrite() }, false},
		{"reset", func(c *client) { _ = c.conn.SetLinger(0); _ = c.conn.Close() }, true},
		{"idle", func(c *client) { c.ended() }, true},
		{"slow", func(c *client) { c.send(strings.Repeat("BIG\n", 20)) }, true},
		{"closed, with answers that it does not take", func(c *client) { c.send(strings.Repeat("BIG\n", 20)); _ = c.conn.CloseWrite() }, true},
		{"sent away", func(c *client) { c.send("BYE\n") }, false},
	} {
		c := p.dial()
		test.leave(c)
		if peer := <-p.left; peer.Lost() != test.lost {
			t.Errorf("%s: lost is %v", test.name, peer.Lost())
		}
	}
}

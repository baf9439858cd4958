package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// echo answers on both namespaces what a specification's examples need.
func echo(t *testing.T) func(*socketio.Server) {
	return func(server *socketio.Server) {
		for _, n := range []*socketio.Namespace{server.Of("/"), server.Of("/admin")} {
			n.On("say", func(_ context.Context, e *socketio.Event) {
				check(t, e.Socket.Emit("said", e.Args))
			})
			n.On("ask", func(_ context.Context, e *socketio.Event) {
				check(t, e.Ack(e.Args))
				check(t, e.Ack("only the first counts"))
			})
		}
	}
}

// TestPackets: the packets of the specification's examples, and their answers.
func TestPackets(t *testing.T) {
	t.Parallel()
	url := setup(t, socketio.Config{}, echo(t))
	c := connect(t, url, "/", `{"token":"123"}`)
	for sent, want := range map[string]string{
		`42["say"]`:                          `42["said"]`,
		`42["say",1,"2",{"3":[true,null]}]`:  `42["said",1,"2",{"3":[true,null]}]`,
		"42[ \"say\" ,\t[1, \"a,]\\\"\"] ]":  `42["said",[1, "a,]\""]]`,
		`42["\u0073ay","é€😀"]`:               `42["said","é€😀"]`,
		`4212["ask","x"]`:                    `4312["x"]`,
		`420["ask"]`:                         `430[]`,
		`4218446744073709551615["ask",true]`: `4318446744073709551615[true]`,
	} {
		c.send(sent)
		c.expect(want)
	}
	c.send(`42["nobody listens"]`)
	c.send(`431["nobody waits"]`)
	c.join("/admin", "")
	c.send(`42/admin,["say",1]`)
	c.expect(`42/admin,["said",1]`)
	c.send(`42/admin,13["ask"]`)
	c.expect(`43/admin,13[]`)
	c.send(`41/admin,`)
	c.send(`40/admin`)
	if got := c.read(); len(got) < 20 || got[:10] != "40/admin,{" {
		t.Errorf("a namespace that was left cannot be joined again: %q", got)
	}
	c.send(`42["say","main"]`)
	c.expect(`42["said","main"]`)
}

// TestBinary: attachments go both ways, at any depth, with and without acknowledgement.
func TestBinary(t *testing.T) {
	t.Parallel()
	type file struct {
		Name string
		Body []byte
	}
	got := make(chan file, 1)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		echo(t)(server)
		server.Of("/").On("upload", func(_ context.Context, e *socketio.Event) {
			var f file
			var tail []byte
			check(t, e.Args.Decode(&f, &tail))
			got <- f
			check(t, e.Ack(map[string]any{"parts": []any{f, tail, "text"}}))
		})
	})
	c := connect(t, url, "/", "")
	c.send(`452-["say",{"_placeholder":true,"num":0},{"num":1,"_placeholder":true}]`)
	c.sendBinary("\x01\x02")
	c.sendBinary("")
	c.expect(`452-["said",{"_placeholder":true,"num":0},{"num":1,"_placeholder":true}]`, "\x01\x02", "")
	c.send(`451-7["ask",[{"_placeholder":true,"num":0}]]`)
	c.sendBinary("abc")
	c.expect(`461-7[[{"_placeholder":true,"num":0}]]`, "abc")
	c.send(`452-8["upload",{"Name":"a.txt","Body":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]`)
	c.sendBinary("tail")
	c.sendBinary("body")
	if f := receive(t, got); f.Name != "a.txt" || string(f.Body) != "body" {
		t.Errorf("decoded %+v", f)
	}
	c.expect(`462-8[{"parts":[{"Name":"a.txt","Body":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1},"text"]}]`, "body", "tail")
}

// TestViolations: what is no packet, or not allowed now, ends the connection.
func TestViolations(t *testing.T) {
	t.Parallel()
	url := setup(t, socketio.Config{MaxPayload: 1000, MaxAttachments: 3, MaxEvent: 1500}, echo(t))
	for _, text := range []string{
		"4", "4abc", "47", `42{}`, `42`, `42[]`, `42[1`, `42"say"`, `42[null]`, `42[{}]`, `42abc["ask"]`, `42["say"]x`, `42/nowhere,["say"]`,
		`43[]`, `43`, `431{}`, `41[]`, `40`, `44{"message":"no"}`, `42["connect"]`, `42["disconnecting"]`,
		`4299999999999999999999["ask"]`, `45["say"]`, `450-["say"]`, `454-["say"]`, `45x-["say"]`, `45-1-["say"]`,
		`451-["say"]`,
		`451-["say",{"_placeholder":true,"num":1}]`,
		`451-["say",{"_placeholder":true,"num":-1}]`,
		`451-["say",{"_placeholder":true,"num":0.5}]`,
		`451-["say",{"_placeholder":true}]`,
		`451-["say",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`,
		`452-["say",{"_placeholder":true,"num":0}]`,
	} {
		c := connect(t, url, "/", "")
		c.send(text)
		c.expectClose(websocket.StatusProtocolError)
	}
	for _, text := range []string{`42["say"]`, `41`, `430[]`, `40[1]`, `40"x"`, `40{`, "40/" + strings.Repeat("n", 200) + ","} {
		c := open(t, url)
		c.send(text)
		c.expectClose(websocket.StatusProtocolError)
	}
	c := connect(t, url, "/", "")
	c.sendBinary("attachment of nothing")
	c.expectClose(websocket.StatusProtocolError)
	c = connect(t, url, "/", "")
	c.send(`451-["say",{"_placeholder":true,"num":0}]`)
	c.send(`42["say"]`)
	c.expectClose(websocket.StatusProtocolError)
	c = connect(t, url, "/", "")
	c.send(`452-["say",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.sendBinary(string(make([]byte, 900)))
	c.sendBinary(string(make([]byte, 900)))
	c.expectClose(websocket.StatusProtocolError)
}

// TestAdmission: namespaces that do not exist, conditions with words for the client and without, and their panics.
func TestAdmission(t *testing.T) {
	t.Parallel()
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		server.Of("/vip").Use(func(_ context.Context, s *socketio.Socket) error {
			var auth struct {
				Name string `json:"name"`
			}
			check(t, s.Auth(&auth))
			switch auth.Name {
			case "alice":
				return nil
			case "bob":
				return &socketio.ConnectError{Message: "not today", Data: map[string]int{"retry": 5}}
			case "eve":
				panic("what a name")
			}
			return errors.New("a secret of the server")
		})
	})
	c := open(t, url)
	for sent, want := range map[string]string{
		`40/random`:              `44/random,{"message":"Invalid namespace"}`,
		`40/vip,{"name":"bob"}`:  `44/vip,{"message":"not today","data":{"retry":5}}`,
		`40/vip,{"name":"eve"}`:  `44/vip,{"message":"not admitted"}`,
		`40/vip,{"name":"carl"}`: `44/vip,{"message":"not admitted"}`,
	} {
		c.send(sent)
		c.expect(want)
	}
	c.join("/vip", `{"name":"alice"}`)
}

// TestConnectTimeout: a connection that joins nothing is closed, one that has joined stays.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	url := setup(t, socketio.Config{ConnectTimeout: 50 * time.Millisecond}, echo(t))
	idle, used := open(t, url), connect(t, url, "/", "")
	idle.expectClose(websocket.StatusPolicyViolation)
	used.send(`42["say"]`)
	used.expect(`42["said"]`)
}

// TestDisconnect: each side's ways of leaving, and what the handlers are told.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	type end struct {
		id    string
		rooms int
		cause engineio.Cause
	}
	ends := make(chan end, 1)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		echo(t)(server)
		n := server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) { s.Join("a", "b") })
		n.OnDisconnect(func(s *socketio.Socket, cause engineio.Cause) { ends <- end{s.ID(), len(s.Rooms()), cause} })
		n.On("leave me", func(_ context.Context, e *socketio.Event) {
			var whole bool
			check(t, e.Args.Decode(&whole))
			e.Socket.Disconnect(whole)
			check(t, e.Ack("too late"))
		})
	})
	expect := func(c *client, cause engineio.Cause) {
		t.Helper()
		if got := receive(t, ends); got != (end{c.sid, 2, cause}) {
			t.Errorf("ended %+v, want %s of %s in 2 rooms", got, cause, c.sid)
		}
	}
	c := connect(t, url, "/", "")
	c.join("/admin", "")
	c.sid = ""
	c.abandon()
	if got := receive(t, ends); got.cause != engineio.CauseTransportClose {
		t.Errorf("ended by %s", got.cause)
	}

	c = connect(t, url, "/", "")
	c.send("41")
	expect(c, socketio.CauseClientDisconnect)
	c.join("/", "")
	c.send(`42["leave me",false]`)
	c.expect("41")
	expect(c, socketio.CauseServerDisconnect)
	c.send(`42["say"]`) // it did not know yet
	c.join("/", "")
	c.send(`42["leave me",true]`)
	c.expect("41")
	c.expectClose(websocket.StatusNormalClosure)
	expect(c, socketio.CauseServerDisconnect)
}

// TestPanics: a handler's mistake is its socket's alone, which stays as it would have been.
func TestPanics(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	ended := make(chan engineio.Cause, 1)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		echo(t)(server)
		n = server.Of("/")
		n.OnConnect(func(context.Context, *socketio.Socket) { panic("connect") })
		n.OnDisconnect(func(_ *socketio.Socket, cause engineio.Cause) {
			ended <- cause
			panic("disconnect")
		})
		n.On("panic", func(context.Context, *socketio.Event) { panic("event") })
	})
	c := connect(t, url, "/", "")
	c.send(`42["panic"]`)
	c.send(`42["say",1]`)
	c.expect(`42["said",1]`)
	c.send("41")
	receive(t, ended)
	c.join("/", "") // after the end of the former one
	for len(n.Sockets()) != 1 {
		<-time.After(time.Millisecond)
	}
}

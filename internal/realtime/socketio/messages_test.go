package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// TestRooms: who gets what, by rooms, exceptions and ids; everybody gets the same bytes in the same order.
func TestRooms(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		n = server.Of("/desk")
		n.On("join", func(_ context.Context, e *socketio.Event) {
			var rooms []string
			check(t, e.Args.Decode(&rooms))
			e.Socket.Join(rooms...)
			check(t, e.Ack())
		})
		n.On("tell", func(_ context.Context, e *socketio.Event) {
			var room string
			check(t, e.Args.Decode(&room))
			check(t, e.Socket.To(room).Emit("told", e.Socket.ID()))
			check(t, e.Socket.Broadcast().Emit("all told"))
		})
	})
	clients := map[string]*client{}
	for name, rooms := range map[string]string{"ann": `["a"]`, "ben": `["a","b"]`, "cat": `["b"]`, "dan": `[]`} {
		c := connect(t, url, "/desk", "")
		c.send(`42/desk,1["join",` + rooms + `]`)
		c.expect(`43/desk,1[]`)
		clients[name] = c
	}
	sockets := n.Sockets()
	if len(sockets) != 4 {
		t.Fatalf("%d sockets", len(sockets))
	}
	for i, test := range []struct {
		b  socketio.Broadcast
		to string
	}{
		{n.To("a"), "ann ben"},
		{n.To("a", "b"), "ann ben cat"},
		{n.To("a").To("b").Except(clients["ben"].sid), "ann cat"},
		{n.To("a").Except(clients["ben"].sid), "ann"},
		{n.To("a").Except("b"), "ann"},
		{n.Except("a"), "cat dan"},
		{n.Except(clients["dan"].sid), "ann ben cat"},
		{n.Except("a", "b"), "dan"},
		{n.To(clients["cat"].sid), "cat"},
		{n.To(clients["cat"].sid).Except("b"), ""},
		{n.To("nobody"), ""},
		{n.Except("nobody"), "ann ben cat dan"},
		{n.To(clients["cat"].sid, "a"), "ann ben cat"},
	} {
		check(t, test.b.Emit("event", i))
		var aimed []string
		for name, c := range clients {
			if slices.ContainsFunc(test.b.Sockets(), func(s *socketio.Socket) bool { return s.ID() == c.sid }) {
				aimed = append(aimed, name)
			}
		}
		slices.Sort(aimed)
		if got := strings.Join(aimed, " "); got != test.to {
			t.Errorf("%d aims at %q, want %q", i, got, test.to)
		}
		for _, name := range strings.Fields(test.to) {
			clients[name].expect(fmt.Sprintf(`42/desk,["event",%d]`, i))
		}
	}
	clients["ann"].send(`42/desk,["tell","b"]`)
	for _, name := range []string{"ben", "cat"} {
		clients[name].expect(`42/desk,["told","`+clients["ann"].sid+`"]`, `42/desk,["all told"]`)
	}
	clients["dan"].expect(`42/desk,["all told"]`)
	n.To("b").Join("c")
	n.To("c").Leave("b")
	if got := n.To("b").Sockets(); len(got) != 0 {
		t.Errorf("%d sockets have not left", len(got))
	}
	n.To("c").Disconnect(false)
	for _, name := range []string{"ben", "cat"} {
		clients[name].expect(`41/desk,`)
	}
	check(t, n.Emit("last"))
	for _, name := range []string{"ann", "dan"} { // and nothing else since
		clients[name].expect(`42/desk,["last"]`)
	}
}

// TestEmitWithAck: the server asks one socket and several, from within a handler too; who does not answer is told apart.
func TestEmitWithAck(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	late := make(chan error, 1)
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		n = server.Of("/")
		n.On("interview", func(ctx context.Context, e *socketio.Event) {
			args, err := e.Socket.EmitWithAck(ctx, "name?")
			var name string
			check(t, errors.Join(err, args.Decode(&name)))
			check(t, e.Ack("hello "+name))
		})
		n.On("forget", func(ctx context.Context, e *socketio.Event) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			_, err := e.Socket.EmitWithAck(ctx, "name?")
			late <- err
		})
		n.On("vanish", func(ctx context.Context, e *socketio.Event) {
			_, err := e.Socket.EmitWithAck(ctx, "name?")
			late <- err
		})
	})
	ann, ben := connect(t, url, "/", ""), connect(t, url, "/", "")
	ann.send(`425["interview"]`)
	ann.expect(`420["name?"]`)
	ann.send(`430["Ann"]`)
	ann.expect(`435["hello Ann"]`)
	ann.send(`42["forget"]`)
	ann.expect(`421["name?"]`)
	if err := receive(t, late); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without answer: %v", err)
	}
	ann.send(`431["too late"]`)

	answers := make(chan []socketio.Reply, 1)
	ask := func(timeout time.Duration) {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		replies, err := n.To().EmitWithAck(ctx, "how?", 1)
		slices.SortFunc(replies, func(a, b socketio.Reply) int { return len(a.Socket.Rooms()) - len(b.Socket.Rooms()) })
		answers <- replies
		late <- err
	}
	n.To(ben.sid).Join("b")
	go ask(wait)
	ann.expect(`422["how?",1]`)
	ben.expect(`422["how?",1]`)
	ann.send(`432["well"]`)
	ben.send(`461-2[{"_placeholder":true,"num":0}]`)
	ben.sendBinary("\x07")
	replies := receive(t, answers)
	var word string
	var data []byte
	if err := receive(t, late); err != nil || len(replies) != 2 {
		t.Fatalf("%v, %d replies", err, len(replies))
	}
	check(t, errors.Join(replies[0].Args.Decode(&word), replies[1].Args.Decode(&data)))
	if word != "well" || string(data) != "\x07" || replies[1].Socket.ID() != ben.sid {
		t.Errorf("replies %q %x", word, data)
	}

	go ask(200 * time.Millisecond)
	ann.expect(`423["how?",1]`)
	ann.send(`433[]`)
	if replies := receive(t, answers); replies[0].Err != nil || !errors.Is(replies[1].Err, context.DeadlineExceeded) {
		t.Errorf("one of two: %v", replies)
	}
	if err := receive(t, late); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one of two: %v", err)
	}

	go ask(wait)
	ann.expect(`424["how?",1]`)
	ann.send(`434[]`)
	ben.expect(`423["how?",1]`, `424["how?",1]`)
	ben.send("41")
	left := func(r socketio.Reply) bool {
		return r.Socket.ID() == ben.sid && errors.Is(r.Err, socketio.ErrDisconnected)
	}
	if replies := receive(t, answers); !slices.ContainsFunc(replies, left) {
		t.Errorf("one has left: %v", replies)
	}
	if err := receive(t, late); err != nil {
		t.Errorf("one has left: %v", err)
	}

	ann.send(`42["vanish"]`)
	ann.expect(`425["name?"]`)
	ann.abandon()
	if err := receive(t, late); err == nil {
		t.Error("a socket that is gone has answered")
	}
}

// TestVolatile: a message that cannot be sent at once is dropped: while something waits for a client, or while it polls and
// is not polling.
func TestVolatile(t *testing.T) {
	t.Parallel()
	sockets := make(chan *socketio.Socket, 1)
	var n *socketio.Namespace
	url := setup(t, socketio.Config{}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) { sockets <- s })
	})
	p := newPoller(t, url)
	s := receive(t, sockets)
	check(t, s.Volatile().Emit("lost"))
	check(t, n.To(s.ID()).Volatile().Emit("lost too"))
	check(t, n.Volatile().Emit("lost as well"))
	check(t, s.Emit("kept"))
	if got := p.poll(); got != `42["kept"]` {
		t.Errorf("polled %q", got)
	}
	untilSent(t, s, `42["now"]`, p.poll)
	c := connect(t, url, "/", "")
	untilSent(t, receive(t, sockets), `42["now"]`, c.read)
}

// untilSent sends volatile messages until the client is there to read one.
func untilSent(t *testing.T, s *socketio.Socket, want string, read func() string) {
	t.Helper()
	answer := make(chan string)
	go func() { answer <- read() }()
	for {
		check(t, s.Volatile().Emit("now"))
		select {
		case got := <-answer:
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}

// TestVolatileSlow: what is volatile never closes a slow reader; what is not does.
func TestVolatileSlow(t *testing.T) {
	t.Parallel()
	sockets, causes := make(chan *socketio.Socket, 1), make(chan engineio.Cause, 1)
	url := setup(t, socketio.Config{MaxQueue: 1 << 16}, func(server *socketio.Server) {
		n := server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) { sockets <- s })
		n.OnDisconnect(func(_ *socketio.Socket, cause engineio.Cause) { causes <- cause })
	})
	connect(t, url, "/", "") // and never reads again
	s := receive(t, sockets)
	text := strings.Repeat("x", 1<<15)
	for range 400 {
		check(t, s.Volatile().Emit("frame", text))
	}
	select {
	case cause := <-causes:
		t.Fatalf("volatile messages ended the socket: %s", cause)
	default:
	}
	for {
		check(t, s.Emit("frame", text))
		select {
		case cause := <-causes:
			if cause != engineio.CauseServerClose {
				t.Errorf("ended by %s", cause)
			}
			return
		default:
		}
	}
}

// TestEmitRefused: what cannot be sent is an error, and nobody gets anything.
func TestEmitRefused(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	url := setup(t, socketio.Config{}, func(server *socketio.Server) { n = server.Of("/") })
	c := connect(t, url, "/", "")
	if err := n.Emit("disconnect"); !errors.Is(err, socketio.ErrReserved) {
		t.Errorf("reserved: %v", err)
	}
	for name, args := range map[string][]any{"channel": {make(chan int)}, "args": {socketio.Args{}, 1}, "text": {"\xff"}} {
		if n.Emit("x", args...) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	check(t, n.Emit("a \"name\"\n", nil))
	c.expect(`42["a \"name\"\n",null]`)
}

// poller is a client that polls.
type poller struct {
	t   *testing.T
	url string
}

// newPoller connects a client that polls to the main namespace.
func newPoller(t *testing.T, url string) *poller {
	t.Helper()
	p := &poller{t, url + "/socket.io/?EIO=4&transport=polling"}
	hello := p.do(http.MethodGet, "")
	_, rest, _ := strings.Cut(hello, `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	p.url += "&sid=" + sid
	p.do(http.MethodPost, "40")
	if got := p.poll(); !strings.HasPrefix(got, `40{"sid":`) {
		t.Fatalf("CONNECT was answered with %q", got)
	}
	return p
}

func (p *poller) poll() string { return p.do(http.MethodGet, "") }

func (p *poller) do(method, body string) string {
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return ""
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		p.t.Error(err)
	}
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	return content
}

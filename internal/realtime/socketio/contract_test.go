package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/dial"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// desk is a system's live side: it answers, refuses, fails, and broadcasts.
type desk struct {
	hub           *realtime.Hub
	ended         chan string
	lost          chan bool
	running, slow chan struct{}
	echoes        atomic.Int64
}

var errRefused = errors.New("no words for this")

func (d *desk) Authenticate(_ context.Context, credential string) (string, any, error) {
	switch credential {
	case "":
		return "", nil, fmt.Errorf("a token is needed: %w", realtime.ErrUnauthenticated)
	case "broken":
		return "", nil, errors.New("the database is away")
	}
	return "user", credential, nil
}

func (d *desk) Connected(ctx context.Context, p *realtime.Peer) error {
	if p.Caller() == "stopped" {
		return errors.New("not now")
	}
	d.hub.Join(p, "desk")
	d.hub.Send(ctx, p, &realtime.Message{Event: "welcome", Payload: fmt.Appendf(nil, "%q", p.Caller())})
	return nil
}

func (d *desk) Disconnected(_ context.Context, p *realtime.Peer) {
	d.ended <- p.Caller().(string)
	d.lost <- p.Lost()
}

func (d *desk) Dispatch(ctx context.Context, p *realtime.Peer, in *realtime.Incoming) (*realtime.Message, error) {
	reply := func(payload string) *realtime.Message {
		return &realtime.Message{Event: "reply", Payload: []byte(payload)}
	}
	switch in.Event {
	case "echo":
		d.echoes.Add(1)
		return reply(string(in.Argument(false))), nil
	case "pair":
		return &realtime.Message{Event: "pair", Payload: in.Argument(true), Spread: true}, nil
	case "refused": // the contract has words
		realtime.After(ctx, func() { d.hub.Send(ctx, p, &realtime.Message{Event: "error", Payload: []byte(`{"message":"no"}`)}) })
		return reply(`{"success":false}`), nil
	case "wordless":
		return nil, errRefused
	case "silent":
		return nil, nil
	case "panic":
		panic("a handler's mistake")
	case "tell":
		m := &realtime.Message{Event: "told", Payload: in.Argument(true), Spread: true, ID: "e:7", Seq: 7}
		realtime.After(ctx, func() { d.hub.Broadcast(ctx, "desk", m, nil) })
		return reply(`true`), nil
	case "ban":
		d.hub.Close(p, realtime.ReasonPolicy)
		return reply(`"farewell"`), nil
	case "slow":
		d.running <- struct{}{}
		<-d.slow
		return reply(`"done"`), nil
	}
	return nil, &realtime.UnknownEvent{Event: in.Event}
}

// Replay knows two messages, and one that takes for ever.
func (d *desk) Replay(ctx context.Context, since string, rooms []string, send func(*realtime.Message) error) (uint64, error) {
	if since == "e:slow" {
		d.running <- struct{}{}
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if since != "e:1" {
		return 0, realtime.ErrTooOld
	}
	for n := uint64(2); n < 4; n++ {
		id := fmt.Sprintf("e:%d", n)
		if err := send(&realtime.Message{Event: "told", Payload: fmt.Appendf(nil, "%q", strings.Join(rooms, "")), ID: id, Seq: n}); err != nil {
			return 0, err
		}
	}
	return 3, nil
}

func serveDesk(t *testing.T, anonymous string) (url string, d *desk, endpoint *socketio.Endpoint) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	d = &desk{hub: realtime.NewHub(realtime.HubConfig{}), ended: make(chan string, 100), lost: make(chan bool, 100), running: make(chan struct{}, 1), slow: make(chan struct{})}
	commands := map[string]*realtime.Command{}
	for _, name := range []string{"echo", "pair", "refused", "wordless", "silent", "panic", "tell", "ban", "slow"} {
		commands[name] = &realtime.Command{Event: name}
	}
	gateway := &realtime.Gateway{
		Surface:    &realtime.Surface{Commands: commands, Streams: []realtime.Stream{{Address: "desk", Resync: "resync"}}},
		Dispatcher: d, Hub: d.hub, Lifecycle: d, History: d, Log: log,
	}
	endpoint, err := socketio.Serve(socketio.Config{Log: log, Grace: 250 * time.Millisecond}, socketio.Contract{
		Gateway: gateway, Server: realtime.Server{Name: "socketio", Wire: realtime.WireSocketIO, Path: "/socket.io/", Anonymous: anonymous},
	})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, endpoint), d, endpoint
}

// TestContract: commands and their answers, refusals in the contract's words and without, and events. Nothing that is only
// wrong to the contract ends the connection.
func TestContract(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	c := connect(t, url, "/", `{"token":"ann","more":1}`)
	c.expect(`42["welcome","ann"]`)
	for _, step := range []struct {
		send string
		want []string
	}{
		{`421["echo",{"a":[1]}]`, []string{`431[{"a":[1]}]`}},
		{`422["echo"]`, []string{`432[null]`}},
		{`423["pair",1,"b"]`, []string{`433[1,"b"]`}},
		{`424["pair"]`, []string{`434[]`}},
		{`425["refused"]`, []string{`435[{"success":false}]`, `42["error",{"message":"no"}]`}},
		{`42["refused"]`, []string{`42["error",{"message":"no"}]`}},
		{`426["wordless"]`, []string{`436[{"message":"refused"}]`}},
		{`427["what"]`, []string{`437[{"message":"unknown event what"}]`}},
		{`428["silent"]`, []string{`438[]`}},
		{`429["panic"]`, []string{`439[{"message":"refused"}]`}},
		{`4210["tell",1,{"b":2}]`, []string{`4310[true]`, `42["told",1,{"b":2},"e:7"]`}},
	} {
		c.send(step.send)
		c.expect(step.want...)
	}
	for _, unanswered := range []string{`42["wordless"]`, `42["what"]`, `42["silent"]`, `42["panic"]`} {
		c.send(unanswered)
	}
	c.send(`451-11["echo",{"_placeholder":true,"num":0}]`)
	c.sendBinary("not of this contract")
	c.expect(`4311[{"_placeholder":true,"num":0}]`)
	c.send(`4212["ban"]`)
	c.send(`4213["echo","never handled"]`)
	c.expect(`4312["farewell"]`, `41`)
	c.expectClose(websocket.StatusPolicyViolation)
	if who := receive(t, d.ended); who != "ann" || d.echoes.Load() != 3 {
		t.Errorf("%s went after %d echoes, one of them behind the end", who, d.echoes.Load())
	}
}

// TestContractAdmission: who may connect, what is refused with which words, and what a failure looks like.
func TestContractAdmission(t *testing.T) {
	t.Parallel()
	url, _, _ := serveDesk(t, "")
	for auth, want := range map[string]string{
		``:                   `44{"message":"unauthorized"}`,
		`{"token":5}`:        `44{"message":"unauthorized"}`,
		`{"token":"broken"}`: `44{"message":"refused"}`,
	} {
		c := open(t, url)
		c.send("40" + auth)
		c.expect(want)
		c.join("/", `{"token":"ann"}`) // the connection is still of use
		c.expect(`42["welcome","ann"]`)
	}
	c := connect(t, url, "/", `{"token":"stopped"}`)
	c.expectClose(websocket.StatusInternalError)

	url, d, _ := serveDesk(t, "guest")
	c = connect(t, url, "/", "")
	c.expect(`42["welcome",%!q(<nil>)]`)
	for _, p := range d.hub.Peers("desk") {
		if p.Role() != "guest" || p.Wire() != realtime.WireSocketIO || p.Address() != "127.0.0.1" || p.ID() != c.sid {
			t.Errorf("peer %s: role %q over %v from %s", p.ID(), p.Role(), p.Wire(), p.Address())
		}
	}
}

// TestContractReplay: auth.since brings what was missed before live messages, or the word to load everything.
func TestContractReplay(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	c := connect(t, url, "/", `{"token":"ann","since":"e:1"}`)
	c.expect(`42["welcome","ann"]`, `42["told","desk","e:2"]`, `42["told","desk","e:3"]`)
	d.hub.Broadcast(t.Context(), "desk", &realtime.Message{Event: "told", Payload: []byte("1"), ID: "e:3", Seq: 3}, nil)
	d.hub.Broadcast(t.Context(), "desk", &realtime.Message{Event: "told", Payload: []byte("2"), ID: "e:4", Seq: 4}, nil)
	c.expect(`42["told",2,"e:4"]`)
	c = connect(t, url, "/", `{"token":"ben","since":"other:1"}`)
	c.expect(`42["welcome","ben"]`, `42["resync"]`)
}

// TestContractDrain: a server that stops lets the answer out that is being made, and its clients come back by themselves.
func TestContractDrain(t *testing.T) {
	t.Parallel()
	url, d, _ := serveDesk(t, "")
	c := connect(t, url, "/", `{"token":"ann"}`)
	c.expect(`42["welcome","ann"]`)
	drained := make(chan error, 1)
	c.send(`421["slow"]`)
	c.send(`422["echo"]`)
	receive(t, d.running)
	go func() { drained <- d.hub.Drain(context.WithoutCancel(t.Context())) }()
	for !d.hub.Draining() {
		<-time.After(time.Millisecond)
	}
	late := open(t, url)
	late.send(`40{"token":"ben"}`)
	late.expectClose(websocket.StatusGoingAway)
	close(d.slow)
	c.expect(`431["done"]`)
	c.expectClose(websocket.StatusGoingAway)
	if err := receive(t, drained); err != nil {
		t.Error(err)
	}
}

// TestContractClient: the Go client of contracts speaks with it, mounted anywhere.
func TestContractClient(t *testing.T) {
	t.Parallel()
	_, _, server := serveDesk(t, "")
	mux := http.NewServeMux()
	mux.Handle("/desk/socket.io/", http.StripPrefix("/desk", server))
	url := serveHandler(t, mux)
	dialer, err := dial.To(realtime.Server{Wire: realtime.WireSocketIO, Path: "/socket.io/"}, dial.Options{
		URL: url + "/desk", Token: func(context.Context) (string, error) { return "ann", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	link, err := dialer(t.Context(), "e:1")
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	for _, want := range []string{"welcome", "told", "told"} {
		if f, err := link.Receive(t.Context()); err != nil || f.Event != want {
			t.Fatalf("%+v, %v; want %s", f, err, want)
		}
	}
	check(t, link.Send(t.Context(), &realtime.Frame{Event: "echo", Args: [][]byte{[]byte(`"x"`)}, Ack: 5}))
	if f, err := link.Receive(t.Context()); err != nil || f.Ack != 5 || string(f.Args[0]) != `"x"` {
		t.Errorf("%+v, %v", f, err)
	}
}

package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/realtime/engineio"
	"github.com/guichet-api/guichet/internal/realtime/socketio"
)

// TestTenThousandEvents: a socket that sends 10,000 events as fast as it can is read at the rate that is allowed, loses none
// and is not closed, though it has no time for pongs; others notice nothing.
func TestTenThousandEvents(t *testing.T) {
	t.Parallel()
	const rate, burst, events = 6000, 500, 10_000
	var handled atomic.Int64
	ended := make(chan string, 3)
	url := setup(t, socketio.Config{
		Rate: rate, Burst: burst, PingInterval: 200 * time.Millisecond, PingTimeout: time.Second,
	}, func(server *socketio.Server) {
		n := server.Of("/")
		n.On("flood", func(context.Context, *socketio.Event) { handled.Add(1) })
		n.On("ask", func(_ context.Context, e *socketio.Event) { check(t, e.Ack(e.Args)) })
		n.OnDisconnect(func(s *socketio.Socket, _ engineio.Cause) { ended <- s.ID() })
	})
	flooder := connect(t, url, "/", "")
	start := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range events {
			flooder.send(`42["flood"]`)
		}
		flooder.send(`427["ask","done"]`)
	}()
	asker := connect(t, url, "/", "")
	for i := range 100 {
		began := time.Now()
		asker.send(fmt.Sprintf(`42%d["ask",%d]`, i, i))
		for got := ""; got != fmt.Sprintf(`43%d[%d]`, i, i); {
			if got = asker.read(); got == "2" {
				asker.send("3")
			}
		}
		if took := time.Since(began); took > wait/4 {
			t.Fatalf("another socket waited %v", took)
		}
	}
	<-sent
	for got := ""; got != `437["done"]`; {
		got = flooder.read()
	}
	least := time.Second * (events - burst) / rate
	if took := time.Since(start); took < least || handled.Load() != events {
		t.Errorf("%d events in %v; %d in at least %v were expected", handled.Load(), took, events, least)
	}
	for len(ended) > 0 { // the others have no time for pongs and send nothing
		if <-ended == flooder.sid {
			t.Error("the socket was ended")
		}
	}
}

// TestSlowReader: a client that does not read what it is sent is cut off with a bounded queue; others get everything.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	var n *socketio.Namespace
	sockets, ends := make(chan *socketio.Socket, 2), make(chan string, 2)
	url := setup(t, socketio.Config{MaxQueue: 1 << 18}, func(server *socketio.Server) {
		n = server.Of("/")
		n.OnConnect(func(_ context.Context, s *socketio.Socket) { sockets <- s })
		n.OnDisconnect(func(s *socketio.Socket, _ engineio.Cause) { ends <- s.ID() })
	})
	slow, good := connect(t, url, "/", ""), connect(t, url, "/", "")
	receive(t, sockets)
	receive(t, sockets)
	text := strings.Repeat("x", 1<<14)
	read := make(chan int, 1)
	stop := make(chan struct{})
	go func() {
		count := 0
		for {
			got, err := good.next()
			if err != nil || got == `42["end"]` {
				read <- count
				return
			}
			count++
			if count%8 == 0 {
				stop <- struct{}{}
			}
		}
	}()
	sent := 0
	for cut := false; !cut; {
		for range 8 {
			check(t, n.Emit("frame", text))
			sent++
		}
		receive(t, stop) // the good one has read all
		select {
		case id := <-ends:
			if id != slow.sid {
				t.Fatal("the wrong one was cut off")
			}
			cut = true
		default:
		}
	}
	check(t, n.Emit("end"))
	if got := receive(t, read); got != sent {
		t.Errorf("the other got %d of %d", got, sent)
	}
}

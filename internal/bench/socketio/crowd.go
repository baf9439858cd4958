package socketio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/bench/guichet"
	"github.com/guichet-api/guichet/internal/bench/process"
)

// crowd is one server with its clients.
type crowd struct {
	name  string
	url   string
	child *process.Child
	conns []*websocket.Conn
	empty int64 // bytes of the server before they came

	left   atomic.Int64  // messages still to come, of those that were asked for
	all    chan struct{} // gets one item when none is left
	broken chan error    // gets the first failure
}

// contestant is a server program.
type contestant struct {
	name string
	args func(addr string) []string
}

// contestants are the peer and ours.
func contestants() ([]contestant, error) {
	executable, err := os.Executable()
	return []contestant{
		{nameNode, func(string) []string { return []string{"node", "--expose-gc", "socketio/server.js"} }},
		{nameGuichet, func(addr string) []string { return []string{executable, Command, addr} }},
	}, err
}

// gather starts a server and connects clients to it. Whoever called it calls Close, also after an error.
func gather(ctx context.Context, c contestant, dir string, size int) (*crowd, error) {
	k := &crowd{name: c.name, all: make(chan struct{}, 1), broken: make(chan error, 1)}
	addr, err := guichet.FreeAddr()
	if err != nil {
		return k, err
	}
	k.url = "http://" + addr
	k.child, err = process.Start(process.Config{
		Name: "socketio", Logs: dir, Args: c.args(addr),
		Env: append(os.Environ(), "ADDR="+addr, "NODE_ENV=production", "GOGC=400"), // as rarely as the product collects garbage
	})
	if err != nil {
		return k, err
	}
	if err := k.child.WaitReady(ctx, func(ctx context.Context) error { return k.connected(ctx, 0) }); err != nil {
		return k, err
	}
	if k.empty, err = k.memory(); err != nil {
		return k, err
	}
	if err := k.connect(ctx, size); err != nil {
		return k, fmt.Errorf("%s: %w", k.name, err)
	}
	return k, k.connected(ctx, size)
}

// dialers is how many clients connect at once.
const dialers = 8

// connect opens connections and joins the main namespace with each.
func (k *crowd) connect(ctx context.Context, size int) error {
	k.conns = make([]*websocket.Conn, size)
	var group sync.WaitGroup
	failures := make([]error, dialers)
	for d := range dialers {
		group.Go(func() {
			for i := d; i < size && failures[d] == nil; i += dialers {
				k.conns[i], failures[d] = k.join(ctx)
			}
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	for _, conn := range k.conns {
		go k.listen(ctx, conn)
	}
	return nil
}

// join opens one connection.
func (k *crowd) join(ctx context.Context) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, k.url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		return nil, err
	}
	if _, err := next(ctx, conn, "0{"); err != nil {
		return conn, err
	}
	if err := conn.Write(ctx, websocket.MessageText, []byte("40")); err != nil {
		return conn, err
	}
	_, err = next(ctx, conn, "40{")
	return conn, err
}

// next reads a packet, answers pings, and compares how it begins.
func next(ctx context.Context, conn *websocket.Conn, prefix string) ([]byte, error) {
	for {
		_, text, err := conn.Read(ctx)
		switch {
		case err != nil:
			return nil, err
		case string(text) == "2":
			if err := conn.Write(ctx, websocket.MessageText, []byte("3")); err != nil {
				return nil, err
			}
		case !bytes.HasPrefix(text, []byte(prefix)):
			return nil, fmt.Errorf("%.100q is not %s", text, prefix)
		default:
			return text, nil
		}
	}
}

// listen checks what one client gets.
func (k *crowd) listen(ctx context.Context, conn *websocket.Conn) {
	tail := `,"text":"` + string(bytes.Repeat([]byte{'x'}, textSize)) + `"}]`
	for n := 1; ; n++ {
		want := `42["news",{"number":` + strconv.Itoa(n) + tail
		text, err := next(ctx, conn, want)
		if err == nil && len(text) != len(want) {
			err = fmt.Errorf("message %d reads %s", n, text)
		}
		if err != nil {
			select {
			case k.broken <- fmt.Errorf("%s: %w", k.name, err):
			default:
			}
			return
		}
		if k.left.Add(-1) == 0 {
			k.all <- struct{}{}
		}
	}
}

// Close ends the server, and with it the connections.
func (k *crowd) Close() error {
	var failed error
	if k.child != nil {
		failed = k.child.Stop()
	}
	for _, conn := range k.conns {
		if conn != nil {
			_ = conn.CloseNow() // the server has
		}
	}
	return failed
}

// turn sends broadcasts, so many at once, and waits each time until all have them. It answers with the server's CPU time
// for one message to one client.
func (k *crowd) turn(ctx context.Context, broadcasts, atOnce int) (time.Duration, error) {
	before, err := process.CPU(k.child.PID)
	if err != nil {
		return 0, err
	}
	for range broadcasts / atOnce {
		k.left.Store(int64(atOnce * len(k.conns)))
		if _, err := k.ask(ctx, http.MethodPost, fmt.Sprintf("/broadcast/%d", atOnce)); err != nil {
			return 0, err
		}
		select {
		case <-k.all:
		case err := <-k.broken:
			return 0, err
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	after, err := process.CPU(k.child.PID)
	return (after - before) / time.Duration(broadcasts*len(k.conns)), err
}

// memory is what the server holds.
func (k *crowd) memory() (int64, error) {
	use, err := process.Use(k.child.PID)
	return use.RSS, err
}

// connected lets the server collect its garbage and checks how many clients it has.
func (k *crowd) connected(ctx context.Context, want int) error {
	text, err := k.ask(ctx, http.MethodGet, "/connections")
	if err != nil {
		return err
	}
	if string(text) != strconv.Itoa(want) {
		return fmt.Errorf("%s: %s connections, not %d", k.name, text, want)
	}
	return nil
}

func (k *crowd) ask(ctx context.Context, method, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, k.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err == nil && w.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, w.Status, body)
	}
	return body, err
}

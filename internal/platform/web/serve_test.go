package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/web"
)

// serving is a Server that serves until stop or the test's end.
type serving struct {
	*web.Server
	log  *logged
	stop context.CancelFunc
	done chan error
}

// serve serves handlers by name, each at a free port of 127.0.0.1.
func serve(t *testing.T, handlers map[string]http.Handler, change func(*web.ServerConfig)) *serving {
	t.Helper()
	s := &serving{log: &logged{}, done: make(chan error, 1)}
	cfg := web.ServerConfig{Logger: slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for name := range handlers {
		cfg.Listeners = append(cfg.Listeners, web.Listener{Name: name, Addr: "127.0.0.1:0", Variable: "GUICHET_ADDR"})
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if s.Server, err = web.Listen(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	s.stop = stop
	go func() { s.done <- s.Serve(ctx, handlers) }()
	t.Cleanup(stop)
	return s
}

// end stops the server and waits until all is down.
func (s *serving) end(t *testing.T) {
	t.Helper()
	s.stop()
	if err := receive(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func receive[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(time.Minute):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func get(ctx context.Context, client *http.Client, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.Handler{"tiptop": says("prizes"), "portal": says("docs")}, nil)
	for name, want := range map[string]string{"tiptop": "prizes", "portal": "docs"} {
		url := s.URL(name)
		if !strings.HasPrefix(url, "http://127.0.0.1:") || strings.HasSuffix(url, ":0") || s.Addr(name) == nil {
			t.Errorf("%s is at %s", name, url)
		}
		if got, err := get(t.Context(), http.DefaultClient, url); got != want || err != nil {
			t.Errorf("%s says %q, %v", name, got, err)
		}
	}
	if s.Addr("nobody") != nil || s.URL("nobody") != "" {
		t.Error("an unknown listener has an address")
	}
	s.end(t)
	if _, err := get(t.Context(), http.DefaultClient, s.URL("tiptop")); err == nil {
		t.Error("still served after the end")
	}
}

// The end has come: requests under way finish, new connections are refused, and Serve returns when all are down.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}), make(chan struct{})
	s := serve(t, map[string]http.Handler{"tiptop": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-goOn
		fmt.Fprintf(w, "finished, context %v", r.Context().Err())
	})}, nil)
	answer := make(chan string, 1)
	go func() {
		text, err := get(t.Context(), &http.Client{}, s.URL("tiptop"))
		answer <- fmt.Sprint(text, err)
	}()
	receive(t, "the request", entered)
	s.stop()
	waitRefused(t, s.Addr("tiptop").String())
	select {
	case err := <-s.done:
		t.Fatalf("Serve returned %v before the request was answered", err)
	default:
	}
	close(goOn)
	if text := receive(t, "the answer", answer); text != "finished, context <nil><nil>" {
		t.Errorf("answer %q", text)
	}
	if err := receive(t, "the end", s.done); err != nil {
		t.Error(err)
	}
}

func waitRefused(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("new connections are still taken")
}

// A request that never ends is cut off after the limit, its context told so.
func TestServeCutsOff(t *testing.T) {
	t.Parallel()
	entered, told := make(chan struct{}), make(chan error, 1)
	s := serve(t, map[string]http.Handler{"tiptop": http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		told <- r.Context().Err()
	})}, func(cfg *web.ServerConfig) { cfg.Drain = 50 * time.Millisecond })
	failed := make(chan error, 1)
	go func() { _, err := get(t.Context(), &http.Client{}, s.URL("tiptop")); failed <- err }()
	receive(t, "the request", entered)
	s.end(t)
	if err := receive(t, "the client's error", failed); err == nil {
		t.Error("the request that never ends was answered")
	}
	if err := receive(t, "the handler's end", told); !errors.Is(err, context.Canceled) {
		t.Errorf("the handler was told %v", err)
	}
	if !strings.Contains(s.log.buf.String(), "cut off") {
		t.Errorf("log: %s", s.log.buf.String())
	}
}

// A socket that was taken over from net/http is not waited for; its context ends with the server.
func TestServeEndsSockets(t *testing.T) {
	t.Parallel()
	taken, told := make(chan struct{}), make(chan struct{})
	s := serve(t, map[string]http.Handler{"tiptop": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		close(taken)
		<-r.Context().Done()
		close(told)
	})}, nil)
	go func() { _, _ = get(t.Context(), &http.Client{}, s.URL("tiptop")) }()
	receive(t, "the socket", taken)
	s.end(t)
	receive(t, "the socket's end", told)
}

func TestListenTellsEveryTakenPort(t *testing.T) {
	t.Parallel()
	var cfg web.ServerConfig
	for _, name := range []string{"tiptop", "portal"} {
		taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		variable := "GUICHET_" + strings.ToUpper(name) + "_ADDR"
		cfg.Listeners = append(cfg.Listeners, web.Listener{Name: name, Addr: taken.Addr().String(), Variable: variable})
	}
	free := freeAddr(t)
	cfg.Listeners = append(cfg.Listeners,
		web.Listener{Name: "free", Addr: free, Variable: "GUICHET_FREE_ADDR"},
		web.Listener{Name: "far", Addr: "192.0.2.1:4000", Variable: "GUICHET_FAR_ADDR"})
	_, err := web.Listen(t.Context(), cfg)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"tiptop cannot listen on " + cfg.Listeners[0].Addr, "another program has it", "set GUICHET_TIPTOP_ADDR to another address",
		"portal cannot listen on " + cfg.Listeners[1].Addr, "set GUICHET_PORTAL_ADDR",
		"far cannot listen on 192.0.2.1:4000", "no interface of this machine has that address", "set GUICHET_FAR_ADDR",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	again, err := new(net.ListenConfig).Listen(t.Context(), "tcp", free)
	if err != nil {
		t.Errorf("the address that was free is still held: %v", err)
	} else {
		again.Close()
	}
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestServeNeedsAHandlerForEach(t *testing.T) {
	t.Parallel()
	server, err := web.Listen(t.Context(), web.ServerConfig{
		Listeners: []web.Listener{{Name: "tiptop", Addr: "127.0.0.1:0"}}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "tiptop") {
		t.Errorf("Serve: %v", err)
	}
	if conn, err := net.Dial("tcp", server.Addr("tiptop").String()); err == nil {
		conn.Close()
		t.Error("the listener is still open")
	}
}

func TestServeEndsWithAListener(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.Handler{"tiptop": says(""), "portal": says("")}, nil)
	if _, err := get(t.Context(), http.DefaultClient, s.URL("portal")); err != nil {
		t.Fatal(err)
	}
	s.Close() // the sockets are gone, as when a network interface fails
	if err := receive(t, "the end", s.done); err == nil {
		t.Error("no error though the listeners are gone")
	}
}

func TestHeadersHaveALimit(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.Handler{"tiptop": says("")}, nil)
	conn, err := net.Dial("tcp", s.Addr("tiptop").String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 100<<10)) }()
	status, err := bufio.NewReader(conn).ReadString('\n')
	if !strings.Contains(status, "431") || err != nil {
		t.Errorf("answer %q, %v", status, err)
	}
}

// TestSplit: a port that speaks more than HTTP is served once somebody can tell its connections apart.
func TestSplit(t *testing.T) {
	t.Parallel()
	ready, aside := make(chan struct{}), make(chan net.Conn, 1)
	s := serve(t, map[string]http.Handler{"chat": says("web")}, func(cfg *web.ServerConfig) {
		cfg.Listeners[0].Split = func(ctx context.Context, inner net.Listener) net.Listener {
			select {
			case <-ready:
			case <-ctx.Done():
				return inner
			}
			first, err := inner.Accept()
			if err != nil {
				t.Error(err)
			}
			aside <- first
			return inner
		}
	})
	text, err := net.Dial("tcp", s.Addr("chat").String())
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	close(ready)
	if taken := receive(t, "the connection that is no HTTP", aside); taken.RemoteAddr().String() != text.LocalAddr().String() {
		t.Errorf("taken was %s", taken.RemoteAddr())
	}
	if body, err := get(t.Context(), http.DefaultClient, s.URL("chat")); body != "web" {
		t.Errorf("HTTP is answered %q, %v", body, err)
	}
	s.end(t)
}

// TestSplitThatNeverCame: the end does not wait for it.
func TestSplitThatNeverCame(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string]http.Handler{"chat": says("web")}, func(cfg *web.ServerConfig) {
		cfg.Listeners[0].Split = func(ctx context.Context, inner net.Listener) net.Listener {
			<-ctx.Done()
			return inner
		}
	})
	s.end(t)
	if conn, err := net.Dial("tcp", s.Addr("chat").String()); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

package tchatator_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/jobs"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// morning is when vectors begin.
var morning = time.Date(2025, 1, 10, 14, 30, 0, 0, time.UTC)

// chat is a running system with the demo data.
type chat struct {
	*tchatator.API
	t      *testing.T
	url    string // with the mount
	addr   string // of the text wire
	db     *testkit.TestDB
	clock  *clock.Fake
	outage *testkit.Outage
}

// demoDB is a database with the demo data.
var demoDB = testkit.DB{Schemas: []string{"platform", tchatator.Name}, SeedName: "demo", Seed: seedDemo}

func seedDemo(ctx context.Context, db *testkit.TestDB) error {
	if _, err := jobs.Migrate(ctx, db.URL, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	api, err := newAPI(tchatator.Config{}, clock.NewFake(morning), "demo", db.Pool)
	if err != nil {
		return err
	}
	return api.Operator().LoadDemo(ctx)
}

// newAPI makes the system as cmd/guichet does, but for clock and randomness. What the configuration leaves out is as in the
// document, but for the rate: there is none.
func newAPI(cfg tchatator.Config, c clock.Clock, seed string, pool *pgxpool.Pool) (*tchatator.API, error) {
	if cfg.BlockFor == 0 {
		cfg.BlockFor = 24 * time.Hour
	}
	if cfg.MaxLength == 0 {
		cfg.MaxLength = 1000
	}
	if cfg.PageSize == 0 {
		cfg.PageSize = 20
	}
	log := slog.New(slog.DiscardHandler)
	queue, err := jobs.Open(jobs.Config{Pool: pool, Logger: log})
	if err != nil {
		return nil, err
	}
	return tchatator.New(cfg, tchatator.Deps{
		Pool: pool, Clock: c, Rand: testkit.Random(seed), Jobs: queue, Metrics: web.NewRegistry("test").System(tchatator.Name),
		Web: web.Config{Logger: log}, Log: log,
	})
}

// start starts the system on a database and a clock of its own.
func start(t *testing.T, cfg tchatator.Config, mount string) *chat {
	t.Helper()
	return startOn(t, cfg, mount, testkit.Database(t, demoDB), clock.NewFake(morning), t.Name())
}

// startOn starts one more process of the system on a database.
func startOn(t *testing.T, cfg tchatator.Config, mount string, db *testkit.TestDB, now *clock.Fake, seed string) *chat {
	t.Helper()
	server := testkit.NewServer(t)
	c := &chat{t: t, url: server.URL + mount, addr: strings.TrimPrefix(server.URL, "http://"), db: db, clock: now}
	c.outage = testkit.NewOutage(t, db)
	pool, err := pg.Pool(t.Context(), pg.PoolConfig{URL: c.outage.URL, Schema: tchatator.Name, MaxConns: 8, AppName: tchatator.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if c.API, err = newAPI(cfg, now, seed, pool); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	t.Cleanup(func() {
		c.outage.Set(false)
		limit, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if err := c.Drain(limit); err != nil {
			t.Errorf("Drain: %v", err)
		}
		stop()
		if err := <-ran; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	server.Wrap(func(inner net.Listener) net.Listener {
		return tcp.Split(inner, tcp.SplitConfig{Text: func(socket net.Conn) { c.ServeText(ctx, socket) }})
	})
	server.Serve(c.mounted(mount))
	return c
}

// mounted is the system at its own address, or the portal that has it under its mount.
func (c *chat) mounted(mount string) http.Handler {
	if mount == "" {
		return c.Handler()
	}
	p, err := portal.New(portal.Config{
		Systems: []portal.System{{
			Name: tchatator.Name, Title: "Tchatator", URL: c.url, Spec: spec.Tchatator, Handler: c.Handler(), Ready: c.Ready,
		}},
		Metrics: http.NotFoundHandler(),
		Echo:    web.Config{System: "portal", Logger: slog.New(slog.DiscardHandler)},
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// tokenOf is the token of a demo user.
func tokenOf(user int64) string { return tchatator.DemoUsers()[user-1].Token }

// textClient is an old client: it writes a command and reads what comes.
type textClient struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

// text opens a text connection.
func (c *chat) text() *textClient {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return &textClient{c.t, conn, bufio.NewReader(conn)}
}

// textAs opens a text connection and logs in.
func (c *chat) textAs(user int64) *textClient {
	c.t.Helper()
	w := c.text()
	w.want("LOGIN\napi-token:"+tokenOf(user)+"\n", "200/OK\nmessage:Accès autorisé\n")
	return w
}

// ask sends a command and reads an answer of so many lines.
func (w *textClient) ask(command string, lines int) string {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, command); err != nil {
		w.t.Fatalf("%.60q: %v", command, err)
	}
	return w.read(lines)
}

func (w *textClient) read(lines int) string {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	var answer strings.Builder
	for range lines {
		line, err := w.in.ReadString('\n')
		answer.WriteString(line)
		if err != nil {
			w.t.Fatalf("after %q: %v", answer.String(), err)
		}
	}
	return answer.String()
}

// want sends a command and expects an answer.
func (w *textClient) want(command, answer string) {
	w.t.Helper()
	if got := w.ask(command, strings.Count(answer, "\n")); got != answer {
		w.t.Fatalf("%.80q was answered %q, want %q", command, got, answer)
	}
}

// ended waits until the server has ended the connection.
func (w *textClient) ended() {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(15 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	left, err := io.ReadAll(w.in)
	if timeout := (net.Error)(nil); errors.As(err, &timeout) && timeout.Timeout() {
		w.t.Fatal("the connection goes on")
	}
	if len(left) > 0 {
		w.t.Fatalf("before the end came %q", left)
	}
}

// send is SEND_MSG as real clients write it.
func send(token string, receiver int64, content string) string {
	return fmt.Sprintf("SEND_MSG\ntoken:%s\nmessage-length:%d\nreceiver-id:%d\ncontent:%s\n", token, len(content), receiver, content)
}

// poll is NEW_CHG_AVAILABLE.
func poll(token string) string { return "NEW_CHG_AVAILABLE\ntoken:" + token + "\n" }

// pageClient is a page of the site: JSON over WebSocket.
type pageClient struct {
	t    *testing.T
	conn *websocket.Conn
}

func (c *chat) page() *pageClient {
	c.t.Helper()
	conn, _, err := websocket.Dial(c.t.Context(), "ws"+strings.TrimPrefix(c.url, "http")+"/", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(16 << 20)
	return &pageClient{c.t, conn}
}

// pageAs opens a WebSocket and logs in.
func (c *chat) pageAs(user int64) *pageClient {
	c.t.Helper()
	p := c.page()
	if got := p.ask(map[string]any{"command": "LOGIN", "token": tokenOf(user)}); got["status"] != "200/OK" {
		c.t.Fatalf("LOGIN was answered %v", got)
	}
	return p
}

// ask sends a command and reads the answer.
func (p *pageClient) ask(command map[string]any) map[string]any {
	p.t.Helper()
	text, err := json.Marshal(command)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), 15*time.Second)
	defer cancel()
	if err := p.conn.Write(ctx, websocket.MessageText, text); err != nil {
		p.t.Fatal(err)
	}
	_, answer, err := p.conn.Read(ctx)
	if err != nil {
		p.t.Fatalf("%s: %v", text, err)
	}
	var got map[string]any
	if err := json.Unmarshal(answer, &got); err != nil {
		p.t.Fatalf("%s: %v", answer, err)
	}
	return got
}

// ended waits until the server has ended the connection, and returns the close code.
func (p *pageClient) ended() websocket.StatusCode {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 15*time.Second)
	defer cancel()
	_, text, err := p.conn.Read(ctx)
	if err == nil || ctx.Err() != nil {
		p.t.Fatalf("the connection goes on: %s, %v", text, err)
	}
	return websocket.CloseStatus(err)
}

// get asks the history; a failure of the transport fails the test.
func (c *chat) get(path, token string, answer any) int {
	c.t.Helper()
	target, err := url.JoinPath(c.url, "/")
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, strings.TrimSuffix(target, "/")+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.UnmarshalRead(response.Body, answer); err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode
}

package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/outbox"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/migrations"
)

// noon is when all tests begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// system is the system of these tests, and its schema. It has one table.
const system = "desk"

// tables are the migrations of the two schemas.
func tables(t testing.TB) fs.FS {
	t.Helper()
	files := fstest.MapFS{system + "/0001_changes.sql": {Data: []byte("-- +goose Up\nCREATE TABLE changes (name text PRIMARY KEY);\n")}}
	entries, err := fs.ReadDir(migrations.FS(), "platform")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := fs.ReadFile(migrations.FS(), "platform/"+entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["platform/"+entry.Name()] = &fstest.MapFile{Data: data}
	}
	return files
}

func database(t testing.TB) *testkit.TestDB {
	t.Helper()
	return testkit.Database(t, testkit.DB{Schemas: []string{"platform", system}, Migrations: tables(t), MaxConns: 20})
}

// poolOf is another pool, as a system of another process has it.
func poolOf(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Pool(t.Context(), pg.PoolConfig{URL: url, Schema: system, MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func surface() *realtime.Surface {
	return &realtime.Surface{
		Events: map[string]*realtime.Event{
			"changed": {Event: "changed", Durable: true},
			"pair":    {Event: "pair", Durable: true, Spread: true, Queue: realtime.QueueDrop},
			"bare":    {Event: "bare", Durable: true},
			"typing":  {Event: "typing"},
			"resync":  {Event: "resync"},
		},
		Streams: []realtime.Stream{
			{Address: "desk", Retention: 24 * time.Hour, Resync: "resync"},
			{Address: "users/{id}", Retention: time.Hour, Resync: "resync"},
		},
	}
}

// node is a process of the system: a hub, an outbox, and the gateway that its wires serve.
type node struct {
	*outbox.Outbox
	pool    *pgxpool.Pool
	clock   *clock.Fake
	log     *logged
	gateway *realtime.Gateway
	turns   *outbox.Turns
}

func newNode(t testing.TB, pool *pgxpool.Pool) *node {
	t.Helper()
	n := &node{pool: pool, clock: clock.NewFake(noon), log: &logged{}}
	hub := realtime.NewHub(realtime.HubConfig{})
	box, err := outbox.New(outbox.Config{
		System: system, Pool: pool, Surface: surface(), Hub: hub, Clock: n.clock, Log: slog.New(slog.NewTextHandler(n.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Outbox, n.turns = box, outbox.NewTurns(box)
	n.gateway = &realtime.Gateway{Surface: surface(), Hub: hub, Lifecycle: everybody{hub}, History: box, Log: slog.New(slog.DiscardHandler)}
	return n
}

// run runs the node until the test or the returned function stops it. It returns when the node is ready.
func (n *node) run(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	for n.Ready(ctx) != nil {
		if err := n.pool.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return stop
}

// turn publishes all that is committed, in the test's own goroutine.
func (n *node) turn(t testing.TB) {
	t.Helper()
	if err := n.turns.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
}

var errRefused = errors.New("refused by the rules")

// change makes a change that the desk is told of. A name that ends in ! is refused in the end.
func (n *node) change(ctx context.Context, name string) error {
	return n.InTx(ctx, func(tx pgx.Tx, out realtime.Outbox) error {
		if err := out.Append(ctx, realtime.Entry{Room: "desk", Event: "changed", Payload: []byte(strconv.Quote(name))}); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO changes (name) VALUES ($1)", name); err != nil {
			return err
		}
		if strings.HasSuffix(name, "!") {
			return errRefused
		}
		return nil
	})
}

func (n *node) mustChange(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := n.change(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// everybody is a Lifecycle that lets all peers into the desk and their own room.
type everybody struct{ hub *realtime.Hub }

func (everybody) Authenticate(context.Context, string) (string, any, error) { return "", nil, nil }

func (e everybody) Connected(_ context.Context, p *realtime.Peer) error {
	e.hub.Join(p, "desk")
	e.hub.Join(p, "users/"+p.Address())
	return nil
}

func (everybody) Disconnected(context.Context, *realtime.Peer) {}

var peers atomic.Int64

// connection is a peer and what it was sent.
type connection struct {
	node *node
	peer *realtime.Peer

	mu   sync.Mutex
	got  []*realtime.Message
	news chan struct{}
}

// connect opens a connection of user to the node. The error is that of a replay.
func (n *node) connect(ctx context.Context, user, since string) (*connection, error) {
	c := &connection{node: n, news: make(chan struct{}, 1)}
	c.peer = realtime.NewPeer(strconv.FormatInt(peers.Add(1), 10), realtime.WireEnvelope, user)
	return c, n.gateway.Open(ctx, c.peer, c, since)
}

func (n *node) mustConnect(t testing.TB, user, since string) *connection {
	t.Helper()
	c, err := n.connect(t.Context(), user, since)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *connection) Deliver(m *realtime.Message, _ string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, m)
	select {
	case c.news <- struct{}{}:
	default:
	}
	return true
}

func (c *connection) Wait(ctx context.Context) error { return ctx.Err() }

func (c *connection) Close(realtime.Reason) {}

// messages are what arrived until now.
func (c *connection) messages() []*realtime.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[:len(c.got):len(c.got)]
}

// await waits until what arrived is enough.
func (c *connection) await(ctx context.Context, enough func([]*realtime.Message) bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !enough(c.messages()) {
		select {
		case <-c.news:
		case <-ctx.Done():
			return fmt.Errorf("%d messages came, and then nothing: %w", len(c.messages()), ctx.Err())
		}
	}
	return nil
}

// texts are what messages say: "n event payload", or the event alone for one that is not durable.
func texts(messages []*realtime.Message) []string {
	list := []string{}
	for _, m := range messages {
		if m.Seq == 0 {
			list = append(list, m.Event)
			continue
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s %s", m.Seq, m.Event, m.Payload)))
	}
	return list
}

// logged is a log that tests read.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

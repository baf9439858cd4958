package outbox_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/clock"
	"github.com/guichet-api/guichet/internal/platform/outbox"
	"github.com/guichet-api/guichet/internal/realtime"
)

func TestNew(t *testing.T) {
	t.Parallel()
	good := outbox.Config{
		System: system, Pool: new(pgxpool.Pool), Surface: surface(), Hub: realtime.NewHub(realtime.HubConfig{}),
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
	if _, err := outbox.New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*outbox.Config){
		"no system":    func(c *outbox.Config) { c.System = "" },
		"no pool":      func(c *outbox.Config) { c.Pool = nil },
		"no surface":   func(c *outbox.Config) { c.Surface = nil },
		"no hub":       func(c *outbox.Config) { c.Hub = nil },
		"no clock":     func(c *outbox.Config) { c.Clock = nil },
		"no log":       func(c *outbox.Config) { c.Log = nil },
		"no retention": func(c *outbox.Config) { c.Surface = &realtime.Surface{Streams: []realtime.Stream{{Address: "desk"}}} },
	} {
		bad := good
		change(&bad)
		if _, err := outbox.New(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestInTx(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	ann, ben := n.mustConnect(t, "ann", ""), n.mustConnect(t, "ben", "")
	err := n.InTx(t.Context(), func(_ pgx.Tx, out realtime.Outbox) error {
		return errors.Join(
			out.Append(t.Context(), realtime.Entry{Room: "desk", Event: "changed", Payload: []byte(`{"b": 1,  "a": "é\u0000"}`)}),
			out.Append(t.Context(), realtime.Entry{Room: "users/ben", Event: "pair", Payload: []byte(`[1,2]`)}),
			out.Append(t.Context(), realtime.Entry{Room: "desk", Event: "bare"}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
	n.turn(t)
	// Byte by byte as it was appended, in the order of the appends.
	first, second, third := `1 changed {"b": 1,  "a": "é\u0000"}`, `2 pair [1,2]`, `3 bare`
	if got := texts(ann.messages()); !slices.Equal(got, []string{first, third}) {
		t.Errorf("ann got %q", got)
	}
	if got := texts(ben.messages()); !slices.Equal(got, []string{first, second, third}) {
		t.Errorf("ben got %q", got)
	}
	pair := ben.messages()[1]
	if !pair.Spread || pair.Queue != realtime.QueueDrop {
		t.Errorf("a pair is sent as %+v, not as the contract says", pair)
	}
	bare := ben.messages()[2]
	if bare.Payload != nil || bare.Spread || bare.Queue != realtime.QueueClose {
		t.Errorf("an event without payload is sent as %+v", bare)
	}
	epoch, number, _ := strings.Cut(bare.ID, ":")
	if len(epoch) != 12 || number != "3" {
		t.Errorf("its id is %q", bare.ID)
	}
	n.turn(t)
	if got := texts(ben.messages()); len(got) != 3 {
		t.Errorf("a turn without news sent %q", got[3:])
	}
}

func TestInTxRollback(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	c := n.mustConnect(t, "ann", "")
	if err := n.change(t.Context(), "refused!"); !errors.Is(err, errRefused) {
		t.Errorf("a change that is refused: %v", err)
	}
	err := n.InTx(t.Context(), func(_ pgx.Tx, out realtime.Outbox) error {
		return out.Append(t.Context(), realtime.Entry{Room: "desk", Event: "changed", Payload: []byte("{")})
	})
	if err == nil {
		t.Error("a payload that is no JSON was accepted")
	}
	for _, event := range []string{"typing", "unknown"} {
		err := n.InTx(t.Context(), func(tx pgx.Tx, out realtime.Outbox) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO changes (name) VALUES ($1)", event); err != nil {
				return err
			}
			return out.Append(t.Context(), realtime.Entry{Room: "desk", Event: event})
		})
		if err == nil {
			t.Errorf("%s, which is not durable, was appended", event)
		}
	}
	n.mustChange(t, "kept")
	n.turn(t)
	if got := texts(c.messages()); !slices.Equal(got, []string{`1 changed "kept"`}) {
		t.Errorf("the desk was told %q", got)
	}
	var changes int
	if err := n.pool.QueryRow(t.Context(), "SELECT count(*) FROM changes").Scan(&changes); err != nil || changes != 1 {
		t.Errorf("%d changes are stored, %v", changes, err)
	}
}

// A transaction that is still open holds nobody up, and its events come behind those that committed first.
func TestNumbersFollowCommits(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	c := n.mustConnect(t, "ann", "")
	started, commit, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- n.InTx(t.Context(), func(_ pgx.Tx, out realtime.Outbox) error {
			close(started)
			<-commit
			return out.Append(t.Context(), realtime.Entry{Room: "desk", Event: "changed", Payload: []byte(`"slow"`)})
		})
	}()
	<-started
	n.mustChange(t, "quick")
	n.turn(t)
	close(commit)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	n.turn(t)
	if got := texts(c.messages()); !slices.Equal(got, []string{`1 changed "quick"`, `2 changed "slow"`}) {
		t.Errorf("the desk was told %q", got)
	}
}

// Systems share the tables and nothing else.
func TestSystemsAreApart(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	other, err := outbox.New(outbox.Config{
		System: "shop", Pool: n.pool, Surface: surface(), Hub: realtime.NewHub(realtime.HubConfig{}), Clock: n.clock,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := n.mustConnect(t, "ann", "")
	err = other.InTx(t.Context(), func(_ pgx.Tx, out realtime.Outbox) error {
		return out.Append(t.Context(), realtime.Entry{Room: "desk", Event: "bare"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := outbox.NewTurns(other).Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.turn(t)
	n.mustChange(t, "own")
	n.turn(t)
	if got := texts(c.messages()); !slices.Equal(got, []string{`1 changed "own"`}) {
		t.Errorf("the desk was told %q", got)
	}
}

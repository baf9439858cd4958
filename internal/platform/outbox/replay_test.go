package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/internal/platform/outbox"
	"github.com/guichet-api/guichet/internal/realtime"
)

// replay is what a replay for the desk sends, and its outcome.
func (n *node) replay(t *testing.T, since string, rooms ...string) (got []string, last uint64, err error) {
	t.Helper()
	var messages []*realtime.Message
	last, err = n.Replay(t.Context(), since, rooms, func(m *realtime.Message) error {
		messages = append(messages, m)
		return nil
	})
	return texts(messages), last, err
}

// epoch is the epoch of the stream, which has events.
func (n *node) epoch(t *testing.T) string {
	t.Helper()
	var epoch string
	if err := n.pool.QueryRow(t.Context(), "SELECT epoch FROM platform.outbox_heads WHERE system = $1", system).Scan(&epoch); err != nil {
		t.Fatal(err)
	}
	return epoch
}

// TestReplayCrowd: however many want a replay, most of the pool is left to others.
func TestReplayCrowd(t *testing.T) {
	t.Parallel()
	base := database(t)
	n := newNode(t, poolOf(t, base.URL)) // of ten connections
	lock, err := base.Pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Exec(t.Context(), "LOCK TABLE platform.outbox_heads"); err != nil {
		t.Fatal(err)
	}
	var crowd sync.WaitGroup
	for range 50 {
		crowd.Go(func() {
			if _, _, err := n.replay(t, "e:1", "desk"); !errors.Is(err, realtime.ErrTooOld) {
				t.Error(err)
			}
		})
	}
	for waiting := 0; waiting < outbox.MaxReaders; {
		const query = "SELECT count(*) FROM pg_locks WHERE relation = 'platform.outbox_heads'::regclass AND NOT granted"
		if err := lock.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var held []*pgxpool.Conn
	for range 10 - outbox.MaxReaders {
		conn, err := n.pool.Acquire(ctx)
		if err != nil {
			t.Errorf("connection %d: %v", len(held), err)
			break
		}
		held = append(held, conn)
	}
	if err := lock.Rollback(t.Context()); err != nil {
		t.Error(err)
	}
	crowd.Wait()
	for _, conn := range held {
		conn.Release()
	}
}

func TestReplay(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	names := make([]string, 2*outbox.Page+7)
	for i := range names {
		names[i] = fmt.Sprint("change ", i)
	}
	err := n.InTx(t.Context(), func(_ pgx.Tx, out realtime.Outbox) error {
		var err error
		for i, name := range names {
			room := "desk"
			if i%3 == 0 {
				room = "users/ben"
			}
			err = errors.Join(err, out.Append(t.Context(), realtime.Entry{Room: room, Event: "changed", Payload: fmt.Appendf(nil, "%q", name)}))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	live := n.mustConnect(t, "ben", "")
	n.turn(t)
	all := live.messages()
	if len(all) != len(names) {
		t.Fatalf("%d of %d events came live", len(all), len(names))
	}
	for _, at := range []int{1, 2, outbox.Page, outbox.Page + 1, len(all) - 1, len(all)} {
		got, last, err := n.replay(t, all[at-1].ID, "desk", "users/ben")
		if err != nil || last != uint64(len(all)) || !slices.Equal(got, texts(all[at:])) {
			t.Errorf("since %d: %d events up to %d, %v", at, len(got), last, err)
		}
	}
	desk := slices.DeleteFunc(slices.Clone(all[1:]), func(m *realtime.Message) bool { return (m.Seq-1)%3 == 0 })
	if got, last, err := n.replay(t, all[0].ID, "desk"); err != nil || last != uint64(len(all)) || !slices.Equal(got, texts(desk)) {
		t.Errorf("the desk alone: %d of %d events up to %d, %v", len(got), len(desk), last, err)
	}
	if got, last, err := n.replay(t, all[0].ID); err != nil || last != uint64(len(all)) || len(got) != 0 {
		t.Errorf("no room: %d events up to %d, %v", len(got), last, err)
	}
	gone, sent := errors.New("the peer is gone"), 0
	last, err := n.Replay(t.Context(), all[0].ID, []string{"desk"}, func(*realtime.Message) error {
		if sent++; sent == 3 {
			return gone
		}
		return nil
	})
	if !errors.Is(err, gone) || sent != 3 || last != desk[2].Seq {
		t.Errorf("a peer that goes away: %d sent up to %d, %v", sent, last, err)
	}
}

func TestReplayTooOld(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	if _, _, err := n.replay(t, "0123456789ab:0", "desk"); !errors.Is(err, realtime.ErrTooOld) {
		t.Errorf("before the first event: %v", err)
	}
	n.mustChange(t, "one", "two", "three")
	n.turn(t)
	epoch := n.epoch(t)
	for _, since := range []string{
		"", ":", "2", ":2", epoch, epoch + ":", epoch + ":x", epoch + ":-1", epoch + ":+2", epoch + ":02", epoch + ": 2", epoch + ":2 ",
		epoch + ":2:2", epoch + ":4", epoch + ":9223372036854775807", epoch + ":99999999999999999999", "other:2",
		strings.ToUpper(epoch) + "A:2", epoch + "\x00:2", strings.Repeat("9", 100_000),
	} {
		if got, _, err := n.replay(t, since, "desk"); !errors.Is(err, realtime.ErrTooOld) || len(got) != 0 {
			t.Errorf("since %.40q: %q, %v", since, got, err)
		}
	}
	if got, last, err := n.replay(t, epoch+":0", "desk"); err != nil || last != 3 || len(got) != 3 {
		t.Errorf("from the beginning: %q up to %d, %v", got, last, err)
	}
	c := n.mustConnect(t, "ann", "other:2")
	n.mustChange(t, "four")
	n.turn(t)
	if got := texts(c.messages()); !slices.Equal(got, []string{"resync", `4 changed "four"`}) {
		t.Errorf("a peer that missed too much got %q", got)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	n.mustChange(t, "one", "two")
	n.turn(t)
	n.clock.Advance(23 * time.Hour)
	n.mustChange(t, "three")
	n.turn(t)
	epoch := n.epoch(t)
	if got, _, err := n.replay(t, epoch+":0", "desk"); err != nil || len(got) != 3 {
		t.Errorf("after 23 hours: %q, %v", got, err)
	}
	n.clock.Advance(time.Hour + time.Second)
	check := func(when string) {
		t.Helper()
		for since, want := range map[string]int{":0": -1, ":1": -1, ":2": 1, ":3": 0} {
			got, _, err := n.replay(t, epoch+since, "desk")
			if tooOld := errors.Is(err, realtime.ErrTooOld); tooOld != (want < 0) || want >= 0 && len(got) != want {
				t.Errorf("%s, since %s: %q, %v", when, since, got, err)
			}
		}
	}
	check("before the purge")
	n.turn(t)
	var left int
	if err := n.pool.QueryRow(t.Context(), "SELECT count(*) FROM platform.outbox_log").Scan(&left); err != nil || left != 1 {
		t.Errorf("%d events are left after the purge, %v", left, err)
	}
	check("after the purge")
	n.clock.Advance(48 * time.Hour)
	n.turn(t)
	n.mustChange(t, "four")
	n.turn(t)
	if got, last, err := n.replay(t, epoch+":3", "desk"); err != nil || last != 4 || !slices.Equal(got, []string{`4 changed "four"`}) {
		t.Errorf("numbers after a purge of everything: %q up to %d, %v", got, last, err)
	}
}

// A purge or a restore while a replay waits for its reader must not leave a gap.
func TestReplayOvertaken(t *testing.T) {
	t.Parallel()
	for name, overtake := range map[string]func(*testing.T, *node){
		"purge": func(t *testing.T, n *node) { n.clock.Advance(25 * time.Hour); n.turn(t) },
		"restore": func(t *testing.T, n *node) {
			n.exec(t, "UPDATE platform.outbox_heads SET fingerprint = 'other'")
			n.turn(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, database(t).Pool)
			n.exec(t, `INSERT INTO platform.outbox (system, room, event) SELECT 'desk', 'desk', 'bare' FROM generate_series(1, 700)`)
			n.turn(t)
			sent := 0
			_, err := n.Replay(t.Context(), n.epoch(t)+":0", []string{"desk"}, func(*realtime.Message) error {
				if sent++; sent == outbox.Page {
					overtake(t, n)
				}
				return nil
			})
			if !errors.Is(err, realtime.ErrTooOld) || sent != outbox.Page {
				t.Errorf("%d sent, %v", sent, err)
			}
		})
	}
}

func (n *node) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := n.pool.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

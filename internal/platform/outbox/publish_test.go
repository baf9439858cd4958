package outbox_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
)

// until waits for a message that says text.
func (c *connection) until(t *testing.T, text string) {
	t.Helper()
	err := c.await(t.Context(), func(got []*realtime.Message) bool { return slices.Contains(texts(got), text) })
	if err != nil {
		t.Fatalf("waiting for %q: %v", text, err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	if n.Ready(t.Context()) == nil {
		t.Error("ready before Run")
	}
	c := n.mustConnect(t, "ann", "")
	stop := n.run(t)
	n.mustChange(t, "one")
	c.until(t, `1 changed "one"`)
	if n.Run(t.Context()) == nil {
		t.Error("Run twice at once")
	}
	stop()
	if n.Ready(t.Context()) == nil {
		t.Error("ready after Run")
	}
	n.mustChange(t, "two")
	n.run(t) // again
	c.until(t, `2 changed "two"`)
}

// What a process committed before it was killed is published by the next one, and what it had numbered without
// broadcasting is replayed.
func TestCrash(t *testing.T) {
	t.Parallel()
	db := database(t)
	dead := newNode(t, db.Pool)
	dead.mustChange(t, "zero")
	dead.turn(t)
	dead.mustChange(t, "one")
	dead.exec(t, "SELECT platform.number_outbox($1, 1000, 0, now())", system)
	dead.mustChange(t, "two")

	next := newNode(t, db.Pool)
	back := next.mustConnect(t, "ann", dead.epoch(t)+":1")
	fresh := next.mustConnect(t, "ben", "")
	next.run(t)
	back.until(t, `3 changed "two"`)
	if got := texts(back.messages()); !slices.Equal(got, []string{`2 changed "one"`, `3 changed "two"`}) {
		t.Errorf("who returns gets %q", got)
	}
	fresh.until(t, `3 changed "two"`)
	if got := texts(fresh.messages()); len(got) != 1 {
		t.Errorf("who comes for the first time gets %q", got)
	}
}

// Every process sends everything to its own peers, whoever numbered it.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	db := database(t)
	here, there := newNode(t, db.Pool), newNode(t, poolOf(t, db.URL))
	a, b := here.mustConnect(t, "ann", ""), there.mustConnect(t, "ben", "")
	here.turn(t)
	there.turn(t)
	here.mustChange(t, "here")
	here.turn(t)
	there.mustChange(t, "there")
	there.turn(t)
	here.turn(t)
	want := []string{`1 changed "here"`, `2 changed "there"`}
	if got := texts(a.messages()); !slices.Equal(got, want) {
		t.Errorf("here: %q", got)
	}
	if got := texts(b.messages()); !slices.Equal(got, want) {
		t.Errorf("there: %q", got)
	}
}

// More than one batch and more than one page are published in one turn, in order.
func TestBacklog(t *testing.T) {
	t.Parallel()
	n := newNode(t, database(t).Pool)
	c := n.mustConnect(t, "ann", "")
	n.exec(t, "INSERT INTO platform.outbox (system, room, event) SELECT 'desk', 'desk', 'bare' FROM generate_series(1, 2345)")
	n.turn(t)
	got := c.messages()
	if len(got) != 2345 {
		t.Fatalf("%d messages came", len(got))
	}
	for i, m := range got {
		if m.Seq != uint64(i+1) {
			t.Fatalf("message %d has the number %d", i+1, m.Seq)
		}
	}
}

// A purge by another process, while this one could not reach the database: its peers have missed something.
func TestForgottenBeforeBroadcast(t *testing.T) {
	t.Parallel()
	db := database(t)
	n, other := newNode(t, db.Pool), newNode(t, db.Pool)
	c := n.mustConnect(t, "ann", "")
	n.mustChange(t, "one")
	n.turn(t)
	other.mustChange(t, "two")
	other.turn(t)
	other.clock.Advance(30 * 24 * time.Hour)
	other.turn(t)
	other.mustChange(t, "three")
	n.turn(t)
	if got := texts(c.messages()); !slices.Equal(got, []string{`1 changed "one"`, "resync", `3 changed "three"`}) {
		t.Errorf("the peer got %q", got)
	}
}

func TestEpoch(t *testing.T) {
	t.Parallel()
	for name, restore := range map[string]string{
		"another database": "UPDATE platform.outbox_heads SET fingerprint = 'other'",
		"an earlier state": "UPDATE platform.outbox_heads SET n = 1",
		"heads emptied":    "DELETE FROM platform.outbox_heads",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, database(t).Pool)
			n.mustChange(t, "one", "two")
			n.turn(t)
			before := n.epoch(t)
			c := n.mustConnect(t, "ann", "")
			if name == "an earlier state" {
				n.exec(t, "DELETE FROM platform.outbox_log WHERE n = 2")
			}
			n.exec(t, restore)
			if _, _, err := n.replay(t, before+":2", "desk"); !errors.Is(err, realtime.ErrTooOld) {
				t.Errorf("a replay before anybody has noticed: %v", err)
			}
			n.mustChange(t, "three")
			n.turn(t)
			if got := texts(c.messages()); !slices.Equal(got, []string{"resync", `3 changed "three"`}) {
				t.Errorf("the peer got %q", got)
			}
			after := n.epoch(t)
			if after == before {
				t.Error("the epoch has not changed")
			}
			if _, _, err := n.replay(t, before+":2", "desk"); !errors.Is(err, realtime.ErrTooOld) {
				t.Errorf("an id of the old epoch: %v", err)
			}
			if got, _, err := n.replay(t, after+":2", "desk"); err != nil || !slices.Equal(got, []string{`3 changed "three"`}) {
				t.Errorf("an id of the new epoch: %q, %v", got, err)
			}
			n.turn(t)
			if again := n.epoch(t); again != after {
				t.Error("the epoch changes once more")
			}
		})
	}
}

// The fingerprint needs no rights that an ordinary user lacks, and bears it when an administrator has taken some away.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	fingerprint := func(db *testkit.TestDB, revoke string) string {
		t.Helper()
		var text string
		err := pgx.BeginFunc(t.Context(), db.Pool, func(tx pgx.Tx) error {
			for _, sql := range []string{
				revoke,
				"CREATE ROLE outbox_visitor", // gone with the transaction
				"GRANT USAGE ON SCHEMA platform TO outbox_visitor",
				"SET LOCAL ROLE outbox_visitor",
			} {
				if _, err := tx.Exec(t.Context(), sql); err != nil {
					return err
				}
			}
			if err := tx.QueryRow(t.Context(), "SELECT platform.database_fingerprint()").Scan(&text); err != nil {
				return err
			}
			return errRefused
		})
		if !errors.Is(err, errRefused) {
			t.Fatal(err)
		}
		return text
	}
	db := database(t)
	whole := fingerprint(db, "SELECT 1")
	parts := strings.Split(whole, "/")
	if len(parts) != 4 || slices.Contains(parts, "-") || slices.Contains(parts, "") || len(parts[3]) != 8 {
		t.Errorf("to an ordinary user the fingerprint is %q", whole)
	}
	if again := fingerprint(db, "SELECT 1"); again != whole {
		t.Errorf("a second time it is %q, not %q", again, whole)
	}
	if other := fingerprint(database(t), "SELECT 1"); other == whole {
		t.Errorf("a copy of the database has the same fingerprint %q", other)
	}
	parts[2] = "-"
	if got, want := fingerprint(db, "REVOKE EXECUTE ON FUNCTION pg_control_system FROM PUBLIC"), strings.Join(parts, "/"); got != want {
		t.Errorf("without the right to ask for the cluster it is %q, not %q", got, want)
	}
}

// Run bears a database that goes away, says it once, and goes on.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	db := database(t)
	outage := testkit.NewOutage(t, db)
	n, other := newNode(t, poolOf(t, outage.URL)), newNode(t, db.Pool)
	c := n.mustConnect(t, "ann", "")
	n.run(t)
	n.mustChange(t, "before")
	c.until(t, `1 changed "before"`)
	outage.Set(true)
	other.mustChange(t, "meanwhile")
	for !strings.Contains(n.log.String(), "events wait") {
		if _, err := n.pool.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Fatal("the database is not away")
		}
	}
	if n.change(t.Context(), "never") == nil {
		t.Error("a change was accepted without database")
	}
	outage.Set(false)
	c.until(t, `2 changed "meanwhile"`)
	for i := 3; !strings.Contains(n.log.String(), "published again"); i++ { // which it says behind the first turn
		n.mustChange(t, strconv.Itoa(i))
		c.until(t, fmt.Sprintf(`%d changed "%d"`, i, i))
	}
	if log := n.log.String(); strings.Count(log, "\n") != 2 {
		t.Errorf("the log says\n%s", log)
	}
}

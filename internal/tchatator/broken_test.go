package tchatator_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/tchatator"
)

// TestChangesAcrossABrokenConnection: what was handed out on a connection that broke is handed out again.
func TestChangesAcrossABrokenConnection(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	sender := c.textAs(1)
	sender.ask(send(tokenOf(1), 2, "text"), 3)
	receiver := c.textAs(2)
	if _, err := io.WriteString(receiver.conn, poll(tokenOf(2))); err != nil {
		t.Fatal(err)
	}
	if _, err := receiver.in.Peek(1); err != nil { // it was answered
		t.Fatal(err)
	}
	if err := receiver.conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	_ = receiver.conn.Close()
	receiver = c.textAs(2)
	if answer := receiver.ask(poll(tokenOf(2)), 7); !strings.HasSuffix(answer, "content:text\n") {
		t.Errorf("over TCP came %q", answer)
	}
	receiver.want("DISCONNECTED\n", "")
	receiver.ended()

	sender.ask(send(tokenOf(1), 2, "page"), 3)
	page := c.pageAs(2)
	for range 2 {
		if got := page.news(2); len(got) != 1 || got[0] != "page" {
			t.Errorf("over WebSocket came %q", got)
		}
		_ = page.conn.CloseNow()
		page = c.pageAs(2)
	}
}

// TestUpdateWhileAsking: who changes messages and who confirms them do not wait for each other.
func TestUpdateWhileAsking(t *testing.T) {
	t.Parallel()
	const rounds, each = 30, 5
	c := start(t, tchatator.Config{}, "")
	sender, page := c.textAs(1), c.pageAs(2)
	id := 0
	for range rounds {
		for range each {
			sender.ask(send(tokenOf(1), 2, "x"), 3)
		}
		page.news(2)
		var group sync.WaitGroup
		group.Go(func() {
			for range each {
				id++
				command := fmt.Sprintf("UPDT_MSG\ntoken:%s\nmessage-id:%d\nmessage-length:1\ncontent:y\n", tokenOf(1), id)
				if answer := sender.ask(command, 2); !strings.HasPrefix(answer, "200/OK\n") {
					t.Errorf("UPDT_MSG was answered %q", answer)
				}
			}
		})
		group.Go(func() {
			answer := page.ask(map[string]any{"command": "NEW_CHG_AVAILABLE", "token": tokenOf(2)})
			if answer["error"] != nil {
				t.Errorf("NEW_CHG_AVAILABLE was answered %v", answer)
			}
		})
		group.Wait()
		if t.Failed() {
			return
		}
	}
	page.news(2)
	page.news(2)
	var unseen int
	if err := c.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM tchatator.message WHERE NOT seen").Scan(&unseen); err != nil || unseen > 0 {
		t.Errorf("%d messages are not seen, %v", unseen, err)
	}
}

// TestSeatThatWasNotCleared: when the database fails as a user leaves, the seat is free for other processes soon after.
func TestSeatThatWasNotCleared(t *testing.T) {
	t.Parallel()
	one := start(t, tchatator.Config{}, "")
	two := startOn(t, tchatator.Config{}, "", one.db, one.clock, "two")
	w := one.textAs(1)
	do := func(sql string) {
		if _, err := one.db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	do(`CREATE FUNCTION tchatator.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
		CREATE TRIGGER refuse BEFORE DELETE ON tchatator.seat FOR EACH ROW EXECUTE FUNCTION tchatator.refuse()`)
	w.want("DISCONNECTED\n", "")
	w.ended()
	denied := "403/DENIED\nmessage:Utilisateur déjà connecté\n"
	two.text().want("LOGIN\napi-token:"+tokenOf(1)+"\n", denied)
	do("DROP TRIGGER refuse ON tchatator.seat")
	do("SELECT pg_notify('tchatator_user', '0')") // the sweep need not wait for its time
	again := two.takeOver(1)
	again.want("DISCONNECTED\n", "")
	again.ended()
	one.textAs(1)
}

// TestSeatsOfTheDead: users of a process that died, who return together, do not get into each other's way.
func TestSeatsOfTheDead(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	const dead = 1 << 40
	other, err := c.db.Pool.Begin(t.Context()) // the statement of another user's LOGIN
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := c.db.Pool.Exec(t.Context(), "INSERT INTO tchatator.seat (user_id, process) VALUES (1, $1), (2, $1)", dead); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(t.Context(), "UPDATE tchatator.seat SET process = 1 WHERE user_id = 2 AND pg_try_advisory_xact_lock_shared($1)", dead); err != nil {
		t.Fatal(err)
	}
	c.text().want("LOGIN\napi-token:"+tokenOf(1)+"\n", "200/OK\nmessage:Accès autorisé\n")
}

// TestRateOfChanges: changing messages and trying in vain are limited as sending is.
func TestRateOfChanges(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{PerMinute: 3}, "")
	w := c.textAs(1)
	refused := "426/TOOMRQ\nmessage:Trop de messages envoyés\n"
	update := "UPDT_MSG\ntoken:" + tokenOf(1) + "\nmessage-id:1\nmessage-length:1\ncontent:y\n"
	w.ask(send(tokenOf(1), 2, "x"), 3)
	w.want(update, "200/OK\nmessage:Message mis à jour avec succès\n")
	w.want(send(tokenOf(1), 99, "x"), "403/DENIED\nmessage:Destinataire inconnu\n")
	w.want(update, refused)
	w.want(send(tokenOf(1), 2, "x"), refused)
}

// TestConfiguredToken: a new one ends the session of the one before, and nobody else's can be taken.
func TestConfiguredToken(t *testing.T) {
	t.Parallel()
	old, next := strings.Repeat("o", 64), strings.Repeat("n", 64)
	one := start(t, tchatator.Config{AdminToken: old}, "")
	apply := func(token string) error {
		return startOn(t, tchatator.Config{AdminToken: token}, "", one.db, one.clock, token).Operator().ApplySettings(t.Context())
	}
	if err := one.Operator().ApplySettings(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := one.text()
	w.want("LOGIN\napi-token:"+old+"\n", "200/OK\nmessage:Accès autorisé\n")
	if err := apply(next); err != nil {
		t.Fatal(err)
	}
	w.ended()
	if err := apply(tokenOf(1)); err == nil || !strings.Contains(err.Error(), "admin-api-token") {
		t.Errorf("another user's token: %v", err)
	}
	w = one.text()
	w.want("LOGIN\napi-token:"+next+"\n", "200/OK\nmessage:Accès autorisé\n")
	if err := apply(""); err != nil {
		t.Fatal(err)
	}
	w.ended()
}

package tchatator_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/tchatator"
)

// messages is how many each side sends in TestBothDirections.
const messages = 150

// TestBothDirections: what one wire sends arrives over the other, in order and once, while both send and ask at the same time.
func TestBothDirections(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	text, page := c.textAs(1), c.pageAs(2)
	late := time.Now().Add(30 * time.Second)
	var group sync.WaitGroup
	group.Go(func() {
		var got []string
		for i := 0; (i < messages || len(got) < messages) && time.Now().Before(late); i++ {
			if i < messages {
				text.ask(send(tokenOf(1), 2, fmt.Sprint("t", i)), 3)
			}
			if answer := text.ask(poll(tokenOf(1)), 2); strings.Contains(answer, "new_message") {
				rest := text.read(5)
				got = append(got, strings.TrimSpace(rest[strings.Index(rest, "content:")+len("content:"):]))
			}
		}
		inOrder(t, "over TCP", got, "p")
	})
	group.Go(func() {
		var got []string
		for i := 0; (i < messages || len(got) < messages) && time.Now().Before(late); i++ {
			if i < messages {
				answer := page.ask(map[string]any{"command": "SEND_MSG", "token": tokenOf(2), "receiver": 1, "content": fmt.Sprint("p", i)})
				if answer["message"] == nil || answer["error"] != nil {
					t.Errorf("SEND_MSG was answered %v", answer)
				}
			}
			got = append(got, page.news(2)...)
		}
		inOrder(t, "over WebSocket", got, "t")
	})
	group.Wait()
	text.want(poll(tokenOf(1)), "200/OK\nmessage:Aucun changement\n")
	if left := page.news(2); len(left) > 0 {
		t.Errorf("delivered again: %v", left)
	}
}

// news asks for changes and returns the contents of new messages.
func (p *pageClient) news(user int64) []string {
	p.t.Helper()
	answer := p.ask(map[string]any{"command": "NEW_CHG_AVAILABLE", "token": tokenOf(user)})
	list, ok := answer["changes"].([]any)
	if !ok {
		p.t.Fatalf("NEW_CHG_AVAILABLE was answered %v", answer)
	}
	var contents []string
	for _, change := range list {
		contents = append(contents, change.(map[string]any)["message"].(map[string]any)["content"].(string))
	}
	return contents
}

func inOrder(t *testing.T, where string, got []string, prefix string) {
	t.Helper()
	if len(got) != messages {
		t.Errorf("%s: %d messages have come, want %d", where, len(got), messages)
	}
	for i, content := range got {
		if content != fmt.Sprint(prefix, i) {
			t.Errorf("%s: message %d is %q", where, i, content)
			return
		}
	}
}

// TestSeatIsFreed: whoever goes, however it goes, can come back.
func TestSeatIsFreed(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{Wire: tcp.Config{Idle: 200 * time.Millisecond}}, "")
	for name, leave := range map[string]func(w *textClient){
		"DISCONNECTED":        func(w *textClient) { w.ask("DISCONNECTED\n", 0) },
		"closed":              func(w *textClient) { _ = w.conn.Close() },
		"closed half-way":     func(w *textClient) { _ = w.conn.(*net.TCPConn).CloseWrite() },
		"reset":               func(w *textClient) { _ = w.conn.(*net.TCPConn).SetLinger(0); _ = w.conn.Close() },
		"dead without a word": func(w *textClient) { w.ended() },
	} {
		w := c.textAs(1)
		leave(w)
		again := c.textAs(1)
		again.want("DISCONNECTED\n", "")
		again.ended()
		t.Log(name, "can come back")
	}
	page := c.pageAs(1)
	_ = page.conn.CloseNow()
	c.textAs(1)
}

// TestBanEndsSessions: at once, on both wires, in every process, and nobody comes back.
func TestBanEndsSessions(t *testing.T) {
	t.Parallel()
	one := start(t, tchatator.Config{}, "")
	two := startOn(t, tchatator.Config{}, "", one.db, one.clock, "two")
	here, there, page := one.textAs(1), two.textAs(2), two.pageAs(4)
	admin := one.textAs(3)
	for user := range map[int64]bool{1: true, 2: true, 4: true} {
		admin.want(fmt.Sprintf("BAN_USER\ntoken:%s\nuser-id:%d\n", tokenOf(3), user), "200/OK\nmessage:Utilisateur banni avec succès\n")
	}
	here.ended()
	there.ended()
	if code := page.ended(); code != websocket.StatusPolicyViolation {
		t.Errorf("the page was closed with %d", code)
	}
	for _, c := range []*chat{one, two} {
		c.text().want("LOGIN\napi-token:"+tokenOf(1)+"\n", "403/DENIED\nmessage:Utilisateur banni\n")
	}
	if err := two.Operator().LiftBan(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	one.textAs(1)
}

// TestBanWhileDeaf: a process that could not hear of a ban ends the session when it hears again.
func TestBanWhileDeaf(t *testing.T) {
	t.Parallel()
	one := start(t, tchatator.Config{}, "")
	two := startOn(t, tchatator.Config{}, "", one.db, one.clock, "two")
	page := two.pageAs(2)
	two.outage.Set(true)
	if err := one.Operator().Ban(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	two.outage.Set(false)
	if code := page.ended(); code != websocket.StatusPolicyViolation {
		t.Errorf("the page was closed with %d", code)
	}
}

// TestNewTokenEndsSession: the one before is void.
func TestNewTokenEndsSession(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	w := c.textAs(1)
	token, err := c.Operator().IssueToken(t.Context(), 1)
	if err != nil || len(token) != 64 {
		t.Fatalf("%q, %v", token, err)
	}
	w.ended()
	c.text().want("LOGIN\napi-token:"+tokenOf(1)+"\n", "403/DENIED\nmessage:Accès refusé\n")
	c.text().want("LOGIN\napi-token:"+token+"\n", "200/OK\nmessage:Accès autorisé\n")
}

// TestSeatsOfProcesses: a user has one seat among all processes; those of a process that died are free.
func TestSeatsOfProcesses(t *testing.T) {
	t.Parallel()
	one := start(t, tchatator.Config{}, "")
	two := startOn(t, tchatator.Config{}, "", one.db, one.clock, "two")
	overtaken := one.textAs(1)
	denied := "403/DENIED\nmessage:Utilisateur déjà connecté\n"
	two.text().want("LOGIN\napi-token:"+tokenOf(1)+"\n", denied)
	var user struct {
		Connected bool `json:"connected"`
	}
	if two.get("/api/users/1", tokenOf(2), &user); !user.Connected {
		t.Error("who is connected to another process counts as away")
	}
	one.die()
	two.takeOver(1)
	one.outage.Set(false)
	overtaken.ended() // it was not dead after all: the user has one seat
}

// takeOver logs in as soon as PostgreSQL has seen that the process which had the seat is gone.
func (c *chat) takeOver(user int64) *textClient {
	c.t.Helper()
	for w := c.text(); ; {
		if answer := w.ask("LOGIN\napi-token:"+tokenOf(user)+"\n", 2); strings.HasPrefix(answer, "200/OK\n") {
			return w
		}
	}
}

// die ends what shows the database that the process lives, and lets it say nothing more: as if it had been killed.
func (c *chat) die() {
	c.outage.Set(true)
}

// TestChangesAcrossACrash: what was handed out is repeated if the process died before it knew that it arrived, and never lost.
func TestChangesAcrossACrash(t *testing.T) {
	t.Parallel()
	one := start(t, tchatator.Config{}, "")
	two := startOn(t, tchatator.Config{}, "", one.db, one.clock, "two")
	sender, receiver := two.textAs(1), one.textAs(2)
	for i := range 3 {
		sender.ask(send(tokenOf(1), 2, fmt.Sprint("m", i)), 3)
	}
	for i := range 2 { // asking for the second confirms the first
		if answer := receiver.ask(poll(tokenOf(2)), 7); !strings.HasSuffix(answer, fmt.Sprintf("content:m%d\n", i)) {
			t.Fatalf("got %q", answer)
		}
	}
	one.die()
	again := two.takeOver(2)
	for i := 1; i < 3; i++ {
		if answer := again.ask(poll(tokenOf(2)), 7); !strings.HasSuffix(answer, fmt.Sprintf("content:m%d\n", i)) {
			t.Fatalf("after the crash came %q, want m%d", answer, i)
		}
	}
	again.want(poll(tokenOf(2)), "200/OK\nmessage:Aucun changement\n")
}

// TestChangesAcrossAnOutage: while the server lives a change is handed out once, also when the database was away as its user left.
func TestChangesAcrossAnOutage(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	c.textAs(1).ask(send(tokenOf(1), 2, "once"), 3)
	receiver := c.textAs(2)
	if answer := receiver.ask(poll(tokenOf(2)), 7); !strings.HasSuffix(answer, "content:once\n") {
		t.Fatalf("got %q", answer)
	}
	c.outage.Set(true)
	receiver.want("DISCONNECTED\n", "")
	receiver.ended()
	c.outage.Set(false)
	c.textAs(2).want(poll(tokenOf(2)), "200/OK\nmessage:Aucun changement\n")
}

// TestRateAcrossProcesses: a restart, or another process, does not reset the rate.
func TestRateAcrossProcesses(t *testing.T) {
	t.Parallel()
	cfg := tchatator.Config{PerMinute: 3, PerHour: 4}
	one := start(t, cfg, "")
	two := startOn(t, cfg, "", one.db, one.clock, "two")
	w := one.textAs(1)
	for range 3 {
		w.ask(send(tokenOf(1), 2, "x"), 3)
	}
	w.want("DISCONNECTED\n", "")
	w.ended()
	w = two.textAs(1)
	refused := "426/TOOMRQ\nmessage:Trop de messages envoyés\n"
	w.want(send(tokenOf(1), 2, "x"), refused)
	one.clock.Advance(time.Minute)
	w.ask(send(tokenOf(1), 2, "x"), 3)
	w.want(send(tokenOf(1), 2, "x"), refused) // the hour
	one.clock.Advance(time.Hour - time.Minute)
	w.ask(send(tokenOf(1), 2, "x"), 3)
}

// TestGroupCommit: many senders at the same moment, each acknowledged, all stored, in each sender's order.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	const senders, each = 40, 25
	c := start(t, tchatator.Config{}, "")
	var group sync.WaitGroup
	for range senders {
		user, token, err := c.Operator().AddUser(t.Context(), "member", "Sender")
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() {
			w := c.text()
			w.ask("LOGIN\napi-token:"+token+"\n", 2)
			for i := range each {
				if answer := w.ask(send(token, 2, fmt.Sprint(user.ID, " ", i)), 3); !strings.HasPrefix(answer, "200/OK\n") {
					t.Errorf("answered %q", answer)
				}
			}
		})
	}
	group.Wait()
	rows, err := c.db.Pool.Query(t.Context(), `SELECT string_agg(content, ',' ORDER BY id) = (SELECT string_agg(m.sender_id || ' ' || i, ',' ORDER BY i)
		FROM generate_series(0, $1::int - 1) i) FROM tchatator.message m GROUP BY sender_id`, each)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	count := 0
	for rows.Next() {
		var right bool
		if err := rows.Scan(&right); err != nil || !right {
			t.Errorf("a sender's messages are not what it sent: %v", err)
		}
		count++
	}
	if count != senders || rows.Err() != nil {
		t.Errorf("%d senders have messages, %v", count, rows.Err())
	}
}

// TestDrain: when the server stops everybody is told by the end of the connection, after the answer under way.
func TestDrain(t *testing.T) {
	t.Parallel()
	c := start(t, tchatator.Config{}, "")
	text, page := c.textAs(1), c.pageAs(2)
	if err := c.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	text.ended()
	if code := page.ended(); code != websocket.StatusGoingAway {
		t.Errorf("the page was closed with %d", code)
	}
	var seats int
	if err := c.db.Pool.QueryRow(t.Context(), "SELECT count(*) FROM tchatator.seat").Scan(&seats); err != nil || seats != 0 {
		t.Errorf("%d seats are left, %v", seats, err)
	}
}

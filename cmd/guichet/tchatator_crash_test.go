//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/tchatator"
)

// chatLoad is how many answers clients get before everything is killed, twice, and then in the end.
const chatLoad = 500

// TestChatCrash kills program and PostgreSQL while users write, change, delete and ask: no acknowledged message is lost or there
// twice, and every change reaches its user, at most one of them again for each crash.
func TestChatCrash(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	env := []string{"GUICHET_LOG_LEVEL=info", "GUICHET_TCHATATOR_MAX_PER_MINUTE=0", "GUICHET_TCHATATOR_MAX_PER_HOUR=0"}
	users := newChatters()
	var acknowledged atomic.Int64
	const crashes = 2
	for round := range crashes {
		s := serve(t, stateDir, env, "--only", tchatator.Name)
		before := acknowledged.Load()
		var group sync.WaitGroup
		for _, u := range users {
			group.Go(func() { u.work(t, s, &acknowledged) })
		}
		eventually(t, "answers", func() bool { return acknowledged.Load() >= before+chatLoad })
		kill(t, s, "both")
		group.Wait()
		s.wait()
		t.Logf("round %d: killed after %d answers", round+1, acknowledged.Load())
	}
	s := serve(t, stateDir, env, "--only", tchatator.Name)
	for _, u := range users {
		u.catchUp(t, s)
	}
	verifyChat(t, s, users, crashes)
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d in the end", code)
	}
}

// chatter is a user and what it knows.
type chatter struct {
	tchatator.DemoUser
	to        int64
	count     int
	contents  map[int64]string // of its acknowledged messages, as they are now
	uncertain map[int64]bool   // whose last change was not answered
	owed      []string         // changes that its receiver must get: kind and message
	got       map[string]int   // changes that it got itself
}

// newChatters are the demo users, each writing to the next.
func newChatters() []*chatter {
	var list []*chatter
	for _, u := range tchatator.DemoUsers() {
		list = append(list, &chatter{
			DemoUser: u, to: u.ID%int64(len(tchatator.DemoUsers())) + 1,
			contents: map[int64]string{}, uncertain: map[int64]bool{}, got: map[string]int{},
		})
	}
	return list
}

// chatConn is a text connection. Every error is the server's end.
type chatConn struct {
	net.Conn
	in *bufio.Reader
}

// enter connects and logs in.
func (u *chatter) enter(s *server) (*chatConn, error) {
	conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.at[tchatator.Name], "http://"), patience)
	if err != nil {
		return nil, err
	}
	c := &chatConn{conn, bufio.NewReader(conn)}
	answer, err := c.ask(2, "LOGIN\napi-token:%s\n", u.Token)
	if err == nil && !strings.HasPrefix(answer, "200/OK\n") {
		err = fmt.Errorf("LOGIN was answered %q", answer)
	}
	return c, err
}

// ask sends a command and reads so many lines.
func (c *chatConn) ask(lines int, format string, args ...any) (string, error) {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		return "", err
	}
	return c.read(lines)
}

func (c *chatConn) read(lines int) (string, error) {
	var answer strings.Builder
	for range lines {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		answer.WriteString(line)
	}
	return answer.String(), nil
}

// work writes, changes, deletes and asks until the server is gone.
func (u *chatter) work(t *testing.T, s *server, acknowledged *atomic.Int64) {
	c, err := u.enter(s)
	if err != nil {
		t.Errorf("user %d: %v", u.ID, err)
		return
	}
	defer func() { _ = c.Close() }()
	for err == nil {
		u.count++
		var id int64
		if id, err = u.write(c); err != nil {
			return
		}
		acknowledged.Add(1)
		switch {
		case u.count%5 == 0:
			err = u.change(c, id, "message_updated", "UPDT_MSG\ntoken:%s\nmessage-id:%d\ncontent:changed\n")
		case u.count%7 == 0:
			err = u.change(c, id, "message_deleted", "DEL_MSG\ntoken:%s\nmessage-id:%d\n")
		case u.count%2 == 0:
			_, err = u.poll(c)
		}
	}
}

// write sends a message and notes its acknowledgement.
func (u *chatter) write(c *chatConn) (int64, error) {
	content := fmt.Sprintf("%d-%d", u.ID, u.count)
	answer, err := c.ask(3, "SEND_MSG\ntoken:%s\nmessage-length:%d\nreceiver-id:%d\ncontent:%s\n", u.Token, len(content), u.to, content)
	if err != nil {
		return 0, err
	}
	_, number, _ := strings.Cut(strings.TrimSpace(answer), "message-id:")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("SEND_MSG was answered %q", answer)
	}
	u.contents[id] = content
	u.owed = append(u.owed, fmt.Sprint("new_message ", id))
	return id, nil
}

// change changes or deletes a message and notes the acknowledgement.
func (u *chatter) change(c *chatConn, id int64, kind, command string) error {
	u.uncertain[id] = true
	answer, err := c.ask(2, command, u.Token, id)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(answer, "200/OK\n") {
		return fmt.Errorf("%s was answered %q", kind, answer)
	}
	delete(u.uncertain, id)
	if kind == "message_updated" {
		u.contents[id] = "changed"
	}
	u.owed = append(u.owed, fmt.Sprint(kind, " ", id))
	return nil
}

// poll asks for a change and notes it; none is false.
func (u *chatter) poll(c *chatConn) (bool, error) {
	head, err := c.ask(2, "NEW_CHG_AVAILABLE\ntoken:%s\n", u.Token)
	if err != nil || strings.HasSuffix(head, "message:Aucun changement\n") {
		return false, err
	}
	kind := strings.TrimSpace(strings.TrimPrefix(head, "200/OK\ntype:"))
	lines := 5
	if kind == "message_deleted" {
		lines = 1
	}
	rest, err := c.read(lines)
	if err != nil {
		return false, err
	}
	_, number, _ := strings.Cut(rest, ":")
	number, _, _ = strings.Cut(number, "\n")
	u.got[kind+" "+number]++
	return true, nil
}

// catchUp asks until there is nothing left.
func (u *chatter) catchUp(t *testing.T, s *server) {
	t.Helper()
	c, err := u.enter(s)
	if err != nil {
		t.Fatalf("user %d: %v", u.ID, err)
	}
	for more := true; more; {
		if more, err = u.poll(c); err != nil {
			t.Fatalf("user %d: %v", u.ID, err)
		}
	}
	if _, err := io.WriteString(c, "DISCONNECTED\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.in.ReadByte(); err == nil {
		t.Error("DISCONNECTED was answered")
	}
}

// verifyChat compares what users know with the database and with each other.
func verifyChat(t *testing.T, s *server, users []*chatter, crashes int) {
	t.Helper()
	conn := connect(t, s, tchatator.Name)
	stored := map[int64]string{}
	for _, row := range collect(t, conn, "SELECT id || ' ' || content FROM message") {
		number, content, _ := strings.Cut(row, " ")
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		stored[id] = content
	}
	holdTo(t, conn, map[string]string{
		"messages that are there twice": "SELECT content FROM message WHERE content <> 'changed' GROUP BY content HAVING count(*) > 1",
		"changes that are left":         "SELECT kind || ' ' || message_id FROM change",
		"seats that are left":           "SELECT user_id::text FROM seat",
	})
	acknowledged, changes, again := 0, 0, 0
	for _, u := range users {
		acknowledged += len(u.contents)
		for id, content := range u.contents {
			if stored[id] != content && !u.uncertain[id] {
				t.Errorf("message %d of user %d is %q, acknowledged was %q", id, u.ID, stored[id], content)
			}
		}
		receiver := users[u.to-1]
		for _, change := range u.owed {
			if receiver.got[change] == 0 {
				t.Errorf("user %d was never told: %s", receiver.ID, change)
			}
		}
		repeated := 0
		for _, times := range u.got {
			changes++
			repeated += times - 1
		}
		if repeated > crashes {
			t.Errorf("user %d was told %d changes again after %d crashes", u.ID, repeated, crashes)
		}
		again += repeated
	}
	t.Logf("%d messages acknowledged, %d stored; %d changes told, %d of them again", acknowledged, len(stored), changes, again)
}

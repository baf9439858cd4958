package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/dial"
	"github.com/guichet-api/guichet/internal/tchatator"
)

// tchatatorChat is `guichet tchatator chat`: a small client for the terminal, on the generated one.
type tchatatorChat struct {
	Token string `required:"" placeholder:"TOKEN" help:"The user's API token."`
	To    int64  `placeholder:"ID" help:"Who lines are sent to; /to ID changes it."`
	URL   string `placeholder:"URL" help:"Where the server is, such as https://example.com/tchatator; default: this machine's."`
}

// Help is shown below the command's usage.
func (tchatatorChat) Help() string {
	return `Each line is a message. Lines that begin with a slash are commands:

    /to ID           write to this user from now on
    /edit ID TEXT    change a message
    /delete ID       delete a message
    /who ID          what a user is doing
    /block ID        block a user, as a professional or an administrator
    /ban ID          ban a user, as an administrator
    /quit            leave; so does the end of the input

Examples:

    guichet tchatator chat --token bbbb… --to 1
    echo "Bonjour" | guichet tchatator chat --token aaaa… --to 2`
}

// Times of the terminal client.
const (
	chatPoll   = time.Second      // how often it asks for changes
	chatAnswer = 10 * time.Second // how long it waits for an answer
)

// Run chats until the input ends.
func (c tchatatorChat) Run(ctx context.Context, a *app) error {
	if c.URL == "" {
		s, err := a.settings()
		if err != nil {
			return err
		}
		c.URL = "http://" + s.systems[tchatator.Name].addr
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	t := &terminalChat{token: c.Token, to: c.To, out: a.stdout, stop: stop, in: make(chan struct{})}
	if err := t.connect(ctx, c.URL); err != nil {
		return err
	}
	running := sync.WaitGroup{}
	running.Go(func() { _ = t.connection.Run(ctx) }) // it ends with ctx
	defer running.Wait()
	defer stop(nil)
	select {
	case <-t.in:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	running.Go(func() { t.poll(ctx) })
	go func() { stop(t.read(ctx, a.stdin)) }() // nobody can end a read of a terminal: it is not waited for
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// terminalChat is one conversation at a terminal.
type terminalChat struct {
	connection *events.Connection
	token      string
	to         int64
	stop       context.CancelCauseFunc
	first      sync.Once
	in         chan struct{} // closed after the first LOGIN

	printing sync.Mutex
	out      io.Writer
}

// connect makes the connection. Each link logs in before anything else is sent over it.
func (t *terminalChat) connect(_ context.Context, url string) error {
	server := events.Surface().Server(realtime.WireCommand)
	open, err := dial.To(*server, dial.Options{URL: url})
	if err != nil {
		return err
	}
	login := func(ctx context.Context, since string) (realtime.Link, error) {
		link, err := open(ctx, since)
		if err != nil {
			return nil, err
		}
		if err := t.login(ctx, link); err != nil {
			_ = link.Close() // the error tells more
			return nil, err
		}
		return link, nil
	}
	t.connection, err = events.NewConnection(events.ConnectionConfig{
		Dial: login, Listener: struct{}{}, Down: func(err error) { t.say("— not connected: %v; trying again", err) },
	})
	return err
}

// login is the first exchange of a link. A refusal ends the chat: trying again would not help.
func (t *terminalChat) login(ctx context.Context, link realtime.Link) error {
	payload, err := json.Marshal(events.Login{Token: t.token})
	if err != nil {
		return err
	}
	if err := link.Send(ctx, &realtime.Frame{Event: "LOGIN", Args: [][]byte{payload}}); err != nil {
		return err
	}
	answer, err := link.Receive(ctx)
	if err != nil {
		return err
	}
	var refusal events.Refusal
	if len(answer.Args) == 1 && json.Unmarshal(answer.Args[0], &refusal) == nil && refusal.Error != "" {
		err := fmt.Errorf("%s %s", refusal.Error, refusal.Message)
		t.stop(err)
		return err
	}
	t.say("— connected")
	t.first.Do(func() { close(t.in) })
	return nil
}

// poll asks for changes and prints them.
func (t *terminalChat) poll(ctx context.Context) {
	tick := time.NewTicker(chatPoll)
	defer tick.Stop()
	for {
		asking, cancel := context.WithTimeout(ctx, chatAnswer)
		reply, err := t.connection.NewChgAvailable(asking, events.NewChgAvailable{Token: t.token})
		cancel()
		if changes, ok := reply.(events.Changes); ok && err == nil {
			for _, change := range changes.Changes {
				t.show(change)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// show prints a change.
func (t *terminalChat) show(change events.Change) {
	switch c := change.(type) {
	case events.NewMessageChange:
		t.say("%s  %d: %s  (#%d)", c.Message.SendedDate, c.Message.SenderID, c.Message.Content, c.Message.ID)
	case events.MessageUpdatedChange:
		t.say("%s  %d: %s  (#%d, changed)", c.Message.SendedDate, c.Message.SenderID, c.Message.Content, c.Message.ID)
	case events.MessageDeletedChange:
		t.say("— #%d was deleted", c.MessageID)
	}
}

// read carries out lines until the input ends, which is io.EOF.
func (t *terminalChat) read(ctx context.Context, in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if line == "/quit" {
			return io.EOF
		}
		asking, cancel := context.WithTimeout(ctx, chatAnswer)
		err := t.carryOut(asking, line)
		cancel()
		refused := (*realtime.Refused)(nil)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.As(err, &refused):
			if refusal, ok := refused.Reply.(events.Refusal); ok {
				err = fmt.Errorf("%s %s", refusal.Error, refusal.Message)
			}
			t.say("— %v", err)
		case errors.Is(err, realtime.ErrLinkBroken):
			t.say("— the connection broke: whether this was done is not known")
		case err != nil:
			t.say("— %v", err)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.EOF
}

// carryOut sends a line, or does what it says.
func (t *terminalChat) carryOut(ctx context.Context, line string) error {
	if !strings.HasPrefix(line, "/") {
		return t.send(ctx, line)
	}
	name, rest, _ := strings.Cut(line, " ")
	number, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id < 1 {
		return fmt.Errorf("%s needs a number", name)
	}
	switch name {
	case "/to":
		t.to = id
		return nil
	case "/edit":
		return t.done(t.connection.UpdtMsg(ctx, events.UpdtMsg{Token: t.token, MessageID: id, Content: text}))
	case "/delete":
		return t.done(t.connection.DelMsg(ctx, events.DelMsg{Token: t.token, MessageID: id}))
	case "/block":
		return t.done(t.connection.BlockUser(ctx, events.BlockUser{Token: t.token, UserID: id}))
	case "/ban":
		return t.done(t.connection.BanUser(ctx, events.BanUser{Token: t.token, UserID: id}))
	case "/who":
		found, err := t.connection.UserInfo(ctx, events.UserInfo{Token: &t.token, UserID: id})
		if err == nil {
			t.say("— %d: connected %s, writing %s, talks to %s", id, found.Connected, found.IsWriting, found.InConversationWith)
		}
		return err
	}
	return fmt.Errorf("there is no command %s; --help lists them", name)
}

// send sends a message and tells its number, by which it can be changed.
func (t *terminalChat) send(ctx context.Context, text string) error {
	if t.to == 0 {
		return errors.New("to whom? /to ID")
	}
	sent, err := t.connection.SendMsg(ctx, events.SendMsg{Token: t.token, Receiver: t.to, Content: text})
	if err == nil {
		t.say("%s  → %d  (#%d)", sent.Message.SendedDate, t.to, sent.Message.ID)
	}
	return err
}

// done tells what the server answered.
func (t *terminalChat) done(reply events.Done, err error) error {
	if err == nil {
		t.say("— %s", reply.Message)
	}
	return err
}

// say prints a line.
func (t *terminalChat) say(format string, args ...any) {
	t.printing.Lock()
	defer t.printing.Unlock()
	fmt.Fprintf(t.out, format+"\n", args...) //nolint:errcheck // nobody reads it, then
}

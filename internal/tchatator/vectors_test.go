package tchatator_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/guichet-api/guichet/gen/tchatator/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/tcp"
	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// TestVectors replays what the contracts promise, at the system's own address and under the portal's mount.
func TestVectors(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Tchatator)
	if err != nil {
		t.Fatal(err)
	}
	checker, err := events.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	testkit.RunVectors(t, testkit.Suite{
		Files: os.DirFS("../.."), Dir: "spec/tchatator/vectors", Spec: contract, Mounts: []string{"", "/tchatator"},
		Start: func(t *testing.T, mount string) *testkit.Target {
			// What is incomplete is refused sooner than in the document, so that a vector can wait for it.
			return start(t, tchatator.Config{PerMinute: 12, PerHour: 90, PageSize: 3, Wire: tcp.Config{Incomplete: time.Second}}, mount).target()
		},
		CheckMessage: func(_, direction string, message []byte) error {
			if direction == "send" {
				return nil // vectors also send what the contract does not have
			}
			return checkAnswer(checker, message)
		},
	})
}

// checkAnswer holds an answer over WebSocket to the contract.
func checkAnswer(checker *events.Checker, text []byte) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	var command string
	if err := json.Unmarshal(members["command"], &command); err != nil {
		return err
	}
	delete(members, "command")
	payload, err := json.Marshal(members)
	if err != nil {
		return err
	}
	if events.Surface().Commands[command] == nil {
		command = "DISCONNECTED" // what the contract does not know gets the answer that every command may get: the refusal
	}
	return checker.Reply(command, &realtime.Incoming{Args: [][]byte{payload}})
}

// target is what vectors need of the system. They can "do database away|back" and "do user ban|lift|token ID".
func (c *chat) target() *testkit.Target {
	return &testkit.Target{
		URL: c.url, TCP: c.addr, Clock: c.clock,
		Do: map[string]func(context.Context, ...string) error{"database": c.database, "user": c.user},
	}
}

func (c *chat) database(_ context.Context, args ...string) error {
	if len(args) != 1 || args[0] != "away" && args[0] != "back" {
		return fmt.Errorf("no such thing can happen: database %q", args)
	}
	c.outage.Set(args[0] == "away")
	return nil
}

// user is the operator's command.
func (c *chat) user(ctx context.Context, args ...string) error {
	if len(args) != 2 {
		return fmt.Errorf("no such command: user %q", args)
	}
	id, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return err
	}
	switch args[0] {
	case "ban":
		return c.Operator().Ban(ctx, id)
	case "lift":
		return c.Operator().LiftBan(ctx, id)
	case "token":
		_, err := c.Operator().IssueToken(ctx, id)
		return err
	}
	return fmt.Errorf("no such command: user %q", args)
}

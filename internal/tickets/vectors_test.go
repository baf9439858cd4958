package tickets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/portal"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// TestVectors replays what the contracts promise, at the system's own address and under the portal's mount.
func TestVectors(t *testing.T) {
	t.Parallel()
	contract, err := contractOnce()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := events.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	testkit.RunVectors(t, testkit.Suite{
		Files: os.DirFS("../.."), Dir: "spec/tickets/vectors", Spec: contract, Mounts: []string{"", "/tickets"},
		Start: func(t *testing.T, mount string) *testkit.Target {
			return newDesk(t, options{demo: true, outage: true, limits: true, mount: mount}).target()
		},
		CheckMessage: func(transport, direction string, message []byte) error {
			if direction == "send" {
				return nil // vectors also send what the contract does not have
			}
			if transport == "socketio" {
				return checkEvent(checker, message)
			}
			_, err := checkFrame(checker, message)
			return err
		},
	})
}

// frame is a message of the server.
type frame struct {
	Type string         `json:"type"`
	Data jsontext.Value `json:"data"`
	ID   string         `json:"id"`
}

// checkFrame reads a frame and holds it to the contract: the events, and the answer to ping. What is durable has an id, and
// nothing else has.
func checkFrame(checker *events.Checker, text []byte) (frame, error) {
	var f frame
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return f, err
	}
	in := &realtime.Incoming{Event: f.Type}
	if f.Data != nil {
		in.Args = [][]byte{f.Data}
	}
	if f.Type == "pong" {
		return f, checker.Reply("ping", in)
	}
	if event := events.Surface().Events[f.Type]; event != nil && event.Durable != (f.ID != "") {
		return f, errors.New("durable events, and no others, have an id")
	}
	return f, checker.Event(in)
}

// checkEvent holds an event of Socket.IO, ["event", argument…], to the contract. What is durable has its id as one more argument.
func checkEvent(checker *events.Checker, text []byte) error {
	var values []jsontext.Value
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	in := &realtime.Incoming{}
	if err := json.Unmarshal(values[0], &in.Event); err != nil {
		return err
	}
	if in.Event == "connect_error" || in.Event == "disconnect" {
		return nil // the protocol's own
	}
	for _, value := range values[1:] {
		in.Args = append(in.Args, value)
	}
	if event := events.Surface().Events[in.Event]; event != nil && event.Durable {
		if len(in.Args) != 2 {
			return fmt.Errorf("a durable event has its payload and its id, not %d arguments", len(in.Args))
		}
		in.Args = in.Args[:1]
	}
	return checker.Event(in)
}

// mounted is the system at its own address, or the portal that has it under its mount.
func mounted(a *API, mount, url string) (http.Handler, error) {
	if mount == "" {
		return a.Handler(), nil
	}
	return portal.New(portal.Config{
		Systems: []portal.System{{
			Name: Name, Title: "Tickets-Clients BTP", URL: url, Spec: spec.Tickets, Handler: a.Handler(), Ready: a.Ready,
		}},
		Metrics: http.NotFoundHandler(),
		Echo:    web.Config{System: "portal", Logger: slog.New(slog.DiscardHandler)},
	})
}

// target is what vectors need of the system. They can "do database away|back", "do user add EMAIL NOM ROLE PASSWORD", "do user
// password EMAIL PASSWORD", "do watch" (thresholds are looked for) and "do sessions" (connections are held to their sessions).
func (d *desk) target() *testkit.Target {
	jean := DemoAccount()
	return &testkit.Target{
		URL: d.url, Clock: d.clock,
		Login: testkit.Login{Path: "/api/auth/login", Accounts: map[string]testkit.Credentials{"jean": {Identity: jean.Email, Password: jean.Password}}},
		Do: map[string]func(context.Context, ...string) error{
			"database": d.database,
			"user":     d.user,
			"watch":    func(ctx context.Context, _ ...string) error { return d.watch(ctx) },
			"sessions": func(ctx context.Context, _ ...string) error { return d.live.endWithSessions(ctx) },
		},
		Settle: d.settle,
	}
}

func (d *desk) database(_ context.Context, args ...string) error {
	if len(args) != 1 || args[0] != "away" && args[0] != "back" {
		return fmt.Errorf("no such thing can happen: database %q", args)
	}
	d.outage.Set(args[0] == "away")
	return nil
}

// user is the operator's command.
func (d *desk) user(ctx context.Context, args ...string) error {
	switch {
	case len(args) == 5 && args[0] == "add":
		_, err := d.Operator().AddUser(ctx, NewUser{Email: args[1], Nom: args[2], Role: args[3], Password: args[4]})
		return err
	case len(args) == 3 && args[0] == "password":
		return d.Operator().SetPassword(ctx, args[1], args[2])
	}
	return fmt.Errorf("no such command: user %q", args)
}

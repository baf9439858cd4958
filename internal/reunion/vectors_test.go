package reunion_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/testkit"
	"github.com/guichet-api/guichet/spec"
)

// TestVectors replays what the contracts promise, at the system's own address and under the portal's mount.
func TestVectors(t *testing.T) {
	t.Parallel()
	contract, err := testkit.LoadSpec(spec.Reunion)
	if err != nil {
		t.Fatal(err)
	}
	checker, err := events.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	testkit.RunVectors(t, testkit.Suite{
		Files: os.DirFS("../.."), Dir: "spec/reunion/vectors", Spec: contract, Mounts: []string{"", "/reunion"},
		Start: func(t *testing.T, mount string) *testkit.Target {
			return startDemo(t, options{mount: mount, limits: true}).target()
		},
		CheckMessage: func(_, direction string, message []byte) error { return checkMessage(checker, direction, message) },
	})
}

// checkMessage holds what the server sent to the contract.
func checkMessage(checker *events.Checker, direction string, message []byte) error {
	if direction != "receive" {
		return nil
	}
	in, err := readEvent(message)
	if err != nil || in.Event == "connect_error" || in.Event == "disconnect" { // the protocol's own
		return err
	}
	return checker.Event(in)
}

// readEvent reads ["event", argument…].
func readEvent(message []byte) (*realtime.Incoming, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(message, &parts); err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("no event: %s", message)
	}
	in := &realtime.Incoming{}
	if err := json.Unmarshal(parts[0], &in.Event); err != nil {
		return nil, err
	}
	for _, argument := range parts[1:] {
		in.Args = append(in.Args, argument)
	}
	return in, nil
}

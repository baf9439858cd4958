package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/realtime"
)

// dispatcher is a function as a Dispatcher.
type dispatcher func(context.Context) (*realtime.Message, error)

func (d dispatcher) Dispatch(ctx context.Context, _ *realtime.Peer, _ *realtime.Incoming) (*realtime.Message, error) {
	return d(ctx)
}

// TestAfter: what must not overtake the answer runs behind it, in its order, and at once outside of a message.
func TestAfter(t *testing.T) {
	t.Parallel()
	var order []string
	note := func(what string) func() { return func() { order = append(order, what) } }
	failure := errors.New("failure")
	err := realtime.Handle(t.Context(), dispatcher(func(ctx context.Context) (*realtime.Message, error) {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		realtime.After(inner, note("first"))
		realtime.After(ctx, note("second"))
		note("handler")()
		return nil, failure
	}), nil, nil, func(*realtime.Message) { note("answer")() })
	if want := []string{"handler", "answer", "first", "second"}; !slices.Equal(order, want) || !errors.Is(err, failure) {
		t.Errorf("%v, %v", order, err)
	}
	order = nil
	realtime.After(t.Context(), note("now"))
	if len(order) != 1 {
		t.Error("outside of a message it did not run")
	}
}

// TestFrame: a message is encoded once per format, however many ask for it at once.
func TestFrame(t *testing.T) {
	t.Parallel()
	m := &realtime.Message{Event: "e"}
	counts := map[string]int{}
	var wait sync.WaitGroup
	for range 16 {
		for _, format := range []string{"a", "b"} {
			wait.Go(func() {
				if got := m.Frame(format, func(m *realtime.Message) []byte { counts[format]++; return []byte(format + m.Event) }); string(got) != format+"e" {
					t.Errorf("%s became %s", format, got)
				}
			})
		}
	}
	wait.Wait()
	if counts["a"] != 1 || counts["b"] != 1 {
		t.Errorf("encoded %v times", counts)
	}
}

func TestPeer(t *testing.T) {
	t.Parallel()
	p := realtime.NewPeer("p1", realtime.WireKeyValue, "10.0.0.1")
	if p.Role() != "" || p.Caller() != nil || p.ID() != "p1" || p.Wire().String() != "keyvalue" || p.Address() != "10.0.0.1" {
		t.Errorf("%+v", p)
	}
	p.Identify("member", 7)
	if p.Role() != "member" || p.Caller() != 7 {
		t.Errorf("%s, %v", p.Role(), p.Caller())
	}
}

// TestRoomParam: two different parameters never make one room key.
func TestRoomParam(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, value := range []string{"a", "a/b", "a%2Fb", "a%b", "a%25b", "", "é"} {
		key := realtime.RoomParam(value)
		if other, taken := seen[key]; taken || strings.Contains(key, "/") {
			t.Errorf("%q and %q are both %q", value, other, key)
		}
		seen[key] = value
	}
}

// FuzzArguments holds the cutting of tuples against encoding/json.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{`[]`, `[1]`, `[true,{"a":[1,"],\\\""]},"x,y"]`, `["\\",[],{}]`, `[[[1,2],3],{"b":{"c":","}}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		var want []json.RawMessage
		if !strings.HasPrefix(payload, "[") || json.Unmarshal([]byte(payload), &want) != nil || strings.ContainsAny(payload, " \t\r\n") {
			return
		}
		args := realtime.Arguments([]byte(payload), true)
		if len(args) != len(want) {
			t.Fatalf("%s has %d arguments, not %d", payload, len(args), len(want))
		}
		for i := range args {
			if string(args[i]) != string(want[i]) {
				t.Errorf("argument %d of %s is %s", i, payload, args[i])
			}
		}
		in := realtime.Incoming{Args: args}
		if got := string(in.Argument(true)); got != payload {
			t.Errorf("%s became %s", payload, got)
		}
	})
}

func TestArgument(t *testing.T) {
	t.Parallel()
	none := realtime.Incoming{}
	if string(none.Argument(false)) != "null" || string(none.Argument(true)) != "[]" {
		t.Error("a missing argument is null")
	}
	if args := realtime.Arguments([]byte(`[1]`), false); len(args) != 1 || string(args[0]) != "[1]" {
		t.Errorf("%s", args)
	}
}

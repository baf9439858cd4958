package asyncapi_test

import (
	"context"
	"testing"

	reunion "github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/realtime"
)

// typical returns a function that takes a typical event from its frame's argument to the handler and back to the ack.
func typical(tb testing.TB) func() {
	tb.Helper()
	d, err := reunion.New(reunion.Config{Handler: &cartDesk{}, Errors: &reunionDesk{}, Sink: &sink{}})
	if err != nil {
		tb.Fatal(err)
	}
	peer := realtime.NewPeer("p1", realtime.WireSocketIO, "127.0.0.1")
	in := &realtime.Incoming{Event: "update-cart", WantsReply: true, Args: [][]byte{
		[]byte(`{"reunionId":"reunion-123","cart":[{"productId":"prod-789","quantity":2},{"productId":"prod-790","quantity":1}]}`),
	}}
	ctx := tb.Context()
	return func() {
		if m, err := d.Dispatch(ctx, peer, in); err != nil || len(m.Payload) == 0 {
			tb.Fatal(err)
		}
	}
}

type cartDesk struct{ reunion.Handler }

func (*cartDesk) UpdateCart(context.Context, *realtime.Peer, reunion.UpdateCart) (reunion.Done, error) {
	return reunion.Done{}, nil
}

func BenchmarkDispatch(b *testing.B) {
	dispatch := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		dispatch()
	}
}

// TestDispatchAllocations keeps dispatch, validation, decoding and reply together within twelve allocations. It is not
// parallel: allocations are counted for the whole process.
func TestDispatchAllocations(t *testing.T) {
	if raceDetector {
		return
	}
	allocations := testing.AllocsPerRun(1000, typical(t))
	t.Logf("dispatch, validate, decode, reply: %.0f allocations", allocations)
	if allocations > 12 {
		t.Error("more than 12")
	}
}

package asyncapi_test

import (
	"context"
	"testing"

	reunion "github.com/guichet-api/guichet/gen/reunion/events"
	"github.com/guichet-api/guichet/internal/realtime"
)

// BenchmarkDispatch is a typical event from its frame's argument to the handler and back to the ack's bytes.
func BenchmarkDispatch(b *testing.B) {
	h := &cartDesk{}
	d, err := reunion.New(reunion.Config{Handler: h, Errors: &reunionDesk{}, Sink: &sink{}})
	if err != nil {
		b.Fatal(err)
	}
	peer := realtime.NewPeer("p1", realtime.WireSocketIO, "127.0.0.1")
	in := &realtime.Incoming{Event: "update-cart", WantsReply: true, Args: [][]byte{
		[]byte(`{"reunionId":"reunion-123","cart":[{"productId":"prod-789","quantity":2},{"productId":"prod-790","quantity":1}]}`),
	}}
	b.ReportAllocs()
	for b.Loop() {
		if m, err := d.Dispatch(b.Context(), peer, in); err != nil || len(m.Payload) == 0 {
			b.Fatal(err)
		}
	}
}

type cartDesk struct{ reunion.Handler }

func (*cartDesk) UpdateCart(context.Context, *realtime.Peer, reunion.UpdateCart) (reunion.Done, error) {
	return reunion.Done{}, nil
}

// TestDispatchAllocations keeps the cost of dispatch, validation, decoding and reply in bounds.
func TestDispatchAllocations(t *testing.T) {
	result := testing.Benchmark(BenchmarkDispatch)
	t.Logf("dispatch, validate, decode, reply: %v", result)
	if n := result.AllocsPerOp(); n > 12 {
		t.Errorf("%d allocations", n)
	}
}

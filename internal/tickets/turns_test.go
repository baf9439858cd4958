package tickets

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

func TestTurns(t *testing.T) {
	t.Parallel()
	turn := newTurns(1)
	failure := errors.New("failure")
	err := turn.take(t.Context(), func() error {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := turn.take(ended, func() error { return failure }); !errors.Is(err, context.Canceled) {
			t.Errorf("somebody else's turn: %v", err)
		}
		return failure
	})
	if err != failure {
		t.Errorf("%v, want what was done", err)
	}
	if err := turn.take(t.Context(), func() error { return nil }); err != nil {
		t.Errorf("a turn that was given back: %v", err)
	}
}

// TestManyWriters: with few connections, all who want a numero, or to write to one ticket, get their turn, while the desk is read
// and what happens is announced.
func TestManyWriters(t *testing.T) {
	t.Parallel()
	const creates, messages, slowest = 300, 50, 10 * time.Second
	d := newDesk(t, options{conns: 5})
	jean := d.account(demoNom)
	e := d.listen(jean.token, "")
	ticket := d.create(jean.token, api.PriorityBasse)
	e.take(1)
	var written atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		inParallel(creates+messages+1, func(i int) {
			switch {
			case i < creates:
				body := map[string]any{"titre": fmt.Sprint("Ticket ", i), "priority": "haute", "categorie": "delais"}
				d.call("POST", "/api/tickets-client", jean.token, body).is(201, textCreated)
			case i < creates+messages:
				path := "/api/tickets-client/" + ticket.Numero + "/messages"
				d.call("POST", path, jean.token, map[string]any{"contenu": fmt.Sprint(i)}).is(201, textMessageAdded)
			default:
				for written.Load() < creates+messages {
					began := time.Now()
					d.call("GET", "/api/clients", jean.token, nil).is(200, "")
					if took := time.Since(began); took > slowest {
						t.Errorf("a reader waits for %s", took)
					}
				}
				return
			}
			written.Add(1)
		})
	}()
	e.take((creates + messages) / 2)
	if n := written.Load(); n == creates+messages {
		t.Errorf("nothing was announced before the last was written")
	}
	<-done
	e.take((creates + messages) / 2)
	e.ping()
	d.consistent()
}

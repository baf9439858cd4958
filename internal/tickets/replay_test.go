package tickets

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/events"
)

// TestReplayMissesNothing: eight write, and three listen whose connections are cut again and again. Whoever reconnects with since
// has in the end heard every change once, in the order in which one who was never away has heard them.
func TestReplayMissesNothing(t *testing.T) {
	t.Parallel()
	const writers, subscribers = 8, 3
	changes, cuts := 2000, 40
	if testing.Short() {
		changes, cuts = 400, 20
		t.Logf("-short: %d changes instead of 2000, %d cuts instead of 40", changes, cuts)
	}
	d := newDesk(t, options{})
	jean := d.account(demoNom)
	witness := d.listen(jean.token, "")
	desk := make([]api.CreateTicketResponse, writers)
	for i := range desk {
		desk[i] = d.create(jean.token, api.PriorityBasse)
	}
	first := witness.take(writers)[0]

	var listening sync.WaitGroup
	heard := make([][]frame, subscribers)
	for i := range heard {
		listening.Go(func() {
			heard[i] = d.listenOnAndOff(jean.token, first.ID, changes+writers-1, cuts, rand.New(rand.NewPCG(2025, uint64(i))))
		})
	}
	inParallel(writers, func(w int) {
		random := rand.New(rand.NewPCG(2026, uint64(w)))
		for n := range changes / writers {
			d.write(jean.token, desk, w, n, random)
		}
	})
	all := append([]frame{}, witness.take(changes)...)
	witness.ping()
	listening.Wait()

	d.checkWritten(all, writers, changes/writers)
	for i, frames := range heard {
		frames = frames[min(writers-1, len(frames)):] // the tickets that were created first
		if len(frames) != len(all) {
			t.Errorf("subscriber %d has heard %d changes, want %d", i, len(frames), len(all))
			continue
		}
		for n := range all {
			if frames[n].ID != all[n].ID || frames[n].Type != all[n].Type || string(frames[n].Data) != string(all[n].Data) {
				t.Fatalf("subscriber %d has heard %s %s, the witness %s %s", i, frames[n].ID, frames[n].Data, all[n].ID, all[n].Data)
			}
		}
	}
}

// mark is a text that tells who made a change, and which one in that writer's own order.
func mark(writer, n int) string { return fmt.Sprintf("w%d n%d", writer, n) }

// write makes one change, of a kind and a ticket that chance picks, with a mark in it.
func (d *desk) write(token string, desk []api.CreateTicketResponse, writer, n int, random *rand.Rand) {
	ticket, marked := desk[random.IntN(len(desk))], mark(writer, n)
	path := "/api/tickets-client/" + ticket.ID.String()
	switch random.IntN(4) {
	case 0:
		d.call("POST", "/api/tickets-client", token, map[string]any{"titre": marked, "priority": "basse", "categorie": "qualite"}).is(201, "")
	case 1:
		d.call("PATCH", path, token, map[string]any{"titre": marked}).is(200, "")
	case 2:
		d.call("POST", path+"/action", token, map[string]any{"action": "affecter", "data": map[string]any{"responsable": marked}}).is(200, "")
	default:
		d.call("POST", path+"/messages", token, map[string]any{"contenu": marked}).is(201, "")
	}
}

// checkWritten holds what was heard against what was written: every change once, numbered without gaps, and those of one writer
// in that writer's order.
func (d *desk) checkWritten(heard []frame, writers, each int) {
	d.t.Helper()
	next := make([]int, writers)
	for i, f := range heard {
		if i > 0 && f.seq() != heard[i-1].seq()+1 {
			d.t.Fatalf("%s follows %s", f.ID, heard[i-1].ID)
		}
		var writer, n int
		if _, err := fmt.Sscanf(d.markOf(f), "w%d n%d", &writer, &n); err != nil {
			d.t.Fatalf("%s %s: %v", f.Type, f.Data, err)
		}
		if n != next[writer] {
			d.t.Fatalf("of writer %d comes change %d, want %d", writer, n, next[writer])
		}
		next[writer]++
	}
	for writer, n := range next {
		if n != each {
			d.t.Errorf("of writer %d came %d changes, want %d", writer, n, each)
		}
	}
}

// markOf is the mark in an event.
func (d *desk) markOf(f frame) string {
	d.t.Helper()
	switch f.Type {
	case "ticket_created":
		var e events.TicketCreated
		d.must(json.Unmarshal(f.Data, &e))
		return e.Titre
	case "ticket_updated":
		var e events.TicketUpdated
		d.must(json.Unmarshal(f.Data, &e))
		if e.Changes.Titre != nil {
			return *e.Changes.Titre
		}
		to, _ := e.Changes.Responsable.Get()
		return to
	}
	var e events.MessageAdded
	d.must(json.Unmarshal(f.Data, &e))
	return e.Message.Contenu
}

// listenOnAndOff hears frames until it has as many as are wanted, reconnecting with the last id after each cut. What comes twice,
// or out of order, is an error. It may be called from any goroutine.
func (d *desk) listenOnAndOff(token, since string, want, cuts int, random *rand.Rand) (heard []frame) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.t.Context()), time.Minute)
	defer cancel()
	last := frame{ID: since}
	for len(heard) < want && ctx.Err() == nil {
		conn, err := d.dial(ctx, token, last.ID)
		if err != nil {
			d.t.Errorf("reconnecting: %v", err)
			return heard
		}
		until := want
		if cuts > 0 {
			until = min(len(heard)+random.IntN(max(2*(want-len(heard))/cuts, 1)+1), want-1)
			cuts--
		}
		for len(heard) < until {
			_, text, err := conn.Read(ctx)
			if err != nil {
				d.t.Errorf("after %d frames: %v", len(heard), err)
				return heard
			}
			f, err := checkFrame(d.checker, text)
			if err != nil || f.seq() <= last.seq() {
				d.t.Errorf("after %s comes %s: %v", last.ID, text, err)
				return heard
			}
			heard, last = append(heard, f), f
		}
		if random.IntN(2) == 0 {
			_ = conn.Close(websocket.StatusNormalClosure, "") // a good-bye; the other cuts are none
		}
		_ = conn.CloseNow()
	}
	if cuts > 0 {
		d.t.Errorf("%d cuts are left", cuts)
	}
	return heard
}

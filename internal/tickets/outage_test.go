package tickets

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/events"
)

// TestOutage takes the database away, in the middle of writing, and brings it back: connections stay, requests are told to come
// back, and every change that took place is heard once, whether or not its writer was told of it.
func TestOutage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{outage: true})
	jean := d.account(demoNom)
	ears := []*ear{d.listen(jean.token, ""), d.listen(jean.token, "")}
	ticket := d.create(jean.token, api.PriorityBasse)
	for _, e := range ears {
		e.take(1)
	}

	const writers, each, outages = 4, 40, 3
	var told sync.Map // what was acknowledged
	for round := range outages {
		half := make(chan struct{})
		var once sync.Once
		go func() {
			<-half
			d.outage.Set(true)
		}()
		inParallel(writers, func(w int) {
			for n := range each {
				if n == each/2 {
					once.Do(func() { close(half) })
				}
				text := fmt.Sprintf("round %d writer %d message %d", round, w, n)
				answer := d.call("POST", "/api/tickets-client/"+ticket.Numero+"/messages", jean.token, map[string]any{"contenu": text})
				switch answer.Status {
				case http.StatusCreated:
					told.Store(text, true)
				case http.StatusServiceUnavailable:
					answer.is(503, textUnavailable)
				default:
					t.Errorf("%d %s", answer.Status, answer.Body)
				}
			}
		})
		if err := d.Ready(t.Context()); err == nil {
			t.Error("ready without a database")
		}
		for _, e := range ears {
			e.pingAmong()
		}
		d.outage.Set(false)
		d.await("the system is ready", func() bool { return d.Ready(t.Context()) == nil })
	}

	stored := d.number(`SELECT count(*) FROM messages`)
	for i, e := range ears {
		heard := map[string]bool{}
		for _, f := range e.take(int(stored)) {
			var added events.MessageAdded
			d.must(json.Unmarshal(f.Data, &added))
			if text := added.Message.Contenu; heard[text] {
				t.Errorf("ear %d has heard %q twice", i, text)
			} else {
				heard[text] = true
			}
		}
		e.ping()
		told.Range(func(text, _ any) bool {
			if !heard[text.(string)] {
				t.Errorf("ear %d has not heard %q, which was acknowledged", i, text)
			}
			return true
		})
	}
	d.consistent()
}

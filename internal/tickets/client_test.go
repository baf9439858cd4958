package tickets

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/realtime"
	"github.com/guichet-api/guichet/internal/realtime/dial"
)

// TestGeneratedClient: the generated client, whose link is cut again and again, hears every change once and in order, over either
// wire.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	for _, wire := range []realtime.Wire{realtime.WireEnvelope, realtime.WireSocketIO} {
		t.Run(wire.String(), func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, options{})
			jean := d.account(demoNom)
			c := d.connect(wire, jean.token)
			d.must(c.Ping(t.Context()))
			ticket := d.create(jean.token, api.PriorityBasse)
			d.await("the first event is heard", func() bool { return len(c.all()) == 1 }) // from there on it can ask for what it misses

			const writers, each, cuts = 4, 25, 5
			inParallel(writers, func(w int) {
				for n := range each {
					d.call("POST", "/api/tickets-client/"+ticket.Numero+"/messages", jean.token, map[string]any{"contenu": mark(w, n)}).is(201, "")
					if w == 0 && n%(each/cuts) == 0 {
						c.cut()
					}
				}
			})
			d.await("everything is heard", func() bool { return len(c.all()) >= 1+writers*each })
			d.must(c.Ping(t.Context()))
			heard := c.all()
			if heard[0] != "ticket_created "+ticket.Numero || len(heard) != 1+writers*each {
				t.Errorf("%d events, the first is %s", len(heard), heard[0])
			}
			var said []string
			for _, message := range d.ticket(jean.token, ticket.ID).Messages {
				said = append(said, "message_added "+message.Contenu)
			}
			if !slices.Equal(heard[1:], said) {
				t.Errorf("heard\n%v\nof\n%v", heard[1:], said)
			}
		})
	}
}

// listener is a generated client and what it has heard.
type listener struct {
	*events.Connection
	t *testing.T

	mu    sync.Mutex
	link  realtime.Link
	heard []string
}

// connect runs a generated client until the test ends.
func (d *desk) connect(wire realtime.Wire, token string) *listener {
	d.t.Helper()
	c := &listener{t: d.t}
	to, err := dial.To(*events.Surface().Server(wire), dial.Options{URL: d.url, Token: func(context.Context) (string, error) { return token, nil }})
	d.must(err)
	c.Connection, err = events.NewConnection(events.ConnectionConfig{
		Listener: c, Bad: func(event string, err error) { d.t.Errorf("%s breaks the contract: %v", event, err) },
		Dial: func(ctx context.Context, since string) (realtime.Link, error) {
			link, err := to(ctx, since)
			c.mu.Lock()
			c.link = link
			c.mu.Unlock()
			return link, err
		},
	})
	d.must(err)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(d.t.Context()), time.Minute)
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	d.t.Cleanup(func() {
		cancel()
		<-done
	})
	return c
}

// cut ends the link without a word; it may be called from any goroutine.
func (c *listener) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		_ = c.link.Close()
	}
}

func (c *listener) hear(event, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, event+" "+what)
}

func (c *listener) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.heard)
}

func (c *listener) OnTicketCreated(_ context.Context, e events.TicketCreated) {
	c.hear("ticket_created", e.Numero)
}

func (c *listener) OnTicketUpdated(_ context.Context, e events.TicketUpdated) {
	c.hear("ticket_updated", fmt.Sprint(e.Changes))
}

func (c *listener) OnMessageAdded(_ context.Context, e events.MessageAdded) {
	c.hear("message_added", e.Message.Contenu)
}

func (c *listener) OnResync(context.Context) { c.t.Error("resync") }

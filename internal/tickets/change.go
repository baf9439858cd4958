package tickets

import (
	"fmt"
	"slices"
	"time"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/gen/tickets/events"
	"github.com/guichet-api/guichet/internal/contract/stdjson"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// maxTags is the contract's limit of a ticket's tags.
const maxTags = 50

var errTagLimit = problem.New(problem.Invalid, "Un ticket porte au plus 50 tags")

// change is a ticket on its way to another state: what it becomes, what is announced of it and what its history says. Each step
// (a method, or a step of actions.go) makes one part of it; a step that is refused spoils the change.
type change struct {
	ticket    db.LockTicketsRow
	announced events.Changes
	history   []entry
	sla       SLA
	now       time.Time
}

// step is a part of a change. Its error is one that the client may read.
type step func(*change) error

// apply makes one step after the other.
func (c *change) apply(steps ...step) error {
	for _, step := range steps {
		if err := step(c); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) tell(e entry) { c.history = append(c.history, e) }

func (c *change) status() api.Status     { return api.Status(c.ticket.Status) }
func (c *change) priority() api.Priority { return api.Priority(c.ticket.Priority) }

// move sets the status; why may be empty.
func (c *change) move(to api.Status, why string) error {
	from := c.status()
	if !canMove(from, to) {
		return errMove(from, to)
	}
	c.ticket.Status = string(to)
	c.announced.Status = new(events.Status(to))
	c.tell(statusEntry(from, to, why))
	return nil
}

// escalate moves to escalade, or from one level of it to another, higher or lower.
func (c *change) escalate(niveau int32) error {
	if c.status() != api.StatusEscalade {
		return c.move(api.StatusEscalade, fmt.Sprintf("niveau %d", niveau))
	}
	c.announced.Status = new(events.StatusEscalade)
	c.tell(escalationEntry(niveau))
	return nil
}

// setPriority sets the priority, and counts the deadline anew from the creation.
func (c *change) setPriority(to api.Priority) error {
	if isClosed(c.status()) {
		return errClosed(c.status())
	}
	c.tell(priorityEntry(c.priority(), to))
	c.ticket.Priority = string(to)
	c.ticket.DateLimite = c.sla.deadline(to, c.ticket.DateCreation)
	c.ticket.DateAlerte = warningFrom(c.ticket.DateCreation, c.ticket.DateLimite)
	c.announced.Priority, c.announced.DateLimite = new(events.Priority(to)), new(c.ticket.DateLimite)
	return nil
}

// assign sets who is responsible; nil: nobody.
func (c *change) assign(to *string) error {
	if isClosed(c.status()) {
		return errClosed(c.status())
	}
	c.ticket.Responsable = to
	c.announced.Responsable = orNull(to)
	c.tell(responsableEntry(to))
	return nil
}

func (c *change) rename(to string) {
	c.tell(titreEntry(c.ticket.Titre, to))
	c.ticket.Titre = to
	c.announced.Titre = &to
}

// describe sets the description; nil: none.
func (c *change) describe(to *string) {
	c.ticket.Description = to
	c.announced.Description = orNull(to)
	c.tell(descriptionEntry(to))
}

func (c *change) setTags(to []string) {
	c.ticket.Tags = to
	c.announced.Tags = to
	c.tell(tagsEntry(to))
}

// addTags adds the tags that the ticket does not have yet.
func (c *change) addTags(more []string) error {
	tags := slices.Clone(c.ticket.Tags)
	for _, tag := range more {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if len(tags) > maxTags {
		return errTagLimit
	}
	c.setTags(tags)
	return nil
}

// settle completes a change: it freezes or frees the SLA as the status asks, and announces a threshold that was crossed with it
// or since the last time. It reports whether there is anything to write.
func (c *change) settle() bool {
	if len(c.history) == 0 {
		return false
	}
	t := &c.ticket
	t.DateModification = c.now
	frozen := isResolved(c.status())
	switch {
	case !frozen:
		t.DateResolution = nil
	case t.DateResolution == nil:
		t.DateResolution = new(c.now)
	}
	sla := slaStatus(t.DateCreation, t.DateLimite, slaMoment(t.DateResolution, c.now))
	t.SlaFinal = nil
	if frozen {
		t.SlaFinal = new(string(sla))
	}
	if t.SlaStatus != string(sla) {
		t.SlaStatus = string(sla)
		c.announced.SLAStatus = new(events.SLAStatus(sla))
	}
	return true
}

// update is what a PATCH makes of a ticket: only what really differs. A closed ticket is reopened before anything else happens to
// it, and an open one closed after everything else.
func update(b *api.UpdateTicketRequest) step {
	return func(c *change) error {
		if b.Titre != nil && *b.Titre != c.ticket.Titre {
			c.rename(*b.Titre)
		}
		if to := orNil(b.Description); b.Description.IsSpecified() && !equal(to, c.ticket.Description) {
			c.describe(to)
		}
		if b.Tags != nil && !slices.Equal(*b.Tags, c.ticket.Tags) {
			c.setTags(*b.Tags)
		}
		steps := []step{updatePriority(b), updateResponsable(b), updateStatus(b)}
		if isClosed(c.status()) {
			slices.Reverse(steps)
		}
		return c.apply(steps...)
	}
}

func updateStatus(b *api.UpdateTicketRequest) step {
	return func(c *change) error {
		if b.Status == nil || *b.Status == c.status() {
			return nil
		}
		return c.move(*b.Status, "")
	}
}

func updatePriority(b *api.UpdateTicketRequest) step {
	return func(c *change) error {
		if b.Priority == nil || *b.Priority == c.priority() {
			return nil
		}
		return c.setPriority(*b.Priority)
	}
}

func updateResponsable(b *api.UpdateTicketRequest) step {
	return func(c *change) error {
		to := orNil(b.Responsable)
		if !b.Responsable.IsSpecified() || equal(to, c.ticket.Responsable) {
			return nil
		}
		return c.assign(to)
	}
}

func equal(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// orNull is a member of an event that was changed: null for nil.
func orNull(value *string) stdjson.Optional[string] {
	if value == nil {
		return stdjson.Null[string]()
	}
	return stdjson.Some(*value)
}

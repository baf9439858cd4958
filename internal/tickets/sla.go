package tickets

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

// SLA is how long tickets may take, from their creation to their deadline, by priority.
type SLA struct{ Critique, Haute, Normale, Basse time.Duration }

// DefaultSLA is what holds unless the operator decides otherwise.
func DefaultSLA() SLA {
	return SLA{Critique: 4 * time.Hour, Haute: 8 * time.Hour, Normale: 24 * time.Hour, Basse: 72 * time.Hour}
}

// MaxSLA is a year: whoever wants more has mistaken the unit.
const MaxSLA = 366 * 24 * time.Hour

// Validate reports every mistake. Whole seconds make both thresholds whole milliseconds, in the database as well as here.
func (s SLA) Validate() error {
	var mistakes []error
	for _, priority := range []api.Priority{api.PriorityCritique, api.PriorityHaute, api.PriorityNormale, api.PriorityBasse} {
		if d := s.duration(priority); d < time.Second || d > MaxSLA || d%time.Second != 0 {
			mistakes = append(mistakes, fmt.Errorf("SLA of %s must be whole seconds, at least one and at most %s, not %s", priority, MaxSLA, d))
		}
	}
	return errors.Join(mistakes...)
}

func (s SLA) duration(priority api.Priority) time.Duration {
	switch priority {
	case api.PriorityCritique:
		return s.Critique
	case api.PriorityHaute:
		return s.Haute
	case api.PriorityNormale:
		return s.Normale
	}
	return s.Basse
}

// deadline is dateLimite of a ticket.
func (s SLA) deadline(priority api.Priority, created time.Time) time.Time {
	return created.Add(s.duration(priority))
}

// warningFrom is the moment at which 75 % of the time to the deadline has passed.
func warningFrom(created, deadline time.Time) time.Time {
	return created.Add(deadline.Sub(created) / 4 * 3)
}

// slaStatus is where a ticket stands at a moment: ok before 75 % of its time has passed, warning before all of it has, then
// breach.
func slaStatus(created, deadline, at time.Time) api.SLAStatus {
	switch {
	case !at.Before(deadline):
		return api.SLAStatusBreach
	case !at.Before(warningFrom(created, deadline)):
		return api.SLAStatusWarning
	}
	return api.SLAStatusOk
}

// slaDetails are the figures behind slaStatus. What has passed and what is left add up to the whole, to the minute; there is
// never less than nothing left, while the percentage goes on past 100.
func slaDetails(created, deadline, at time.Time) api.SLADetails {
	whole, passed := deadline.Sub(created), max(at.Sub(created), 0)
	percent := passed.Milliseconds() * 100 / max(whole.Milliseconds(), 1)
	passed = passed.Truncate(time.Minute)
	return api.SLADetails{
		TempsEcoule: formatDuration(passed), TempsRestant: formatDuration(max(whole-passed, 0)),
		Pourcentage: int32(min(percent, math.MaxInt32)),
	}
}

// slaMoment is when a ticket's SLA is looked at: now, or when it was resolved.
func slaMoment(resolved *time.Time, now time.Time) time.Time {
	if resolved != nil {
		return *resolved
	}
	return now
}

// isResolved reports whether a status ends the work on a ticket, and freezes its SLA.
func isResolved(status api.Status) bool {
	return status == api.StatusResolu || status == api.StatusClos || status == api.StatusAnnule
}

// formatDuration writes a duration like the document: "2 jours 4h", "1 jour", "10h". Only below an hour do minutes count:
// "45min". Nothing is "0h".
func formatDuration(d time.Duration) string {
	if d >= time.Minute && d < time.Hour {
		return fmt.Sprintf("%dmin", d/time.Minute)
	}
	days, hours := d/(24*time.Hour), d%(24*time.Hour)/time.Hour
	var parts []string
	switch {
	case days == 1:
		parts = append(parts, "1 jour")
	case days > 1:
		parts = append(parts, fmt.Sprintf("%d jours", days))
	}
	if hours > 0 || days == 0 {
		parts = append(parts, fmt.Sprintf("%dh", hours))
	}
	return strings.Join(parts, " ")
}

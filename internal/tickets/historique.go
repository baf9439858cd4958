package tickets

import (
	"fmt"
	"strings"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

// What the entries of a history are called.
const (
	historyCreation    = "creation"
	historyStatus      = "status_change"
	historyEscalation  = "escalation"
	historyPriority    = "priority_change"
	historyResponsable = "responsable_change"
	historyTitre       = "titre_change"
	historyDescription = "description_change"
	historyTags        = "tags_change"
)

// entry is one line of a ticket's history.
type entry struct{ action, description string }

func createdEntry(priority api.Priority) entry {
	return entry{historyCreation, fmt.Sprintf("Ticket créé avec la priorité '%s'", priority)}
}

// statusEntry tells a new status; why may be empty.
func statusEntry(from, to api.Status, why string) entry {
	text := fmt.Sprintf("Statut changé de '%s' à '%s'", from, to)
	if why != "" {
		text += " : " + why
	}
	return entry{historyStatus, text}
}

func escalationEntry(niveau int32) entry {
	return entry{historyEscalation, fmt.Sprintf("Escalade portée au niveau %d", niveau)}
}

func priorityEntry(from, to api.Priority) entry {
	if from == to {
		return entry{historyPriority, fmt.Sprintf("Priorité '%s' confirmée", to)}
	}
	return entry{historyPriority, fmt.Sprintf("Priorité changée de '%s' à '%s'", from, to)}
}

// responsableEntry tells who a ticket is assigned to; nil: nobody.
func responsableEntry(to *string) entry {
	if to == nil {
		return entry{historyResponsable, "Affectation retirée"}
	}
	return entry{historyResponsable, fmt.Sprintf("Ticket affecté à '%s'", *to)}
}

func titreEntry(from, to string) entry {
	return entry{historyTitre, fmt.Sprintf("Titre changé de '%s' à '%s'", from, to)}
}

func descriptionEntry(to *string) entry {
	if to == nil {
		return entry{historyDescription, "Description retirée"}
	}
	return entry{historyDescription, "Description modifiée"}
}

// tagsEntry tells which tags a ticket has now.
func tagsEntry(tags []string) entry {
	if len(tags) == 0 {
		return entry{historyTags, "Tags retirés"}
	}
	return entry{historyTags, "Tags : " + strings.Join(tags, ", ")}
}

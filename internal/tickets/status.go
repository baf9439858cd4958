package tickets

import (
	"fmt"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

// isClosed reports whether a ticket has to be reopened before anybody works on it again.
func isClosed(status api.Status) bool { return status == api.StatusClos || status == api.StatusAnnule }

// canMove reports whether a ticket may go from one status to another: never back to nouveau, and from clos or annule only to
// en_cours, which reopens it.
func canMove(from, to api.Status) bool {
	switch {
	case from == to, to == api.StatusNouveau:
		return false
	case isClosed(from):
		return to == api.StatusEnCours
	}
	return true
}

func errMove(from, to api.Status) error {
	return problem.New(problem.Invalid, fmt.Sprintf("Un ticket au statut '%s' ne peut pas passer à '%s'", from, to))
}

func errClosed(status api.Status) error {
	return problem.New(problem.Invalid, fmt.Sprintf("Un ticket au statut '%s' doit d'abord être rouvert", status))
}

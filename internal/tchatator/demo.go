package tchatator

import (
	"context"
	"fmt"
	"strings"

	"github.com/guichet-api/guichet/gen/tchatator/db"
	"github.com/guichet-api/guichet/internal/platform/auth"
)

// DemoUser is a user of the demo data.
type DemoUser struct {
	ID                int64
	Kind, Name, Token string
}

// DemoUsers are the users that everybody knows the tokens of.
func DemoUsers() []DemoUser {
	return []DemoUser{
		{1, kindMember, "Membre", strings.Repeat("a", 64)},
		{2, kindProfessional, "Professionnel", strings.Repeat("b", 64)},
		{3, kindAdministrator, "Administrateur", strings.Repeat("c", 64)},
		{4, kindMember, "Membre 2", strings.Repeat("d", 64)},
	}
}

// LoadDemo adds the users that are not there yet. What was changed since stays changed.
func (o Operator) LoadDemo(ctx context.Context) error {
	for _, u := range DemoUsers() {
		err := o.api.queries.InsertDemoUser(ctx, db.InsertDemoUserParams{
			ID: u.ID, Kind: u.Kind, Name: u.Name, TokenHash: auth.Digest(u.Token), CreatedAt: o.api.now(),
		})
		if err != nil {
			return fmt.Errorf("LoadDemo: %s: %w", u.Name, err)
		}
	}
	return nil
}

package reunion

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/reunion/db"
)

// DemoReunion is the réunion of the document's examples.
const DemoReunion = "reunion-123"

// DemoAccounts are the document's seller, who owns the demo réunion, and a second one.
func DemoAccounts() []NewUser {
	return []NewUser{
		{Email: "utilisateur@example.com", Password: "Password123", Nom: "Nom Utilisateur"},
		{Email: "vendeur2@example.com", Password: "Password123", Nom: "Vendeur Deux"},
	}
}

// LoadDemo loads the demo data: sellers and a réunion that are not there yet. What was changed since stays changed.
func (o Operator) LoadDemo(ctx context.Context) error {
	for _, u := range DemoAccounts() {
		if err := o.addOnce(ctx, u); err != nil {
			return fmt.Errorf("LoadDemo: %s: %w", u.Email, err)
		}
	}
	owner, err := o.api.queries.GetUserByEmail(ctx, DemoAccounts()[0].Email)
	if err == nil {
		_, err = o.api.queries.InsertReunion(ctx, db.InsertReunionParams{ID: DemoReunion, OwnerID: &owner.ID, CreatedAt: o.api.now()})
	}
	if err != nil {
		return fmt.Errorf("LoadDemo: %w", err)
	}
	return nil
}

// addOnce adds a seller unless there is one with its address.
func (o Operator) addOnce(ctx context.Context, u NewUser) error {
	_, err := o.api.queries.GetUserByEmail(ctx, u.Email)
	if !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if _, err = o.AddUser(ctx, u); errors.Is(err, errEmailTaken) {
		return nil
	}
	return err
}

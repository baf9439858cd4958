package tiptop

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
)

// DemoCode is the code that the document plays in its examples.
const DemoCode = "ABC-DEFG-HIJK"

// demoCodes is how many codes come with it.
const demoCodes = 1000

// DemoAccounts are the document's test accounts.
func DemoAccounts() []NewUser {
	return []NewUser{
		{Email: "test-client@test.com", Password: "Test1234", FirstName: "John", LastName: "Doe", Role: string(api.RoleCLIENT)},
		{Email: "employee@test.com", Password: "Employee1234", FirstName: "Marie", LastName: "Dupont", Role: string(api.RoleEMPLOYEE)},
		{Email: "admin@test.com", Password: "Admin1234", FirstName: "Jean", LastName: "Martin", Role: string(api.RoleADMIN)},
	}
}

// demoPrizes are the document's two prizes and three that go with them; together their probabilities are 1.
func demoPrizes() []db.InsertPrizeOnceParams {
	prize := func(n byte, kind api.PrizeType, name, description string, cents int64, probability float64, stock int32) db.InsertPrizeOnceParams {
		return db.InsertPrizeOnceParams{
			ID: uuid.UUID{0: 0x01, 6: 0x70, 8: 0x80, 15: n}, Type: string(kind), Name: name, Description: &description,
			ValueCents: cents, Probability: probability, InitialStock: stock,
		}
	}
	return []db.InsertPrizeOnceParams{
		prize(1, api.PrizeTypePHYSICAL, "Infuseur à thé", "Infuseur de qualité premium", 39_00, 0.60, 1000),
		prize(2, api.PrizeTypePHYSICAL, "Coffret découverte", "Assortiment de thés premium", 69_00, 0.15, 200),
		prize(3, api.PrizeTypePHYSICAL, "Boîte de thé détox", "Boîte de 100 g de thé détox ou d'infusion", 15_00, 0.12, 500),
		prize(4, api.PrizeTypePHYSICAL, "Boîte de thé signature", "Boîte de 100 g de thé signature", 25_00, 0.08, 300),
		prize(5, api.PrizeTypeDISCOUNT, "Bon de réduction", "10 € de réduction sur la prochaine commande", 10_00, 0.05, 1000),
	}
}

// LoadDemo loads the demo data: accounts, prizes and codes that are not there yet. What was changed since stays changed.
func (o Operator) LoadDemo(ctx context.Context) error {
	for _, u := range DemoAccounts() {
		if err := o.addOnce(ctx, u); err != nil {
			return fmt.Errorf("LoadDemo: %s: %w", u.Email, err)
		}
	}
	err := o.api.inTx(ctx, func(_ pgx.Tx, q *db.Queries) error {
		if err := o.addDemoPrizes(ctx, q); err != nil {
			return err
		}
		return o.addDemoCodes(ctx, q)
	})
	if err != nil {
		return fmt.Errorf("LoadDemo: %w", err)
	}
	return nil
}

// addOnce adds an account unless there is one with its address.
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

func (o Operator) addDemoPrizes(ctx context.Context, q *db.Queries) error {
	for _, p := range demoPrizes() {
		p.CreatedAt = o.api.now()
		added, err := q.InsertPrizeOnce(ctx, p)
		if err == nil && added == 1 {
			err = q.InsertStock(ctx, p.ID, p.InitialStock)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addDemoCodes adds the document's code and, the first time, others to play on with.
func (o Operator) addDemoCodes(ctx context.Context, q *db.Queries) error {
	added, err := q.InsertCodeOnce(ctx, DemoCode, o.api.now())
	if err != nil || added == 0 {
		return err
	}
	codes, err := o.api.newCodes(demoCodes)
	if err != nil {
		return err
	}
	_, err = q.InsertCodes(ctx, o.api.codeRows(codes))
	return err
}

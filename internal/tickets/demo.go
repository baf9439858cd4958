package tickets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/gen/tickets/db"
	"github.com/guichet-api/guichet/internal/realtime"
)

// DemoAccount is the document's user.
func DemoAccount() NewUser {
	return NewUser{Email: "user@example.com", Password: "password123", Nom: "Jean Dupont", Role: string(api.RoleAdmin)}
}

// demoYear is the year of the document's ticket, TC-2025-001.
const demoYear = 2025

// demoID is the id of the n-th thing of a kind in the demo data.
func demoID(kind, n byte) uuid.UUID { return uuid.UUID{0: 0x01, 6: 0x70, 8: 0x80, 14: kind, 15: n} }

var (
	demoClient   = demoID(1, 1)
	demoChantier = demoID(2, 1)
	demoTicket   = demoID(3, 1)
)

// LoadDemo loads the demo data unless it is there: the document's user, and its client, chantier and ticket. The last three come
// together, with the first numero of 2025. What was changed since stays changed.
func (o Operator) LoadDemo(ctx context.Context) error {
	if err := o.addOnce(ctx, DemoAccount()); err != nil {
		return fmt.Errorf("LoadDemo: %w", err)
	}
	err := o.api.inTx(ctx, func(q *db.Queries, _ realtime.Outbox) error {
		begun, err := q.BeginNumeros(ctx, demoYear)
		if err != nil || begun == 0 {
			return err
		}
		if err := addDemoClient(ctx, q); err != nil {
			return err
		}
		return addDemoTicket(ctx, q, o.api.now())
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

// addDemoClient adds the client and its construction site.
func addDemoClient(ctx context.Context, q *db.Queries) error {
	since := time.Date(2024, 6, 1, 8, 0, 0, 0, time.UTC)
	err := q.InsertClient(ctx, db.InsertClientParams{
		ID: demoClient, Nom: "SARL Construction Plus", Type: string(api.ClientTypeEntreprise), Email: new("contact@construction-plus.sn"),
		Telephone: new("+221 33 824 56 78"), Adresse: new("Avenue Bourguiba"), Ville: new("Dakar"), NoteSatisfaction: new(4.5), CreatedAt: since,
	})
	if err != nil {
		return err
	}
	return q.InsertChantier(ctx, db.InsertChantierParams{
		ID: demoChantier, Nom: "Résidence Les Jardins", Type: string(api.ChantierTypeConstruction), ClientID: &demoClient,
		Adresse: new("Avenue Bourguiba"), Ville: new("Dakar"), Coordonnees: []byte(`{"lat":14.6937,"lng":-17.4441}`),
		Statut: string(api.ChantierStatutEnCours), DateDebut: day(2025, 6, 15), DateFin: day(2026, 12, 31), Budget: new(int64(450_000_000)),
		Avancement: 65, Responsable: new("Ing. Mamadou Diop"), CreatedAt: since,
	})
}

func day(year int, month time.Month, day int) pgtype.Date {
	return pgtype.Date{Time: time.Date(year, month, day, 0, 0, 0, 0, time.UTC), Valid: true}
}

// addDemoTicket adds the ticket with its message and its history. Its dates are the document's, the deadline too; the threshold
// that it has reached by now is not announced.
func addDemoTicket(ctx context.Context, q *db.Queries, now time.Time) error {
	const jean = "Jean Dupont"
	created := time.Date(demoYear, 1, 10, 10, 0, 0, 0, time.UTC)
	begun, answered := created.Add(time.Hour), created.Add(4*time.Hour+30*time.Minute)
	deadline := time.Date(demoYear, 1, 12, 18, 0, 0, 0, time.UTC)
	return errors.Join(
		q.InsertTicket(ctx, db.InsertTicketParams{
			ID: demoTicket, Numero: formatNumero(demoYear, 1), Titre: "Problème de sécurité sur échafaudages",
			Description: new("Description complète..."), Status: string(api.StatusEnCours), Priority: string(api.PriorityCritique),
			Categorie: string(api.CategorieSecurite), ClientID: &demoClient, ChantierID: &demoChantier, Responsable: new(jean),
			DateCreation: created, DateLimite: deadline, DateAlerte: warningFrom(created, deadline), Tags: []string{"urgent", "chantier_a"},
		}),
		q.InsertHistorique(ctx, db.InsertHistoriqueParams{
			ID: demoID(5, 1), TicketID: demoTicket, Action: "status_change", Description: new("Statut changé de 'nouveau' à 'en_cours'"),
			Auteur: jean, CreatedAt: begun,
		}),
		q.InsertMessage(ctx, db.InsertMessageParams{
			ID: demoID(4, 1), TicketID: demoTicket, Auteur: jean, Contenu: "Nous avons envoyé une équipe", CreatedAt: answered,
		}),
		q.TouchTicket(ctx, answered, demoTicket),
		q.SetSLAStatus(ctx, string(slaStatus(created, deadline, now)), demoTicket),
	)
}

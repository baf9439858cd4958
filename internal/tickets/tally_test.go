package tickets

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tickets/api"
)

// newClient adds a client.
func (d *desk) newClient(token string) uuid.UUID {
	d.t.Helper()
	var created api.Client
	d.call("POST", "/api/clients", token, map[string]any{"nom": "Entreprise XYZ", "type": "entreprise"}).is(201, "").into(&created)
	return created.ID
}

// newChantier adds a construction site, of a client or of nobody.
func (d *desk) newChantier(token string, owner *uuid.UUID) uuid.UUID {
	d.t.Helper()
	var created api.Chantier
	d.call("POST", "/api/chantiers", token, map[string]any{"nom": "Pont", "type": "renovation", "clientId": owner}).is(201, "").into(&created)
	return created.ID
}

// TestTally: the counters follow whatever statement changes tickets, with whatever search_path it is sent.
func TestTally(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true})
	token := d.token(demoEmail)
	client, chantier := d.newClient(token).String(), d.newChantier(token, nil).String()
	for _, statement := range []string{
		`INSERT INTO tickets.tickets (numero, titre, status, priority, categorie, client_id, chantier_id, date_creation, date_limite, date_alerte)
			SELECT 'TC-2025-' || lpad(n::text, 3, '0'), 'Ticket', 'nouveau', (ARRAY['haute', 'basse'])[1 + n % 2], 'travaux',
			       CASE WHEN n % 3 > 0 THEN '` + demoClient.String() + `'::uuid END, CASE WHEN n % 2 > 0 THEN '` + chantier + `'::uuid END, '2025-01-12', now(), now()
			FROM generate_series(2, 20) AS n`,
		`UPDATE tickets.tickets SET status = 'resolu', sla_final = 'ok', date_resolution = now() WHERE numero < 'TC-2025-010'`,
		`UPDATE tickets.tickets SET categorie = 'securite' WHERE numero > 'TC-2025-015'`,
		`UPDATE tickets.tickets SET priority = 'normale', titre = 'Autre' WHERE priority = 'basse'`,
		`UPDATE tickets.tickets SET client_id = '` + client + `' WHERE client_id IS NOT NULL AND numero > 'TC-2025-005'`,
		`UPDATE tickets.tickets SET chantier_id = NULL WHERE numero < 'TC-2025-008'`,
		`UPDATE tickets.tickets SET status = 'en_cours', sla_final = NULL, date_resolution = NULL WHERE status = 'resolu' AND chantier_id IS NULL`,
		`DELETE FROM tickets.tickets WHERE numero > 'TC-2025-018'`,
	} {
		d.must(pgx.BeginFunc(t.Context(), d.db.Pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), `SET LOCAL search_path = ''`); err != nil {
				return err
			}
			tag, err := tx.Exec(t.Context(), statement)
			if err == nil && tag.RowsAffected() == 0 {
				t.Errorf("%s changes nothing", statement)
			}
			return err
		}))
		d.consistent()
	}
	var list api.ClientsResponse
	d.call("GET", "/api/clients", token, nil).is(200, "").into(&list)
	for _, c := range list.Clients {
		total := d.number(`SELECT count(*) FROM tickets WHERE client_id = $1`, c.ID)
		open := d.number(`SELECT count(*) FROM tickets WHERE client_id = $1 AND status NOT IN ('resolu', 'clos', 'annule')`, c.ID)
		if total == 0 || c.NbTickets != total || c.NbTicketsOuverts != open {
			t.Errorf("%s has %d tickets, %d open; want %d, %d", c.Nom, c.NbTickets, c.NbTicketsOuverts, total, open)
		}
	}
}

// TestCompact: several processes sum up the counters while others count; nothing is lost, or counted twice.
func TestCompact(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true, silent: true})
	other, err := newAPI(parts{clock: d.clock, pool: d.db.Pool, seed: "other"})
	d.must(err)
	const writers, changes = 6, 100
	ctx := context.WithoutCancel(t.Context())
	d.exec(`INSERT INTO tickets (numero, titre, status, priority, categorie, client_id, date_creation, date_limite, date_alerte)
		SELECT 'TC-2025-' || lpad(n::text, 3, '0'), 'Ticket', 'nouveau', 'haute', 'travaux', $1, '2025-01-12', now(), now() FROM generate_series(2, $2::int + 1) AS n`,
		demoClient, writers)
	inParallel(writers+2, func(i int) {
		for n := range changes {
			var err error
			switch i {
			case writers:
				err = d.compact(ctx)
			case writers + 1:
				err = other.compact(ctx)
			default:
				_, err = d.db.Pool.Exec(ctx, `UPDATE tickets SET priority = CASE priority WHEN 'haute' THEN 'basse' ELSE 'haute' END,
					client_id = CASE WHEN client_id IS NULL THEN $1::uuid END WHERE numero = $2`, demoClient, formatNumero(2025, int64(i+2)))
			}
			if err != nil {
				t.Errorf("%d, %d: %v", i, n, err)
			}
		}
	})
	d.consistent()
	d.exec(`UPDATE tickets SET titre = 'Autre', categorie = 'delais'`) // which belongs to no owner's counter
	d.must(d.compact(ctx))
	if n := d.number(`SELECT (SELECT count(*) FROM tally) + (SELECT count(*) FROM owner_tally)`); n > 1000 {
		t.Errorf("%d rows are left", n)
	}
	d.consistent()
}

// TestThresholdsTouchNoIndex: what is noted when one is announced, or when a message comes, stands in no index.
func TestThresholdsTouchNoIndex(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{demo: true, silent: true})
	for _, statement := range []string{
		`UPDATE tickets SET sla_status = 'breach'`, `UPDATE tickets SET date_modification = now()`, `UPDATE tickets SET tags = '{urgent}'`,
	} {
		d.must(pgx.BeginFunc(t.Context(), d.db.Pool, func(tx pgx.Tx) error {
			const counted = `SELECT pg_stat_get_xact_tuples_hot_updated('tickets.tickets'::regclass)`
			var before, after int
			err := tx.QueryRow(t.Context(), counted).Scan(&before)
			if err == nil {
				_, err = tx.Exec(t.Context(), statement)
			}
			if err == nil {
				err = tx.QueryRow(t.Context(), counted).Scan(&after)
			}
			if err == nil && after != before+1 {
				t.Errorf("%s touches indexes", statement)
			}
			return err
		}))
	}
}

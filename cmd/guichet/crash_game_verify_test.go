//go:build unix

package main

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/tiptop"
)

// row is a ticket in the database.
type row struct{ ID, Prize, Status string }

// verify compares the database, row by row, with what the clients know, and what is derived with what it derives from.
func (g *game) verify(s *server) {
	g.t.Helper()
	conn := connect(g.t, s, tiptop.Name)
	g.verifyTickets(conn)
	holdTo(g.t, conn, gameInvariants)
	g.verifyStatistics(s, conn)
}

// gameInvariants find what must not be: see holdTo.
var gameInvariants = map[string]string{
	"a code is played without a ticket, or a ticket has a code that is not played": `
		SELECT c.code FROM codes c FULL JOIN tickets t ON t.code = c.code WHERE (c.played_at IS NULL) <> (t.code IS NULL)`,
	"a prize's stock is not what it began with less the tickets that keep it": `
		SELECT p.name || ': ' || p.initial_stock || ' at first, ' || left_over || ' left, ' || kept || ' kept'
		FROM prizes p,
			LATERAL (SELECT sum(remaining) AS left_over FROM prize_stock WHERE prize_id = p.id) AS stock,
			LATERAL (SELECT count(*) AS kept FROM tickets WHERE prize_id = p.id AND status <> 'REJECTED') AS tickets
		WHERE p.initial_stock <> left_over + kept`,
	"a counter is not what it counts": `
		SELECT 'tickets: ' || tally || ' counted, ' || real || ' there' FROM (
			SELECT (SELECT (sum(tickets_pending), sum(tickets_validated), sum(tickets_rejected), sum(tickets_claimed))::text FROM tally) AS tally,
				(SELECT (count(*) FILTER (WHERE status = 'PENDING'), count(*) FILTER (WHERE status = 'VALIDATED'),
					count(*) FILTER (WHERE status = 'REJECTED'), count(*) FILTER (WHERE status = 'CLAIMED'))::text FROM tickets) AS real
		) AS both_of_them WHERE tally <> real`,
}

// verifyTickets looks every acknowledged ticket up, and every ticket up in the log.
func (g *game) verifyTickets(conn *pgx.Conn) {
	g.t.Helper()
	rows, err := conn.Query(g.t.Context(), "SELECT code, id::text, prize_id::text, status FROM tickets")
	if err != nil {
		g.t.Fatal(err)
	}
	stored := map[string]row{}
	var code string
	var r row
	if _, err := pgx.ForEachRow(rows, []any{&code, &r.ID, &r.Prize, &r.Status}, func() error {
		stored[code] = r
		return nil
	}); err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for code, p := range g.log {
		r, exists := stored[code]
		switch {
		case p.state == acknowledged && !exists:
			g.t.Errorf("the ticket of %s was acknowledged and is lost", code)
		case p.state == acknowledged && (r.ID != p.ticket || r.Prize != p.prize):
			g.t.Errorf("the ticket of %s is %+v, acknowledged was %+v", code, r, *p)
		case p.state == acknowledged && r.Status != p.status && r.Status != p.desk:
			g.t.Errorf("the ticket of %s is %s, the desk was told %s (and asked for %q)", code, r.Status, p.status, p.desk)
		case p.state == refused && exists:
			g.t.Errorf("the play of %s was refused, and there is a ticket", code)
		}
		if p.desk != "" && r.Status == p.desk { // it had been done
			p.status, p.desk = p.desk, ""
		}
	}
	for code := range stored {
		if g.log[code] == nil {
			g.t.Errorf("nobody has played %s, and there is a ticket", code)
		}
	}
}

// verifyStatistics compares what an administrator reads with what is there.
func (g *game) verifyStatistics(s *server, conn *pgx.Conn) {
	g.t.Helper()
	admin := tokenOf(g.t, s.tiptop, "admin@test.com", "Admin1234")
	told := call(g.t, "GET", s.tiptop+"/api/admin/statistics", admin, "")
	real := collect(g.t, conn, `SELECT count(*) || ' ' || count(*) FILTER (WHERE status = 'PENDING') || ' ' ||
		count(*) FILTER (WHERE status = 'VALIDATED') || ' ' || count(*) FILTER (WHERE status = 'REJECTED') || ' ' ||
		count(*) FILTER (WHERE status <> 'REJECTED') FROM tickets`)
	of := func(path ...string) any { return told.at(append([]string{"data"}, path...)...) }
	text := fmt.Sprint(of("tickets", "total"), of("tickets", "pending"), of("tickets", "validated"), of("tickets", "rejected"),
		of("prizes", "distributed"))
	if len(real) != 1 || text != real[0] {
		g.t.Errorf("the statistics tell %s, the tickets are %v", text, real)
	}
}

// settle plays again what had no answer: it works now exactly where it had not worked before.
func (g *game) settle(s *server) {
	g.t.Helper()
	conn := connect(g.t, s, tiptop.Name)
	for code, p := range g.log {
		if p.state != doubtful {
			continue
		}
		had := len(collect(g.t, conn, "SELECT id::text FROM tickets WHERE code = '"+code+"'")) == 1
		a := call(g.t, "POST", s.tiptop+"/api/game/play", g.client, fmt.Sprintf(`{"ticketCode":%q}`, code))
		switch {
		case had && a.status == 400:
		case !had && a.status == 200:
			p.state, p.ticket, p.prize, p.status = acknowledged, a.str("data", "ticket", "id"), a.str("data", "prize", "id"), "PENDING"
		default:
			g.t.Errorf("%s, which had a ticket: %t, answers %d %s", code, had, a.status, a.text)
		}
	}
}

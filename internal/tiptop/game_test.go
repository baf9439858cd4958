package tiptop

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

func TestPlayGame(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	prize, code := c.prize(1, 1), c.codes(2)

	won := c.play(client, " "+lower(code[0])+" ").won()
	want := api.PlayedTicket{ID: won.Ticket.ID, Code: code[0], Status: api.TicketStatusPENDING, PlayedAt: noon}
	if won.Ticket != want || won.Prize.ID != prize || won.Prize.Value != "39.00" || won.Prize.Description != nil {
		t.Errorf("won %+v", won)
	}
	c.play(client, code[0]).is(400, "Ce code a déjà été utilisé")
	c.play(client, "AAA-AAAA-AAAA").is(404, "Code invalide")
	c.play(client, code[1]).is(500, "Aucun prix disponible")
	c.play(c.account(api.RoleEMPLOYEE), code[1]).is(403, "Accès refusé")
	c.play(c.account(api.RoleADMIN), code[1]).is(403, "Accès refusé")
	c.prize(1, 1)
	c.play(client, code[1]).is(200, textWon)
	c.consistent()
}

func TestPlayGameOnlyWhileOpen(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, operator := c.account(api.RoleCLIENT), c.Operator()
	c.prize(1, 10)
	code := c.codes(1)[0]
	const closed = "Le jeu n'est pas actif pour le moment"

	c.must(operator.PauseGame(t.Context()))
	c.play(client, code).is(400, closed)
	c.play(client, "AAA-AAAA-AAAA").is(400, closed)
	c.must(operator.OpenGame(t.Context()))
	from, to := noon.Add(time.Hour), noon.Add(2*time.Hour)
	c.must(operator.SetWindow(t.Context(), &from, &to))
	c.play(client, code).is(400, closed)
	c.clock.Set(to)
	c.play(client, code).is(400, closed)
	c.clock.Set(to.Add(-time.Millisecond))
	c.play(client, code).is(200, textWon)
}

func TestPlayGameDrawsWhatHasWeight(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, admin := c.account(api.RoleCLIENT), c.account(api.RoleADMIN)
	heavy, inactive := c.prize(0.001, 3), c.prize(1, 3)
	c.prize(0, 3) // no weight: never drawn, not even when nothing else is left
	c.call("DELETE", "/api/admin/prizes/"+inactive.String(), admin.token, nil).is(200, "Prix désactivé avec succès")
	codes := c.codes(4)
	for _, code := range codes[:3] {
		if won := c.play(client, code).won(); won.Prize.ID != heavy {
			t.Errorf("won %+v", won.Prize)
		}
	}
	c.play(client, codes[3]).is(500, "Aucun prix disponible")
	if n := c.number(`SELECT count(*) FROM codes WHERE played_at IS NULL`); n != 1 {
		t.Errorf("%d codes are left, want 1", n)
	}
}

// TestManyPlayers is the contest's worst hour: more players than prizes, every code tried at the same time.
func TestManyPlayers(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	c.prize(0.7, 13)
	c.prize(0.3, 7)
	players := make([]account, 50)
	for i := range players {
		players[i] = c.account(api.RoleCLIENT)
	}
	codes := c.codes(200)
	answers := make([]answer, len(codes))
	inParallel(len(players), func(i int) {
		for n := i; n < len(codes); n += len(players) {
			answers[n] = c.play(players[i], codes[n])
		}
	})

	won := map[string]bool{}
	for i, answer := range answers {
		if answer.Status == 200 {
			won[codes[i]] = true
			continue
		}
		answer.is(500, "Aucun prix disponible")
	}
	if len(won) != 20 || c.number(`SELECT sum(remaining) FROM prize_stock`) != 0 || c.number(`SELECT count(*) FROM tickets`) != 20 {
		t.Errorf("%d plays won", len(won))
	}
	c.consistent()

	c.prize(1, 180)
	inParallel(len(players), func(i int) {
		for n := i; n < len(codes); n += len(players) {
			if !won[codes[n]] {
				c.play(players[i], codes[n]).is(200, textWon)
			}
		}
	})
	if n := c.number(`SELECT count(*) FROM codes WHERE played_at IS NULL`); n != 0 {
		t.Errorf("%d codes were lost", n)
	}
	c.consistent()
}

func TestOneCodePaysOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	c.prize(1, 100)
	code := c.codes(1)[0]
	players := make([]account, 30)
	for i := range players {
		players[i] = c.account(api.RoleCLIENT)
	}
	answers := make([]answer, len(players))
	inParallel(len(players), func(i int) { answers[i] = c.play(players[i], code) })
	won := 0
	for _, answer := range answers {
		if answer.Status == 200 {
			won++
		} else {
			answer.is(400, "Ce code a déjà été utilisé")
		}
	}
	if won != 1 || c.number(`SELECT sum(remaining) FROM prize_stock`) != 99 {
		t.Errorf("the code paid %d times", won)
	}
	c.consistent()
}

// TestPlaysDoNotSerialise holds plays open after they have counted themselves: others must get past them.
func TestPlaysDoNotSerialise(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, prize, codes := c.account(api.RoleCLIENT), c.prize(1, 100), c.codes(2)
	conn := c.loneSession()
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	c.must(err)
	c.must(c.halfAPlay(tx, client, prize, codes[0]))
	played := make(chan answer)
	go func() { played <- c.play(client, codes[1]) }()
	select {
	case answer := <-played:
		answer.is(200, textWon)
	case <-time.After(10 * time.Second):
		t.Error("a play waits for another one")
	}
	c.must(tx.Commit(t.Context()))
	c.consistent()
}

// TestStockThatIsHeldIsSkipped holds all but one of a prize's rows: whoever takes from stock finds the one that is left.
func TestStockThatIsHeldIsSkipped(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	prize := c.prize(1, 80)
	holder, err := c.db.Pool.Begin(t.Context())
	c.must(err)
	_, err = holder.Exec(t.Context(), `SELECT FROM prize_stock WHERE prize_id = $1 AND shard <> 5 FOR UPDATE`, prize)
	c.must(err)
	var takers []pgx.Tx
	for range 8 { // sessions with different numbers begin to look in different places
		taker, err := c.db.Pool.Begin(t.Context())
		c.must(err)
		takers = append(takers, taker)
	}
	for _, taker := range takers {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		taken, err := c.queries.WithTx(taker).TakeStock(ctx, prize)
		cancel()
		if err != nil || taken != 1 {
			t.Errorf("taken %d, %v", taken, err)
		}
		c.must(taker.Rollback(t.Context()))
	}
	c.must(holder.Rollback(t.Context()))
}

// TestPlayersWaitForTheLastPrize holds the last of a prize: who wants it waits, and gets it if it comes back.
func TestPlayersWaitForTheLastPrize(t *testing.T) {
	t.Parallel()
	for name, commit := range map[string]bool{"it is taken": true, "it comes back": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newContest(t, options{})
			client, prize, codes := c.account(api.RoleCLIENT), c.prize(1, 1), c.codes(2)
			tx, err := c.db.Pool.Begin(t.Context())
			c.must(err)
			c.must(c.halfAPlay(tx, client, prize, codes[0]))
			played := make(chan answer)
			go func() { played <- c.play(client, codes[1]) }()
			c.awaitBlocked(1)
			if commit {
				c.must(tx.Commit(t.Context()))
				(<-played).is(500, "Aucun prix disponible")
			} else {
				c.must(tx.Rollback(t.Context()))
				(<-played).is(200, textWon)
			}
			if n := c.number(`SELECT count(*) FROM tickets`); n != 1 {
				t.Errorf("%d tickets", n)
			}
			c.consistent()
		})
	}
}

// TestPlayOfADeletedPlayer deletes the player after the guard has let the play in.
func TestPlayOfADeletedPlayer(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, code := c.account(api.RoleCLIENT), c.codes(1)[0]
	c.prize(1, 1)
	tx, err := c.db.Pool.Begin(t.Context())
	c.must(err)
	_, err = tx.Exec(t.Context(), `DELETE FROM users WHERE id = $1`, client.id)
	c.must(err)
	played := make(chan answer)
	go func() { played <- c.play(client, code) }()
	c.awaitBlocked(1)
	c.must(tx.Commit(t.Context()))
	(<-played).is(401, "Token invalide ou expiré")
	c.play(c.account(api.RoleCLIENT), code).is(200, textWon)
	c.consistent()
}

func TestMyTickets(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	mine, other, employee := c.account(api.RoleCLIENT), c.account(api.RoleCLIENT), c.account(api.RoleEMPLOYEE)
	c.prize(1, 100)
	codes := c.codes(6)
	var played []uuid.UUID
	for _, code := range codes[:5] {
		c.clock.Advance(time.Second)
		played = append(played, c.play(mine, code).won().Ticket.ID)
	}
	foreign := c.play(other, codes[5]).won().Ticket
	c.desk(employee, played[1], "validate").is(200, textTicketValidated)

	slices.Reverse(played)
	for path, want := range map[string][]uuid.UUID{
		"":                          played,
		"?limit=2":                  played[:2],
		"?page=2&limit=2":           played[2:4],
		"?page=3&limit=2":           played[4:],
		"?page=4&limit=2":           {},
		"?page=9223372036854775807": {},
		"?status=VALIDATED":         played[3:4],
		"?status=PENDING&limit=3":   played[:3],
		"?status=CLAIMED":           {},
	} {
		var body api.MyTicketsResponse
		c.call("GET", "/api/game/my-tickets"+path, mine.token, nil).is(200, "").into(&body)
		got := []uuid.UUID{}
		for _, ticket := range body.Data.Tickets {
			got = append(got, ticket.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", path, got, want)
		}
	}
	for _, path := range []string{"/api/game/my-tickets/" + foreign.ID.String(), "/api/game/ticket/" + foreign.Code} {
		c.call("GET", path, mine.token, nil).is(404, "Ticket non trouvé")
		c.call("GET", path, other.token, nil).is(200, "")
	}
	c.call("GET", "/api/game/ticket/"+lower(foreign.Code), other.token, nil).is(200, "")
	c.call("GET", "/api/game/ticket/AAA-AAAA-AAAA", other.token, nil).is(404, "Ticket non trouvé")
}

// inParallel calls do for 0…n-1 at the same time.
func inParallel(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	all.Wait()
}

package tiptop

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/guichet-api/guichet/gen/tiptop/api"
)

func TestStatisticsOfAStorm(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, employee := c.account(api.RoleADMIN), c.account(api.RoleEMPLOYEE)
	prizes := []uuid.UUID{c.prize(0.5, 40), c.prize(0.5, 40)}
	codes := c.codes(120)
	inParallel(8, func(worker int) {
		random := rand.New(rand.NewPCG(uint64(worker), 7))
		me := c.account(api.RoleCLIENT)
		for i := worker; i < len(codes); i += 8 {
			played := c.play(me, codes[i])
			if played.Status != 200 {
				played.is(500, "Aucun prix disponible")
				continue
			}
			ticket := played.won().Ticket.ID
			switch random.IntN(6) {
			case 0:
				c.desk(employee, ticket, "validate").is(200, "")
			case 1:
				c.desk(employee, ticket, "reject").is(200, "")
			case 2:
				c.desk(employee, ticket, "validate").is(200, "")
				c.desk(employee, ticket, "claim").is(200, "")
			case 3:
				c.call("PUT", "/api/admin/prizes/"+prizes[i%2].String(), admin.token, map[string]any{"stock": random.IntN(30)}).is(200, "")
			case 4:
				c.call("DELETE", "/api/users/account", me.token, nil).is(200, "")
				me = c.account([]api.Role{api.RoleCLIENT, api.RoleCLIENT}[random.IntN(2)])
			}
		}
		c.call("PUT", "/api/admin/users/"+me.id.String(), admin.token, map[string]any{
			"role": []string{"CLIENT", "EMPLOYEE", "ADMIN"}[worker%3], "isVerified": worker%2 == 0,
		}).is(200, "")
	})
	c.consistent()
}

func TestPrizes(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin := c.account(api.RoleADMIN)
	var created api.CreatePrizeResponse
	c.call("POST", "/api/admin/prizes", admin.token, map[string]any{
		"type": "DISCOUNT", "name": "Bon", "description": "10 €", "value": "10.5", "probability": 0.25, "stock": 13,
	}).is(201, "Prix créé avec succès").into(&created)
	id := created.Data.ID
	text := "10 €"
	if p := created.Data; p.Type != "DISCOUNT" || p.Name != "Bon" || *p.Description != text || p.Value != "10.50" ||
		p.Probability != 0.25 || p.Stock != 13 || p.InitialStock != 13 || !p.IsActive {
		t.Errorf("created %+v", p)
	}

	path := "/api/admin/prizes/" + id.String()
	for _, step := range []struct {
		body  map[string]any
		check func(p api.UpdatedPrize) bool
		left  int32 // initialStock after it
	}{
		{map[string]any{}, func(p api.UpdatedPrize) bool { return p.Stock == 13 && *p.Description == text }, 13},
		{map[string]any{"stock": 20}, func(p api.UpdatedPrize) bool { return p.Stock == 20 }, 20},
		{map[string]any{"stock": 5}, func(p api.UpdatedPrize) bool { return p.Stock == 5 }, 20},
		{map[string]any{"stock": 6}, func(p api.UpdatedPrize) bool { return p.Stock == 6 }, 21},
		{map[string]any{"description": nil}, func(p api.UpdatedPrize) bool { return p.Description == nil && p.Stock == 6 }, 21},
		{map[string]any{"name": "Autre", "value": "9", "probability": 0, "isActive": false}, func(p api.UpdatedPrize) bool {
			return p.Name == "Autre" && p.Value == "9.00" && p.Probability == 0 && !p.IsActive
		}, 21},
	} {
		var updated api.UpdatePrizeResponse
		c.call("PUT", path, admin.token, step.body).is(200, "Prix mis à jour avec succès").into(&updated)
		var listed api.PrizesResponse
		c.call("GET", "/api/admin/prizes", admin.token, nil).is(200, "").into(&listed)
		if !step.check(updated.Data) || listed.Data[0].InitialStock != step.left || listed.Data[0].Stock != updated.Data.Stock {
			t.Errorf("after %v: %+v, %+v", step.body, updated.Data, listed.Data)
		}
	}
	c.call("PUT", path, admin.token, map[string]any{"stock": 1_000_000_000}).is(400, "Le stock initial ne peut pas dépasser 1 000 000 000")
	c.call("PUT", path, admin.token, map[string]any{"isActive": true}).is(200, "")
	c.call("DELETE", path, admin.token, nil).is(200, "Prix désactivé avec succès")
	c.call("DELETE", path, admin.token, nil).is(200, "Prix désactivé avec succès")
	unknown := "/api/admin/prizes/" + uuid.NewString()
	c.call("DELETE", unknown, admin.token, nil).is(404, "Prix non trouvé")
	c.call("PUT", unknown, admin.token, map[string]any{"stock": 1}).is(404, "Prix non trouvé")
	c.consistent()
}

// TestStockIsSetWhilePlayed sets a stock while players take from it: what they took is neither lost nor given back.
func TestStockIsSetWhilePlayed(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, client, prize := c.account(api.RoleADMIN), c.account(api.RoleCLIENT), c.prize(1, 10)
	codes := c.codes(120)
	inParallel(4, func(worker int) {
		if worker == 0 {
			for range 30 {
				c.call("PUT", "/api/admin/prizes/"+prize.String(), admin.token, map[string]any{"stock": 10}).is(200, "")
			}
			return
		}
		for _, code := range codes[40*(worker-1) : 40*worker] {
			c.play(client, code)
		}
	})
	tickets := c.number(`SELECT count(*) FROM tickets`)
	left := c.number(`SELECT sum(remaining) FROM prize_stock`)
	if initial := c.number(`SELECT initial_stock FROM prizes`); tickets < 10 || initial != tickets+left {
		t.Errorf("%d prizes came in, %d are left, %d were won", initial, left, tickets)
	}
	c.consistent()
}

func TestUsers(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin := c.account(api.RoleADMIN)
	c.clock.Advance(time.Second)
	client := c.account(api.RoleCLIENT)
	var created api.CreateEmployeeResponse
	employee := map[string]any{"email": "Marie@Example.com", "password": "TempPassword123", "firstName": "Marie", "lastName": "Dupont"}
	c.clock.Advance(time.Second)
	c.call("POST", "/api/admin/employees", admin.token, employee).is(201, "Employé créé avec succès").into(&created)
	c.call("POST", "/api/admin/employees", admin.token, employee).is(400, "Cet email est déjà utilisé")
	if created.Data.Email != "marie@example.com" || created.Data.Role != api.RoleEMPLOYEE {
		t.Errorf("created %+v", created.Data)
	}

	newestFirst := []uuid.UUID{created.Data.ID, client.id, admin.id}
	for path, want := range map[string][]uuid.UUID{
		"": newestFirst, "?limit=2&page=2": newestFirst[2:], "?page=2": {}, "?role=CLIENT": {client.id}, "?role=ADMIN": {admin.id},
		"?role=EMPLOYEE": {created.Data.ID},
	} {
		var body api.UsersResponse
		c.call("GET", "/api/admin/users"+path, admin.token, nil).is(200, "").into(&body)
		got := []uuid.UUID{}
		for _, user := range body.Data.Users {
			got = append(got, user.ID)
		}
		if !slices.Equal(got, want) || !strings.Contains(path, "page=2") && body.Data.Pagination.Total != int64(len(want)) {
			t.Errorf("%q lists %v of %d, want %v", path, got, body.Data.Pagination.Total, want)
		}
	}

	path := "/api/admin/users/" + client.id.String()
	var updated api.UpdateUserResponse
	c.call("PUT", path, admin.token, map[string]any{"firstName": "Jean", "isVerified": false}).
		is(200, "Utilisateur mis à jour avec succès").into(&updated)
	want := api.SessionUser{ID: client.id, Email: client.email, FirstName: "Jean", LastName: "Doe", Role: api.RoleCLIENT}
	if updated.Data != want {
		t.Errorf("updated %+v, want %+v", updated.Data, want)
	}
	unknown := "/api/admin/users/" + uuid.NewString()
	c.call("PUT", unknown, admin.token, map[string]any{"role": "CLIENT"}).is(404, "Utilisateur non trouvé")
	c.call("PUT", unknown, admin.token, map[string]any{"isVerified": true}).is(404, "Utilisateur non trouvé")
	c.call("DELETE", unknown, admin.token, nil).is(404, "Utilisateur non trouvé")
	c.consistent()
}

func TestRoleCountsAtOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, somebody := c.account(api.RoleADMIN), c.account(api.RoleCLIENT)
	path := "/api/admin/users/" + somebody.id.String()
	c.call("GET", "/api/employee/stats", somebody.token, nil).is(403, "Accès refusé")
	c.call("PUT", path, admin.token, map[string]any{"role": "EMPLOYEE"}).is(200, "")
	c.call("GET", "/api/employee/stats", somebody.token, nil).is(200, "")
	c.call("PUT", path, admin.token, map[string]any{"role": "CLIENT"}).is(200, "")
	c.call("GET", "/api/employee/stats", somebody.token, nil).is(403, "Accès refusé")
	c.call("DELETE", path, admin.token, nil).is(200, "Utilisateur supprimé avec succès")
	c.call("GET", "/api/auth/me", somebody.token, nil).is(401, "Token invalide ou expiré")
}

func TestAdminsProtectThemselves(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin := c.account(api.RoleADMIN)
	path := "/api/admin/users/" + admin.id.String()
	c.call("PUT", path, admin.token, map[string]any{"role": "CLIENT"}).is(400, "Vous ne pouvez pas retirer votre propre rôle d'administrateur")
	c.call("PUT", path, admin.token, map[string]any{"role": "ADMIN", "firstName": "Jean"}).is(200, "")
	c.call("DELETE", path, admin.token, nil).is(400, "Vous ne pouvez pas supprimer votre propre compte")
	c.call("DELETE", "/api/users/account", admin.token, nil).is(400, "Le dernier administrateur ne peut pas supprimer son compte")
	other := c.account(api.RoleADMIN)
	c.call("DELETE", "/api/users/account", admin.token, nil).is(200, "Compte supprimé avec succès")
	c.call("DELETE", "/api/users/account", other.token, nil).is(400, "Le dernier administrateur ne peut pas supprimer son compte")
	c.consistent()
}

// TestOneAdminRemains lets administrators remove one another, in every way there is, at the same time.
func TestOneAdminRemains(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	demote := func(by, whom account) answer {
		return c.call("PUT", "/api/admin/users/"+whom.id.String(), by.token, map[string]any{"role": "CLIENT"})
	}
	remove := func(by, whom account) answer {
		return c.call("DELETE", "/api/admin/users/"+whom.id.String(), by.token, nil)
	}
	leave := func(by, _ account) answer { return c.call("DELETE", "/api/users/account", by.token, nil) }
	for name, ways := range map[string][2]func(by, whom account) answer{
		"both demote": {demote, demote}, "both delete": {remove, remove}, "both leave": {leave, leave},
		"one demotes, one deletes": {demote, remove}, "one demotes, one leaves": {demote, leave}, "one deletes, one leaves": {remove, leave},
	} {
		for range 5 {
			c.exec(`DELETE FROM users`)
			admins := [2]account{c.account(api.RoleADMIN), c.account(api.RoleADMIN)}
			var answers [2]answer
			inParallel(2, func(i int) { answers[i] = ways[i](admins[i], admins[1-i]) })
			if n := c.number(`SELECT count(*) FROM users WHERE role = 'ADMIN'`); n != 1 {
				t.Errorf("%s: %d administrators remain; %s and %s", name, n, answers[0].Body, answers[1].Body)
			}
		}
	}
	c.consistent()
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, client, other := c.account(api.RoleADMIN), c.account(api.RoleCLIENT), c.account(api.RoleCLIENT)
	c.prize(1, 10)
	codes := c.codes(3)
	c.play(client, codes[0]).is(200, textWon)
	c.play(client, codes[1]).is(200, textWon)
	c.play(other, codes[2]).is(200, textWon)
	c.call("DELETE", "/api/admin/users/"+client.id.String(), admin.token, nil).is(200, "Utilisateur supprimé avec succès")
	if n := c.number(`SELECT count(*) FROM tickets`); n != 1 {
		t.Errorf("%d tickets are left, want 1", n)
	}
	c.play(other, codes[0]).is(400, "Ce code a déjà été utilisé")
	c.call("DELETE", "/api/users/account", other.token, nil).is(200, "Compte supprimé avec succès")
	c.play(c.account(api.RoleCLIENT), codes[2]).is(400, "Ce code a déjà été utilisé")
	c.consistent()
}

func TestListTickets(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, mine, other := c.account(api.RoleADMIN), c.account(api.RoleCLIENT), c.account(api.RoleCLIENT)
	c.prize(1, 10)
	var all []uuid.UUID
	for i, code := range c.codes(4) {
		c.clock.Advance(time.Second)
		all = append(all, c.play([]account{mine, other}[i%2], code).won().Ticket.ID)
	}
	c.desk(admin, all[0], "validate").is(200, "")
	slices.Reverse(all)
	user := "userId=" + mine.id.String()
	for query, want := range map[string][]uuid.UUID{
		"": all, "limit=3&page=2": all[3:], "status=VALIDATED": all[3:], "status=PENDING&limit=2": all[:2],
		user: {all[1], all[3]}, user + "&status=PENDING": {all[1]}, "userId=" + uuid.NewString(): {},
	} {
		var body api.TicketsResponse
		c.call("GET", "/api/admin/tickets?"+query, admin.token, nil).is(200, "").into(&body)
		got := []uuid.UUID{}
		for _, ticket := range body.Data.Tickets {
			got = append(got, ticket.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q lists %v, want %v", query, got, want)
		}
	}
}

func TestIssueCodes(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	admin, client := c.account(api.RoleADMIN), c.account(api.RoleCLIENT)
	c.prize(1, 10)
	var body api.IssueCodesResponse
	c.call("POST", "/api/admin/codes", admin.token, map[string]any{"count": 10_000}).is(200, "Codes générés avec succès").into(&body)
	slices.Sort(body.Data.Codes)
	if unique := len(slices.Compact(body.Data.Codes)); unique != 10_000 || body.Data.Count != 10_000 {
		t.Errorf("%d codes of %d", unique, body.Data.Count)
	}
	c.play(client, body.Data.Codes[0]).is(200, textWon)
	for _, count := range []int{0, -1, 10_001} {
		c.call("POST", "/api/admin/codes", admin.token, map[string]any{"count": count}).is(400, "")
	}
}

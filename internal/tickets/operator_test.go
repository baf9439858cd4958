package tickets

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/guichet-api/guichet/gen/tickets/api"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/testkit"
)

func TestAddUser(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	operator := d.Operator()
	marie := NewUser{Email: "Marie@Example.com", Password: "password123", Nom: "Marie Martin", Role: "agent"}
	added, err := operator.AddUser(t.Context(), marie)
	d.must(err)
	if added.Email != "marie@example.com" || added.Nom != marie.Nom || added.Role != "agent" || !added.CreatedAt.Equal(sunday) {
		t.Errorf("%+v", added)
	}
	if _, err := operator.AddUser(t.Context(), NewUser{Email: "marie@EXAMPLE.com", Password: "password123", Nom: "Marie", Role: "admin"}); !errors.Is(err, errEmailTaken) {
		t.Errorf("the same address again: %v", err)
	}
	for name, spoil := range map[string]func(*NewUser){
		"no address":       func(u *NewUser) { u.Email = "marie" },
		"no password":      func(u *NewUser) { u.Password = "" },
		"a short password": func(u *NewUser) { u.Password = "pass123" },
		"a long password":  func(u *NewUser) { u.Password = strings.Repeat("x", 129) },
		"no name":          func(u *NewUser) { u.Nom = " " },
		"a long name":      func(u *NewUser) { u.Nom = strings.Repeat("é", 256) },
		"no role":          func(u *NewUser) { u.Role = "" },
		"an unknown role":  func(u *NewUser) { u.Role = "ADMIN" },
	} {
		u := marie
		u.Email = "other@example.com"
		spoil(&u)
		_, err := operator.AddUser(t.Context(), u)
		if refused := (*contract.Error)(nil); !errors.As(err, &refused) && !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := d.number(`SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	d.exec(`INSERT INTO users (id, email, password_hash, nom, role, created_at)
		SELECT lpad(n::text, 32, '0')::uuid, n || '@example.com', '', 'Awa', 'agent', $1 FROM generate_series(1, 2500) AS n`, sunday)
	d.clock.Advance(-time.Hour)
	first := d.account(demoNom)
	var emails []string
	d.must(d.Operator().ListUsers(t.Context(), func(u User) error {
		emails = append(emails, u.Email)
		return nil
	}))
	if len(emails) != 2501 || emails[0] != first.email || emails[1] != "1@example.com" || emails[2500] != "2500@example.com" {
		t.Errorf("%d accounts, the first is %v", len(emails), emails[:min(2, len(emails))])
	}
	enough := errors.New("enough")
	if err := d.Operator().ListUsers(t.Context(), func(User) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

// TestSetPassword: it ends every session of the account and of no other, and old passwords begin none.
func TestSetPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean, marie := d.account(demoNom), d.account("Marie Martin")
	operator := d.Operator()
	d.must(operator.SetPassword(t.Context(), strings.ToUpper(jean.email), "password456"))
	d.call("GET", "/api/clients", jean.token, nil).is(401, "Token invalide ou expiré")
	d.call("GET", "/api/clients", marie.token, nil).is(200, "")
	d.call("POST", "/api/auth/login", "", map[string]any{"email": jean.email, "password": password}).is(401, "Email ou mot de passe incorrect")
	var in api.LoginResponse
	d.call("POST", "/api/auth/login", "", map[string]any{"email": jean.email, "password": "password456"}).is(200, "").into(&in)
	d.call("GET", "/api/clients", in.Token, nil).is(200, "")
	if err := operator.SetPassword(t.Context(), jean.email, "short"); err == nil {
		t.Error("a short password is accepted")
	}
	if err := operator.SetPassword(t.Context(), "nobody@example.com", "password456"); !problem.Is(err, problem.NotFound) {
		t.Errorf("nobody's password: %v", err)
	}
	if _, err := operator.IssueToken(t.Context(), "nobody@example.com"); !problem.Is(err, problem.NotFound) {
		t.Errorf("nobody's token: %v", err)
	}
	d.call("GET", "/api/clients", in.Token, nil).is(200, "")
}

// TestLoginAgainstNewPassword: a login that has read the old password begins no session once there is a new one.
func TestLoginAgainstNewPassword(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean := d.account(demoNom)
	read, err := d.queries.GetUserByEmail(t.Context(), jean.email)
	d.must(err)
	d.must(d.Operator().SetPassword(t.Context(), jean.email, "password456"))
	if token, err := d.beginSession(t.Context(), read); !errors.Is(err, errCredentials) {
		t.Errorf("%q, %v", token, err)
	}
}

// TestLoadDemo: however often and by however many it is loaded, it is there once; what was changed since stays changed.
func TestLoadDemo(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	inParallel(4, func(int) {
		if err := d.Operator().LoadDemo(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for table, want := range map[string]int64{"users": 1, "clients": 1, "chantiers": 1, "tickets": 1, "messages": 1, "historique": 1} {
		if n := d.number(`SELECT count(*) FROM ` + table); n != want {
			t.Errorf("%d %s, want %d", n, table, want)
		}
	}
	token := d.token(demoEmail)
	d.action(token, demoTicket, "cloturer", map[string]any{"motif": "Fait"}).is(200, textDone)
	d.must(d.Operator().SetPassword(t.Context(), demoEmail, "password456"))
	before := testkit.HashTables(t, d.db)
	d.must(d.Operator().LoadDemo(t.Context()))
	if after := testkit.HashTables(t, d.db); after != before {
		t.Errorf("loading again has changed\n%sto\n%s", before, after)
	}
	if next := d.create(d.token(demoEmail), api.PriorityBasse); next.Numero != "TC-2025-002" {
		t.Errorf("the next ticket is %s", next.Numero)
	}
}

// TestLoadDemoBesideRealTickets: a desk that has given TC-2025-001 to a ticket of its own keeps it.
func TestLoadDemoBesideRealTickets(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	own := d.create(d.account("Marie Martin").token, api.PriorityBasse)
	d.must(d.Operator().LoadDemo(t.Context()))
	if n := d.number(`SELECT count(*) FROM tickets`); own.Numero != "TC-2025-001" || n != 1 {
		t.Errorf("%s is one of %d tickets", own.Numero, n)
	}
	d.token(demoEmail)
}

// TestDemoIsAnnouncedAsItStands: loading long after the deadline announces no threshold.
func TestDemoIsAnnouncedAsItStands(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.clock.Advance(365 * 24 * time.Hour)
	d.must(d.Operator().LoadDemo(t.Context()))
	d.must(d.watch(t.Context()))
	if told := d.announced(); len(told) != 0 {
		t.Errorf("%d events, the first is %s", len(told), told[0].Data)
	}
	if got := d.ticket(d.token(demoEmail), demoTicket); got.SLAStatus != api.SLAStatusBreach {
		t.Errorf("served as %s", got.SLAStatus)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	err := (Config{Secret: []byte("short"), SLA: SLA{}}).Validate()
	for _, mistake := range []string{"Secret", "Place", "SLA of critique", "SLA of basse"} {
		if err == nil || !strings.Contains(err.Error(), mistake) {
			t.Errorf("%s is missing in: %v", mistake, err)
		}
	}
	pool, err := pgxpool.New(t.Context(), "postgres://127.0.0.1:1/none") // connects to nothing
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := New(Config{}, Deps{Pool: pool}); err == nil {
		t.Error("a system without configuration")
	}
}

// TestTasks: what is done at intervals is known to the jobs.
func TestTasks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	for _, task := range []string{"purge", "compact"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("the jobs know nothing of %s", task)
				}
			}()
			d.deps.Jobs.Every(Name+"."+task, time.Hour, d.purge)
		}()
	}
}

// TestPurge: sessions that have expired are deleted, others are not.
func TestPurge(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{silent: true})
	jean := d.account(demoNom)
	d.clock.Advance(time.Hour)
	d.token(jean.email)
	d.clock.Advance(sessionLifetime - time.Hour)
	d.must(d.purge(t.Context()))
	if n := d.number(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

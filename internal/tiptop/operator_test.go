package tiptop

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
)

func TestAddUser(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	good := NewUser{Email: "Chef@Example.com", Password: "Admin1234", FirstName: "Jean", LastName: "Martin", Role: "ADMIN"}
	added, err := c.Operator().AddUser(t.Context(), good)
	if err != nil || added.Email != "chef@example.com" || added.Role != "ADMIN" || !added.IsVerified {
		t.Errorf("added %+v, %v", added, err)
	}
	if _, err := c.Operator().AddUser(t.Context(), good); !problem.Is(err, problem.Invalid) {
		t.Errorf("added twice: %v", err)
	}
	bad := NewUser{Email: "chef", Password: "short", FirstName: "J", LastName: "Martin", Role: "ADMIN"}
	_, err = c.Operator().AddUser(t.Context(), bad)
	var refused *contract.Error
	if !errors.As(err, &refused) {
		t.Fatalf("a bad account: %v", err)
	}
	var fields []string
	for _, v := range refused.Violations {
		fields = append(fields, v.Field())
	}
	slices.Sort(fields)
	if want := []string{"email", "firstName", "password"}; !slices.Equal(slices.Compact(fields), want) {
		t.Errorf("violations of %v, want %v", fields, want)
	}
	good.Role = "BOSS"
	if _, err := c.Operator().AddUser(t.Context(), good); err == nil {
		t.Error("an unknown role was accepted")
	}
}

func TestOperatorLists(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	c.exec(`INSERT INTO users (id, email, password_hash, first_name, last_name, role, created_at)
		SELECT gen_random_uuid(), n || '@example.com', '', 'John', 'Doe', 'CLIENT', timestamptz '2026-01-01' + n / 3 * interval '1 second'
		FROM generate_series(1, 2500) AS n`)
	seen, last := map[string]bool{}, time.Time{}
	c.must(c.Operator().ListUsers(t.Context(), func(u User) error {
		if u.CreatedAt.Before(last) {
			t.Errorf("%s is out of order", u.Email)
		}
		seen[u.Email], last = true, u.CreatedAt
		return nil
	}))
	if len(seen) != 2500 {
		t.Errorf("%d accounts", len(seen))
	}
	if err := c.Operator().ListUsers(t.Context(), func(User) error { return io.ErrShortWrite }); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the caller's error is lost: %v", err)
	}
}

func TestOperatorPasswordAndToken(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client, operator := c.account(api.RoleCLIENT), c.Operator()
	c.must(operator.SetPassword(t.Context(), client.email, "NewPassword123"))
	c.call("GET", "/api/auth/me", client.token, nil).is(401, "")
	c.login(client.email, "NewPassword123").token()
	token, err := operator.IssueToken(t.Context(), client.email)
	c.must(err)
	c.call("GET", "/api/auth/me", token, nil).is(200, "")
	if _, err := operator.IssueToken(t.Context(), "nobody@example.com"); !problem.Is(err, problem.NotFound) {
		t.Errorf("a token for nobody: %v", err)
	}
	if err := operator.SetPassword(t.Context(), "nobody@example.com", "NewPassword123"); !problem.Is(err, problem.NotFound) {
		t.Errorf("a password for nobody: %v", err)
	}
	if err := operator.SetPassword(t.Context(), client.email, "weak"); !errors.As(err, new(*contract.Error)) {
		t.Errorf("a weak password: %v", err)
	}
}

func TestIssueManyCodes(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	var chunks []int
	start := time.Now()
	c.must(c.Operator().IssueCodes(t.Context(), 50_001, func(codes []string) error {
		chunks = append(chunks, len(codes))
		return nil
	}))
	t.Logf("50,001 codes in %s", time.Since(start))
	if want := []int{10_000, 10_000, 10_000, 10_000, 10_000, 1}; !slices.Equal(chunks, want) {
		t.Errorf("chunks of %v, want %v", chunks, want)
	}
	if n := c.number(`SELECT count(*) FROM codes WHERE played_at IS NULL`); n != 50_001 {
		t.Errorf("%d codes are stored", n)
	}
	if err := c.Operator().IssueCodes(t.Context(), 1, func([]string) error { return io.ErrShortWrite }); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the caller's error is lost: %v", err)
	}
}

// TestIssuedCodesCollide makes the same codes twice: the second time the chunk is made anew.
func TestIssuedCodesCollide(t *testing.T) {
	t.Parallel()
	same := bytes.Repeat([]byte{7}, 8)
	c := newContest(t, options{random: io.MultiReader(bytes.NewReader(same), bytes.NewReader(same), rand.Reader)})
	first, second := c.codes(1), c.codes(1)
	if first[0] == second[0] || c.number(`SELECT count(*) FROM codes`) != 2 {
		t.Errorf("codes %v, then %v", first, second)
	}
}

func TestGameWindow(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	operator, from, to := c.Operator(), noon.Add(-time.Hour), noon.Add(time.Hour)
	c.must(operator.SetWindow(t.Context(), &from, &to))
	game, err := operator.Game(t.Context())
	c.must(err)
	if !game.Open || game.Paused || !game.OpensAt.Equal(from) || !game.ClosesAt.Equal(to) {
		t.Errorf("the game is %+v", game)
	}
	c.must(operator.PauseGame(t.Context()))
	c.must(operator.SetWindow(t.Context(), nil, nil))
	if game, err = operator.Game(t.Context()); err != nil || game != (Game{Paused: true}) {
		t.Errorf("the game is %+v, %v", game, err)
	}
	for _, end := range []time.Time{from, from.Add(-time.Second)} {
		if err := operator.SetWindow(t.Context(), &from, &end); !errors.Is(err, ErrWindow) {
			t.Errorf("a window that ends before it begins: %v", err)
		}
	}
}

func TestLoadDemo(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	inParallel(4, func(int) {
		if err := c.Operator().LoadDemo(t.Context()); err != nil {
			t.Error(err)
		}
	})
	rows := func() [4]int64 {
		return [4]int64{
			c.number(`SELECT count(*) FROM users`), c.number(`SELECT count(*) FROM prizes`), c.number(`SELECT count(*) FROM codes`),
			c.number(`SELECT sum(remaining) FROM prize_stock`),
		}
	}
	want := [4]int64{3, 5, 1001, 3000}
	if got := rows(); got != want {
		t.Errorf("users, prizes, codes and stock %v, want %v", got, want)
	}
	for _, u := range DemoAccounts() {
		var body api.LoginResponse
		c.login(u.Email, u.Password).is(200, "").into(&body)
		if string(body.User.Role) != u.Role {
			t.Errorf("%s is %s", u.Email, body.User.Role)
		}
		if u.Role == "CLIENT" {
			c.play(account{token: body.Token}, DemoCode).is(200, textWon)
		}
	}
	// A second start brings back neither the code nor the stock.
	want[3]--
	c.must(c.Operator().LoadDemo(t.Context()))
	if got := rows(); got != want {
		t.Errorf("after another start %v, want %v", got, want)
	}
	c.consistent()
}

// TestRealDeadlock lets two transactions take the same two locks crosswise: PostgreSQL ends one, and both succeed.
func TestRealDeadlock(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	codes := c.codes(2)
	var met [2]chan struct{}
	for i := range met {
		met[i] = make(chan struct{})
	}
	attempts := make([]int, 2)
	inParallel(2, func(i int) {
		err := c.inTx(t.Context(), func(_ pgx.Tx, q *db.Queries) error {
			attempts[i]++
			if _, err := q.ClaimCode(t.Context(), nil, codes[i]); err != nil {
				return err
			}
			if attempts[i] == 1 {
				close(met[i])
				<-met[1-i]
			}
			_, err := q.ClaimCode(context.WithoutCancel(t.Context()), nil, codes[1-i])
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	if attempts[0]+attempts[1] < 3 { // more when the second try meets the other one again
		t.Errorf("attempts %v, want at least one more than two", attempts)
	}
}

package tiptop

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/mail"
)

// registration is a request to register, with some fields replaced.
func registration(changes map[string]any) map[string]any {
	body := map[string]any{
		"email": "user@example.com", "password": password, "confirmPassword": password, "firstName": "John", "lastName": "Doe",
	}
	maps.Copy(body, changes)
	return body
}

func (c *contest) login(email, password string) answer {
	c.t.Helper()
	return c.call("POST", "/api/auth/login", "", map[string]any{"email": email, "password": password})
}

// token is the token of a login.
func (a answer) token() string {
	a.t.Helper()
	var body api.LoginResponse
	a.is(200, "Connexion réussie").into(&body)
	return body.Token
}

func TestRegister(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{jobs: true})
	var registered api.RegisterResponse
	c.call("POST", "/api/auth/register", "", registration(map[string]any{"email": "User@Example.com"})).
		is(201, "Inscription réussie. Veuillez vérifier votre email pour activer votre compte.").into(&registered)
	if u := registered.User; u.Email != "user@example.com" || u.Role != api.RoleCLIENT {
		t.Errorf("registered %+v", u)
	}
	c.call("POST", "/api/auth/register", "", registration(map[string]any{"email": "USER@example.com"})).
		is(400, "Cet email est déjà utilisé")

	var before, after api.LoginResponse
	c.login("uSER@example.com", password).into(&before)
	token := c.mailed("user@example.com")
	c.call("GET", "/api/auth/verify-email/"+token, "", nil).is(200, "Email vérifié avec succès! Vous pouvez maintenant vous connecter.")
	c.login("user@example.com", password).into(&after)
	if before.User.IsVerified || !after.User.IsVerified {
		t.Errorf("verified before: %t, after: %t", before.User.IsVerified, after.User.IsVerified)
	}
	c.call("GET", "/api/auth/verify-email/"+token, "", nil).is(400, "Lien de vérification invalide ou expiré")
	c.consistent()
}

func TestRegisterTheSameAddressAtOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	answers := make([]answer, 10)
	inParallel(len(answers), func(i int) {
		email := []string{"user@example.com", "USER@EXAMPLE.COM"}[i%2]
		answers[i] = c.call("POST", "/api/auth/register", "", registration(map[string]any{"email": email}))
	})
	registered := 0
	for _, answer := range answers {
		if answer.Status == 201 {
			registered++
		} else {
			answer.is(400, "Cet email est déjà utilisé")
		}
	}
	if registered != 1 || c.number(`SELECT count(*) FROM users`) != 1 || c.number(`SELECT count(*) FROM platform.river_job`) != 1 {
		t.Errorf("%d registrations succeeded", registered)
	}
	c.consistent()
}

// brokenMailer fails until it is told not to.
type brokenMailer struct {
	tried  chan struct{}
	mended chan struct{}
	mail.Mailer
}

func (m *brokenMailer) Send(ctx context.Context, letter mail.Message) error {
	select {
	case <-m.mended:
		return m.Mailer.Send(ctx, letter)
	default:
	}
	select {
	case m.tried <- struct{}{}:
	default:
	}
	return errors.New("the mail server is away")
}

func TestRegisterWhileMailFails(t *testing.T) {
	t.Parallel()
	mailer := &brokenMailer{tried: make(chan struct{}, 1), mended: make(chan struct{})}
	c := newContest(t, options{jobs: true, mailer: mailer})
	mailer.Mailer = c.mail
	c.call("POST", "/api/auth/register", "", registration(nil)).is(201, "")
	c.login("user@example.com", password).token()
	<-mailer.tried
	close(mailer.mended)
	c.call("GET", "/api/auth/verify-email/"+c.mailed("user@example.com"), "", nil).is(200, textVerified)
}

func TestVerificationExpires(t *testing.T) {
	t.Parallel()
	for lifetime, status := range map[time.Duration]int{24*time.Hour - time.Millisecond: 200, 24 * time.Hour: 400} {
		t.Run(lifetime.String(), func(t *testing.T) {
			t.Parallel()
			c := newContest(t, options{jobs: true})
			c.call("POST", "/api/auth/register", "", registration(nil)).is(201, "")
			token := c.mailed("user@example.com")
			c.clock.Advance(lifetime)
			c.call("GET", "/api/auth/verify-email/"+token, "", nil).is(status, "")
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	const wrong = "Email ou mot de passe incorrect"
	c.login(client.email, "Password124").is(401, wrong)
	c.login("nobody@example.com", password).is(401, wrong)
	token := c.login(strings.ToUpper(client.email), password).token()

	var me api.MeResponse
	c.call("GET", "/api/auth/me", token, nil).is(200, "").into(&me)
	if me.User.ID != client.id || me.User.Phone != nil || !me.User.CreatedAt.Equal(noon) {
		t.Errorf("me: %+v", me.User)
	}
	c.call("GET", "/api/auth/me", "", nil).is(401, "")
	c.call("GET", "/api/auth/me", token+"x", nil).is(401, "Token invalide ou expiré")
}

// TestAnswersDoNotTellByTheirTime compares accounts that exist with accounts that do not. Without the same work for both, a
// login would take several times as long for one as for the other.
func TestAnswersDoNotTellByTheirTime(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{cost: auth.Argon2{Memory: 16 * 1024, Passes: 2, Threads: 1}})
	email := c.account(api.RoleCLIENT).email
	forgot := func(email string) answer {
		return c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": email})
	}
	wrong := func(email string) answer { return c.login(email, "Password124") }
	for name, request := range map[string]func(email string) answer{"login": wrong, "forgot-password": forgot} {
		ask := func(email string) func() error {
			return func() error { request(email); return nil }
		}
		// The machine has other work: what counts is the best of a few rounds.
		best := math.Inf(1)
		for round := 0; round < 5 && best > 2; round++ {
			known, unknown := medians(t, 15, [2]func() error{ask(email), ask("nobody@example.com")})
			best = min(best, max(float64(known)/float64(unknown), float64(unknown)/float64(known)))
			t.Logf("%s: %s for an account, %s for none", name, known, unknown)
		}
		if best > 2 {
			t.Errorf("%s takes %.1f times as long for one as for the other", name, best)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	c.clock.Advance(7*24*time.Hour - time.Millisecond)
	c.call("GET", "/api/auth/me", client.token, nil).is(200, "")
	c.must(c.purge(t.Context()))
	if n := c.number(`SELECT count(*) FROM sessions`); n != 1 {
		t.Errorf("%d sessions before they expire", n)
	}
	c.clock.Advance(time.Millisecond)
	c.call("GET", "/api/auth/me", client.token, nil).is(401, "Token invalide ou expiré")
	c.must(c.purge(t.Context()))
	if n := c.number(`SELECT count(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions after they have expired", n)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	other := c.login(client.email, password).token()
	c.call("POST", "/api/auth/logout", client.token, nil).is(200, "Déconnexion réussie")
	c.call("GET", "/api/auth/me", client.token, nil).is(401, "Token invalide ou expiré")
	c.call("POST", "/api/auth/logout", client.token, nil).is(401, "Token invalide ou expiré")
	c.call("GET", "/api/auth/me", other, nil).is(200, "")
}

func TestResetPassword(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{jobs: true})
	client, bystander := c.account(api.RoleCLIENT), c.account(api.RoleCLIENT)
	forgot := func(email string) {
		t.Helper()
		c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": email}).
			is(200, "Si cet email existe, un lien de réinitialisation a été envoyé.")
	}
	reset := func(token string) answer {
		t.Helper()
		return c.call("POST", "/api/auth/reset-password", "", map[string]any{
			"token": token, "password": "NewPassword123", "confirmPassword": "NewPassword123",
		})
	}
	const stale = "Lien de réinitialisation invalide ou expiré"
	forgot("nobody@example.com")
	forgot(strings.ToUpper(client.email))
	first := c.mailed(client.email)
	forgot(client.email)
	second := c.mailed(client.email)
	reset(first).is(400, stale)
	c.call("GET", "/api/auth/verify-email/"+second, "", nil).is(400, "Lien de vérification invalide ou expiré")
	reset(second).is(200, "Mot de passe réinitialisé avec succès. Vous pouvez maintenant vous connecter.")
	reset(second).is(400, stale)
	c.call("GET", "/api/auth/me", client.token, nil).is(401, "Token invalide ou expiré")
	c.call("GET", "/api/auth/me", bystander.token, nil).is(200, "")
	c.login(client.email, password).is(401, "")
	c.login(client.email, "NewPassword123").token()

	forgot(client.email)
	late := c.mailed(client.email)
	c.clock.Advance(time.Hour)
	reset(late).is(400, stale)
	forgot(client.email)
	inTime := c.mailed(client.email)
	c.clock.Advance(time.Hour - time.Millisecond)
	reset(inTime).is(200, "")
	if c.mail.Unread("nobody@example.com") != nil {
		t.Error("a mail to an address without account")
	}
}

// TestResetPasswordHashesForTokensAlone has no randomness for salts: who brings no token gets no hash, and does not notice.
func TestResetPasswordHashesForTokensAlone(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	var err error
	c.deps.Passwords, err = auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: io.LimitReader(rand.Reader, 16)})
	c.must(err)
	if _, err := c.deps.Passwords.Hash(t.Context(), password); err == nil {
		t.Error("a hash without a salt")
	}
	body := map[string]any{"token": "x", "password": password, "confirmPassword": password}
	c.call("POST", "/api/auth/reset-password", "", body).is(400, "Lien de réinitialisation invalide ou expiré")
}

// TestForgotPasswordTwiceAtOnce asks for two links at the same moment: one of them works, never both.
func TestForgotPasswordTwiceAtOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	inParallel(8, func(int) {
		c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": client.email}).is(200, "")
	})
	if n := c.number(`SELECT count(*) FROM mail_tokens`); n != 1 {
		t.Errorf("%d tokens", n)
	}
}

// TestOneTokenIsRedeemedOnce redeems one link many times at once.
func TestOneTokenIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{jobs: true})
	client := c.account(api.RoleCLIENT)
	c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": client.email}).is(200, "")
	token, answers := c.mailed(client.email), make([]answer, 8)
	inParallel(len(answers), func(i int) {
		answers[i] = c.call("POST", "/api/auth/reset-password", "", map[string]any{
			"token": token, "password": "NewPassword12" + strconv.Itoa(i), "confirmPassword": "NewPassword12" + strconv.Itoa(i),
		})
	})
	redeemed := 0
	for _, answer := range answers {
		if answer.Status == 200 {
			redeemed++
		} else {
			answer.is(400, "Lien de réinitialisation invalide ou expiré")
		}
	}
	if redeemed != 1 {
		t.Errorf("redeemed %d times", redeemed)
	}
}

func TestLoginLimits(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{limits: true})
	client := c.account(api.RoleCLIENT)
	for range 20 {
		c.login(client.email, password).token() // successes do not count
	}
	for range 9 {
		c.login(client.email, "wrong").is(401, "")
	}
	c.call("POST", "/api/users/change-password", client.token, map[string]any{
		"currentPassword": "wrong", "newPassword": "NewPassword123", "confirmPassword": "NewPassword123",
	}).is(400, "Mot de passe actuel incorrect")
	c.expectTooMany(c.login(client.email, password), 60)
	c.clock.Advance(59 * time.Second)
	c.expectTooMany(c.login(strings.ToUpper(client.email), password), 1)
	c.clock.Advance(time.Second)
	c.login(client.email, password).token()

	for i := range 60 {
		c.login("nobody"+strconv.Itoa(i)+"@example.com", password).is(401, "")
	}
	c.expectTooMany(c.login(client.email, password), 60)
}

func TestRegisterAndForgotLimits(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{limits: true})
	for i := range 30 {
		c.call("POST", "/api/auth/register", "", registration(map[string]any{"email": "user" + strconv.Itoa(i) + "@example.com"})).is(201, "")
	}
	c.expectTooMany(c.call("POST", "/api/auth/register", "", registration(nil)), 60)
	forgot := func(email string) answer {
		return c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": email})
	}
	for _, email := range []string{"user1@example.com", "nobody@example.com"} {
		for range 5 {
			forgot(email).is(200, textForgot)
		}
		c.expectTooMany(forgot(strings.ToUpper(email)), 60)
	}
	c.clock.Advance(time.Minute)
	forgot("nobody@example.com").is(200, textForgot)
	c.call("POST", "/api/auth/register", "", registration(nil)).is(201, "")
}

// expectTooMany expects a refusal that tells in how many seconds to come back.
func (c *contest) expectTooMany(a answer, seconds int) {
	c.t.Helper()
	a.is(429, "Trop de tentatives, veuillez réessayer plus tard")
	if got := a.Header.Get("Retry-After"); got != strconv.Itoa(seconds) {
		c.t.Errorf("Retry-After: %s, want %d", got, seconds)
	}
}

func TestMailJobOfATokenThatIsGone(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": client.email}).is(200, "")
	var job river.Job[mailArgs]
	c.must(c.db.Pool.QueryRow(t.Context(), `SELECT (args->>'token')::uuid FROM platform.river_job`).Scan(&job.Args.Token))
	worker := mailWorker{api: c.API}
	c.clock.Advance(resetLifetime)
	c.must(worker.Work(t.Context(), &job)) // expired
	c.must(c.purge(t.Context()))
	if n := c.number(`SELECT count(*) FROM mail_tokens`); n != 0 {
		t.Errorf("%d tokens after they have expired", n)
	}
	c.must(worker.Work(t.Context(), &job)) // deleted
	if letter := c.mail.Unread(client.email); letter != nil {
		t.Errorf("a mail with a useless link: %s", letter.Text)
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{jobs: true})
	c.call("POST", "/api/auth/register", "", registration(nil)).is(201, "")
	verify, err := c.mail.Next(t.Context(), "user@example.com")
	c.must(err)
	c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": "user@example.com"}).is(200, "")
	reset, err := c.mail.Next(t.Context(), "user@example.com")
	c.must(err)
	for _, want := range []struct{ subject, got, link, text string }{
		{"The Tip Top : vérifiez votre adresse e-mail", verify.Header.Get("Subject"), "\nhttps://tiptop.example/api/auth/verify-email/", verify.Text},
		{"The Tip Top : réinitialisez votre mot de passe", reset.Header.Get("Subject"), "\nhttps://tiptop.example/api/auth/reset-password?token=", reset.Text},
	} {
		if want.got != want.subject || !strings.Contains(want.text, want.link+tokenInMail.FindString(want.text)+"\n") {
			t.Errorf("%q: %s", want.got, want.text)
		}
	}
}

package tiptop

import (
	"errors"
	"testing"

	"github.com/guichet-api/guichet/gen/tiptop/api"
	"github.com/guichet-api/guichet/gen/tiptop/db"
)

func TestUpdateProfile(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	update := func(body map[string]any) api.UpdatedProfile {
		t.Helper()
		var updated api.UpdateProfileResponse
		c.call("PUT", "/api/users/profile", client.token, body).is(200, "Profil mis à jour avec succès").into(&updated)
		return updated.Data
	}
	p := update(map[string]any{"firstName": "Jean", "phone": "0612345678", "address": "2 rue de Lyon", "city": "Lyon", "postalCode": "69001"})
	if p.FirstName != "Jean" || p.LastName != "Doe" || *p.Phone != "0612345678" || *p.Address != "2 rue de Lyon" || *p.City != "Lyon" || *p.PostalCode != "69001" {
		t.Errorf("all at once: %+v", p)
	}
	p = update(map[string]any{"lastName": "Martin", "phone": nil, "city": nil})
	if p.FirstName != "Jean" || p.LastName != "Martin" || p.Phone != nil || *p.Address != "2 rue de Lyon" || p.City != nil {
		t.Errorf("null clears, absence leaves: %+v", p)
	}
	update(map[string]any{})
	var read api.ProfileResponse
	c.call("GET", "/api/users/profile", client.token, nil).is(200, "").into(&read)
	if read.Data.LastName != "Martin" || read.Data.Phone != nil || *read.Data.PostalCode != "69001" || !read.Data.IsVerified {
		t.Errorf("read back: %+v", read.Data)
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{jobs: true})
	client := c.account(api.RoleCLIENT)
	other := c.login(client.email, password).token()
	c.call("POST", "/api/auth/forgot-password", "", map[string]any{"email": client.email}).is(200, "")
	link := c.mailed(client.email)
	change := func(current string) answer {
		return c.call("POST", "/api/users/change-password", client.token, map[string]any{
			"currentPassword": current, "newPassword": "NewPassword123", "confirmPassword": "NewPassword123",
		})
	}
	change("Password124").is(400, "Mot de passe actuel incorrect")
	c.call("GET", "/api/auth/me", other, nil).is(200, "")
	change(password).is(200, "Mot de passe modifié avec succès")
	for _, token := range []string{client.token, other} {
		c.call("GET", "/api/auth/me", token, nil).is(401, "Token invalide ou expiré")
	}
	c.call("POST", "/api/auth/reset-password", "", map[string]any{
		"token": link, "password": password, "confirmPassword": password,
	}).is(400, "Lien de réinitialisation invalide ou expiré")
	c.login(client.email, "NewPassword123").token()
}

// TestNoSessionOutlivesItsPassword begins a session with a password that is changed between its check and the session.
func TestNoSessionOutlivesItsPassword(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	seen, err := c.checkPassword(t.Context(), client.email, password)
	c.must(err)
	c.must(c.Operator().SetPassword(t.Context(), client.email, "NewPassword123"))
	if _, err := c.beginSession(t.Context(), seen); !errors.Is(err, errCredentials) {
		t.Errorf("a session with the old password: %v", err)
	}

	// The change has begun and is not yet committed: the login waits for it.
	seen, err = c.checkPassword(t.Context(), client.email, "NewPassword123")
	c.must(err)
	tx, err := c.db.Pool.Begin(t.Context())
	c.must(err)
	c.must(setPassword(t.Context(), c.queries.WithTx(tx), db.SetPasswordParams{ID: client.id, NewHash: "another"}))
	begun := make(chan error, 1)
	go func() {
		_, err := c.beginSession(t.Context(), seen)
		begun <- err
	}()
	c.awaitBlocked(1)
	c.must(tx.Commit(t.Context()))
	if err := <-begun; !errors.Is(err, errCredentials) {
		t.Errorf("a session with the old password: %v", err)
	}
	if n := c.number(`SELECT count(*) FROM sessions`); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

func TestTwoPasswordChangesAtOnce(t *testing.T) {
	t.Parallel()
	c := newContest(t, options{})
	client := c.account(api.RoleCLIENT)
	seen, err := c.checkPassword(t.Context(), client.email, password)
	c.must(err)
	c.must(c.replacePassword(t.Context(), seen, "NewPassword123"))
	if err := c.replacePassword(t.Context(), seen, "NewPassword456"); err == nil || err.Error() != "Mot de passe actuel incorrect" {
		t.Errorf("the second change, which saw the first password: %v", err)
	}
	c.login(client.email, "NewPassword123").token()
}

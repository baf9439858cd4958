package reunion_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/contract"
	"github.com/guichet-api/guichet/internal/platform/problem"
	"github.com/guichet-api/guichet/internal/reunion"
)

func TestOperator(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	op := d.Operator()
	added, err := op.AddUser(t.Context(), reunion.NewUser{Email: "Nouveau@Example.com", Password: "éàüöéàü!", Nom: "Nouveau Vendeur"})
	if err != nil || added.Email != "nouveau@example.com" || !added.CreatedAt.Equal(afternoon) {
		t.Fatalf("%+v %v", added, err)
	}
	var listed []string
	if err := op.ListUsers(t.Context(), func(u reunion.User) error {
		listed = append(listed, u.Email)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(listed, " "); got != "utilisateur@example.com vendeur2@example.com nouveau@example.com" {
		t.Error(got)
	}
	stop := errors.New("enough")
	if err := op.ListUsers(t.Context(), func(reunion.User) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
	for name, try := range map[string]struct {
		do   func() error
		want string
	}{
		"no address":                     {func() error { return addUser(t, op, "nouveau", "Password123", "N") }, "adresse e-mail"},
		"a taken address":                {func() error { return addUser(t, op, "NOUVEAU@example.com", "Password123", "N") }, "Cet email est déjà utilisé"},
		"no name":                        {func() error { return addUser(t, op, "n@example.com", "Password123", " ") }, "Le nom"},
		"NUL in a name":                  {func() error { return addUser(t, op, "n@example.com", "Password123", "a\x00b") }, "Le nom"},
		"a long name":                    {func() error { return addUser(t, op, "n@example.com", "Password123", strings.Repeat("é", 201)) }, "Le nom"},
		"a short password":               {func() error { return addUser(t, op, "n@example.com", "1234567", "N") }, "mot de passe"},
		"a short password of many bytes": {func() error { return addUser(t, op, "n@example.com", "ééééééé", "N") }, "mot de passe"},
		"a long password":                {func() error { return addUser(t, op, "n@example.com", strings.Repeat("x", 129), "N") }, "128"},
		"nobody":                         {func() error { return op.SetPassword(t.Context(), "n@example.com", "Password123") }, "Vendeur non trouvé"},
		"nobody's token": {func() error {
			_, err := op.IssueToken(t.Context(), "n@example.com")
			return err
		}, "Vendeur non trouvé"},
	} {
		if err := try.do(); err == nil || !strings.Contains(public(err), try.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func addUser(t *testing.T, op reunion.Operator, email, password, nom string) error {
	_, err := op.AddUser(t.Context(), reunion.NewUser{Email: email, Password: password, Nom: nom})
	return err
}

// public is what a person at a shell reads of a refusal; empty if it is none.
func public(err error) string {
	var refused *contract.Error
	var told *problem.Error
	switch {
	case errors.As(err, &refused):
		text := ""
		for _, v := range refused.Violations {
			text += v.Message
		}
		return text
	case errors.As(err, &told):
		return told.Message
	}
	return ""
}

// TestDemoAgain: loading the demo data again changes nothing, also not what was changed since.
func TestDemoAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	host := d.host()
	host.must("close-reunion", `"reunion-123"`)
	if err := d.Operator().SetPassword(t.Context(), reunion.DemoAccounts()[0].Email, "another password"); err != nil {
		t.Fatal(err)
	}
	before := d.hash()
	if err := d.Operator().LoadDemo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := d.hash(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestReady(t *testing.T) {
	t.Parallel()
	d := startDemo(t, options{})
	if err := d.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	d.outage.Set(true)
	if err := d.Ready(t.Context()); err == nil {
		t.Error("ready without a database")
	}
	d.outage.Set(false)
}

func TestConfig(t *testing.T) {
	t.Parallel()
	if _, err := reunion.New(reunion.Config{Secret: []byte("short")}, reunion.Deps{}); err == nil || !strings.Contains(err.Error(), "Secret") {
		t.Errorf("a short secret: %v", err)
	}
}

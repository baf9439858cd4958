//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/reunion"
)

// TestReunionSettings: sockets without a token host only where the operator has said so.
func TestReunionSettings(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]bool{"PATH=/usr/bin": false, "GUICHET_REUNION_OPEN=false": false, "GUICHET_REUNION_OPEN=true": true} {
		s, err := readSettings([]string{"HOME=/somewhere", environ}, systemTable())
		if err != nil {
			t.Fatal(err)
		}
		if own := s.systems[reunion.Name].own.(reunionSettings); own.open != want {
			t.Errorf("%q: open is %t", environ, own.open)
		}
	}
	_, err := readSettings([]string{"HOME=/somewhere", "GUICHET_REUNION_OPEN=perhaps"}, systemTable())
	if err == nil || !strings.Contains(err.Error(), "GUICHET_REUNION_OPEN") {
		t.Errorf("perhaps: %v", err)
	}
}

// administerReunion runs every command of the réunions beside the server.
func administerReunion(t *testing.T, s *server) {
	base := s.at[reunion.Name]
	if out := s.admin("Secret1234\n", "reunion", "user", "add", "--email", "Paul@Example.com", "--nom", "Paul Vendeur"); !strings.Contains(out, "paul@example.com") || strings.Contains(out, "Secret") {
		t.Errorf("user add prints %q", out)
	}
	old := tokenOf(t, base, "paul@example.com", "Secret1234")
	if out := s.admin("", "reunion", "user", "list"); strings.Count(out, "\n") != 4 || !strings.Contains(out, "Paul Vendeur") {
		t.Errorf("user list prints\n%s", out)
	}
	s.admin("Another1234\n", "reunion", "user", "password", "paul@example.com")
	if a := call(t, "GET", base+"/api/reunions", old, ""); a.status != 401 {
		t.Errorf("the session outlives its password: %d", a.status)
	}
	token := strings.TrimSpace(s.admin("", "reunion", "user", "token", "paul@example.com"))
	if a := call(t, "POST", s.portal+"/reunion/api/reunions", token, ""); a.status != 200 || a.str("reunion", "status") != "active" {
		t.Errorf("user token: %d %s", a.status, a.text)
	}
}

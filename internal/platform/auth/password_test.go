package auth_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/auth"
)

func passwords(t *testing.T, cfg auth.PasswordsConfig) *auth.Passwords {
	t.Helper()
	if cfg.Cost == (auth.Argon2{}) {
		cfg.Cost = auth.TestCost
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	p, err := auth.NewPasswords(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hash(t *testing.T, p *auth.Passwords, password string) string {
	t.Helper()
	h, err := p.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHashAndVerify(t *testing.T) {
	t.Parallel()
	p := passwords(t, auth.PasswordsConfig{})
	stored := hash(t, p, "Test1234")
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=16,t=1,p=1$") {
		t.Errorf("hash %q is not in the PHC format", stored)
	}
	if stored == hash(t, p, "Test1234") {
		t.Error("two hashes of one password are equal: no salt")
	}
	for password, want := range map[string]bool{"Test1234": true, "test1234": false, "": false, "Test1234 ": false, "Test1234\x00": false} {
		if got, err := p.Verify(t.Context(), password, stored); got != want || err != nil {
			t.Errorf("Verify(%q) = %v, %v; want %v", password, got, err, want)
		}
	}
}

// A hash made by the reference implementation: echo -n password | argon2 somesalt -id -t 2 -k 256 -p 1 -e (its own test.c).
func TestVerifyForeignHash(t *testing.T) {
	t.Parallel()
	const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	p := passwords(t, auth.PasswordsConfig{})
	if ok, err := p.Verify(t.Context(), "password", reference); !ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
}

func TestVerifyRefusesWhatIsNoHash(t *testing.T) {
	t.Parallel()
	p := passwords(t, auth.PasswordsConfig{})
	good := hash(t, p, "Test1234")
	for name, encoded := range map[string]string{
		"empty":           "",
		"clear text":      "Test1234",
		"bcrypt":          "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"argon2i":         strings.Replace(good, "argon2id", "argon2i", 1),
		"version":         strings.Replace(good, "v=19", "v=16", 1),
		"version, more":   strings.Replace(good, "v=19", "v=19,x", 1),
		"huge memory":     strings.Replace(good, "m=16", "m=4194304", 1),
		"no memory":       strings.Replace(good, "m=16", "m=0", 1),
		"negative":        strings.Replace(good, "t=1", "t=-1", 1),
		"endless":         strings.Replace(good, "t=1", "t=4000000000", 1),
		"no threads":      strings.Replace(good, "p=1", "p=0", 1),
		"many threads":    strings.Replace(good, "p=1", "p=256", 1),
		"parameters more": strings.Replace(good, "p=1", "p=1,q=1", 1),
		"salt":            strings.Replace(good, "p=1$", "p=1$*", 1),
		"short":           good[:len(good)-30],
		"long":            good + "$x",
	} {
		ok, err := p.Verify(t.Context(), "Test1234", encoded)
		if ok || err == nil {
			t.Errorf("%s: Verify(%q) = %v, %v; want an error", name, encoded, ok, err)
		} else if encoded != "" && strings.Contains(err.Error(), encoded) {
			t.Errorf("%s: the error shows what is stored: %v", name, err)
		}
	}
}

func TestHashRefusesLongPasswords(t *testing.T) {
	t.Parallel()
	p := passwords(t, auth.PasswordsConfig{MaxLength: 20})
	hash(t, p, strings.Repeat("é", 10))
	if _, err := p.Hash(t.Context(), strings.Repeat("é", 10)+"x"); !errors.Is(err, auth.ErrPasswordTooLong) {
		t.Errorf("21 bytes: %v", err)
	}
}

func TestHashReportsTheRandomSource(t *testing.T) {
	t.Parallel()
	if _, err := auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost, Random: bytes.NewReader(nil)}); !errors.Is(err, io.EOF) {
		t.Errorf("no randomness: %v", err)
	}
	if _, err := auth.NewPasswords(auth.PasswordsConfig{Cost: auth.TestCost}); err == nil {
		t.Error("no source of randomness is accepted")
	}
}

package auth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/clock"
)

var (
	start = time.Date(2025, 11, 8, 14, 55, 40, 560e6, time.UTC)
	key   = bytes.Repeat([]byte{7}, 32)
)

const week = 7 * 24 * time.Hour

func sessions(t *testing.T, issuer string, key []byte, c clock.Clock) *auth.Sessions {
	t.Helper()
	s, err := auth.NewSessions(auth.SessionsConfig{Issuer: issuer, Key: key, Lifetime: week, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSessionToken(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(start)
	s := sessions(t, "tiptop", key, c)
	token, claims, err := s.Sign("session-1", "user-1")
	if err != nil {
		t.Fatal(err)
	}
	issued := start.Truncate(time.Second)
	want := auth.Claims{Session: "session-1", Subject: "user-1", IssuedAt: issued, ExpiresAt: issued.Add(week)}
	if claims != want {
		t.Errorf("Sign tells %+v, want %+v", claims, want)
	}
	if got, err := s.Verify(token); got != want || err != nil {
		t.Errorf("Verify = %+v, %v; want %+v", got, err, want)
	}
	if !strings.HasPrefix(token, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.") { // as the document prints it
		t.Errorf("token %s has another header", token)
	}
	c.Set(want.ExpiresAt.Add(-time.Millisecond))
	if _, err := s.Verify(token); err != nil {
		t.Errorf("a millisecond before its end: %v", err)
	}
	c.Set(want.ExpiresAt)
	if _, err := s.Verify(token); !errors.Is(err, auth.ErrToken) {
		t.Errorf("at its end: %v; there is no leeway", err)
	}
}

// forge makes a JWT of any content, rightly signed with key.
func forge(header, payload string) string {
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(header)) + "." + encode([]byte(payload))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(start)
	s := sessions(t, "tiptop", key, c)
	token, _, err := s.Sign("session-1", "user-1")
	if err != nil {
		t.Fatal(err)
	}
	foreign := func(issuer string, key []byte) string {
		token, _, err := sessions(t, issuer, key, c).Sign("session-1", "user-1")
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	const hs256 = `{"alg":"HS256","typ":"JWT"}`
	claims := func(format string, args ...any) string { return forge(hs256, fmt.Sprintf(format, args...)) }
	at, until := start.Unix(), start.Add(time.Hour).Unix()
	if _, err := s.Verify(claims(`{"iss":"tiptop","sub":"u","jti":"s","iat":%d,"exp":%d}`, at, until)); err != nil {
		t.Fatalf("the forger's own good token is refused: %v", err)
	}
	hs512, err := jwt.NewWithClaims(jwt.SigningMethodHS512, jwt.MapClaims{
		"iss": "tiptop", "sub": "u", "jti": "s", "iat": at, "exp": until,
	}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	flipped := []byte(token)
	flipped[len(flipped)/2] ^= 1
	for name, bad := range map[string]string{
		"empty":            "",
		"no token":         "abc",
		"two parts":        parts[0] + "." + parts[1],
		"four parts":       token + ".x",
		"unsigned":         parts[0] + "." + parts[1] + ".",
		"changed":          string(flipped),
		"alg none":         base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg HS512":        hs512,
		"another key":      foreign("tiptop", bytes.Repeat([]byte{8}, 32)),
		"another system":   foreign("tickets", key),
		"no issuer":        claims(`{"sub":"u","jti":"s","iat":%d,"exp":%d}`, at, until),
		"no expiry":        claims(`{"iss":"tiptop","sub":"u","jti":"s","iat":%d}`, at),
		"expired":          claims(`{"iss":"tiptop","sub":"u","jti":"s","iat":%d,"exp":%d}`, at-10, at-1),
		"not yet":          claims(`{"iss":"tiptop","sub":"u","jti":"s","iat":%d,"exp":%d,"nbf":%d}`, at, until, at+60),
		"no session":       claims(`{"iss":"tiptop","sub":"u","iat":%d,"exp":%d}`, at, until),
		"no subject":       claims(`{"iss":"tiptop","jti":"s","iat":%d,"exp":%d}`, at, until),
		"no time of issue": claims(`{"iss":"tiptop","sub":"u","jti":"s","exp":%d}`, until),
		"padded":           token + "=",
		"trailing bits":    trailingBits(token),
	} {
		if got, err := s.Verify(bad); !errors.Is(err, auth.ErrToken) || got != (auth.Claims{}) {
			t.Errorf("%s: Verify = %+v, %v", name, got, err)
		}
	}
}

// trailingBits changes the bits of the last letter that base64 does not use: the same signature in another spelling.
func trailingBits(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

func TestNewSessionsRefuses(t *testing.T) {
	t.Parallel()
	good := auth.SessionsConfig{Issuer: "tiptop", Key: key, Lifetime: week, Clock: clock.System{}}
	for name, spoil := range map[string]func(*auth.SessionsConfig){
		"no issuer":   func(c *auth.SessionsConfig) { c.Issuer = "" },
		"short key":   func(c *auth.SessionsConfig) { c.Key = c.Key[:31] },
		"no lifetime": func(c *auth.SessionsConfig) { c.Lifetime = 0 },
		"no clock":    func(c *auth.SessionsConfig) { c.Clock = nil },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := auth.NewSessions(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

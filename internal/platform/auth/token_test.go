package auth_test

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/auth"
)

func tokens(t *testing.T, key []byte) *auth.Tokens {
	t.Helper()
	tokens, err := auth.NewTokens(key)
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestToken(t *testing.T) {
	t.Parallel()
	mine := tokens(t, key)
	token := mine.Token("verify", "id-1")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(token) {
		t.Errorf("token %q is not 64 hexadecimal digits", token)
	}
	if token != tokens(t, key).Token("verify", "id-1") {
		t.Error("the same id gives another token after a restart")
	}
	for name, other := range map[string]string{
		"another id":          mine.Token("verify", "id-2"),
		"another purpose":     mine.Token("reset", "id-1"),
		"another cut":         mine.Token("verifyid", "-1"),
		"another key":         tokens(t, bytes.Repeat([]byte{9}, 32)).Token("verify", "id-1"),
		"purpose and id swap": mine.Token("id-1", "verify"),
	} {
		if other == token {
			t.Errorf("%s gives the same token", name)
		}
	}
	if _, err := auth.NewTokens(key[:31]); err == nil {
		t.Error("a short key is accepted")
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	token := tokens(t, key).Token("reset", "id-1")
	digest := auth.Digest(token)
	if len(digest) != 32 || bytes.Contains(digest, []byte(token[:8])) || bytes.Equal(digest, auth.Digest(token+"0")) {
		t.Errorf("digest % x", digest)
	}
}

package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Tokens makes the tokens that are sent by mail: 64 hexadecimal digits, HMAC-SHA256 of a purpose and an id.
//
// The id is that of the row which holds the token's Digest, its expiry and whether it was used. Whoever knows the key can
// make the token again from the id, so that the job that mails it carries only the id and no table holds a secret in the
// clear.
type Tokens struct{ key []byte }

// NewTokens makes a Tokens from a key of this system alone (see Key), of at least 32 bytes.
func NewTokens(key []byte) (*Tokens, error) {
	if len(key) < minSecret {
		return nil, fmt.Errorf("auth.NewTokens: a key of at least %d bytes is required", minSecret)
	}
	return &Tokens{key: key}, nil
}

// Token is the token for an id. Tokens of two purposes ("verify", "reset") differ for the same id; a purpose holds no NUL.
func (t *Tokens) Token(purpose, id string) string {
	mac := hmac.New(sha256.New, t.key)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(id))
	return hex.EncodeToString(mac.Sum(nil))
}

// Digest is what a table stores of a token, and what it is looked up by: SHA-256, 32 bytes. A token has 256 bits of its own,
// so that no salt and no slow hash is needed, and looking a digest up tells nobody how close a guess was.
func Digest(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

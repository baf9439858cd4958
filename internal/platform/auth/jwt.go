package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/guichet-api/guichet/internal/platform/clock"
)

// ErrToken is every reason not to believe a session token; the cause is wrapped for the log.
var ErrToken = errors.New("auth: invalid session token")

// Claims is what a session token says.
type Claims struct {
	Session   string    // jti: the system's own row, which it can revoke
	Subject   string    // sub: the account's id
	IssuedAt  time.Time // to the second
	ExpiresAt time.Time // to the second
}

// SessionsConfig says how a system signs its session tokens.
type SessionsConfig struct {
	Issuer   string        // iss: the system's name; a token of another system is refused
	Key      []byte        // ≥ 32 bytes, of this system alone: see Key
	Lifetime time.Duration // from Sign to exp
	Clock    clock.Clock
}

// Sessions signs and verifies session tokens: JWTs with HS256 and nothing else.
type Sessions struct {
	cfg      SessionsConfig
	parser   *jwt.Parser
	verified verified
}

// NewSessions makes a Sessions.
func NewSessions(cfg SessionsConfig) (*Sessions, error) {
	if cfg.Issuer == "" || len(cfg.Key) < minSecret || cfg.Lifetime <= 0 || cfg.Clock == nil {
		return nil, fmt.Errorf("auth.NewSessions: Issuer, Key (≥ %d bytes), Lifetime and Clock are required", minSecret)
	}
	return &Sessions{cfg: cfg, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(cfg.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(cfg.Clock.Now),
	)}, nil
}

// Sign makes the token of a session that begins now. Claims tells when it ends, for the system's own row.
func (s *Sessions) Sign(session, subject string) (string, Claims, error) {
	now := s.cfg.Clock.Now().Truncate(time.Second)
	claims := Claims{Session: session, Subject: subject, IssuedAt: now, ExpiresAt: now.Add(s.cfg.Lifetime)}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		ID:        claims.Session,
		Subject:   claims.Subject,
		Issuer:    s.cfg.Issuer,
		IssuedAt:  jwt.NewNumericDate(claims.IssuedAt),
		ExpiresAt: jwt.NewNumericDate(claims.ExpiresAt),
	}).SignedString(s.cfg.Key)
	if err != nil {
		return "", Claims{}, fmt.Errorf("auth.Sign: %w", err)
	}
	return token, claims, nil
}

// Verify reads a token that this system signed and that has not expired; there is no leeway. Whether its session was revoked
// is the system's to ask. Every error is ErrToken.
//
// A token that was verified is known again until it expires: whoever has one sends it with every request, and reading it
// anew each time would be a tenth of what a small request costs.
func (s *Sessions) Verify(token string) (Claims, error) {
	key := sha256.Sum256([]byte(token))
	if claims, known := s.verified.get(key); known && s.cfg.Clock.Now().Before(claims.ExpiresAt) {
		return claims, nil
	}
	claims, err := s.read(token)
	if err == nil {
		s.verified.put(key, claims)
	}
	return claims, err
}

// read verifies a token.
func (s *Sessions) read(token string) (Claims, error) {
	var read jwt.RegisteredClaims
	if _, err := s.parser.ParseWithClaims(token, &read, func(*jwt.Token) (any, error) { return s.cfg.Key, nil }); err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if read.ID == "" || read.Subject == "" || read.IssuedAt == nil {
		return Claims{}, fmt.Errorf("%w: jti, sub or iat is missing", ErrToken)
	}
	return Claims{
		Session:   read.ID,
		Subject:   read.Subject,
		IssuedAt:  read.IssuedAt.UTC(),
		ExpiresAt: read.ExpiresAt.UTC(),
	}, nil
}

// verified remembers the claims of tokens by their SHA-256, so that neither its memory nor the time of a look-up tells of a
// token. It holds the latest few thousand: two generations, of which the older one is dropped when the newer one is full.
type verified struct {
	mu           sync.RWMutex
	newer, older map[[sha256.Size]byte]Claims
}

// generation is how many tokens a generation holds.
const generation = 4096

func (v *verified) get(key [sha256.Size]byte) (Claims, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if claims, known := v.newer[key]; known {
		return claims, true
	}
	claims, known := v.older[key]
	return claims, known
}

func (v *verified) put(key [sha256.Size]byte, claims Claims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.newer == nil || len(v.newer) >= generation {
		v.newer, v.older = make(map[[sha256.Size]byte]Claims), v.newer
	}
	v.newer[key] = claims
}

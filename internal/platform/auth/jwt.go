package auth

import (
	"errors"
	"fmt"
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
	cfg    SessionsConfig
	parser *jwt.Parser
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
func (s *Sessions) Verify(token string) (Claims, error) {
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

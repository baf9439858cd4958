package auth

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2 is the price of one password hash (RFC 9106).
type Argon2 struct {
	Memory  uint32 // KiB
	Passes  uint32
	Threads uint8
}

// Costs. DefaultCost is OWASP's first recommendation: some 20 ms of one core and 19 MiB. TestCost is worth nothing and
// keeps tests fast under the race detector.
var (
	DefaultCost = Argon2{Memory: 19 * 1024, Passes: 2, Threads: 1}
	TestCost    = Argon2{Memory: 16, Passes: 1, Threads: 1}
)

// Sizes of a hash and its salt in bytes, and the largest price that a stored hash may ask for.
const (
	saltSize  = 16
	hashSize  = 32
	maxMemory = 1 << 20 // KiB
	maxPasses = 64
)

// ErrPasswordTooLong refuses to hash a password over PasswordsConfig.MaxLength.
var ErrPasswordTooLong = errors.New("auth: password too long")

// PasswordsConfig says how passwords are hashed.
type PasswordsConfig struct {
	Cost       Argon2    // zero: DefaultCost
	Concurrent int       // hashes computed at once; 0: one per CPU. The others wait their turn: memory stays bounded
	MaxLength  int       // bytes; 0: 1024
	Random     io.Reader // source of salts: crypto/rand.Reader
}

// Passwords hashes and verifies passwords. It is safe for concurrent use.
type Passwords struct {
	cfg   PasswordsConfig
	turns chan struct{}
	dummy string
}

// NewPasswords makes a Passwords.
func NewPasswords(cfg PasswordsConfig) (*Passwords, error) {
	if cfg.Cost == (Argon2{}) {
		cfg.Cost = DefaultCost
	}
	if cfg.Concurrent <= 0 {
		cfg.Concurrent = runtime.GOMAXPROCS(0)
	}
	if cfg.MaxLength <= 0 {
		cfg.MaxLength = 1024
	}
	if cfg.Random == nil {
		return nil, errors.New("auth.NewPasswords: Random is required")
	}
	p := &Passwords{cfg: cfg, turns: make(chan struct{}, cfg.Concurrent)}
	dummy, err := p.Hash(context.Background(), "")
	if err != nil {
		return nil, fmt.Errorf("auth.NewPasswords: %w", err)
	}
	p.dummy = dummy
	return p, nil
}

// Hash makes the PHC string of a password: $argon2id$v=19$m=…,t=…,p=…$salt$hash. It waits for its turn while ctx lasts.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if len(password) > p.cfg.MaxLength {
		return "", ErrPasswordTooLong
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(p.cfg.Random, salt); err != nil {
		return "", fmt.Errorf("auth.Hash: salt: %w", err)
	}
	hash, err := p.derive(ctx, password, salt, p.cfg.Cost, hashSize)
	if err != nil {
		return "", fmt.Errorf("auth.Hash: %w", err)
	}
	return phc{cost: p.cfg.Cost, salt: salt, hash: hash}.String(), nil
}

// Verify reports whether the password is the one behind a PHC string. The error is for a string that is no argon2id hash
// and for ctx ending before its turn.
func (p *Passwords) Verify(ctx context.Context, password, encoded string) (bool, error) {
	want, err := parsePHC(encoded)
	if err != nil {
		return false, fmt.Errorf("auth.Verify: %w", err)
	}
	got, err := p.derive(ctx, password, want.salt, want.cost, len(want.hash))
	if err != nil {
		return false, fmt.Errorf("auth.Verify: %w", err)
	}
	return subtle.ConstantTimeCompare(got, want.hash) == 1, nil
}

// VerifyDummy takes as long as Verify and never succeeds: for accounts that do not exist, so that the time of an answer does
// not tell which do.
func (p *Passwords) VerifyDummy(ctx context.Context, password string) error {
	_, err := p.Verify(ctx, password, p.dummy)
	return err
}

func (p *Passwords) derive(ctx context.Context, password string, salt []byte, cost Argon2, size int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p.turns <- struct{}{}:
		defer func() { <-p.turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, cost.Threads, uint32(size)), nil
}

// phc is a parsed hash.
type phc struct {
	cost Argon2
	salt []byte
	hash []byte
}

func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.cost.Memory, h.cost.Passes, h.cost.Threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.hash))
}

// errPHC never shows the string: it may be a password put in the wrong column.
var errPHC = errors.New("not an argon2id hash")

func parsePHC(encoded string) (phc, error) {
	var (
		h       phc
		version int
		rest    string
	)
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return phc{}, errPHC
	}
	if n, _ := fmt.Sscanf(parts[2]+" ", "v=%d%s", &version, &rest); n != 1 || version != argon2.Version {
		return phc{}, errPHC
	}
	n, _ := fmt.Sscanf(parts[3]+" ", "m=%d,t=%d,p=%d%s", &h.cost.Memory, &h.cost.Passes, &h.cost.Threads, &rest)
	if n != 3 || h.cost.Memory < 1 || h.cost.Memory > maxMemory || h.cost.Passes < 1 || h.cost.Passes > maxPasses ||
		h.cost.Threads < 1 {
		return phc{}, errPHC
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return phc{}, errPHC
	}
	if h.hash, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.hash) < 16 || len(h.hash) > 64 {
		return phc{}, errPHC
	}
	return h, nil
}

package auth

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// minSecret is how many bytes a secret or key has at least.
const minSecret = 32

// secretFile is the generated secret inside the state directory.
const secretFile = "secret"

// CheckSecret says what is wrong with a secret that an operator chose.
func CheckSecret(secret []byte) error {
	if len(secret) < minSecret {
		return fmt.Errorf("has %d bytes, at least %d are needed (openssl rand -hex 32 makes a good one)", len(secret), minSecret)
	}
	return nil
}

// Key derives a 32-byte key for one purpose, such as "tiptop/session", by HKDF-SHA256 (RFC 5869). Two purposes have
// unrelated keys.
func Key(secret []byte, purpose string) ([]byte, error) {
	if err := CheckSecret(secret); err != nil {
		return nil, fmt.Errorf("auth.Key: the secret %w", err)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "guichet/"+purpose, 32)
	if err != nil {
		return nil, fmt.Errorf("auth.Key: %w", err)
	}
	return key, nil
}

// LoadSecret reads the secret of a state directory, and makes it first when there is none. The file is readable by its owner
// alone; it appears whole or not at all, and of several processes that start at once all get the same one.
func LoadSecret(dir string, random io.Reader) ([]byte, error) {
	path := filepath.Join(dir, secretFile)
	secret, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = makeSecret(dir, path, random); err == nil {
			secret, err = readSecret(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("auth.LoadSecret: %w", err)
	}
	return secret, nil
}

func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %#o): run chmod 600 on it, and change it if it may be known", path, mode)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(secret) < minSecret {
		return nil, fmt.Errorf("%s does not hold a secret: restore it from a backup, or delete it to get a new one (every session ends)", path)
	}
	return secret, nil
}

// makeSecret writes the file under another name and links it: link fails when somebody else was first, and that one counts.
func makeSecret(dir, path string, random io.Reader) error {
	secret := make([]byte, minSecret)
	if _, err := io.ReadFull(random, secret); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, "."+secretFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.WriteString(hex.EncodeToString(secret) + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

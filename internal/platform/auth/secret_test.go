package auth_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/auth"
)

func TestKey(t *testing.T) {
	t.Parallel()
	derive := func(secret []byte, purpose string) string {
		key, err := auth.Key(secret, purpose)
		if err != nil || len(key) != 32 {
			t.Fatalf("Key = % x, %v", key, err)
		}
		return hex.EncodeToString(key)
	}
	secret := []byte(strings.Repeat("s", 32))
	mine := derive(secret, "tiptop/session")
	if mine != derive(secret, "tiptop/session") {
		t.Error("a key changes")
	}
	if mine == derive(secret, "tickets/session") || mine == derive([]byte(strings.Repeat("t", 32)), "tiptop/session") {
		t.Error("keys of two purposes or secrets are equal")
	}
	if _, err := auth.Key(secret[:31], "x"); err == nil {
		t.Error("a short secret is accepted")
	}
}

func TestCheckSecret(t *testing.T) {
	t.Parallel()
	if err := auth.CheckSecret([]byte(strings.Repeat("é", 16))); err != nil {
		t.Errorf("32 bytes: %v", err)
	}
	err := auth.CheckSecret([]byte("hunter2"))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "32") {
		t.Errorf("7 bytes: %v; want an error that tells the limit and not the secret", err)
	}
}

func TestLoadSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := auth.LoadSecret(dir, rand.Reader)
	if err != nil || len(first) != 32 {
		t.Fatalf("LoadSecret = %d bytes, %v", len(first), err)
	}
	again, err := auth.LoadSecret(dir, strings.NewReader("")) // needs no randomness: nothing is made
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second time: another secret (%v)", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the directory holds %v, %v; want the secret alone", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestLoadSecretInParallel(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secrets := make([][]byte, 20)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			var err error
			if secrets[i], err = auth.LoadSecret(dir, rand.Reader); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, s := range secrets {
		if !bytes.Equal(s, secrets[0]) {
			t.Fatal("two processes that start at once have two secrets")
		}
	}
}

func TestLoadSecretFailures(t *testing.T) {
	t.Parallel()
	write := func(t *testing.T, text string, mode os.FileMode) (dir, path string) {
		dir = t.TempDir()
		path = filepath.Join(dir, "secret")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return dir, path
	}
	good := strings.Repeat("ab", 32) + "\n"
	for name, file := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by others": {good, 0o644, "chmod 600"},
		"empty":              {"", 0o600, "does not hold a secret"},
		"cut short":          {good[:40], 0o600, "does not hold a secret"},
		"not hexadecimal":    {strings.Repeat("x", 64), 0o600, "does not hold a secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := write(t, file.text, file.mode)
			_, err := auth.LoadSecret(dir, rand.Reader)
			if err == nil || !strings.Contains(err.Error(), file.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("LoadSecret: %v; want %q and the file's name", err, file.want)
			}
			if after, _ := os.ReadFile(path); string(after) != file.text {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := auth.LoadSecret(filepath.Join(t.TempDir(), "missing"), rand.Reader); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	dir := t.TempDir()
	if _, err := auth.LoadSecret(dir, strings.NewReader("too short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no randomness: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a failure leaves %v behind", left)
	}
}

package web

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// TLS is where certificates come from: a pair of files, or ACME for a domain. The zero TLS is none.
type TLS struct {
	Cert, Key string // PEM files, read again when they change
	Domain    string // ACME (Let's Encrypt) by TLS-ALPN-01: port 443 of the domain must lead to one of the listeners
	CacheDir  string // of ACME accounts and certificates
}

// Validate says what is wrong with the choice.
func (t TLS) Validate() error {
	switch {
	case (t.Cert == "") != (t.Key == ""):
		return errors.New("a certificate and its key go together: both or neither")
	case t.Cert != "" && t.Domain != "":
		return errors.New("certificates come from files or from ACME, not from both")
	case t.Domain != "" && t.CacheDir == "":
		return errors.New("ACME needs a directory to keep its certificates in")
	}
	return nil
}

// config is the server's TLS configuration, nil for none. A certificate that cannot be read now is an error; one that
// cannot be read later is logged, and the last good one stays.
func (t TLS) config(log *slog.Logger) (*tls.Config, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	switch {
	case t.Domain != "":
		manager := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			HostPolicy: autocert.HostWhitelist(t.Domain),
			Cache:      autocert.DirCache(t.CacheDir),
		}
		cfg := manager.TLSConfig()
		cfg.MinVersion = tls.VersionTLS12
		return cfg, nil
	case t.Cert != "":
		files := &certFiles{cert: t.Cert, key: t.Key, log: log}
		if err := files.load(); err != nil {
			return nil, err
		}
		return &tls.Config{
			MinVersion:     tls.VersionTLS12,
			NextProtos:     []string{"h2", "http/1.1"},
			GetCertificate: files.certificate,
		}, nil
	}
	return nil, nil
}

// certFiles is a certificate that follows its files: renewals need no restart.
type certFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]stamp // of the files when they were last read
}

// stamp tells one version of a file from another.
type stamp struct {
	modified time.Time
	size     int64
}

// certificate looks at the files at each handshake: two stats, next to nothing beside the handshake.
func (f *certFiles) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, err := f.stat()
	if err == nil && now != f.stamp {
		if err = f.read(); err == nil {
			f.log.Info("certificate read again", "file", f.cert)
		}
		f.stamp = now // a bad pair is reported once, not at every handshake
		if err != nil {
			f.log.Error("certificate cannot be read, the old one stays", "error", err)
		}
	}
	return f.current, nil
}

func (f *certFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var err error
	if f.stamp, err = f.stat(); err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return f.read()
}

func (f *certFiles) read() error {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", f.cert, f.key, err)
	}
	f.current = &pair
	return nil
}

func (f *certFiles) stat() (stamps [2]stamp, err error) {
	for i, path := range []string{f.cert, f.key} {
		info, err := os.Stat(path)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{info.ModTime(), info.Size()}
	}
	return stamps, nil
}

package web_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/web"
	"github.com/guichet-api/guichet/internal/testkit"
)

// certificate writes a certificate for a name into files and returns a client that trusts it.
func certificate(t *testing.T, cert, key, name string) *http.Client {
	t.Helper()
	made := testkit.NewCertificate(t, name)
	write(t, key, made.Key)
	write(t, cert, made.Cert)
	return trusting(t, made.Cert, name)
}

func trusting(t *testing.T, public []byte, name string) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(public) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, DisableKeepAlives: true, ForceAttemptHTTP2: true,
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTLSFollowsItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	old := certificate(t, cert, key, "one.example.com")
	proto := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	s := serve(t, map[string]http.Handler{"tiptop": proto}, func(cfg *web.ServerConfig) {
		cfg.TLS = web.TLS{Cert: cert, Key: key}
	})
	url := s.URL("tiptop")
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Errorf("URL %s", url)
	}
	mustGet := func(client *http.Client, what string) {
		t.Helper()
		if text, err := get(t.Context(), client, url); text != "HTTP/2.0" || err != nil {
			t.Errorf("%s: %q, %v", what, text, err)
		}
	}
	mustGet(old, "first certificate")

	write(t, cert, []byte("half a certif"))
	mustGet(old, "while the file is broken")
	mustGet(old, "again")
	if n := strings.Count(s.log.buf.String(), "cannot be read"); n != 1 {
		t.Errorf("the broken file is reported %d times", n)
	}
	renewed := certificate(t, cert, key, "one.example.com")
	mustGet(renewed, "renewed certificate")
	if _, err := get(t.Context(), old, url); err == nil {
		t.Error("the old certificate is still served")
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	mustGet(renewed, "while a file is missing")
}

func TestTLSMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certificate(t, cert, key, "one.example.com")
	broken := filepath.Join(dir, "broken.pem")
	write(t, broken, []byte("x"))
	for name, c := range map[string]web.TLS{
		"no key":       {Cert: cert},
		"no cert":      {Key: key},
		"both ways":    {Cert: cert, Key: key, Domain: "example.com", CacheDir: dir},
		"no cache":     {Domain: "example.com"},
		"missing file": {Cert: cert + "x", Key: key},
		"broken file":  {Cert: broken, Key: key},
		"not a pair":   {Cert: cert, Key: cert},
	} {
		_, err := web.Listen(t.Context(), web.ServerConfig{TLS: c, Logger: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A certificate that ACME brought earlier is served from the cache; other names are refused without asking anybody.
func TestACMEServesFromItsCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	client := certificate(t, cert, key, "one.example.com")
	cache := filepath.Join(dir, "acme")
	if err := os.Mkdir(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	var entry []byte
	for _, path := range []string{key, cert} { // the order that autocert keeps them in
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		entry = append(entry, content...)
	}
	write(t, filepath.Join(cache, "one.example.com"), entry)
	s := serve(t, map[string]http.Handler{"tiptop": says("prizes")}, func(cfg *web.ServerConfig) {
		cfg.TLS = web.TLS{Domain: "one.example.com", CacheDir: cache}
	})
	if url := s.URL("tiptop"); !strings.HasPrefix(url, "https://one.example.com:") {
		t.Errorf("URL %s", url)
	}
	addr := "https://" + s.Addr("tiptop").String()
	if text, err := get(t.Context(), client, addr); text != "prizes" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	public, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(t.Context(), trusting(t, public, "two.example.com"), addr); err == nil {
		t.Error("another name got a certificate")
	}
	s.end(t)
	if text := s.log.buf.String(); !strings.Contains(text, "not configured in HostWhitelist") {
		t.Errorf("another name was not refused for being another name:\n%s", text)
	}
}

//go:build unix

package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"github.com/guichet-api/guichet/internal/tchatator"
	"github.com/guichet-api/guichet/internal/testkit"
)

// TestDatabaseURL: on somebody's database there is no demo data, nothing of development, and the secret is the operator's.
func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	db := testkit.Database(t, testkit.DB{})
	stateDir := newStateDir(t)
	if err := os.Mkdir(stateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_URL=" + db.URL}
	code, _, errs := finish(t, command(t, baseEnv(stateDir, env...), "serve"))
	if code != exitUsage || !strings.Contains(errs, "GUICHET_SECRET is required with DATABASE_URL") {
		t.Errorf("without a secret it exits %d and says %q", code, errs)
	}
	if code, out, errs := finish(t, command(t, baseEnv(stateDir, env...), "migrate")); code != 0 || !strings.Contains(out, "migrations applied") {
		t.Errorf("migrate, which needs no secret, exits %d: %s%s", code, out, errs)
	}
	env = append(env, "GUICHET_SECRET="+strings.Repeat("an operator's own ", 3))
	s := serve(t, stateDir, env)
	if a := call(t, "POST", s.tiptop+"/api/auth/login", "", `{"email":"admin@test.com","password":"Admin1234"}`); a.status != 401 {
		t.Errorf("the demo administrator on somebody's database: %d %s", a.status, a.text)
	}
	if a := call(t, "GET", s.portal+"/", "", ""); strings.Contains(a.text, "Admin1234") || !strings.Contains(a.text, "not checked") || strings.Contains(a.text, "embedded") {
		t.Errorf("the portal shows what is for development:\n%s", a.text)
	}
	cmd := command(t, baseEnv(stateDir, env...), "tiptop", "user", "add", "--email", "boss@example.com", "--role", "ADMIN")
	cmd.Stdin = strings.NewReader("Secret1234")
	if code, _, errs := finish(t, cmd); code != 0 {
		t.Fatalf("user add exits %d: %s", code, errs)
	}
	tokenOf(t, s.tiptop, "boss@example.com", "Secret1234")
	if files, err := os.ReadDir(stateDir); err != nil || len(files) > 1 || len(files) == 1 && files[0].Name() != "mail" {
		t.Errorf("the state directory holds %v: %v", files, err)
	}
	second := serve(t, stateDir, env, "--only", "tiptop") // processes may share a database
	tokenOf(t, second.tiptop, "boss@example.com", "Secret1234")
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d", code)
	}
	tokenOf(t, second.tiptop, "boss@example.com", "Secret1234")
}

// TestTLS: every listener speaks it.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made, cert, key := certificateFiles(t, dir)
	s := serve(t, newStateDir(t), []string{"GUICHET_TLS_CERT=" + cert, "GUICHET_TLS_KEY=" + key})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: made.Roots}}}
	for _, target := range []string{
		s.portal + "/readyz", s.tiptop + "/", s.portal + "/tiptop/", s.at[tchatator.Name] + "/openapi.yaml", s.tickets + "/asyncapi.yaml",
	} {
		if !strings.HasPrefix(target, "https://127.0.0.1:") {
			t.Errorf("the address is %s", target)
		}
		r, err := http.NewRequestWithContext(t.Context(), "GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("%s: %d", target, response.StatusCode)
		}
	}
	socket := strings.Replace(s.tickets, "https", "wss", 1) + "/ws/tickets-client"
	_, response, err := websocket.Dial(t.Context(), socket, &websocket.DialOptions{HTTPClient: client})
	if err == nil || response == nil || response.StatusCode != 401 {
		t.Errorf("a socket without token: %v", err)
	}
}

// certificateFiles writes a certificate for this machine.
func certificateFiles(t *testing.T, dir string) (made testkit.Certificate, certFile, keyFile string) {
	t.Helper()
	made = testkit.NewCertificate(t)
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string][]byte{certFile: made.Cert, keyFile: made.Key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return made, certFile, keyFile
}

// TestOnTerminal: a person sees where everything is, and a log to read.
func TestOnTerminal(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	var out, errs safeBuffer
	con := console{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, isTerminal: func(any) bool { return true }}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, baseEnv(stateDir), con) }()
	eventually(t, "the summary", func() bool { return strings.Contains(out.String(), "Ctrl-C stops it.") || len(ended) > 0 })
	for _, want := range []string{"Guichet is ready.", "Portal", "/docs", "The Tip Top", "http://127.0.0.1:", "admin@test.com / Admin1234 (ADMIN)", filepath.Join(stateDir, "mail")} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the summary lacks %q:\n%s", want, out.String())
		}
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exits %d", code)
	}
	if log := errs.String(); !strings.Contains(log, " level=INFO msg=ready ") || strings.Contains(log, `{"`) {
		t.Errorf("the log is not text:\n%s", log)
	}
}

// TestInterruptedStart: a signal while everything starts ends it, and the next start works; it starts a part of the systems.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	p := start(t, command(t, baseEnv(stateDir), "serve"))
	p.line("listening")
	p.signal(syscall.SIGTERM)
	if code := p.wait(); code > exitFailure {
		t.Errorf("exits %d", code)
	}
	s := serve(t, stateDir, nil, "--only", "tickets")
	tokenOf(t, s.portal+"/tickets", "user@example.com", "password123")
	if a := call(t, "GET", s.portal+"/readyz", "", ""); a.text != `{"status":"ready","systems":[{"name":"tickets","status":"ready"}]}`+"\n" {
		t.Errorf("/readyz: %d %s", a.status, a.text)
	}
	if s.tiptop != "" || call(t, "GET", s.portal+"/tiptop/", "", "").status != 404 {
		t.Errorf("The Tip Top is served, at %q", s.tiptop)
	}
}

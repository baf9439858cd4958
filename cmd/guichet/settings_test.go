package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
)

// readWith reads settings from an environment of these variables and what every process has.
func readWith(variables ...string) (settings, error) {
	return readSettings(append([]string{"PATH=/usr/bin", "HOME=/somewhere"}, variables...), systemTable())
}

func TestSettingsDefaults(t *testing.T) {
	t.Parallel()
	s, err := readWith()
	if err != nil {
		t.Fatal(err)
	}
	if s.portalAddr != "127.0.0.1:8080" || s.systems["tiptop"].addr != "127.0.0.1:4000" || s.systems["tiptop"].publicURL != nil {
		t.Errorf("addresses %q, %+v", s.portalAddr, s.systems)
	}
	if !s.demo || !s.dev || !s.check {
		t.Errorf("demo %t, dev %t, check %t: all are on with the embedded database", s.demo, s.dev, s.check)
	}
	if s.maxConns != 40 || s.zone.String() != "Europe/Paris" || s.smtp != nil || s.secret != nil || s.limits.off || s.tls != (tlsSettings{}) {
		t.Errorf("got %+v", s)
	}
	if !slices.Equal(s.corsOrigins, []string{"*"}) || s.logFormat != "" || s.logLevel.String() != "INFO" {
		t.Errorf("got %+v", s)
	}
	if l := s.limits.rules[loginAccount]; l != (ratelimit.Limit{N: 10, Per: time.Minute}) {
		t.Errorf("%s is %+v", loginAccount, l)
	}
	if err := s.requireSecret(); err != nil {
		t.Errorf("the embedded database needs no secret of the operator: %v", err)
	}
}

func TestSettingsWithDatabaseURL(t *testing.T) {
	t.Parallel()
	s, err := readWith("DATABASE_URL=postgres://u:p@db.example.com/guichet")
	if err != nil {
		t.Fatal(err)
	}
	if s.demo || s.dev || s.check {
		t.Errorf("demo %t, dev %t, check %t: all are off on somebody's database", s.demo, s.dev, s.check)
	}
	var wrong *config.Error
	if err := s.requireSecret(); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "GUICHET_SECRET is required") {
		t.Errorf("without a secret: %v", err)
	}
	s, err = readWith("DATABASE_URL=postgres://u:p@db.example.com/guichet", "GUICHET_SECRET="+strings.Repeat("s", 32), "GUICHET_DEMO=yes")
	if err != nil || s.requireSecret() != nil || !s.demo {
		t.Errorf("with a secret: %v, %v, demo %t", err, s.requireSecret(), s.demo)
	}
	s, err = readWith("DATABASE_URL=postgres://u:p@db.example.com/guichet", "GUICHET_SECRET=short")
	if err == nil || s.requireSecret() != nil {
		t.Errorf("a wrong secret is one mistake: %v, %v", err, s.requireSecret())
	}
}

func TestSettingsAll(t *testing.T) {
	t.Parallel()
	s, err := readWith(
		"GUICHET_PORTAL_ADDR=:9000", "GUICHET_TIPTOP_ADDR=[::1]:9001", "GUICHET_TIPTOP_PUBLIC_URL=https://www.example.com/jeu/",
		"GUICHET_STATE_DIR=/srv/guichet", "GUICHET_DB_MAX_CONNS=30", "PG_BIN=/opt/pg/bin", "GUICHET_DEMO=false", "GUICHET_DEV=0",
		"GUICHET_CHECK=on", "GUICHET_SECRET="+strings.Repeat("x", 40), "GUICHET_TLS_DOMAIN=guichet.example.com",
		"GUICHET_CORS_ORIGINS=https://a.example.com, https://b.example.com:8443", "GUICHET_TRUSTED_PROXIES=10.0.0.0/8,::1",
		"GUICHET_RATE_LIMITS=login-account=3/30s,forgot-account=off", "SMTP_URL=smtp://u:p@mail.example.com:587",
		"GUICHET_MAIL_FROM=Jeu <jeu@example.com>", "GUICHET_LOG_LEVEL=debug", "GUICHET_LOG_FORMAT=json", "GUICHET_TZ=UTC",
	)
	if err != nil {
		t.Fatal(err)
	}
	if s.stateDir != "/srv/guichet" || s.maxConns != 30 || s.pgBin != "/opt/pg/bin" || s.demo || s.dev || !s.check {
		t.Errorf("got %+v", s)
	}
	if s.systems["tiptop"].publicURL.Host != "www.example.com" || s.tls.domain != "guichet.example.com" || len(s.trusted) != 2 {
		t.Errorf("got %+v", s)
	}
	if len(s.corsOrigins) != 2 || s.smtp.Host != "mail.example.com" || s.mailFrom.Address != "jeu@example.com" {
		t.Errorf("got %+v", s)
	}
	want := map[string]ratelimit.Limit{
		loginAccount: {N: 3, Per: 30 * time.Second}, forgotAccount: {}, loginAddress: {N: 60, Per: time.Minute},
		registerAddress: {N: 30, Per: time.Minute}, visitAddress: {N: 600, Per: time.Minute}, cartSocket: {N: 20, Per: 2 * time.Second},
	}
	for rule, limit := range want {
		if s.limits.rules[rule] != limit {
			t.Errorf("%s is %+v, want %+v", rule, s.limits.rules[rule], limit)
		}
	}
	if s, err := readWith("GUICHET_RATE_LIMITS=off"); err != nil || !s.limits.off {
		t.Errorf("off: %v, %t", err, s.limits.off)
	}
}

// TestSettingsMistakes: each is told, by the variable's name, and none is told with its secret.
func TestSettingsMistakes(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for _, c := range []struct{ variable, want string }{
		{"GUICHET_PORTAL_ADDR=localhost", "GUICHET_PORTAL_ADDR must be an address"},
		{"GUICHET_TIPTOP_ADDR=1.2.3.4:99999", "GUICHET_TIPTOP_ADDR must be an address"},
		{"GUICHET_TIPTOP_ADDR=127.0.0.1:8080", "GUICHET_TIPTOP_ADDR is 127.0.0.1:8080, which GUICHET_PORTAL_ADDR has already"},
		{"GUICHET_TIPTOP_PUBLIC_URL=ftp://x", "GUICHET_TIPTOP_PUBLIC_URL must be a URL"},
		{"GUICHET_TIPTOP_PUBLIC_URL=https://x/?a=b", "GUICHET_TIPTOP_PUBLIC_URL must be an address and a path alone"},
		{"DATABASE_URL=postgres://u:hush@h:nan/x", "DATABASE_URL must be a connection string"},
		{"GUICHET_DB_MAX_CONNS=3", "GUICHET_DB_MAX_CONNS must be a number from"},
		{"GUICHET_TICKETS_SLA_HAUTE=8", "GUICHET_TICKETS_SLA_HAUTE must be a"},
		{"GUICHET_TICKETS_SLA_HAUTE=1500ms", "GUICHET_TICKETS_SLA_HAUTE must be whole seconds"},
		{"GUICHET_DEMO=maybe", "GUICHET_DEMO must be true or false"},
		{"GUICHET_DEV=maybe", "GUICHET_DEV must be true or false"},
		{"GUICHET_CHECK=maybe", "GUICHET_CHECK must be true or false"},
		{"GUICHET_SECRET=hush", "GUICHET_SECRET has 4 bytes"},
		{"GUICHET_TLS_CERT=" + missing, "GUICHET_TLS_KEY is required with GUICHET_TLS_CERT"},
		{"GUICHET_TLS_CERT=" + missing, "GUICHET_TLS_CERT cannot be read"},
		{"GUICHET_TLS_KEY=" + missing, "GUICHET_TLS_CERT is required with GUICHET_TLS_KEY"},
		{"GUICHET_TLS_DOMAIN=https://example.com", "GUICHET_TLS_DOMAIN must be one domain name"},
		{"GUICHET_CORS_ORIGINS=example.com", "GUICHET_CORS_ORIGINS must be * or list origins"},
		{"GUICHET_CORS_ORIGINS=https://example.com/", "GUICHET_CORS_ORIGINS must be * or list origins"},
		{"GUICHET_TRUSTED_PROXIES=10.0.0.0/99", "GUICHET_TRUSTED_PROXIES must list addresses"},
		{"GUICHET_RATE_LIMITS=never", "GUICHET_RATE_LIMITS must be off, or list rules"},
		{"GUICHET_RATE_LIMITS=login-account=ten", "GUICHET_RATE_LIMITS login-account: must be off or a number"},
		{"GUICHET_RATE_LIMITS=login-account=10/1y", "GUICHET_RATE_LIMITS login-account: must have a period"},
		{"SMTP_URL=http://mail.example.com", "SMTP_URL must look like"},
		{"SMTP_URL=smtp://mail.example.com", "GUICHET_MAIL_FROM is required with SMTP_URL"},
		{"GUICHET_MAIL_FROM=nobody", "GUICHET_MAIL_FROM must be a mail address"},
		{"GUICHET_LOG_LEVEL=loud", "GUICHET_LOG_LEVEL must be one of"},
		{"GUICHET_LOG_FORMAT=xml", "GUICHET_LOG_FORMAT must be one of"},
		{"GUICHET_TZ=Paris", "GUICHET_TZ must be the name of a time zone"},
		{"GUICHET_PORTAL_ADR=:1", "did you mean GUICHET_PORTAL_ADDR?"},
	} {
		_, err := readWith(c.variable)
		var wrong *config.Error
		if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.variable, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the message shows the secret: %v", c.variable, err)
		}
	}
	if _, err := readSettings([]string{"PATH=/usr/bin"}, systemTable()); os.Geteuid() != 0 && err == nil {
		t.Error("a machine without any state directory passes")
	}
}

// TestHelpListsTheEnvironment: what is read and what is documented are the same set.
func TestHelpListsTheEnvironment(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, topic := range environment(systemTable()) {
		for _, v := range topic.variables {
			documented[v.name] = true
		}
	}
	var all []string
	for name := range documented {
		all = append(all, name+"=")
	}
	if _, err := readWith(all...); err != nil {
		t.Errorf("the help documents what is not read: %v", err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, name := range files {
		if name == "environment.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	read := regexp.MustCompile(`"((?:GUICHET_|SMTP_|DATABASE_|PG_)[A-Z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(read) < 20 {
		t.Fatalf("only %d variables are read", len(read))
	}
	for _, match := range read {
		if name := match[1]; !documented[name] && name != "GUICHET_REQUIRE_ALL" {
			t.Errorf("the help does not document %s", name)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for systems := 1; systems <= 5; systems++ {
		for total := leastConns(systems); total <= 200; total++ {
			s := share(total, systems)
			if s.limits+s.jobs+s.system*systems > total {
				t.Fatalf("%d connections for %d systems: %+v is more", total, systems, s)
			}
			if s.limits < 1 || s.jobs < minJobConns || s.system < minSystemConns {
				t.Fatalf("%d connections for %d systems: %+v starves one", total, systems, s)
			}
		}
	}
	if s := share(40, 1); s != (shares{limits: 8, jobs: 4, system: 28}) {
		t.Errorf("40 for one system: %+v", s)
	}
}

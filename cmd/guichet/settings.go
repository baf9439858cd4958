package main

import (
	"fmt"
	"log/slog"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/guichet-api/guichet/internal/platform/auth"
	"github.com/guichet-api/guichet/internal/platform/config"
	"github.com/guichet-api/guichet/internal/platform/login"
	"github.com/guichet-api/guichet/internal/platform/mail"
	"github.com/guichet-api/guichet/internal/platform/pg"
	"github.com/guichet-api/guichet/internal/platform/ratelimit"
)

// settings is the environment, read once and checked. The packages below get what they need of it in their own Config.
type settings struct {
	stateDir    string // absolute; "" when the machine offers none, which is fine with databaseURL
	databaseURL string // "": the embedded PostgreSQL
	pgBin       string
	path        string // where the embedded PostgreSQL's programs are looked for
	maxConns    int

	demo, dev, check bool

	portalAddr string
	systems    map[string]systemSettings // by name, one for each of the table
	tls        tlsSettings

	zone        *time.Location
	smtp        *mail.SMTPConfig // nil: mails become files
	mailFrom    netmail.Address
	secret      []byte // nil: the state directory's own, or one that was wrong
	secretSet   bool
	corsOrigins []string
	limits      limits
	trusted     []netip.Prefix

	logLevel  slog.Level
	logFormat string // text, json, or "" for the one that fits where the log goes
}

// systemSettings is what the environment says about one system.
type systemSettings struct {
	addr      string
	publicURL *url.URL // nil: its own address
	own       any      // what the system's own variables say: see ownSettings
}

// tlsSettings is how listeners are encrypted: not at all, by a certificate's files, or by ACME for a domain.
type tlsSettings struct{ cert, key, domain string }

// limits are the rate limits that contracts promise, by rule.
type limits struct {
	off   bool
	rules map[string]ratelimit.Limit
}

// login is what binds logins, of every system alike.
func (l limits) login() login.Limits {
	return login.Limits{PerAccount: l.rules[loginAccount], PerAddress: l.rules[loginAddress]}
}

// Names of the rules, as GUICHET_RATE_LIMITS writes them.
const (
	loginAccount    = "login-account"
	loginAddress    = "login-address"
	registerAddress = "register-address"
	forgotAccount   = "forgot-account"
	visitAddress    = "visit-address"
	cartSocket      = "cart-socket"
)

// defaultLimits is the contracts' own.
func defaultLimits() map[string]ratelimit.Limit {
	return map[string]ratelimit.Limit{
		loginAccount:    {N: 10, Per: time.Minute},
		loginAddress:    {N: 60, Per: time.Minute},
		registerAddress: {N: 30, Per: time.Minute},
		forgotAccount:   {N: 5, Per: time.Minute},
		visitAddress:    {N: 600, Per: time.Minute},
		cartSocket:      {N: 20, Per: 2 * time.Second},
	}
}

// defaultMailFrom sends mails that are only written to files. A real server wants a real sender.
const defaultMailFrom = "Guichet <noreply@guichet.invalid>"

// readSettings reads the environment for the systems of the table. The error is a *config.Error with every mistake.
func readSettings(environ []string, systems []system) (settings, error) {
	r := config.NewReader(environ)
	// Read by `go test` and by the tests' own children, who share an environment with the program.
	r.Known("GUICHET_REQUIRE_ALL")
	s := settings{
		databaseURL: r.String("DATABASE_URL", ""),
		pgBin:       r.String("PG_BIN", ""),
		path:        r.String("PATH", ""),
		maxConns:    r.Int("GUICHET_DB_MAX_CONNS", pg.DefaultMaxConns, leastConns(len(systems)), 10_000),
		portalAddr:  r.Addr("GUICHET_PORTAL_ADDR", defaultPortalAddr),
		systems:     map[string]systemSettings{},
		zone:        r.Location("GUICHET_TZ", "Europe/Paris"),
		secret:      r.Secret("GUICHET_SECRET", auth.CheckSecret),
		corsOrigins: r.List("GUICHET_CORS_ORIGINS", "*"),
		trusted:     r.Prefixes("GUICHET_TRUSTED_PROXIES"),
		logFormat:   r.Enum("GUICHET_LOG_FORMAT", "", "text", "json"),
	}
	_, s.secretSet = r.Lookup("GUICHET_SECRET")
	embedded := s.databaseURL == ""
	s.demo = r.Bool("GUICHET_DEMO", embedded)
	s.dev = r.Bool("GUICHET_DEV", embedded)
	s.check = r.Bool("GUICHET_CHECK", s.dev)
	for _, sys := range systems {
		one, addr := systemSettings{publicURL: readPublicURL(r, sys.variable("PUBLIC_URL"))}, sys.addr
		if sys.own.read != nil {
			one.own = sys.own.read(r)
		}
		if sys.own.addr != nil {
			addr = sys.own.addr(one.own, addr)
		}
		one.addr = r.Addr(sys.variable("ADDR"), addr)
		s.systems[sys.name] = one
	}
	s.checkAddresses(r, systems)
	s.readStateDir(r)
	s.readDatabaseURL(r)
	s.readTLS(r)
	s.readMail(r)
	s.readLimits(r)
	s.readOrigins(r)
	level := r.Enum("GUICHET_LOG_LEVEL", "info", "debug", "info", "warn", "error")
	if err := s.logLevel.UnmarshalText([]byte(level)); err != nil {
		r.Mistake("GUICHET_LOG_LEVEL", "%v", err)
	}
	return s, r.Err()
}

// leastConns is the smallest database budget that every pool can work with.
func leastConns(systems int) int { return minPlatformConns + systems*minSystemConns }

// checkAddresses notes two listeners on one port: the second could only fail, with a message that blames a stranger.
func (s *settings) checkAddresses(r *config.Reader, systems []system) {
	owner := map[string]string{s.portalAddr: "GUICHET_PORTAL_ADDR"}
	for _, sys := range systems {
		addr, variable := s.systems[sys.name].addr, sys.variable("ADDR")
		if strings.HasSuffix(addr, ":0") {
			continue
		}
		if first, taken := owner[addr]; taken {
			r.Mistake(variable, "is %s, which %s has already: each needs a port of its own", addr, first)
		}
		owner[addr] = variable
	}
}

func (s *settings) readStateDir(r *config.Reader) {
	getenv := func(name string) string { return r.String(name, "") }
	dir, err := pg.StateDir(getenv, runtime.GOOS, os.Geteuid())
	if err != nil && s.databaseURL == "" {
		r.Mistake("GUICHET_STATE_DIR", "is needed, because no default can be told: %v", err)
	}
	s.stateDir = dir
}

func (s *settings) readDatabaseURL(r *config.Reader) {
	if s.databaseURL == "" {
		return
	}
	if _, err := pgx.ParseConfig(s.databaseURL); err != nil { // its message hides the password
		r.Mistake("DATABASE_URL", "must be a connection string such as postgres://user:password@host:5432/database: %v", err)
	}
}

// requireSecret notes a secret that nothing could replace: one made up here would differ from the next process's.
func (s settings) requireSecret() error {
	if s.databaseURL == "" || s.secretSet {
		return nil
	}
	return &config.Error{Mistakes: []string{
		"GUICHET_SECRET is required with DATABASE_URL, at least 32 bytes and the same for every process: openssl rand -hex 32 makes a good one",
	}}
}

func (s *settings) readTLS(r *config.Reader) {
	s.tls = tlsSettings{
		cert:   r.String("GUICHET_TLS_CERT", ""),
		key:    r.String("GUICHET_TLS_KEY", ""),
		domain: r.String("GUICHET_TLS_DOMAIN", ""),
	}
	switch {
	case s.tls.domain != "" && (s.tls.cert != "" || s.tls.key != ""):
		r.Mistake("GUICHET_TLS_DOMAIN", "excludes GUICHET_TLS_CERT and GUICHET_TLS_KEY: choose ACME or files")
	case s.tls.cert != "" && s.tls.key == "":
		r.Mistake("GUICHET_TLS_KEY", "is required with GUICHET_TLS_CERT")
	case s.tls.key != "" && s.tls.cert == "":
		r.Mistake("GUICHET_TLS_CERT", "is required with GUICHET_TLS_KEY")
	case s.tls.domain != "" && (!strings.Contains(s.tls.domain, ".") || strings.ContainsAny(s.tls.domain, ":/*, ")):
		r.Mistake("GUICHET_TLS_DOMAIN", "must be one domain name such as guichet.example.com, not %q", s.tls.domain)
	}
	for variable, path := range map[string]string{"GUICHET_TLS_CERT": s.tls.cert, "GUICHET_TLS_KEY": s.tls.key} {
		if path == "" {
			continue
		}
		if file, err := os.Open(path); err != nil {
			r.Mistake(variable, "cannot be read: %v", err)
		} else {
			_ = file.Close()
		}
	}
}

func (s *settings) readMail(r *config.Reader) {
	from, err := mail.ParseFrom(r.String("GUICHET_MAIL_FROM", defaultMailFrom))
	if err != nil {
		r.Mistake("GUICHET_MAIL_FROM", "%v", err)
	}
	s.mailFrom = from
	raw, set := r.Lookup("SMTP_URL")
	if !set {
		return
	}
	cfg, err := mail.ParseURL(raw)
	if err != nil {
		r.Mistake("SMTP_URL", "%v", err)
	}
	if _, set := r.Lookup("GUICHET_MAIL_FROM"); !set {
		r.Mistake("GUICHET_MAIL_FROM", "is required with SMTP_URL: the sender of mails, such as The Tip Top <noreply@example.com>")
	}
	s.smtp = &cfg
}

// readLimits reads "off", or rules that replace the contracts' own: login-account=10/1m,login-address=60/1m.
func (s *settings) readLimits(r *config.Reader) {
	const name = "GUICHET_RATE_LIMITS"
	s.limits = limits{rules: defaultLimits()}
	for _, item := range r.List(name) {
		rule, limit, _ := strings.Cut(item, "=")
		if _, known := s.limits.rules[rule]; !known {
			if rule == "off" && limit == "" {
				s.limits.off = true
				continue
			}
			r.Mistake(name, "must be off, or list rules such as %s=10/1m; the rules are %s: there is no %q", loginAccount,
				strings.Join(sortedRules(), ", "), rule)
			continue
		}
		parsed, err := parseLimit(limit)
		if err != nil {
			r.Mistake(name, "%s: %v", rule, err)
			continue
		}
		s.limits.rules[rule] = parsed
	}
}

func sortedRules() []string {
	var names []string
	for name := range defaultLimits() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// parseLimit reads 10/1m: ten in any minute. off lifts the rule.
func parseLimit(text string) (ratelimit.Limit, error) {
	if text == "off" {
		return ratelimit.Limit{}, nil
	}
	count, period, found := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	if err != nil || !found || n < 1 || n > 100_000 {
		return ratelimit.Limit{}, fmt.Errorf("must be off or a number from 1 to 100000 and a period such as 10/1m, not %q", text)
	}
	per, err := time.ParseDuration(period)
	if err != nil || per < time.Second || per > 24*time.Hour {
		return ratelimit.Limit{}, fmt.Errorf("must have a period from 1s to 24h after the slash, such as 10/1m, not %q", text)
	}
	return ratelimit.Limit{N: n, Per: per}, nil
}

func (s *settings) readOrigins(r *config.Reader) {
	for _, origin := range s.corsOrigins {
		if origin == "*" {
			continue
		}
		u, err := url.Parse(origin)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Scheme+"://"+u.Host != origin {
			r.Mistake("GUICHET_CORS_ORIGINS", "must be * or list origins such as https://www.example.com, not %q", origin)
		}
	}
}

// readPublicURL reads where clients reach a system: a URL without query, nil when unset.
func readPublicURL(r *config.Reader, name string) *url.URL {
	u := r.URL(name, "http", "https")
	if u != nil && (u.RawQuery != "" || u.Fragment != "" || u.User != nil) {
		r.Mistake(name, "must be an address and a path alone, such as https://www.example.com/tiptop")
	}
	return u
}

//go:build unix

package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/guichet-api/guichet/internal/tiptop"
)

// TestServe is what a newcomer does: start it in an empty directory, walk through the contract, look around, stop it while sockets
// are open.
func TestServe(t *testing.T) {
	t.Parallel()
	s := serve(t, newStateDir(t), nil)
	t.Run("walk", func(t *testing.T) { walk(t, s) })
	t.Run("admin", func(t *testing.T) { administerTiptop(t, s) })
	t.Run("tickets admin", func(t *testing.T) { administerTickets(t, s) })
	t.Run("reunion admin", func(t *testing.T) { administerReunion(t, s) })
	t.Run("second", func(t *testing.T) { startAgain(t, s) })
	t.Run("log", func(t *testing.T) { lookAtLog(t, s) })
	sockets := useSockets(t, s)
	s.signal(syscall.SIGTERM)
	sockets.ended(t)
	if code := s.wait(); code != 0 {
		t.Errorf("exits %d", code)
	}
	if strings.Contains(s.stderr.String(), "cut off") {
		t.Error("sockets or requests were cut off")
	}
	if leftover := s.stdout.String(); leftover != "" {
		t.Errorf("prints %q for a person where there is none", leftover)
	}
}

// walk is the seed's own walk: half of it at the system's address, half below the portal.
func walk(t *testing.T, s *server) {
	mounted := s.portal + "/tiptop"
	for target, want := range map[string]string{
		s.portal + "/readyz":                    `"status":"ready"`,
		s.portal + "/healthz":                   "alive",
		s.portal + "/":                          "The Tip Top",
		s.portal + "/metrics":                   "guichet_build_info",
		s.portal + "/docs":                      "swagger-ui",
		s.portal + "/specs/tiptop/openapi.yaml": `url: "/tiptop"`,
		mounted + "/openapi.yaml":               `url: "/tiptop"`,
		s.tiptop + "/openapi.yaml":              `url: "/"`,
		s.tiptop + "/docs":                      "swagger-ui",
		s.tiptop + "/":                          "en ligne",
		mounted + "/db-check":                   "DB connectée",
		s.tiptop + "/metrics":                   `operation="checkHealth"`,
	} {
		if a := call(t, "GET", target, "", ""); a.status != 200 || !strings.Contains(a.text, want) {
			t.Errorf("GET %s: %d, lacks %q", target, a.status, want)
		}
	}
	register := `{"email":"ada@example.com","password":"Password123","confirmPassword":"Password123","firstName":"Ada","lastName":"Lovelace"}`
	if a := call(t, "POST", s.tiptop+"/api/auth/register", "", register); a.status != 201 {
		t.Fatalf("register: %d %s", a.status, a.text)
	}
	link := awaitMail(t, s.stateDir, regexp.MustCompile(`http://\S+/api/auth/verify-email/\w+`))
	if !strings.HasPrefix(link, s.tiptop) {
		t.Errorf("the mail links to %s, not to %s", link, s.tiptop)
	}
	if a := call(t, "GET", link, "", ""); a.status != 200 {
		t.Errorf("verify: %d %s", a.status, a.text)
	}
	client := tokenOf(t, mounted, "ada@example.com", "Password123")
	played := call(t, "POST", mounted+"/api/game/play", client, fmt.Sprintf(`{"ticketCode":%q}`, tiptop.DemoCode))
	if played.status != 200 || played.str("data", "ticket", "status") != "PENDING" {
		t.Fatalf("play: %d %s", played.status, played.text)
	}
	ticket := played.str("data", "ticket", "id")
	if a := call(t, "GET", s.tiptop+"/api/game/my-tickets", client, ""); a.status != 200 || !strings.Contains(a.text, ticket) {
		t.Errorf("my-tickets: %d %s", a.status, a.text)
	}
	employee := tokenOf(t, s.tiptop, "employee@test.com", "Employee1234")
	validated := call(t, "POST", mounted+"/api/employee/validate-ticket", employee, fmt.Sprintf(`{"ticketId":%q,"action":"validate"}`, ticket))
	if validated.status != 200 || validated.str("data", "status") != "VALIDATED" {
		t.Errorf("validate: %d %s", validated.status, validated.text)
	}
	admin := tokenOf(t, s.tiptop, "admin@test.com", "Admin1234")
	statistics := call(t, "GET", mounted+"/api/admin/statistics", admin, "")
	if statistics.status != 200 || statistics.at("data", "tickets", "validated") != 1.0 || statistics.at("data", "users", "verifiedEmails") != 4.0 {
		t.Errorf("statistics: %d %s", statistics.status, statistics.text)
	}
}

// awaitMail waits for a mail file in which something is found.
func awaitMail(t *testing.T, stateDir string, wanted *regexp.Regexp) string {
	t.Helper()
	var found string
	eventually(t, "a mail with "+wanted.String(), func() bool {
		files, _ := filepath.Glob(filepath.Join(stateDir, "mail", "*.eml"))
		for _, name := range files {
			content, err := os.ReadFile(name)
			if err == nil && wanted.Match(content) {
				found = string(wanted.Find(content))
				return true
			}
		}
		return false
	})
	return found
}

// administerTiptop runs every command of the system beside the server.
func administerTiptop(t *testing.T, s *server) {
	if out := s.admin("Secret1234\n", "tiptop", "user", "add", "--email", "Boss@Example.com", "--role", "ADMIN"); !strings.Contains(out, "boss@example.com") || strings.Contains(out, "Secret") {
		t.Errorf("user add prints %q", out)
	}
	boss := tokenOf(t, s.tiptop, "boss@example.com", "Secret1234")
	if out := s.admin("", "tiptop", "user", "list"); strings.Count(out, "\n") != 6 || !strings.Contains(out, "boss@example.com") {
		t.Errorf("user list prints\n%s", out)
	}
	made := s.admin("", "tiptop", "user", "password", "boss@example.com", "--generate")
	match := regexp.MustCompile(`password: (\w+)\n`).FindStringSubmatch(made)
	if match == nil {
		t.Fatalf("user password prints %q", made)
	}
	if a := call(t, "GET", s.tiptop+"/api/auth/me", boss, ""); a.status != 401 {
		t.Errorf("the session outlives its password: %d", a.status)
	}
	tokenOf(t, s.tiptop, "boss@example.com", match[1])
	token := strings.TrimSpace(s.admin("", "tiptop", "user", "token", "boss@example.com"))
	if a := call(t, "GET", s.tiptop+"/api/auth/me", token, ""); a.status != 200 || a.str("user", "role") != "ADMIN" {
		t.Errorf("user token: %d %s", a.status, a.text)
	}
	list := filepath.Join(filepath.Dir(s.stateDir), "codes.csv")
	s.admin("", "tiptop", "codes", "issue", "--count", "25000", "--out", list)
	content, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	codes := strings.Fields(string(content))
	if len(codes) != 25_001 || codes[0] != "code" {
		t.Fatalf("%d lines, the first is %q", len(codes), codes[0])
	}
	if info, err := os.Stat(list); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the list of codes: %v, %v", info.Mode(), err)
	}
	client := tokenOf(t, s.tiptop, "test-client@test.com", "Test1234")
	play := func(code string) answer {
		return call(t, "POST", s.tiptop+"/api/game/play", client, fmt.Sprintf(`{"ticketCode":%q}`, code))
	}
	if a := play(codes[25_000]); a.status != 200 {
		t.Errorf("playing the last code: %d %s", a.status, a.text)
	}
	if out := s.admin("", "tiptop", "game", "pause"); !strings.HasPrefix(out, "state  closed: paused") {
		t.Errorf("game pause prints %q", out)
	}
	if a := play(codes[1]); a.status != 400 || !strings.Contains(a.text, "pas actif") {
		t.Errorf("playing while paused: %d %s", a.status, a.text)
	}
	s.admin("", "tiptop", "game", "open")
	if out := s.admin("", "tiptop", "game", "window", "--to", "2020-01-01"); !strings.HasPrefix(out, "state  closed: outside") || !strings.Contains(out, "2020-01-02 00:00:00 CET") {
		t.Errorf("game window prints %q", out)
	}
	if out := s.admin("", "tiptop", "game", "window", "--to", "none"); !strings.HasPrefix(out, "state  open") {
		t.Errorf("game window prints %q", out)
	}
	if a := play(codes[1]); a.status != 200 {
		t.Errorf("playing again: %d %s", a.status, a.text)
	}
	if out := s.admin("", "tiptop", "codes", "issue", "--demo"); strings.Count(out, "\n") != 1001 {
		t.Errorf("codes issue --demo prints %d lines", strings.Count(out, "\n"))
	}
	if out := s.admin("", "migrate"); out != "the database is up to date\n" {
		t.Errorf("migrate prints %q", out)
	}
	refuse(t, s, list)
}

// administerTickets runs every command of the ticket desk beside the server.
func administerTickets(t *testing.T, s *server) {
	added := s.admin("Secret1234\n", "tickets", "user", "add", "--email", "Marie@Example.com", "--nom", "Marie Martin")
	if !strings.Contains(added, " agent marie@example.com\n") || strings.Contains(added, "Secret") {
		t.Errorf("user add prints %q", added)
	}
	old := tokenOf(t, s.tickets, "marie@example.com", "Secret1234")
	if out := s.admin("", "tickets", "user", "list"); strings.Count(out, "\n") != 3 || !strings.Contains(out, "Marie Martin") {
		t.Errorf("user list prints\n%s", out)
	}
	s.admin("Another1234\n", "tickets", "user", "password", "marie@example.com")
	if a := call(t, "GET", s.tickets+"/api/tickets-client", old, ""); a.status != 401 {
		t.Errorf("the session outlives its password: %d", a.status)
	}
	token := strings.TrimSpace(s.admin("", "tickets", "user", "token", "marie@example.com"))
	if a := call(t, "GET", s.tickets+"/api/tickets-client", token, ""); a.status != 200 || !strings.Contains(a.text, "TC-2025-001") {
		t.Errorf("user token: %d %s", a.status, a.text)
	}
}

// refuse is what commands say that cannot do what they are asked to.
func refuse(t *testing.T, s *server, list string) {
	for want, args := range map[string][]string{
		"Cet email est déjà utilisé":               {"tiptop", "user", "add", "--email", "admin@test.com", "--generate"},
		"au moins 8 caractères":                    {"tickets", "user", "add", "--email", "c@example.com", "--nom", "C"},
		"email: doit être une adresse":             {"tiptop", "user", "add", "--email", "admin", "--generate"},
		"Utilisateur non trouvé":                   {"tiptop", "user", "token", "nobody@example.com"},
		"exists already":                           {"tiptop", "codes", "issue", "--count", "1", "--out", list},
		"the contest must begin before it ends":    {"tiptop", "game", "window", "--from", "2026-02-01", "--to", "2026-01-01"},
		"password: ":                               {"tiptop", "user", "add", "--email", "c@example.com"},
		"there is no system \"nobody\"; there is ": {"serve", "--only", "nobody"},
	} {
		cmd := command(t, baseEnv(s.stateDir), args...)
		cmd.Stdin = strings.NewReader("short\n")
		code, _, errs := finish(t, cmd)
		if code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%v exits %d and says %q, which lacks %q", args, code, errs, want)
		}
	}
}

// startAgain starts a second server on the first one's state directory.
func startAgain(t *testing.T, s *server) {
	code, _, errs := finish(t, command(t, baseEnv(s.stateDir), "serve"))
	for _, want := range []string{fmt.Sprintf("process %d", s.cmd.Process.Pid), s.portal, s.stateDir, "GUICHET_STATE_DIR"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("on other ports it exits %d and says %q, which lacks %q", code, errs, want)
		}
	}
	same := baseEnv(s.stateDir, "GUICHET_PORTAL_ADDR="+strings.TrimPrefix(s.portal, "http://"))
	code, _, errs = finish(t, command(t, same, "serve"))
	if code != 1 || !strings.Contains(errs, fmt.Sprintf("process %d, which serves %s", s.cmd.Process.Pid, s.portal)) {
		t.Errorf("on the same ports it exits %d and says %q", code, errs)
	}
}

// lookAtLog checks that requests can be found in the log, and that nothing secret can.
func lookAtLog(t *testing.T, s *server) {
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.portal+"/tiptop/api/auth/me?token=hush", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-ID", "find-me-42")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if id := response.Header.Get("X-Request-ID"); id != "find-me-42" {
		t.Errorf("the answer's request id is %q", id)
	}
	eventually(t, "the request in the log", func() bool { return strings.Contains(s.stderr.String(), "find-me-42") })
	log := s.stderr.String()
	if line := regexp.MustCompile(`.*find-me-42.*`).FindString(log); !strings.Contains(line, `"operation":"getMe"`) || !strings.Contains(line, `"status":401`) {
		t.Errorf("the log says %s", line)
	}
	secret, err := os.ReadFile(filepath.Join(s.stateDir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, hush := range []string{"Password123", "Employee1234", "Secret1234", "hush", "eyJ", strings.TrimSpace(string(secret)), "argon2"} {
		if strings.Contains(log, hush) {
			t.Errorf("the log shows %q", hush)
		}
	}
	if strings.Contains(log, "verify-email/") && !strings.Contains(log, "verify-email/:token") {
		t.Error("the log shows a verification link")
	}
	if strings.Contains(log, "does not fit the contract") || strings.Contains(log, `"level":"ERROR"`) {
		t.Errorf("the log has errors:\n%s", log)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	env := baseEnv(newStateDir(t), "GUICHET_TIPTOP_ADDR="+taken.Addr().String())
	code, _, errs := finish(t, command(t, env, "serve"))
	for _, want := range []string{"tiptop", taken.Addr().String(), "another program", "GUICHET_TIPTOP_ADDR"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exits %d and says %q, which lacks %q", code, errs, want)
		}
	}
}

func TestUnreachableDatabase(t *testing.T) {
	t.Parallel()
	env := baseEnv(newStateDir(t), "DATABASE_URL=postgres://me:hush@127.0.0.1:1/shop", "GUICHET_SECRET="+strings.Repeat("hush", 10))
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"tiptop", "user", "list"}} {
		code, _, errs := finish(t, command(t, env, args...))
		for _, want := range []string{"DATABASE_URL", "127.0.0.1", "shop", "check that this PostgreSQL runs"} {
			if code != 1 || !strings.Contains(errs, want) {
				t.Errorf("%v exits %d and says %q, which lacks %q", args, code, errs, want)
			}
		}
		if strings.Contains(errs, "hush") {
			t.Errorf("%v shows a secret: %s", args, errs)
		}
	}
}

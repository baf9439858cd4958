package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/tchatator"
)

// chatSettings reads the settings with a settings file of this text, and further variables.
func chatSettings(t *testing.T, text string, environ ...string) (tchatatorSettings, string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tchatator.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(append([]string{"HOME=" + t.TempDir(), tchatatorConfig + "=" + path}, environ...), systemTable())
	own, _ := s.systems[tchatator.Name].own.(tchatatorSettings)
	return own, s.systems[tchatator.Name].addr, err
}

func TestTchatatorSettings(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("t#", 32)
	text := `
# the document's names
port: 5555
log-file = "/var/log/chat #1.log" # quoted
block-cli-duration 2 h
max-messages-per-minutes:3   # few
max-messages-per-hours=30
max-message-length: 50
max-message-reception-block: 7
admin-api-token: "` + token + `"
`
	got, addr, err := chatSettings(t, text)
	if err != nil {
		t.Fatal(err)
	}
	want := tchatatorSettings{logFile: "/var/log/chat #1.log", port: 5555, Config: tchatator.Config{
		BlockFor: 2 * time.Hour, PerMinute: 3, PerHour: 30, MaxLength: 50, PageSize: 7, AdminToken: token,
	}}
	if got != want || addr != "127.0.0.1:5555" {
		t.Errorf("at %s\n got %+v\nwant %+v", addr, got, want)
	}

	got, addr, err = chatSettings(t, text, "GUICHET_TCHATATOR_MAX_PER_MINUTE=0", "GUICHET_TCHATATOR_ADDR=127.0.0.1:6666",
		"GUICHET_TCHATATOR_BLOCK_DURATION=90m", "GUICHET_TCHATATOR_LOG_FILE=/tmp/x")
	want.PerMinute, want.BlockFor, want.logFile = 0, 90*time.Minute, "/tmp/x"
	if err != nil || got != want || addr != "127.0.0.1:6666" {
		t.Errorf("variables do not override the file: at %s\n got %+v, %v\nwant %+v", addr, got, err, want)
	}

	got, addr, err = chatSettings(t, "")
	want = tchatatorSettings{Config: tchatator.Config{BlockFor: 24 * time.Hour, PerMinute: 12, PerHour: 90, MaxLength: 1000, PageSize: 20}}
	if err != nil || got != want || addr != "127.0.0.1:4242" {
		t.Errorf("the defaults are not the document's: at %s\n got %+v, %v\nwant %+v", addr, got, err, want)
	}
}

func TestTchatatorSettingsMistakes(t *testing.T) {
	t.Parallel()
	_, _, err := chatSettings(t, "port: many\nmax-message-size: 3\nlog-file\nport: 1\nmax-message-length: 0\nblock-cli-duration: ever\nadmin-api-token: short\n",
		"GUICHET_TCHATATOR_MAX_PER_HOUR=-1")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, word := range []string{
		`line 2: there is no setting "max-message-size"`, `line 3: "log-file" has no value`, "line 4: port is set twice", "port must",
		"max-message-length must", "block-cli-duration must", "admin-api-token must", "GUICHET_TCHATATOR_MAX_PER_HOUR must",
	} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not told in\n%v", word, err)
		}
	}
	if strings.Contains(err.Error(), "short") {
		t.Error("the message shows the token")
	}
	if _, err := readSettings([]string{"HOME=" + t.TempDir(), tchatatorConfig + "=/no/such/file"}, systemTable()); err == nil {
		t.Error("a settings file that is not there is none")
	}
}

// TestChatAtATerminal is the README's session: two users at two terminals, a third one over the plain text wire, and an
// operator beside them.
func TestChatAtATerminal(t *testing.T) {
	t.Parallel()
	stateDir := newStateDir(t)
	settings := filepath.Join(t.TempDir(), "tchatator.conf")
	log := filepath.Join(t.TempDir(), "chat.log")
	if err := os.WriteFile(settings, []byte("log-file: "+log+"\nadmin-api-token: "+strings.Repeat("z", 64)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, stateDir, []string{"GUICHET_LOG_LEVEL=info"}, "--only", tchatator.Name, "-c", settings)
	users := tchatator.DemoUsers()
	chat := func(token string, args ...string) (*process, *os.File) {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := command(t, baseEnv(stateDir), append([]string{"tchatator", "chat", "--token", token}, args...)...)
		cmd.Stdin = in
		p := start(t, cmd)
		_ = in.Close()
		t.Cleanup(func() { _ = out.Close() })
		return p, out
	}
	says := func(p *process, text string) {
		t.Helper()
		eventually(t, text, func() bool { return strings.Contains(p.stdout.String(), text) })
	}
	one, oneIn := chat(users[0].Token, "--to", "2", "--url", s.at[tchatator.Name])
	two, twoIn := chat(users[1].Token, "--to", "1", "--url", s.portal+"/tchatator")
	says(one, "— connected")
	says(two, "— connected")

	write := func(to *os.File, line string) {
		t.Helper()
		if _, err := to.WriteString(line + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	write(oneIn, "Bonjour !")
	says(one, "→ 2  (#1)")
	says(two, "1: Bonjour !  (#1)")
	write(twoIn, "/who 1")
	says(two, "— 1: connected true")
	write(oneIn, "/edit 1 Bonsoir")
	says(two, "1: Bonsoir  (#1, changed)")
	write(oneIn, "/delete 1")
	says(two, "— #1 was deleted")
	write(twoIn, "/block 1")
	says(two, "Utilisateur bloqué avec succès")
	write(oneIn, "Encore moi")
	says(one, "403/DENIED Action non autorisée")
	write(oneIn, "/dance")
	says(one, "/dance needs a number")

	if list := s.admin("", "tchatator", "user", "list"); !strings.Contains(list, "Membre 2") || !strings.Contains(list, "admin") {
		t.Errorf("the users are\n%s", list)
	}
	s.admin("", "tchatator", "user", "ban", "1")
	if code := one.wait(); code != 1 {
		t.Errorf("a banned user's chat exits %d", code)
	}
	if errs := one.stderr.String(); !strings.Contains(errs, "403/DENIED Utilisateur banni") { // said to the client that came back
		t.Errorf("a banned user is told %q", errs)
	}
	s.admin("", "tchatator", "user", "ban", "1", "--lift")
	if err := twoIn.Close(); err != nil {
		t.Fatal(err)
	}
	if code := two.wait(); code != 0 {
		t.Errorf("a chat whose input ends exits %d: %s", code, two.stderr.String())
	}
	added := s.admin("", "tchatator", "user", "add", "--kind", "professional", "--name", "Zoé")
	_, token, _ := strings.Cut(strings.TrimSpace(added), "token: ")
	if len(token) != 64 {
		t.Errorf("user add prints %q", added)
	}
	again := strings.TrimSpace(s.admin("", "tchatator", "user", "token", strings.Fields(added)[0]))
	if len(again) != 64 || again == token {
		t.Errorf("user token prints %q", again)
	}
	lines, err := os.ReadFile(log)
	if err != nil || !strings.Contains(string(lines), `msg="logged in" user=1`) || !strings.Contains(string(lines), "msg=blocked user=1 for=2 by=2") {
		t.Errorf("the log file holds %s, %v", lines, err)
	}
	for _, secret := range []string{users[0].Token, token, "Bonjour"} {
		if strings.Contains(string(lines), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
}

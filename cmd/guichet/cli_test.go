package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/tiptop"
)

var update = flag.Bool("update", false, "write the golden files anew")

// runHere runs the program in this process.
func runHere(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	con, out, errs := fakeConsole(false, "")
	code = run(t.Context(), args, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...), con)
	return code, out.String(), errs.String()
}

// TestHelp compares the help of everything with what was read and found good.
func TestHelp(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"guichet":              {"--help"},
		"serve":                {"serve", "--help"},
		"migrate":              {"migrate", "--help"},
		"tiptop":               {"tiptop", "--help"},
		"tickets":              {"tickets", "--help"},
		"tchatator":            {"tchatator", "--help"},
		"tchatator-chat":       {"tchatator", "chat", "--help"},
		"tickets-user-add":     {"tickets", "user", "add", "--help"},
		"tiptop-user-add":      {"tiptop", "user", "add", "--help"},
		"tiptop-user-password": {"tiptop", "user", "password", "--help"},
		"tiptop-codes-issue":   {"tiptop", "codes", "issue", "--help"},
		"tiptop-game-window":   {"tiptop", "game", "window", "--help"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, out, errs := runHere(t, nil, args...)
			if code != 0 || errs != "" {
				t.Errorf("exits %d, says %q", code, errs)
			}
			golden := filepath.Join("testdata", "help", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if out != string(want) {
				t.Errorf("the help has changed; read it, then run the test with -update:\n%s", out)
			}
			for line := range strings.Lines(out) {
				if width := len([]rune(strings.TrimSuffix(line, "\n"))); width > helpWidth+10 {
					t.Errorf("%d characters wide: %s", width, line)
				}
			}
		})
	}
}

func TestUsageMistakes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"no command":       {nil, []string{"a command is missing"}},
		"unknown command":  {[]string{"serv"}, []string{"serv", `did you mean "serve"`, "guichet --help"}},
		"unknown flag":     {[]string{"serve", "--onyl", "tiptop"}, []string{"--onyl", "--only"}},
		"half a command":   {[]string{"tiptop", "user"}, []string{"add", "list", "password", "token"}},
		"missing flag":     {[]string{"tiptop", "user", "add"}, []string{"--email"}},
		"no name":          {[]string{"tickets", "user", "add", "--email", "a@example.com"}, []string{"--nom"}},
		"unknown role":     {[]string{"tiptop", "user", "add", "--email", "a@example.com", "--role", "KING"}, []string{"--role", "CLIENT", "KING"}},
		"unknown system":   {[]string{"serve", "--only", "tiptop,nobody,none"}, []string{`"nobody" or "none"`, "there is tiptop"}},
		"no count":         {[]string{"tiptop", "codes", "issue"}, []string{"--count must be a number from 1 to"}},
		"too many":         {[]string{"tiptop", "codes", "issue", "--count", "99999999"}, []string{"--count must be a number from 1 to"}},
		"no password":      {[]string{"tiptop", "user", "add", "--email", "a@example.com"}, []string{"--generate"}},
		"wrong moments":    {[]string{"tiptop", "game", "window", "--from", "soon", "--to", "later"}, []string{"--from must be", `"soon"`, "--to must be", `"later"`}},
		"nothing to set":   {[]string{"tiptop", "game", "window"}, []string{"--from, --to or both"}},
		"stray argument":   {[]string{"version", "now"}, []string{"now"}},
		"password as flag": {[]string{"tiptop", "user", "add", "--email", "a@example.com", "--password", "Hush1234"}, []string{"unknown flag --password"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, _, errs := runHere(t, nil, c.args...)
			if code != exitUsage {
				t.Errorf("exits %d", code)
			}
			for _, want := range c.want {
				if !strings.Contains(errs, want) {
					t.Errorf("says %q, which lacks %q", errs, want)
				}
			}
		})
	}
}

func TestEnvironmentMistakesAreToldTogether(t *testing.T) {
	t.Parallel()
	environ := []string{"GUICHET_TZ=Paris", "GUICHET_DEMO=maybe", "GUICHET_PORTAL_ADR=:1", "GUICHET_SECRET=hush-hush"}
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"tiptop", "user", "list"}, {"tiptop", "game", "status"}} {
		code, out, errs := runHere(t, environ, args...)
		if code != exitUsage || out != "" {
			t.Errorf("%v: exits %d, prints %q", args, code, out)
		}
		for _, want := range []string{"4 mistakes", "GUICHET_TZ", "GUICHET_DEMO", "GUICHET_PORTAL_ADR is not", "GUICHET_SECRET has 9 bytes"} {
			if !strings.Contains(errs, want) {
				t.Errorf("%v: says %q, which lacks %q", args, errs, want)
			}
		}
		if strings.Contains(errs, "hush") {
			t.Errorf("%v: shows the secret: %q", args, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	code, out, errs := runHere(t, nil, "version")
	if code != 0 || !strings.HasPrefix(out, "guichet ") || !strings.Contains(out, "go1.") || errs != "" {
		t.Errorf("exits %d: %q %q", code, out, errs)
	}
}

func TestParseMoment(t *testing.T) {
	t.Parallel()
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		end  bool
		want string
	}{
		{"2026-01-31", false, "2026-01-30T23:00:00Z"},
		{"2026-01-31", true, "2026-01-31T23:00:00Z"},
		{"2026-03-29", true, "2026-03-29T22:00:00Z"}, // a day of 23 hours
		{"2026-07-01T18:00", false, "2026-07-01T16:00:00Z"},
		{"2026-07-01T18:00:30", true, "2026-07-01T16:00:30Z"},
		{"2026-07-01T18:00:00+01:00", true, "2026-07-01T17:00:00Z"},
	} {
		b, err := parseMoment(c.text, paris, c.end)
		if err != nil || !b.given || b.at.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s (end %t): %+v, %v, want %s", c.text, c.end, b, err, c.want)
		}
	}
	if b, err := parseMoment("none", paris, true); err != nil || !b.given || b.at != nil {
		t.Errorf("none: %+v, %v", b, err)
	}
	now := time.Now()
	if b, err := parseMoment("", paris, true); err != nil || b.or(&now) != &now {
		t.Errorf("not given: %+v, %v", b, err)
	}
	if _, err := parseMoment("2026-02-30", paris, false); err == nil {
		t.Error("the 30th of February passes")
	}
}

func TestDescribeGame(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for want, game := range map[string]tiptop.Game{
		"state  open\nfrom   no limit\nuntil  no limit\n":                                         {Open: true},
		"state  closed: paused\nfrom   no limit\nuntil  no limit\n":                               {Paused: true},
		"state  closed: outside of the window\nfrom   no limit\nuntil  2026-02-01 00:00:00 CET\n": {ClosesAt: &at},
	} {
		if got := describeGame(game, paris); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for terminal, want := range map[bool][]string{true: {"\r20 of 40 codes (50%)", "\r\x1b[K40 of 40 codes in"}, false: {"20 of 40 codes (50%)\n", "40 of 40 codes in"}} {
		var out bytes.Buffer
		p := newProgress(console{stderr: &out, isTerminal: func(any) bool { return terminal }}, "codes", 40)
		p.add(10)
		if out.Len() != 0 {
			t.Errorf("tells at once: %q", out.String())
		}
		p.told = p.told.Add(-time.Minute)
		p.add(10)
		p.add(20)
		p.end()
		for _, part := range want {
			if !strings.Contains(out.String(), part) {
				t.Errorf("terminal %t: %q lacks %q", terminal, out.String(), part)
			}
		}
	}
}

// newStateDir is an empty state directory that PostgreSQL's own user can reach when root runs the tests.
func newStateDir(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("", "guichet-cmd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(base); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(base, "state")
}

func TestInterruptedCommand(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	con, _, errs := fakeConsole(false, "")
	code := run(ctx, []string{"migrate"}, []string{"PATH=" + os.Getenv("PATH"), "GUICHET_STATE_DIR=" + newStateDir(t)}, con)
	if code != exitFailure || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exits %d: %q", code, errs)
	}
}

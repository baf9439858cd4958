//go:build linux || darwin

package pg_test

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

func TestDatabaseURL(t *testing.T) {
	t.Parallel()
	embedded := open(t, pg.Options{StateDir: stateDir(t), FsyncOff: true})
	t.Run("good", func(t *testing.T) {
		t.Parallel()
		dir := stateDir(t)
		server := open(t, pg.Options{DatabaseURL: embedded.URL(), StateDir: dir})
		if server.Embedded() || server.URL() != embedded.URL() || server.Version() == "" {
			t.Errorf("%+v", server)
		}
		if err := server.Announce("http://127.0.0.1:8080"); err != nil {
			t.Error(err)
		}
		shut(t, server)
		if got := value[int](t, embedded.URL(), "SELECT 1"); got != 1 { // Close stopped nothing
			t.Error(got)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the state directory was touched: %v", err)
		}
	})
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close() // nobody listens there now
		port := listener.Addr().(*net.TCPAddr).Port
		dir := stateDir(t)
		_, err = pg.Open(t.Context(), pg.Options{DatabaseURL: "postgres://app:hunter2@127.0.0.1:" + strconv.Itoa(port) + "/prizes", StateDir: dir})
		for _, want := range []string{"DATABASE_URL", "127.0.0.1", strconv.Itoa(port), "app", "prizes", "unset DATABASE_URL"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the password is in %v", err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it fell back to the embedded server: %v", err)
		}
	})
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		frozen := startProxy(t, embedded)
		frozen.set("freeze")
		begin := time.Now()
		_, err := pg.Open(t.Context(), pg.Options{DatabaseURL: frozen.url})
		if err == nil || time.Since(begin) > 10*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
	})
	t.Run("no connection string", func(t *testing.T) {
		t.Parallel()
		_, err := pg.Open(t.Context(), pg.Options{DatabaseURL: "mysql://root:hunter2@localhost/db"})
		if err == nil || !strings.Contains(err.Error(), "postgres://user:password@host:5432/database") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	})
	t.Run("too old", func(t *testing.T) {
		t.Parallel()
		// No server that old is at hand: this role meets a function that claims to be one.
		execute(t, embedded.URL(), "CREATE ROLE past LOGIN", "CREATE SCHEMA past AUTHORIZATION past",
			`CREATE FUNCTION past.current_setting(text) RETURNS text LANGUAGE sql AS
				$$ SELECT CASE $1 WHEN 'server_version_num' THEN '140009' ELSE '14.9' END $$`,
			"GRANT EXECUTE ON FUNCTION past.current_setting TO past", "ALTER ROLE past SET search_path = past, pg_catalog")
		as, err := url.Parse(embedded.URL())
		if err != nil {
			t.Fatal(err)
		}
		as.User = url.User("past")
		_, err = pg.Open(t.Context(), pg.Options{DatabaseURL: as.String()})
		if err == nil || !strings.Contains(err.Error(), "PostgreSQL 14.9; version 15 or newer") {
			t.Errorf("%v", err)
		}
	})
}

func TestStateDir(t *testing.T) {
	t.Parallel()
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	for _, tt := range []struct {
		env  func(string) string
		goos string
		uid  int
		want string
	}{
		{env("GUICHET_STATE_DIR", "/srv/g", "HOME", "/users/u"), "linux", 1000, "/srv/g"},
		{env("GUICHET_STATE_DIR", "/srv/g"), "linux", 0, "/srv/g"},
		{env("HOME", "/root"), "linux", 0, "/var/lib/guichet"},
		{env("HOME", "/users/u"), "linux", 1000, "/users/u/.local/state/guichet"},
		{env("HOME", "/users/u", "XDG_STATE_HOME", "/x/state"), "linux", 1000, "/x/state/guichet"},
		{env("HOME", "/users/u", "XDG_STATE_HOME", "relative"), "linux", 1000, "/users/u/.local/state/guichet"},
		{env("HOME", "/Users/u"), "darwin", 501, "/Users/u/Library/Application Support/guichet"},
		{env("LOCALAPPDATA", "/c/local"), "windows", -1, "/c/local/guichet"},
		{env(), "linux", 1000, ""},
	} {
		got, err := pg.StateDir(tt.env, tt.goos, tt.uid)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s uid %d: %q, %v; want %q", tt.goos, tt.uid, got, err, tt.want)
		}
	}
	if got, err := pg.StateDir(env("GUICHET_STATE_DIR", "here"), "linux", 1); err != nil || !filepath.IsAbs(got) {
		t.Errorf("relative: %q, %v", got, err)
	}
}

// For root: a directory that PostgreSQL's user cannot pass is named; the state directory itself is opened for it.
func TestUnreachableState(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // a normal user's PostgreSQL runs as that user: nothing to reach
	}
	dir := filepath.Dir(stateDir(t))
	closed := filepath.Join(dir, "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Open(t.Context(), pg.Options{StateDir: filepath.Join(closed, "state")})
	if err == nil || !strings.Contains(err.Error(), "chmod o+x "+closed) {
		t.Errorf("%v", err)
	}
	open(t, pg.Options{StateDir: closed, FsyncOff: true})
	if info, err := os.Stat(closed); err != nil || info.Mode().Perm() != 0o711 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// What starts, stops and recovers must do so for a normal user, too.
func TestAsUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 || os.Getenv(asUser) != "" {
		return // the run itself is the test
	}
	dir := filepath.Dir(stateDir(t))
	binary := filepath.Join(dir, "pg.test")
	content, err := os.ReadFile(os.Args[0]) // where it is, that user cannot reach it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, content, 0o755); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	if err := os.Chown(home, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.v", "-test.parallel=2", "-test.run=^Test(Open|Kill.*|SecondProcess|InterruptedInitdb|Bundle|DatabaseURL|MigrateWithoutRights)$")
	cmd.Dir = home
	cmd.Env = append(os.Environ(), asUser+"=1", "HOME="+home, "TMPDIR="+home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as uid %d: %v", nobody, err)
	}
	t.Logf("%s", out)
}

//go:build linux || darwin

package pg_test

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/guichet-api/guichet/internal/platform/pg"
)

func TestSecondProcess(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	w := startWriter(t, dir)
	w.read(t, 1)

	_, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	var locked *pg.LockedError
	if !errors.As(err, &locked) {
		t.Fatalf("a second process: %v", err)
	}
	if locked.PID != w.cmd.Process.Pid || locked.Database == "" {
		t.Errorf("%+v", locked)
	}
	for _, want := range []string{dir, "process " + strconv.Itoa(w.cmd.Process.Pid), locked.Database, "GUICHET_STATE_DIR"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}

	shared := open(t, pg.Options{StateDir: dir, Share: true})
	if shared.URL() != locked.Database || !shared.Embedded() {
		t.Errorf("shared %s", shared.URL())
	}
	if got := value[int](t, shared.URL(), "SELECT count(*) FROM acknowledged"); got == 0 {
		t.Error("not the first one's database")
	}
	shut(t, shared)
	w.read(t, 100) // closing the shared one stopped nothing

	w.kill()
	w.drain(t)
	open(t, pg.Options{StateDir: dir, Share: true}) // nobody holds it: one's own
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	server := open(t, pg.Options{StateDir: dir, FsyncOff: true})
	if err := server.Announce("http://127.0.0.1:8080"); err != nil {
		t.Fatal(err)
	}
	_, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Path: os.Getenv("PATH")})
	if err == nil || !strings.Contains(err.Error(), "serves http://127.0.0.1:8080") {
		t.Errorf("a second open: %v", err)
	}
}

// A process that finds the first one starting waits for its database.
func TestShareWaits(t *testing.T) {
	t.Parallel()
	dir := stateDir(t)
	servers := make(chan *pg.Server, 2)
	for range 2 {
		go func() {
			server, err := pg.Open(t.Context(), pg.Options{StateDir: dir, Path: os.Getenv("PATH"), Share: true, FsyncOff: true})
			if err != nil {
				t.Error(err)
			}
			servers <- server
		}()
	}
	a, b := <-servers, <-servers
	if a == nil || b == nil {
		t.FailNow()
	}
	defer shut(t, a)
	defer shut(t, b)
	if a.URL() != b.URL() {
		t.Errorf("%s and %s", a.URL(), b.URL())
	}
}

package process

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	line := "4242 (a (b) c) S 17 4242 4242 0 -1 4194304 100 200 0 0 150 50 7 3 20 0 12 0 8345 123456 789 18446744073709551615"
	got, err := parseStat(line)
	if err != nil {
		t.Fatal(err)
	}
	want := stat{pid: 4242, parent: 17, name: "a (b) c", own: 2 * time.Second, reaped: 100 * time.Millisecond}
	if got != want {
		t.Errorf("parseStat = %+v, want %+v", got, want)
	}
	for _, broken := range []string{"", "1 (x", "1 (x) S 2", strings.Replace(line, " 150 ", " x ", 1)} {
		if s, err := parseStat(broken); err == nil {
			t.Errorf("parseStat(%q) = %+v, want an error", broken, s)
		}
	}
}

func TestCPU(t *testing.T) {
	t.Parallel()
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	tree := time.Duration(0)
	for deadline := time.Now().Add(30 * time.Second); tree < 10*tick || tree < before; {
		if tree, err = TreeCPU(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("after 30 s of work TreeCPU is %s, and CPU was %s before", tree, before)
		}
	}
	after, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// This process has waited for no children yet that used more than a moment.
	if after <= before || after < tree-time.Second {
		t.Errorf("CPU went from %s to %s, and TreeCPU is %s", before, after, tree)
	}
	for name, of := range map[string]func(int) (time.Duration, error){"CPU": CPU, "TreeCPU": TreeCPU} {
		if used, err := of(1 << 22); err == nil {
			t.Errorf("%s of no process is %s", name, used)
		}
	}
}

func TestUse(t *testing.T) {
	t.Parallel()
	use, err := Use(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if use.RSS < 1<<20 || use.FDs < 3 {
		t.Errorf("Use = %+v: this process holds more", use)
	}
}

func TestChild(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	marker := dir + "/ready"
	c, err := Start(Config{
		Name: "sh", Logs: dir, Env: os.Environ(),
		Args: []string{"sh", "-c", "trap 'echo bye; exit 0' TERM; touch " + marker + "; while :; do sleep 0.05; done"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := c.WaitReady(ctx, func(context.Context) error { _, err := os.Stat(marker); return err }); err != nil {
		t.Fatal(err)
	}
	if pid, err := Find(os.Getpid(), "sh"); err != nil || pid != c.PID {
		t.Errorf("Find = %d, %v, want %d", pid, err, c.PID)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if tail := c.Tail(); tail != "bye" {
		t.Errorf("the log ends in %q", tail)
	}
	err = c.WaitReady(ctx, func(context.Context) error { return errors.New("no") })
	if err == nil || !strings.Contains(err.Error(), "bye") {
		t.Errorf("WaitReady after the end = %v, want an error with the log's end", err)
	}
}

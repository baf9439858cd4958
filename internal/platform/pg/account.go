//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// account is the user that PostgreSQL runs as.
type account struct {
	name     string
	uid, gid int
	drop     bool // this process is root and must change to it
}

// accounts are the users that root hands PostgreSQL to, the first that exists. PostgreSQL looks its own uid up, so a bare
// number will not do.
var accounts = []string{"guichet", "nobody"}

// pickAccount chooses the account: this process's own user, or for root the owner of the data that is already there, else
// the first of accounts that exists.
func pickAccount(dataRoot string) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{name: "uid " + strconv.Itoa(uid), uid: uid, gid: os.Getegid()}, nil
	}
	names := accounts
	if info, err := os.Stat(dataRoot); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			owner, err := user.LookupId(strconv.Itoa(int(st.Uid)))
			if err != nil {
				return account{}, fmt.Errorf("the data in %s belongs to uid %d, which no longer exists: %w", dataRoot, st.Uid, err)
			}
			names = []string{owner.Username}
		}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("user %s: %w", name, err)
		}
		return account{name: name, uid: uid, gid: gid, drop: true}, nil
	}
	return account{}, fmt.Errorf("PostgreSQL does not run as root, and none of the users %s exists: "+
		"create one (useradd --system guichet), start Guichet as a normal user, or set DATABASE_URL", strings.Join(names, ", "))
}

// own gives path to the account.
func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return os.Chown(path, a.uid, a.gid)
}

// reach checks that the account can pass through every directory above path: a path below /root, for one, it cannot.
func (a account) reach(path string) error {
	if !a.drop {
		return nil
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		bit := uint32(0o001)
		switch {
		case int(st.Uid) == a.uid:
			bit = 0o100
		case int(st.Gid) == a.gid:
			bit = 0o010
		}
		if uint32(info.Mode().Perm())&bit == 0 {
			return fmt.Errorf("PostgreSQL may not run as root and runs as the user %s, who cannot enter %s: allow it (chmod o+x %s)",
				a.name, dir, dir)
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

// command prepares a program of PostgreSQL's: as the account, in a process group of its own (so that Ctrl-C reaches only
// this process, which then drains before it stops the database), with nothing of our environment that could redirect it.
// Whoever starts it must stay on one OS thread until it ended: see deathSignal.
func (a account) command(ctx context.Context, dir, exe string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Dir(exe) + ":/usr/bin:/bin", "LC_ALL=C", "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return cmd
}

// run runs a program of PostgreSQL's to its end and returns what it printed, trimmed.
func (a account) run(ctx context.Context, dir, exe string, args ...string) (string, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := a.command(ctx, dir, exe, args...)
	deathSignal(cmd.SysProcAttr, syscall.SIGKILL)
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err != nil {
		if errors.Is(err, syscall.EPERM) && a.drop {
			err = fmt.Errorf("%w (this root may not become the user %s)", err, a.name)
		}
		return text, fmt.Errorf("%s: %w: %s", filepath.Base(exe), err, text)
	}
	return text, nil
}

//go:build linux || darwin

package pg

import "context"

// Unpack is the extraction of a bundle.
var Unpack = unpack

// Find looks for binaries as Open does, and says where it found which version.
func Find(ctx context.Context, o Options, present ...int) (dir, version string, err error) {
	acct, err := pickAccount("")
	if err != nil {
		return "", "", err
	}
	f := finder{opts: o, acct: acct, bundle: bundle{root: o.StateDir, path: o.Path, progress: o.Progress}}
	b, err := f.find(ctx, present)
	return b.dir, b.version, err
}

// RunAs starts a program as the user that PostgreSQL runs as, not bound to the life of this process.
func RunAs(dir, exe string, args ...string) (pid int, wait func() error, err error) {
	acct, err := pickAccount("")
	if err != nil {
		return 0, nil, err
	}
	cmd := acct.command(context.Background(), dir, exe, args...)
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	return cmd.Process.Pid, cmd.Wait, nil
}

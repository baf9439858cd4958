//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// The names inside a state directory.
const (
	clusterDir = "postgres" // data directories, one per major version, owned by the user that PostgreSQL runs as
	bundleDir  = "bundle"   // binaries that were fetched
)

// openEmbedded takes the state directory and starts its server; with Options.Share it joins the server of the process that
// holds the directory.
func openEmbedded(ctx context.Context, o Options) (*Server, error) {
	if err := makeStateDir(o.StateDir); err != nil {
		return nil, err
	}
	lock, err := lockState(o.StateDir)
	var locked *LockedError
	for o.Share && errors.As(err, &locked) {
		if locked.Database != "" {
			return share(ctx, locked)
		}
		// The holder is still starting, or is ending.
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, errors.Join(locked, err)
		}
		lock, err = lockState(o.StateDir)
	}
	if err != nil {
		return nil, err
	}
	c, err := startCluster(ctx, o, lock)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	return &Server{url: c.url(databaseName), version: c.bin.version, embedded: true, cluster: c}, nil
}

// share connects to the database of the process that holds the state directory.
func share(ctx context.Context, held *LockedError) (*Server, error) {
	cfg, err := pgx.ParseConfig(held.Database)
	if err != nil {
		return nil, errors.Join(held, err)
	}
	conn, err := connectPatiently(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("%w (its database does not answer: %w)", held, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	version, err := serverVersion(ctx, conn)
	if err != nil {
		return nil, err
	}
	return &Server{url: held.Database, version: version, embedded: true}, nil
}

// makeStateDir creates the state directory, for its owner alone. Root's must be passable besides, because PostgreSQL's user
// has to get through it to its data: that is granted to a directory that was made without it, too.
func makeStateDir(dir string) error {
	const pass = 0o011
	err := makeDir(dir, 0o700)
	if err != nil {
		return fmt.Errorf("the state directory cannot be created: %w; set GUICHET_STATE_DIR to a directory that this user may write", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	return os.Chmod(dir, info.Mode().Perm()|pass)
}

// makeDir creates dir with exactly this mode, whatever the umask says; one that is there is left as it is.
func makeDir(dir string, mode os.FileMode) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	switch err := os.Mkdir(dir, mode); {
	case errors.Is(err, fs.ErrExist): // somebody was faster, or it is no directory
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	case err != nil:
		return err
	}
	return os.Chmod(dir, mode)
}

// presentVersions lists the major versions that root holds data of.
func presentVersions(root string) ([]int, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var present []int
	for _, e := range entries {
		if major, err := strconv.Atoi(e.Name()); err == nil && e.IsDir() {
			present = append(present, major)
		}
	}
	return present, nil
}

// initialise creates the data directory of a major version. A crash at any point leaves either nothing under the final
// name or all of it.
func initialise(ctx context.Context, o Options, acct account, bin binaries, data string) error {
	root := filepath.Dir(data)
	if err := removeLeftovers(root); err != nil {
		return err
	}
	if _, err := os.Stat(data); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	o.Logger.Info("creating the database", "postgres", bin.version, "directory", data)
	temp, err := os.MkdirTemp(root, leftover)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := acct.own(temp); err != nil {
		return err
	}
	// The locale of the cluster only classifies characters where PostgreSQL does not ask ICU (trigrams, text search).
	for _, locale := range []string{"C.UTF-8", "en_US.UTF-8", "C"} {
		args := []string{"-D", temp, "-U", superuser, "--encoding=UTF8", "--locale=" + locale,
			"--auth-local=trust", "--auth-host=reject", "--no-instructions"}
		if o.FsyncOff {
			args = append(args, "--no-sync")
		}
		if _, err = acct.run(ctx, root, bin.program("initdb"), args...); err == nil || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(temp, data); err != nil {
		return err
	}
	return syncDir(root)
}

// syncDir makes a rename in dir survive a loss of power.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

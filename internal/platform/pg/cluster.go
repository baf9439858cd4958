//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	superuser    = "guichet" // the role of the embedded cluster
	databaseName = "guichet" // the database in it
	socketPort   = "5432"    // only names the socket: there is no TCP
	socketPrefix = "guichet-pg-"

	// maxSocketBase leaves room for the rest of the socket's path within the 104 bytes that macOS allows (Linux: 108).
	maxSocketBase = 60

	stopPatience = 15 * time.Second // for a clean shutdown; then a hard one
	killPatience = 5 * time.Second  // for a hard one; then SIGKILL
)

// cluster is an embedded server that this process runs.
type cluster struct {
	log    *slog.Logger
	bin    binaries
	acct   account
	data   string // data directory
	socket string // directory of the socket
	args   []string
	lock   *stateLock
	tail   *logTail

	mu       sync.Mutex
	process  *os.Process // the running postmaster
	ready    bool        // it has answered once: from now on it is restarted when it dies
	stopping chan struct{}
	ended    chan struct{} // the supervisor has returned
	failed   error         // why it gave up before the server was ready; read after ended

	closing sync.Once
	closed  error
}

// startCluster finds the binaries, creates the data directory if need be and returns once the database answers.
func startCluster(ctx context.Context, o Options, lock *stateLock) (*cluster, error) {
	root := filepath.Join(o.StateDir, clusterDir)
	acct, err := pickAccount(root)
	if err != nil {
		return nil, err
	}
	if err := makeDir(root, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(acct.own(root), acct.reach(root)); err != nil {
		return nil, fmt.Errorf("%w; or set GUICHET_STATE_DIR to a directory that this user can reach", err)
	}
	present, err := presentVersions(root)
	if err != nil {
		return nil, err
	}
	f := finder{opts: o, acct: acct, bundle: bundle{root: filepath.Join(o.StateDir, bundleDir), path: o.Path, progress: o.Progress}}
	bin, err := f.find(ctx, present)
	if err != nil {
		return nil, err
	}
	c := &cluster{
		log: o.Logger.With("component", "postgres"), bin: bin, acct: acct, lock: lock,
		data:     filepath.Join(root, strconv.Itoa(bin.major)),
		tail:     &logTail{},
		stopping: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := initialise(ctx, o, acct, bin, c.data); err != nil {
		return nil, fmt.Errorf("creating the database in %s: %w", c.data, err)
	}
	if err := c.evict(ctx); err != nil {
		return nil, err
	}
	if err := c.makeSocketDir(); err != nil {
		return nil, err
	}
	c.args = serverArgs(o, c.data, c.socket)
	go c.supervise()
	if err := c.open(ctx); err != nil {
		return nil, errors.Join(err, c.stop(ctx))
	}
	if err := lock.update(func(h *holder) { h.Database = c.url(databaseName) }); err != nil {
		return nil, errors.Join(err, c.stop(ctx))
	}
	c.log.Info("PostgreSQL runs", "version", bin.version, "data", c.data, "user", acct.name)
	return c, nil
}

// makeSocketDir makes the directory of the socket: a path that is short, since a socket's may hold some hundred bytes at
// most, and that only the server's user (and root) may enter, since the server trusts whoever reaches the socket.
func (c *cluster) makeSocketDir() error {
	if old := c.lock.previous.SocketDir; strings.HasPrefix(filepath.Base(old), socketPrefix) {
		os.RemoveAll(old) // left by a holder that was killed; harmless if it stays
	}
	base := os.TempDir()
	if len(base) > maxSocketBase || c.acct.reach(filepath.Join(base, "x")) != nil {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, socketPrefix)
	if err != nil {
		return fmt.Errorf("directory for the database socket: %w", err)
	}
	c.socket = dir
	if err := c.acct.own(dir); err != nil {
		return err
	}
	return c.lock.update(func(h *holder) { h.SocketDir = dir })
}

// url is the connection string of a database of the cluster.
func (c *cluster) url(database string) string {
	q := url.Values{"host": {c.socket}, "port": {socketPort}, "sslmode": {"disable"}}
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: q.Encode()}
	return u.String()
}

// serverArgs are the server's settings, given on its command line so that those of an older Guichet never linger in a file.
func serverArgs(o Options, data, socket string) []string {
	settings := []string{
		"listen_addresses=", "unix_socket_directories=" + socket, "unix_socket_permissions=0700", "port=" + socketPort,
		"max_connections=" + strconv.Itoa(o.MaxConns+20), // beside the pools: migrations, River's listener, psql
		"shared_buffers=128MB", "effective_cache_size=512MB", "work_mem=8MB", "maintenance_work_mem=64MB",
		"max_wal_size=1GB", "min_wal_size=80MB", "wal_compression=on", "checkpoint_timeout=10min",
		"random_page_cost=1.1",              // the data fits in memory or lies on an SSD
		"max_parallel_workers_per_gather=0", // short queries; and workers need a large /dev/shm, which containers lack
		"jit=off",
		"timezone=UTC", "log_timezone=UTC", "lc_messages=C",
		// Into this process's log, without the statements: they can hold personal data and secrets.
		"logging_collector=off", "log_destination=stderr", "log_line_prefix=", "log_min_error_statement=panic",
		"log_error_verbosity=terse",
	}
	settings = append(settings, platformSettings()...)
	if o.FsyncOff {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{"-D", data}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// close stops the server and gives the state directory back.
func (c *cluster) close(ctx context.Context) error {
	c.closing.Do(func() {
		c.closed = errors.Join(c.stop(ctx), c.lock.release())
		c.log.Info("PostgreSQL has stopped")
	})
	return c.closed
}

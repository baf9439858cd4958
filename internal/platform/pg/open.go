package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
)

// MinMajor is the oldest major version of PostgreSQL that serves: ICU databases appeared in it.
const MinMajor = 15

// DefaultMaxConns is how many connections all pools of a process may hold together, unless configured.
const DefaultMaxConns = 40

// Options says where the database is, or how an embedded one is to be run.
type Options struct {
	DatabaseURL string       // a PostgreSQL connection string; set: used, and nothing else is ever tried
	StateDir    string       // embedded: where data, lock and fetched binaries live; see StateDir
	Bin         string       // embedded: PG_BIN, the directory that holds postgres and initdb
	Path        string       // embedded: the list of directories searched for postgres and npm; as in $PATH
	Installed   []string     // embedded: glob patterns of bin directories tried after Path; nil: where packages put them
	MaxConns    int          // embedded: connections that the pools will open together; 0: DefaultMaxConns
	Share       bool         // embedded: use the database of the process that holds StateDir rather than fail
	FsyncOff    bool         // embedded: no durability at all, for tests
	Logger      *slog.Logger // nil: nothing is logged
	Progress    io.Writer    // lines for a person who waits while binaries are fetched; nil: nobody does
}

// Server is a PostgreSQL that answered when it was opened.
type Server struct {
	url      string
	version  string
	embedded bool
	cluster  *cluster // the embedded server that this process runs; nil when it is somebody else's
}

// Open finds or starts the database and returns once it answers. With an embedded server the caller must Close it; the
// context bounds the opening only.
//
// Its errors are meant to be read by who operates the process: they say what is wrong and what to do. A state directory in
// use by another process is a *LockedError.
func Open(ctx context.Context, o Options) (*Server, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.DatabaseURL != "" {
		return openExternal(ctx, o)
	}
	if o.StateDir == "" {
		return nil, errors.New("pg: neither DATABASE_URL nor a state directory is given")
	}
	dir, err := filepath.Abs(o.StateDir)
	if err != nil {
		return nil, err
	}
	o.StateDir = dir
	return openEmbedded(ctx, o)
}

// URL is the connection string of the database. That of an embedded server holds no secret.
func (s *Server) URL() string { return s.url }

// Version is the server's own version, like "17.10".
func (s *Server) Version() string { return s.version }

// Embedded reports whether the database lives in a state directory, be it this process's server or one that it shares.
func (s *Server) Embedded() bool { return s.embedded }

// Announce records where this process serves (like "http://127.0.0.1:8080") for the message that a second process on the
// same state directory gets. Without an embedded server of its own it does nothing.
func (s *Server) Announce(where string) error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.lock.announce(where)
}

// Close stops the embedded server: a clean shutdown within 15 seconds, a hard one (which loses no commit) after them or
// when ctx ends. It may be called again; for a database that this process does not run it does nothing.
func (s *Server) Close(ctx context.Context) error {
	if s.cluster == nil {
		return nil
	}
	return s.cluster.close(ctx)
}

// LockedError says that another process holds the state directory.
type LockedError struct {
	StateDir string
	PID      int    // 0: not yet written
	Database string // connection string of its database; empty while it starts
	Serving  string // where it serves; empty while it starts, or when it does not serve
}

func (e *LockedError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d", e.PID)
	}
	if e.Serving != "" {
		who += ", which serves " + e.Serving
	}
	if e.Database != "" {
		who += ", its database is " + e.Database
	}
	return fmt.Sprintf("the state directory %s is in use by %s: stop it first, or set GUICHET_STATE_DIR to another directory", e.StateDir, who)
}

// StateDir is the default state directory: GUICHET_STATE_DIR when set; /var/lib/guichet for root; otherwise the place that
// the operating system gives to a user's state. goos and uid are those of the process (runtime.GOOS, os.Getuid).
func StateDir(getenv func(string) string, goos string, uid int) (string, error) {
	if dir := getenv("GUICHET_STATE_DIR"); dir != "" {
		return filepath.Abs(dir)
	}
	base := func(variable string, below ...string) (string, error) {
		if v := getenv(variable); v != "" {
			return filepath.Join(append([]string{v}, below...)...), nil
		}
		return "", errors.New("no state directory: " + variable + " is not set; set GUICHET_STATE_DIR")
	}
	switch {
	case goos == "windows":
		return base("LOCALAPPDATA", "guichet")
	case uid == 0:
		return "/var/lib/guichet", nil
	case goos == "darwin":
		return base("HOME", "Library", "Application Support", "guichet")
	case strings.HasPrefix(getenv("XDG_STATE_HOME"), "/"): // the XDG specification: a relative path is to be ignored
		return base("XDG_STATE_HOME", "guichet")
	default:
		return base("HOME", ".local", "state", "guichet")
	}
}

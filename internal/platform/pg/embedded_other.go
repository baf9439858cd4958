//go:build !linux && !darwin

package pg

import (
	"context"
	"errors"
	"runtime"
)

// cluster is an embedded server; there is none on this operating system.
type cluster struct{ lock *stateLock }

func (*cluster) close(context.Context) error { return nil }

type stateLock struct{}

func (*stateLock) announce(string) error { return nil }

func openEmbedded(context.Context, Options) (*Server, error) {
	return nil, errors.New("the embedded PostgreSQL runs on Linux and macOS only, not on " + runtime.GOOS +
		": set DATABASE_URL to a PostgreSQL server (postgres://user:password@host:5432/database)")
}

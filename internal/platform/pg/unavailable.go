package pg

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// SQLSTATE codes that the package acts on; https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeAdminShutdown    = "57P01"
	codeCrashShutdown    = "57P02"
	codeCannotConnectNow = "57P03"
	codeReadOnly         = "25006" // a server that was demoted to a replica
	codeNoDatabase       = "3D000"
	codeNoPrivilege      = "42501"
	codeDeadlock         = "40P01"
	codeSerialization    = "40001"
	classConnection      = "08"
	classOutOfResources  = "53" // too many connections, disk full, out of memory
)

// IsUnavailable reports whether err says that the database is away, not that the statement was wrong: no connection to
// be had, a connection lost, a server that starts or stops, or a time limit reached. The request that met it may be
// repeated later; a system answers it with 503. A request that its own client gave up (context.Canceled) is not one.
func IsUnavailable(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case errors.As(err, &connect):
		return true
	case errors.As(err, &server):
		switch server.Code {
		case codeAdminShutdown, codeCrashShutdown, codeCannotConnectNow, codeReadOnly:
			return true
		}
		return strings.HasPrefix(server.Code, classConnection) || strings.HasPrefix(server.Code, classOutOfResources)
	case errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err), errors.As(err, &network),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, pgconn.ErrConnClosed):
		return true
	}
	return false
}

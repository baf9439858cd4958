package pg

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// externalPatience is how long a database that says "starting up" is waited for.
const externalPatience = 10 * time.Second

// openExternal checks the database that DATABASE_URL names. Whatever is wrong with it is an error: an operator who named a
// database must never find the data in another one.
func openExternal(ctx context.Context, o Options) (*Server, error) {
	cfg, err := parseURL(o.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL is not a PostgreSQL connection string: %w\n"+
			"it reads like postgres://user:password@host:5432/database", err)
	}
	conn, err := connectPatiently(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("cannot use the database that DATABASE_URL names (host %s, port %d, user %s, database %s): %w\n"+
			"check that this PostgreSQL runs and admits this user, or unset DATABASE_URL to use the embedded one",
			cfg.Host, cfg.Port, cfg.User, cfg.Database, err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	version, err := serverVersion(ctx, conn)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err)
	}
	return &Server{url: o.DatabaseURL, version: version}, nil
}

// connectPatiently connects, and tries again only while the server says that it is starting.
func connectPatiently(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	deadline := time.Now().Add(externalPatience)
	for {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err == nil || !hasCode(err, codeCannotConnectNow) || time.Now().After(deadline) {
			return conn, err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// serverVersion returns the version of the server behind conn, and an error if it is older than MinMajor.
func serverVersion(ctx context.Context, conn *pgx.Conn) (string, error) {
	var text, number string
	err := conn.QueryRow(ctx, "SELECT current_setting('server_version'), current_setting('server_version_num')").Scan(&text, &number)
	if err != nil {
		return "", fmt.Errorf("asking for the server's version: %w", err)
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return "", fmt.Errorf("server_version_num: %w", err)
	}
	if n/10000 < MinMajor {
		return "", fmt.Errorf("the server is PostgreSQL %s; version %d or newer is needed", text, MinMajor)
	}
	return text, nil
}

// hasCode reports whether err carries the given SQLSTATE.
func hasCode(err error, code string) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == code
}

// pause waits for d, or less when ctx ends first; then it returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

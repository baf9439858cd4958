package pg

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// migrationLock is the advisory lock that every migration of Guichet takes: one for all schemas, because what two of them
// create together (an extension) is shared by the database. The number is arbitrary, ASCII "guichet".
const migrationLock int64 = 0x67756963686574

// Migrate brings a schema to the newest version in files (goose migrations, NNNN_name.sql at the top level) and returns
// how many it applied, also when a later one fails. The schema is created if it is missing and holds its own version table. Any number of processes may
// call it at once: one works under an advisory lock, the others wait up to ten minutes and find nothing left to do.
//
// Missing rights become a *RightsError with the statement that an administrator must run. A schema that is newer than
// files is an error: an older program must not write to it.
func Migrate(ctx context.Context, url, schema string, files fs.FS, log *slog.Logger) (applied int, err error) {
	cfg, err := parseURL(url)
	if err != nil {
		return 0, fmt.Errorf("migrating the schema %s: %w", schema, err)
	}
	cfg.RuntimeParams["search_path"] = searchPath(schema)
	cfg.RuntimeParams["application_name"] = "guichet migrate " + schema
	db := stdlib.OpenDB(*cfg)
	defer db.Close()

	defer func() {
		if err != nil {
			err = fmt.Errorf("migrating the schema %s: %w", schema, err)
		}
	}()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 600))
	if err != nil {
		return 0, err
	}
	// The lock is held around the provider, not by it: the schema that its version table lives in must exist first.
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := locker.SessionLock(ctx, conn); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, locker.SessionUnlock(context.WithoutCancel(ctx), conn)) }()
	who := grantee{user: cfg.User, database: cfg.Database, schema: schema}
	if err := createSchema(ctx, conn, who); err != nil {
		return 0, err
	}
	applied, err = up(ctx, db, schema, files, log)
	return applied, who.explain(err)
}

// up applies what is missing, and refuses a schema that is ahead of files.
func up(ctx context.Context, db *sql.DB, schema string, files fs.FS, log *slog.Logger) (int, error) {
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, err
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, err
	}
	if current > newest {
		return 0, fmt.Errorf("the schema is at version %d, this program knows only %d: a newer one has migrated it; run that one",
			current, newest)
	}
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
		err = fmt.Errorf("%s: %w", partial.Failed.Source.Path, partial.Err)
	}
	for _, r := range results {
		log.Info("migration applied", "schema", schema, "file", r.Source.Path, "took", r.Duration)
	}
	return len(results), err
}

// createSchema creates a schema unless it is there: CREATE SCHEMA IF NOT EXISTS asks for the right to create it even then.
// One that is there must be usable, since PostgreSQL silently skips the others on the search_path: the version table, and
// then every other, would be created in public.
func createSchema(ctx context.Context, conn *sql.Conn, who grantee) error {
	var usable bool
	err := conn.QueryRowContext(ctx, `SELECT has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE')
		FROM pg_namespace WHERE nspname = $1`, who.schema).Scan(&usable)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = conn.ExecContext(ctx, "CREATE SCHEMA "+quote(who.schema))
		if hasCode(err, codeNoPrivilege) {
			return &RightsError{
				User: who.user, Database: who.database, Err: err,
				Statement: fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s;", quote(who.schema), quote(who.user)),
				Instead:   fmt.Sprintf("GRANT CREATE ON DATABASE %s TO %s;", quote(who.database), quote(who.user)),
			}
		}
		return err
	case err != nil:
		return err
	case !usable:
		return who.lacks(errors.New("permission denied for schema "+who.schema),
			"GRANT USAGE, CREATE ON SCHEMA %s TO %s;", quote(who.schema), quote(who.user))
	}
	return nil
}

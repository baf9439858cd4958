package pg

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RightsError says that the database user lacks a right, and which statement gives it.
type RightsError struct {
	User      string // the user that Guichet connects as
	Database  string // where the statement is to be run
	Statement string // to be run by an administrator
	Err       error  // what PostgreSQL said
}

func (e *RightsError) Error() string {
	return fmt.Sprintf("the database user %s lacks a right (%v); an administrator must run, in the database %s:\n    %s",
		e.User, e.Err, e.Database, e.Statement)
}

func (e *RightsError) Unwrap() error { return e.Err }

// What PostgreSQL says when a right is missing; server messages are English because lc_messages is, or the code decides.
var (
	deniedExtension = regexp.MustCompile(`extension "([^"]+)"`)
	deniedObject    = regexp.MustCompile(`(?:permission denied for|must be owner of) (table|view|sequence|function|type) (\S+)`)
)

// explainRights turns PostgreSQL's "insufficient privilege" into a RightsError; other errors pass unchanged.
func explainRights(err error, cfg *pgx.ConnConfig, schema string) error {
	var denied *pgconn.PgError
	if !errors.As(err, &denied) || denied.Code != codeNoPrivilege {
		return err
	}
	user, namespace := pgx.Identifier{cfg.User}.Sanitize(), pgx.Identifier{schema}.Sanitize()
	e := &RightsError{User: cfg.User, Database: cfg.Database, Err: err}
	if m := deniedExtension.FindStringSubmatch(denied.Message); m != nil {
		e.Statement = fmt.Sprintf("CREATE EXTENSION IF NOT EXISTS %s SCHEMA public;", pgx.Identifier{m[1]}.Sanitize())
	} else if m := deniedObject.FindStringSubmatch(denied.Message); m != nil {
		e.Statement = fmt.Sprintf("ALTER %s %s.%s OWNER TO %s;", strings.ToUpper(m[1]), namespace, pgx.Identifier{m[2]}.Sanitize(), user)
	} else if strings.Contains(denied.Message, "database") {
		e.Statement = fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s;", namespace, user)
	} else {
		e.Statement = fmt.Sprintf("GRANT USAGE, CREATE ON SCHEMA %s TO %s;", namespace, user)
	}
	return e
}

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
	Instead   string // gives this right and those of its kind that would be missed next; empty: there is no such statement
	Err       error  // what PostgreSQL said
}

func (e *RightsError) Error() string {
	text := fmt.Sprintf("the database user %s lacks a right (%v); an administrator must run, in the database %s:\n    %s",
		e.User, e.Err, e.Database, e.Statement)
	if e.Instead != "" {
		text += "\nor, for all schemas at once:\n    " + e.Instead
	}
	return text
}

func (e *RightsError) Unwrap() error { return e.Err }

// grantee is who migrates what.
type grantee struct{ user, database, schema string }

// lacks makes a RightsError; format and args make its statement.
func (g grantee) lacks(err error, format string, args ...any) error {
	return &RightsError{User: g.user, Database: g.database, Statement: fmt.Sprintf(format, args...), Err: err}
}

// What PostgreSQL says when a right is missing. It may say it in another language; then the statement is the general one.
var (
	deniedExtension = regexp.MustCompile(`extension "([^"]+)"`)
	deniedObject    = regexp.MustCompile(`(?:permission denied for|must be owner of) (table|view|sequence|function|type) (\S+)`)
)

// explain turns the "insufficient privilege" of a migration into a RightsError; other errors pass unchanged.
func (g grantee) explain(err error) error {
	var denied *pgconn.PgError
	if !errors.As(err, &denied) || denied.Code != codeNoPrivilege {
		return err
	}
	if m := deniedExtension.FindStringSubmatch(denied.Message); m != nil {
		return g.lacks(err, "CREATE EXTENSION IF NOT EXISTS %s SCHEMA public;", quote(m[1]))
	}
	if m := deniedObject.FindStringSubmatch(denied.Message); m != nil {
		return g.lacks(err, "ALTER %s %s.%s OWNER TO %s;", strings.ToUpper(m[1]), quote(g.schema), quote(m[2]), quote(g.user))
	}
	return g.lacks(err, "ALTER SCHEMA %s OWNER TO %s;", quote(g.schema), quote(g.user))
}

// quote makes an SQL identifier of a name.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

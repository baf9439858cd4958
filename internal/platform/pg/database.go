//go:build linux || darwin

package pg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
)

// open waits until the server answers, creates the database the first time, and looks after its collations.
func (c *cluster) open(ctx context.Context) error {
	conn, err := c.await(ctx, databaseName)
	if hasCode(err, codeNoDatabase) {
		if err = c.create(ctx); err == nil {
			conn, err = c.await(ctx, databaseName)
		}
	}
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := c.refreshCollations(ctx, conn); err != nil {
		return fmt.Errorf("checking collations: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = true
	return nil
}

// await connects as soon as the server accepts it. It waits as long as the server lives, because recovery after a crash
// takes what it takes, and says now and then that it does.
func (c *cluster) await(ctx context.Context, database string) (*pgx.Conn, error) {
	remind := time.Now().Add(10 * time.Second)
	for {
		conn, err := pgx.Connect(ctx, c.url(database))
		var socket *net.OpError
		if err == nil || ctx.Err() != nil || !(errors.As(err, &socket) || hasCode(err, codeCannotConnectNow)) {
			return conn, err
		}
		if time.Now().After(remind) {
			c.log.Info("PostgreSQL is still starting", "error", err)
			remind = time.Now().Add(10 * time.Second)
		}
		select {
		case <-c.ended:
			return nil, c.failed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// locales are the ways to make a database that knows letters beyond ASCII, best first. ICU sorts French rightly; a build
// without ICU falls back to PostgreSQL's own Unicode tables (17 and newer), then to the C library's.
var locales = []string{
	"LOCALE_PROVIDER icu ICU_LOCALE 'fr'",
	"LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
	"LOCALE_PROVIDER libc LOCALE 'fr_FR.UTF-8'",
	"LOCALE_PROVIDER libc LOCALE 'en_US.UTF-8'",
	"LOCALE_PROVIDER libc LOCALE 'C.UTF-8'",
}

// create creates the database, under another name until it is known to be good.
func (c *cluster) create(ctx context.Context) error {
	conn, err := c.await(ctx, "postgres")
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	const draft = databaseName + "_new"
	var refused error
	for _, locale := range locales {
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+draft); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE "+draft+" ENCODING 'UTF8' "+locale+" TEMPLATE template0")
		if err == nil {
			err = c.checkLetters(ctx, draft)
		}
		if err == nil {
			_, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+databaseName)
			return err
		}
		refused = errors.Join(refused, fmt.Errorf("%s: %w", locale, err))
	}
	return fmt.Errorf("this PostgreSQL has no locale for French: %w", refused)
}

// checkLetters checks that the database lowers an accented letter; under the C locale it would not.
func (c *cluster) checkLetters(ctx context.Context, database string) error {
	conn, err := c.await(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var lower string
	if err := conn.QueryRow(ctx, "SELECT lower('É')").Scan(&lower); err != nil {
		return err
	}
	if lower != "é" {
		return fmt.Errorf("lower('É') is %q", lower)
	}
	return nil
}

// refreshCollations rebuilds the indexes after the library that sorts text has changed its order: binaries of one major
// version can come with different versions of ICU, and an index sorted by the old one would miss rows.
func (c *cluster) refreshCollations(ctx context.Context, conn *pgx.Conn) error {
	var stored, actual *string
	err := conn.QueryRow(ctx, `SELECT datcollversion, pg_database_collation_actual_version(oid)
		FROM pg_database WHERE datname = current_database()`).Scan(&stored, &actual)
	if err != nil || stored == nil || actual == nil || *stored == *actual {
		return err
	}
	c.log.Warn("the collation library has changed: rebuilding all indexes", "was", *stored, "is", *actual)
	if _, err := conn.Exec(ctx, "REINDEX DATABASE "+databaseName); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+databaseName+" REFRESH COLLATION VERSION")
	return err
}

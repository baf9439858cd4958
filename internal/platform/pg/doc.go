// Package pg gives a process its PostgreSQL.
//
// Open answers with a server: the one that DATABASE_URL names, or, without it, an embedded one: real PostgreSQL binaries
// found on the machine (or fetched once), run as a child of this process on a Unix socket of its own, with its data in
// the state directory. The contract of the embedded server:
//
//   - one process per state directory (flock); a second one is told who holds it, or may share its database;
//   - every committed transaction survives kill -9 of this process, of PostgreSQL, of both, and a loss of power;
//   - it stops with this process, and comes back by itself when only PostgreSQL dies;
//   - no other user of the machine can connect: there is no TCP listener, and the socket's directory is closed to them;
//   - started by root, it runs as an existing unprivileged user, because PostgreSQL refuses to run as root.
//
// Pool, InTx, Migrate and IsUnavailable are what systems use of it; they are the same for both kinds of server.
package pg

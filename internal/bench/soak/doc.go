// Package soak keeps the built binary under mixed traffic for minutes and watches what it holds: memory, goroutines, file
// descriptors, latency over time.
//
// In the middle it kills PostgreSQL (SIGKILL, the embedded server of the binary) and shows how long it takes until every
// request is answered as before. While the database is away requests may get 503 in the envelope, and no request may hang.
// At any other time an answer other than the expected one ends in a failed run, and so does a quantity that keeps growing, or
// a ticket that was acknowledged and is not in the database.
package soak

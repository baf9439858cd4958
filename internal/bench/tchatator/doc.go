// Package tchatator measures what a chat message costs the server that stores and acknowledges it: two hundred connections of
// the text wire send to each other, each the next message when the last one was acknowledged.
//
// Beside it stands a floor: a process that does nothing but insert as many messages, one INSERT for each, from as many
// goroutines, on a pgx pool of the same size and the same PostgreSQL. It reads no socket of a client, checks nothing, and
// announces nothing. What is compared is the CPU time of the two processes; PostgreSQL's own is not counted.
package tchatator

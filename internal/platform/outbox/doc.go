// Package outbox makes the durable events of a contract (x-durable in spec/<sys>/asyncapi.yaml): what a committed change
// tells is sent to everybody who is connected, and can be replayed to who was away.
//
// A handler changes something and appends its events in one transaction (InTx). Run gives numbers to what has committed,
// without gaps, and broadcasts it under the id "<epoch>:<n>". So nothing is announced that was rolled back, and nothing
// that was committed is forgotten: not when the process or PostgreSQL is killed at any point, not when the answer to a commit
// never came, and not by any of several processes on one database. Each of them broadcasts to its own peers every number
// behind the last that it has sent; whoever is first gives the numbers, under a lock that lasts for one batch.
//
// Numbers have an order that all readers see alike: a change that had committed before another one began to commit comes
// first, and changes that waited for one another's row locks keep their order. Nothing here uses NOTIFY, which would make
// commits wait for each other: Run is woken after a commit in its own process and looks for those of others every 250 ms.
//
// The epoch is random and is made anew when the database turns out to be another one than before. What tells databases
// apart is the oid of the database and of a table (a dump that was loaded again), the timeline (recovery to a point in time,
// a replica that took over) and the identifier of the cluster (pg_control_system). An ordinary user may ask for all of these
// unless an administrator has revoked it; then that part is left out, and a restore is noticed by the others alone. No part
// shows that the files of a stopped server were replaced by an older copy of themselves: whoever does that empties
// platform.outbox_heads before the next start.
package outbox

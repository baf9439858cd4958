// Package reunion serves live sales meetings: a seller hosts a réunion; clients join it without an account, fill a cart,
// validate it and say afterwards what they thought of it.
//
// Its contracts are spec/reunion/openapi.yaml and spec/reunion/asyncapi.yaml, its tables are in migrations/reunion, its
// statements in queries/reunion. auth.go, reunions.go and surveys.go hold the HTTP operations, one file per tag; live.go,
// host.go and client.go the events; accounts.go and demo.go what the command line does beside them; score.go is a plain rule.
// Two files keep what sockets need and HTTP does not: lanes.go the order of events, presence.go who is connected.
//
// What holds whatever happens at the same time:
//   - A socket acts for the client that it joined as, and for no other. What a message says of identity counts for nothing,
//     except for the resume token, of which only the SHA-256 is kept.
//   - A réunion that is over has no open carts, and a validated cart never changes: clients change under a lock of their
//     réunion. Transactions take their locks in one order, réunion before client.
//   - What a host sees is in the order of the commits, and never older than what it saw before.
//   - A host is told of every validation and every survey, at the latest when it returns: rows say what it has not been told.
//   - A client is there while a socket acts for it, in whichever process; when a process dies, its clients have 30 seconds to
//     return.
package reunion

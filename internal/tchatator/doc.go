// Package tchatator serves the chat of TripEnArvor: users of three kinds write to each other, over text TCP and JSON WebSocket on
// one port, and read what they wrote over HTTP.
//
// Its contracts are spec/tchatator/asyncapi.yaml (the commands, both wires) and spec/tchatator/openapi.yaml (the history). Its
// tables are in migrations/tchatator, its statements in queries/tchatator. live.go holds the commands, changes.go what a user
// is told of others, session.go who is connected, watch.go how processes learn of each other's bans, post.go the storing of
// messages, presence.go what a user is doing; messages.go and users.go hold the operations over HTTP, accounts.go and demo.go
// what the command line does; rate.go and date.go are plain rules.
//
// What holds whatever happens at the same time:
//   - What was answered is committed. Messages that arrive together are committed together (post.go).
//   - A user has one seat, on one connection of one process; it is free again as soon as that connection or process ends.
//   - A ban or a block that was answered holds for the next message: what a message depends on is read by the statement that
//     stores it. A ban ends the user's connections in every process.
//   - A change is handed out once. It is forgotten when its user asks again or leaves, so that a crash, or a connection that
//     breaks, may repeat it but never lose it.
//   - The rate of a user is kept with its seat and read from the stored messages when it sits down, so that neither a new
//     connection nor a restart resets it. Changed messages and refused ones count too, for as long as the seat is kept.
package tchatator

// Package realtime is what every system's live side stands on: peers, rooms, queues, replays, and messages that are encoded
// once however many peers they go to.
//
// Wires (Socket.IO, WebSocket, TCP) turn bytes into Incoming and Messages into bytes; they know no system. Generated code
// (gen/<sys>/events) implements Dispatcher and writes to a Sink; it knows no socket. Both sides meet here only:
//
//   - a wire tells the system's Gateway of its connections (Identify, Open, Receive, Closed) and gives each an Outlet;
//   - the Hub takes what emitters send, over a Bus, to the outlets of a room;
//   - an outlet puts frames into the connection's Outbound, a queue that is bounded by bytes and that nobody waits for;
//   - a History replays durable events to a peer that returns, and live ones follow without gap or repetition.
//
// The package uses the standard library alone, so that generated code can carry a copy of what it needs into another module
// (Runtime).
package realtime

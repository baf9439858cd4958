// Package realtime is what every system's live side stands on: peers, rooms, messages that are encoded once, and the
// interfaces between wires, generated dispatchers and the hub.
//
// Wires (Socket.IO, WebSocket, TCP) turn bytes into Incoming and Messages into bytes; they know no system. Generated code
// (gen/<sys>/events) implements Dispatcher and writes to a Sink; it knows no socket. Both sides meet here only. The
// package uses the standard library alone, so that generated code can carry a copy of it into another module.
package realtime

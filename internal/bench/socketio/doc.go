// Package socketio measures Guichet's Socket.IO server beside Node's socket.io (server.js): what an idle connection keeps, and
// what it costs to send an event to a thousand.
//
// Both are server processes on the loopback interface with their defaults, and send the same events. One client, in this
// process, connects to both over WebSocket and checks every message; so the CPU of a server's process is that of sending
// alone, the kernel's part included. A broadcast is sent when all have the last one, or sixteen are when all have the last
// sixteen.
//
// Memory is the resident set of a fresh process after all have connected and it has collected its garbage, less what it
// was before. The kernel's buffers are not in it. A connection that fails ends the run.
package socketio

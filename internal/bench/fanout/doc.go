// Package fanout measures what it costs to send an event to a thousand WebSocket connections: Guichet's hub and wire beside
// the loop that one writes first, over all connections, each of which encodes and writes by itself
// (coder/websocket's wsjson.Write).
//
// Both are server processes on the loopback interface that send the same bytes; every connection checks every message. The
// subscribers are in this process, so that the CPU of the server's process is that of sending alone, the kernel's part
// included. A broadcast is sent when all subscribers have the last one, or sixteen are when all have the last sixteen.
//
// Memory is what the Go runtime of the server has in use (heap and stacks, after a collection), with the connections idle
// after all of that, less what it had before they came. The kernel's buffers are not in it.
package fanout

// Command bench measures Guichet beside its alternatives, and under load for minutes. It is a module of its own, so that the
// peers it needs are no dependencies of the product.
//
//	make bench    # ≤ 6 minutes: go run . bench [-only handlers|dispatch|fanout|socketio|endtoend|chat] [-rounds 5]
//	make soak     # 3 minutes:   go run . soak [-for 3m]
//
// bench has six parts, and the packages say precisely what they measure:
//
//   - inprocess: whole handlers without a database, CPU and allocations: the unvalidated stubs of oapi-codegen, Guichet,
//     ogen, and kin-openapi through oapi-codegen's echo-middleware, all generated from or given the same contract;
//   - dispatch: an event from its bytes to the handler, beside santhosh-tekuri/jsonschema and kin-openapi;
//   - fanout: an event to a thousand WebSocket connections, beside a loop that encodes for each, and the memory of an idle
//     connection;
//   - socketio: the same over Socket.IO, beside Node's socket.io (socketio/server.js);
//   - endtoend: Guichet's binary beside Fastify + pg (fastify/server.js), server processes on one PostgreSQL;
//   - tchatator: a chat message that is stored and acknowledged, beside a loop of one INSERT for each.
//
// What is asked ("must") and what is hoped for ("aim") are ratios against a peer or a baseline of the same run, the best of
// five interleaved rounds each: a noisy machine is noisy for all. Absolute times are printed and never judged. The command
// exits with status 1 when a must is missed.
//
//   - handlers: CPU ≤ 1.15 × the unvalidated stubs; aim 1.05 for GET and 0.9 for POST; no allocation to validate a valid body;
//   - dispatch: CPU less than that of either validator; aim half, 2 µs and 12 allocations for a typical event;
//   - fan-out: CPU ≤ 0.75 × the loop with one broadcast in flight, ≤ 0.4 with sixteen; aim 12 KB for an idle connection;
//   - Socket.IO: CPU ≤ 0.75 × Node's with one broadcast in flight, ≤ 0.35 with sixteen; memory of an idle connection ≤ 0.8; aim
//     0.5, 0.15 and 0.55; no connection fails;
//   - end to end: less CPU per request than Fastify + pg, for each call; aim half;
//   - chat: CPU per message ≤ 1.5 × the loop's; aim 0.8;
//   - soak: no growth, no unexpected answer, a killed database comes back, no acknowledged ticket is lost.
//
// It needs Linux (for /proc), PostgreSQL's binaries as the product itself does, and for socketio and endtoend Node 20 and `npm ci` in this
// folder. It listens on the loopback interface only and ends every process that it starts, by its id.
//
// gen/ holds the code of the peers; `go generate .` in this folder rewrites it.
package main

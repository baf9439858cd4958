// Package endtoend measures what a request costs with PostgreSQL behind it: Guichet beside Fastify + pg, the leanest of its
// peers in Node.
//
// Both are server processes on the loopback interface with the same database, the same tables and rows, the same SQL (the
// peer is handed the product's own statements), as many connections, the same tokens and sessions, and one log line for each
// request. One client drives them in turn over kept-alive connections, in a closed loop, with the same number of the same
// requests, and verifies every answer. CPU is that of the server's process alone, user and system; PostgreSQL's is printed
// beside it.
//
// Guichet runs as in production but for rate limits. It does more than it is compared with: metrics, request ids, security
// headers, CORS. Fastify runs as one process, as it is usual; a cluster of them costs as much for each request.
package endtoend

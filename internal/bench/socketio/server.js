// The peer of the Socket.IO benchmark: npm's socket.io with its defaults. Environment: ADDR.
//
// POST /broadcast/N sends N events to everybody, GET /connections collects garbage (node --expose-gc) and answers how many are
// connected.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const text = 'x'.repeat(256)
let sent = 0

const http = createServer((request, response) => {
  const [, path, count] = request.url.split('/')
  if (path === 'broadcast') {
    for (let i = 0; i < Number(count); i++) io.emit('news', { number: ++sent, text })
    response.end()
  } else {
    globalThis.gc()
    response.end(String(io.of('/').sockets.size))
  }
})
const io = new Server(http)
const [host, port] = process.env.ADDR.split(':')
http.listen({ host, port: Number(port), backlog: 4096 })
process.on('SIGTERM', () => process.exit(0))

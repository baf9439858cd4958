// The peer of the end-to-end benchmark: three operations of The Tip Top as a Fastify application would write them, in one
// process, on the same database as Guichet and with the same statements. JSON schemas validate requests and compile the
// serialisers of responses; statements are prepared once per connection; a session is looked up for every token.
//
// Environment: ADDR, DATABASE_URL, POOL (connections), SESSION_KEY (hex), STATEMENTS (JSON: the product's SQL by name).
import { randomBytes, randomInt } from 'node:crypto'
import Fastify from 'fastify'
import jwt from '@fastify/jwt'
import pg from 'pg'

const statements = JSON.parse(process.env.STATEMENTS)

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  options: '-c search_path=tiptop,public -c timezone=UTC',
  application_name: 'fastify',
  max: Number(process.env.POOL),
  min: Number(process.env.POOL),
  idleTimeoutMillis: 0
})
pool.on('error', () => {}) // a connection that the database closed; the pool replaces it

// run runs one of the product's statements, prepared under its name.
const run = (db, name, ...values) => db.query({ name, text: statements[name], values })

class Refusal extends Error {
  constructor (statusCode, message) {
    super(message)
    this.statusCode = statusCode
  }
}

const app = Fastify({
  logger: { level: 'info' },
  disableRequestLogging: true, // one line for each request, below
  ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', allErrors: true } }
})

app.addHook('onResponse', (request, reply, done) => {
  request.log.info({
    system: 'tiptop',
    method: request.method,
    route: request.routeOptions.url,
    status: reply.statusCode,
    took: reply.elapsedTime,
    peer: request.ip
  }, 'request')
  done()
})

app.setErrorHandler((error, request, reply) => {
  const status = error.statusCode ?? 500
  if (status >= 500) request.log.error(error)
  const answer = { success: false, error: status < 500 ? error.message : 'Erreur serveur' }
  if (error.validation) {
    answer.details = error.validation.map(v => ({
      field: v.params.missingProperty ?? v.params.additionalProperty ?? v.instancePath.slice(1).replaceAll('/', '.'),
      message: v.message
    }))
  }
  reply.code(status).send(answer)
})

app.setNotFoundHandler((request, reply) => {
  reply.code(404).send({ success: false, error: 'Requête invalide' })
})

await app.register(jwt, {
  secret: Buffer.from(process.env.SESSION_KEY, 'hex'),
  verify: { algorithms: ['HS256'], allowedIss: 'tiptop', cache: true } // Guichet too knows a verified token again
})

// authenticate answers who sent the request, for as long as the session lasts.
app.decorateRequest('caller', null)
async function authenticate (request) {
  const claims = await request.jwtVerify().catch(() => { throw new Refusal(401, 'Token invalide ou expiré') })
  const { rows: [user] } = await run(pool, 'GetSessionUser', claims.jti, new Date())
  if (user === undefined || user.id !== claims.sub) throw new Refusal(401, 'Token invalide ou expiré')
  request.caller = user
}

async function onlyClients (request) {
  if (request.caller.role !== 'CLIENT') throw new Refusal(403, 'Accès refusé')
}

// The contract's schemas of the three operations.
const uuid = { type: 'string', format: 'uuid' }
const moment = { type: 'string', format: 'date-time' }
const optional = schema => ({ ...schema, nullable: true })
const object = properties => ({ type: 'object', additionalProperties: false, required: Object.keys(properties), properties })
const success = { type: 'boolean', enum: [true] }
const status = { type: 'string', enum: ['PENDING', 'VALIDATED', 'REJECTED', 'CLAIMED'] }
const prize = object({
  id: uuid,
  type: { type: 'string', enum: ['PHYSICAL', 'DISCOUNT'] },
  name: { type: 'string' },
  description: optional({ type: 'string' }),
  value: { type: 'string' }
})
const ticket = object({
  id: uuid,
  code: { type: 'string' },
  status,
  playedAt: moment,
  claimedAt: optional(moment),
  validatedAt: optional(moment),
  rejectionReason: optional({ type: 'string' }),
  prize
})
const pagination = object({
  total: { type: 'integer' }, page: { type: 'integer' }, limit: { type: 'integer' }, totalPages: { type: 'integer' }
})

const amount = cents => (Number(cents) / 100).toFixed(2)

const asTicket = row => ({
  id: row.id,
  code: row.code,
  status: row.status,
  playedAt: row.played_at,
  claimedAt: row.claimed_at,
  validatedAt: row.validated_at,
  rejectionReason: row.rejection_reason,
  prize: {
    id: row.prize_id, type: row.prize_type, name: row.prize_name, description: row.prize_description, value: amount(row.value_cents)
  }
})

app.get('/api/game/my-tickets/:id', {
  onRequest: authenticate,
  schema: { params: object({ id: uuid }), response: { 200: object({ success, data: ticket }) } }
}, async request => {
  const { rows: [row] } = await run(pool, 'GetTicketOfUser', request.params.id, request.caller.id)
  if (row === undefined) throw new Refusal(404, 'Ticket non trouvé')
  return { success: true, data: asTicket(row) }
})

app.get('/api/game/my-tickets', {
  onRequest: authenticate,
  schema: {
    querystring: {
      type: 'object',
      properties: {
        page: { type: 'integer', minimum: 1, default: 1 },
        limit: { type: 'integer', minimum: 1, maximum: 100, default: 10 }
      }
    },
    response: { 200: object({ success, data: object({ tickets: { type: 'array', items: ticket }, pagination }) }) }
  }
}, async request => {
  const { page, limit } = request.query
  const [counted, listed] = await Promise.all([
    run(pool, 'CountTicketsByUser', request.caller.id),
    run(pool, 'ListTicketsByUser', request.caller.id, (page - 1) * limit, limit)
  ])
  const total = Number(counted.rows[0].count)
  return {
    success: true,
    data: { tickets: listed.rows.map(asTicket), pagination: { total, page, limit, totalPages: Math.ceil(total / limit) } }
  }
})

// uuidv7 makes an identifier that sorts by age, RFC 9562.
function uuidv7 () {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(Date.now(), 0, 6)
  bytes[6] = bytes[6] & 0x0f | 0x70
  bytes[8] = bytes[8] & 0x3f | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

// draw picks one of the prizes with the probability of its weight.
function draw (prizes) {
  const scale = 2 ** 40
  let pick = randomInt(scale) / scale * prizes.reduce((sum, p) => sum + p.probability, 0)
  return prizes.find(p => (pick -= p.probability) < 0) ?? prizes.at(-1)
}

const isOpen = (game, now) =>
  !game.is_paused && (game.opens_at === null || now >= game.opens_at) && (game.closes_at === null || now < game.closes_at)

async function claimCode (db, code, now) {
  const { rows: [game] } = await run(db, 'GetGame')
  if (!isOpen(game, now)) throw new Refusal(400, "Le jeu n'est pas actif pour le moment")
  if ((await run(db, 'ClaimCode', now, code)).rowCount === 1) return
  const { rows: [known] } = await run(db, 'HasCode', code)
  throw known.exists ? new Refusal(400, 'Ce code a déjà été utilisé') : new Refusal(404, 'Code invalide')
}

async function takePrize (db) {
  for (;;) {
    const { rows: prizes } = await run(db, 'ListDrawablePrizes')
    if (prizes.length === 0) throw new Refusal(500, 'Aucun prix disponible')
    const drawn = draw(prizes)
    let taken = await run(db, 'TakeStock', drawn.id)
    if (taken.rowCount === 0) taken = await run(db, 'TakeStockWaiting', drawn.id)
    if (taken.rowCount === 1) return drawn
  }
}

async function inTransaction (work) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}

app.post('/api/game/play', {
  onRequest: [authenticate, onlyClients],
  schema: {
    body: object({ ticketCode: { type: 'string', minLength: 1, maxLength: 64 } }),
    response: {
      200: object({
        success,
        message: { type: 'string' },
        data: object({ ticket: object({ id: uuid, code: { type: 'string' }, status, played_at: moment }), prize })
      })
    }
  }
}, async request => {
  const id = uuidv7()
  const code = request.body.ticketCode.trim().toUpperCase()
  const now = new Date()
  const won = await inTransaction(async db => {
    await claimCode(db, code, now)
    const drawn = await takePrize(db)
    await run(db, 'InsertTicket', id, code, request.caller.id, drawn.id, now)
    return drawn
  })
  return {
    success: true,
    message: '🎉 Félicitations! Vous avez gagné!',
    data: {
      ticket: { id, code, status: 'PENDING', played_at: now },
      prize: { id: won.id, type: won.type, name: won.name, description: won.description, value: amount(won.value_cents) }
    }
  }
})

app.get('/readyz', { logLevel: 'silent' }, async () => {
  await pool.query('SELECT 1')
  return { ready: true }
})

process.on('SIGTERM', async () => {
  await app.close()
  await pool.end()
})

const [host, port] = process.env.ADDR.split(':')
await app.listen({ host, port: Number(port) })

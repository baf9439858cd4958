// Drives every event of the document with the npm client, over the transports given:
//
//	node seed.mjs URL SOCKET-PATH TOKEN TRANSPORT…
//
// Prints one line of JSON: the transports that the sockets ended up with.
import { strict as assert } from "node:assert";
import { io } from "socket.io-client";

const [url, path, token, ...transports] = process.argv.slice(2);
const reunionId = "reunion-123";

// connect opens a socket, and keeps what it is sent until it is asked for.
async function connect(auth) {
  const socket = io(url, { path, transports, auth, forceNew: true, reconnection: false });
  const kept = [];
  const waiting = [];
  socket.onAny((...message) => {
    const next = waiting.shift();
    if (next) next(message);
    else kept.push(message);
  });
  socket.next = () => (kept.length > 0 ? kept.shift() : new Promise((resolve) => waiting.push(resolve)));
  socket.kept = kept;
  await new Promise((resolve, reject) => {
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
  });
  if (transports.length > 1) await new Promise((resolve) => {
    if (socket.io.engine.transport.name === "websocket") resolve();
    else socket.io.engine.on("upgrade", resolve);
  });
  return socket;
}

const ask = (socket, event, ...args) => socket.timeout(10_000).emitWithAck(event, ...args);
const ok = { success: true };

// The seller joins, with a bare id.
const host = await connect({ token });
assert.deepEqual(await ask(host, "join-reunion-host", reunionId), ok);
let [event, data] = await host.next();
assert.equal(event, "reunion-data");
assert.deepEqual(data, { id: reunionId, status: "active", clients: [], createdAt: data.createdAt, closedAt: null });

// A client joins.
const client = await connect();
const joined = await ask(client, "join-reunion-client", { reunionId, clientInfo: { name: "Alice", email: "alice@example.com" } });
assert.equal(joined.success, true);
const clientId = joined.clientId;
assert.deepEqual(await client.next(), ["reunion-status", "active"]);
[event, data] = await host.next();
assert.equal(event, "client-joined");
assert.deepEqual(data, {
  id: clientId, info: { name: "Alice", email: "alice@example.com" }, cart: [], status: "en_cours", joinedAt: data.joinedAt,
  validatedAt: null, disconnectedAt: null,
});

// Its cart.
const cart = [{ productId: "prod-789", quantity: 2 }];
assert.deepEqual(await ask(client, "update-cart", { reunionId, cart }), ok);
assert.deepEqual(await host.next(), ["cart-updated", { clientId, cart }]);
client.emit("update-cart", { reunionId, cart: [] }); // nobody waits for an ack
assert.deepEqual(await host.next(), ["cart-updated", { clientId, cart: [] }]);
assert.deepEqual(await ask(client, "validate-cart", { reunionId, comment: "Très bien 🎉" }), ok);
assert.deepEqual(await host.next(), ["cart-validated", { clientId, comment: "Très bien 🎉" }]);

// Refusals: in the ack, and as an event.
assert.deepEqual(await ask(client, "close-reunion", reunionId), { success: false, message: "Accès refusé" });
assert.deepEqual(await client.next(), ["reunion-error", { message: "Accès refusé" }]);
assert.deepEqual(await ask(client, "update-cart", { reunionId, cart: "x" }), { success: false, message: "Données manquantes" });
assert.deepEqual(await client.next(), ["reunion-error", { message: "Données manquantes" }]);
client.emit("validate-cart", { reunionId, comment: Buffer.from("binary") });
assert.deepEqual(await client.next(), ["reunion-error", { message: "Données manquantes" }]);
await assert.rejects(connect({ token: token + "x" }), /Token invalide ou expiré/);

// A client that sends and leaves at once: what it sent counts.
const hasty = await connect();
const second = await ask(hasty, "join-reunion-client", { reunionId, clientInfo: { name: "Bob", email: null } });
assert.equal((await host.next())[0], "client-joined");
hasty.emit("update-cart", { reunionId, cart });
hasty.disconnect();
assert.deepEqual(await host.next(), ["cart-updated", { clientId: second.clientId, cart }]);
assert.deepEqual(await host.next(), ["client-disconnected", { clientId: second.clientId, status: "non_finalise" }]);

// It comes back as who it was.
const back = await connect();
const resumed = await ask(back, "join-reunion-client", { reunionId, clientInfo: { clientId: second.clientId, resumeToken: second.resumeToken } });
assert.deepEqual(resumed, second);
[event, data] = await host.next();
assert.deepEqual([event, data.id, data.status, data.cart], ["client-joined", second.clientId, "en_cours", cart]);
assert.deepEqual(await back.next(), ["reunion-status", "active"]);

// A survey.
const answer = await fetch(url + path.replace(/\/socket\.io\/$/, `/api/reunions/${reunionId}/survey`), {
  method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ overallRating: 4, recommendationScore: 9 }),
});
assert.equal(answer.status, 200);
[event, data] = await host.next();
assert.equal(event, "survey-submitted");
assert.deepEqual(data, { reunionId, timestamp: data.timestamp });

// The close, with the id in an object.
assert.deepEqual(await ask(host, "close-reunion", { reunionId }), ok);
assert.deepEqual(await host.next(), ["reunion-closed"]);
assert.deepEqual(await client.next(), ["reunion-closed"]);
assert.deepEqual(await back.next(), ["reunion-closed"]);
const late = await connect();
assert.deepEqual(await ask(late, "join-reunion-client", { reunionId, clientInfo: {} }), { success: false, message: "Cette réunion est terminée" });
assert.deepEqual(await late.next(), ["reunion-status", "terminee"]);
assert.deepEqual(await late.next(), ["reunion-error", { message: "Cette réunion est terminée" }]);

const sockets = [host, client, back, late];
assert.deepEqual(sockets.map((socket) => socket.kept), [[], [], [], []]);
console.log(JSON.stringify(sockets.map((socket) => socket.io.engine.transport.name)));
for (const socket of sockets) socket.disconnect();

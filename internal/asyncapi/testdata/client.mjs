// Runs the generated TypeScript clients, compiled into the directory given, against the official Socket.IO server and
// against a plain WebSocket server. Prints one line per check; the process fails with the first that does.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Server } from "socket.io";
import { WebSocket, WebSocketServer } from "ws";

globalThis.WebSocket ??= WebSocket;
const load = (name) => import(pathToFileURL(join(process.argv[2], `${name}.js`)));
const listen = (http) => new Promise((resolve) => http.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${http.address().port}`)));
/** Collects what happens and waits for the nth. */
const journal = () => {
  const list = [];
  let wake = () => {};
  return {
    list,
    add: (entry) => { list.push(entry); wake(); },
    async until(n) { while (list.length < n) await new Promise((resolve) => { wake = resolve; }); return list; },
  };
};
const deadline = setTimeout(() => { console.error("timed out"); process.exit(1); }, 30_000);

{ // acks with several arguments and without any, events, errors, reconnect
  const { Client, ConnectionBroken } = await load("meeting");
  const http = createServer();
  const io = new Server(http, { pingInterval: 300, pingTimeout: 300 });
  let connections = 0;
  io.on("connection", (socket) => {
    connections++;
    socket.emit("roomsList", []);
    socket.on("joinRoom", ({ userName }, ack) => (userName === "twice" ? ack(false, { error: "NAME_ALREADY_TAKEN" }) : ack(true, { isCreator: true })));
    socket.on("ping", (ack) => ack());
    socket.on("checkRoom", (room, ack) => ack(room === "a"));
    socket.on("message", (m) => io.emit("message", { ...m, id: "m1" }));
    socket.on("getUsers", () => socket.conn.close());
  });
  const states = journal();
  const lists = journal();
  const messages = journal();
  const client = new Client({ url: await listen(http), onState: states.add });
  client.on("roomsList", lists.add);
  client.on("message", messages.add);
  const early = client.request("ping"); // waits for the connection
  assert.deepEqual(await client.request("joinRoom", { roomId: "a", userName: "B" }), [true, { isCreator: true }]);
  assert.deepEqual(await client.request("joinRoom", { roomId: "a", userName: "twice" }), [false, { error: "NAME_ALREADY_TAKEN" }]);
  assert.equal(await early, undefined);
  assert.equal(await client.request("checkRoom", "a"), true);
  client.emit("message", { roomId: "a", message: "été" });
  assert.equal((await messages.until(1))[0].message, "été");
  await assert.rejects(client.request("getUsers", "a"), ConnectionBroken);
  await lists.until(2);
  assert.equal(connections, 2);
  assert.deepEqual(states.list, ["connected", "disconnected", "connected"]);
  await new Promise((resolve) => setTimeout(resolve, 1000)); // three heartbeats
  assert.equal(connections, 2, "the heartbeat keeps the connection");
  client.close();
  io.close();
  console.log("Socket.IO: acks, events, reconnect, heartbeat");
}

{ // durable events over Socket.IO: the id is one argument more, and comes back in auth
  const { Client } = await load("tickets");
  const http = createServer();
  const io = new Server(http);
  const auths = journal();
  io.on("connection", (socket) => {
    auths.add(socket.handshake.auth);
    for (const n of auths.list.length === 1 ? [1, 2] : [2, 3]) socket.emit("ticket_created", { numero: `TC-${n}` }, `e:${n}`);
    if (auths.list.length === 1) setImmediate(() => socket.conn.close());
  });
  const seen = journal();
  const client = new Client({ url: await listen(http), server: "socketio", token: () => "secret" });
  client.on("ticket_created", (ticket, ...more) => seen.add([ticket.numero, ...more]));
  assert.deepEqual(await seen.until(3), [["TC-1"], ["TC-2"], ["TC-3"]]);
  assert.deepEqual(auths.list, [{ token: "secret" }, { token: "secret", since: "e:2" }]);
  client.close();
  io.close();
  console.log("Socket.IO: replay");
}

{ // the envelope codec: replay without gaps and repetitions, answers by name
  const { Client } = await load("tickets");
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  const urls = journal();
  server.on("connection", (socket, request) => {
    urls.add(request.url);
    socket.on("message", (text) => { if (JSON.parse(text).type === "ping") socket.send('{"type":"pong"}'); });
    for (const n of urls.list.length === 1 ? [1, 2] : [2, 3]) socket.send(JSON.stringify({ type: "ticket_created", data: { numero: `TC-${n}` }, id: `e:${n}` }));
    if (urls.list.length === 1) socket.close(1013);
  });
  const seen = journal();
  const client = new Client({ url: await listen(http), token: async () => "secret" });
  client.on("ticket_created", ({ numero }) => seen.add(numero));
  assert.deepEqual(await seen.until(3), ["TC-1", "TC-2", "TC-3"]);
  assert.deepEqual(urls.list, ["/ws/tickets-client?token=secret", "/ws/tickets-client?token=secret&since=e%3A2"]);
  assert.equal(await client.request("ping"), undefined);
  assert.equal(client.since, "e:3");
  client.close();
  server.close();
  http.close();
  console.log("envelope: replay, answers");
}

{ // a client that has seen no id learns that it missed something; a server that ends connections is asked less and less often
  const { Client } = await load("tickets");
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  const urls = journal();
  server.on("connection", (socket, request) => {
    urls.add(request.url);
    socket.close(1013);
  });
  const states = journal();
  const client = new Client({ url: await listen(http), onState: states.add });
  const begun = Date.now();
  await states.until(8); // connected and disconnected, four times
  assert.deepEqual(urls.list, ["/ws/tickets-client", ...Array(3).fill("/ws/tickets-client?since=0")]);
  assert(Date.now() - begun >= 700, "the pauses last a tenth, a fifth and two fifths of a second at least");
  client.close();
  server.close();
  http.close();
  console.log("envelope: no id yet");
}

{ // the command codec
  const { Client } = await load("tchatator");
  const http = createServer();
  const server = new WebSocketServer({ server: http });
  server.on("connection", (socket) => socket.on("message", (text) => {
    const { command, token } = JSON.parse(text);
    socket.send(JSON.stringify(token === "t" ? { command, status: "200/OK", message: "Accès autorisé" } : { command, error: "403/DENIED", message: "Accès refusé" }));
  }));
  const client = new Client({ url: await listen(http), server: "websocket" });
  assert.deepEqual(await client.request("LOGIN", { token: "t" }), { status: "200/OK", message: "Accès autorisé" });
  assert.deepEqual(await client.request("LOGIN", { token: "x" }), { error: "403/DENIED", message: "Accès refusé" });
  client.close();
  server.close();
  http.close();
  console.log("command: answers");
}
clearTimeout(deadline);
process.exit(0);

// Drives the server at process.argv[2] with npm's ws; prints "ok".
import assert from "node:assert/strict";
import { once } from "node:events";
import { WebSocket } from "ws";

const url = process.argv[2];

/** The next message, as text. */
const next = async (socket) => String((await once(socket, "message"))[0]);

// A refused handshake is an HTTP answer.
const refused = new WebSocket(url);
const [, answer] = await once(refused, "unexpected-response");
assert.equal(answer.statusCode, 401);
refused.on("error", () => {}); // of a socket that was given up
refused.terminate();

const socket = new WebSocket(url, ["bearer", "secret"]);
await once(socket, "open");
assert.equal(socket.protocol, "bearer");
assert.equal(socket.extensions, "");

// Fragments, a ping in between, and a message that needs the longest header.
const text = JSON.stringify({ type: "echo", data: "é".repeat(100_000) });
socket.send(text.slice(0, 70_001), { fin: false });
socket.ping("between");
socket.send(text.slice(70_001), { fin: true });
const [[pong], echoed] = await Promise.all([once(socket, "pong"), next(socket)]);
assert.equal(String(pong), "between");
assert.equal(echoed, text);

// Many at once, answered in order.
const heard = [];
const all = new Promise((done) => socket.on("message", (message) => heard.push(JSON.parse(message).data) === 1000 && done()));
for (let i = 0; i < 1000; i++) socket.send(`{"type":"echo","data":${i}}`);
await all;
assert.deepEqual(heard, [...Array(1000).keys()]);

socket.close(4321, "à bientôt");
const [code, reason] = await once(socket, "close");
assert.deepEqual([code, String(reason)], [4321, "à bientôt"]);

const binary = new WebSocket(`${url}?token=secret`);
await once(binary, "open");
binary.send(new Uint8Array([1, 2, 3]));
assert.equal((await once(binary, "close"))[0], 1003);

console.log("ok");

// What npm's socket.io-client does with the server of client_test.go. Arguments: the server's address, then the transports.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { io } = createRequire(process.env.NODE_PATH + "/")("socket.io-client");
const [url, ...transports] = process.argv.slice(2);
const event = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));
const options = { transports, auth: { token: "ann" }, reconnectionDelay: 10, forceNew: true };

let step = "connect";
setTimeout(() => assert.fail(`stuck: ${step}`), 20000);
const ann = io(url, options);
const numbers = [];
ann.on("number", (n) => numbers.push(n));
await event(ann, "connect");
if (transports.length > 1) {
  // What is sent while the connection moves to the WebSocket comes, once and in order.
  const upgraded = ann.io.engine.transport.name === "websocket" ? null : event(ann.io.engine, "upgrade");
  for (let i = 0; i < 100; i++) ann.emit("count", i);
  await upgraded;
  for (let i = 100; i < 200; i++) ann.emit("count", i);
  await ann.emitWithAck("echo");
  assert.deepEqual(numbers, [...Array(200).keys()]);
}
assert.equal(ann.io.engine.transport.name, transports.at(-1));

// Acknowledgements both ways, with all that JSON has, and with binary data.
step = "acknowledgements";
const bytes = Buffer.from([0, 1, 2, 255]);
assert.deepEqual(await ann.emitWithAck("echo", { a: [1, null, "é€😀\u001e"], b: { c: true } }), { a: [1, null, "é€😀\u001e"], b: { c: true } });
const back = await ann.timeout(20000).emitWithAck("echo", { name: "x", parts: [bytes, Buffer.alloc(70000, 7)] });
assert.deepEqual(Buffer.from(back.parts[0]), bytes);
assert.equal(back.parts[1].byteLength, 70000);
ann.on("question", (n, answer) => answer(n + 1, bytes));
assert.equal(await ann.emitWithAck("interview", 41), "42 with 4 bytes");
assert.equal(await ann.emitWithAck("who"), "ann");
await assert.rejects(ann.timeout(50).emitWithAck("nobody answers"));

// Namespaces on one connection, refusals, rooms.
step = "namespaces";
const admin = ann.io.socket("/admin", { auth: { token: "ann" } });
await event(admin, "connect");
assert.equal(await admin.emitWithAck("echo", 1), 1);
const [unknown] = await event(ann.io.socket("/unknown"), "connect_error");
assert.equal(unknown.message, "Invalid namespace");
const [refused] = await event(io(url, { ...options, auth: { token: "eve" } }), "connect_error");
assert.deepEqual([refused.message, refused.data], ["not you", { code: 7 }]);
const ben = io(url, { ...options, auth: { token: "ben" } });
await event(ben, "connect");
await Promise.all([ann.emitWithAck("join", "room"), ben.emitWithAck("join", "room")]);
const heard = event(ben, "heard");
ann.on("heard", () => assert.fail("a broadcast came back to its sender"));
ann.volatile.emit("tell", "room", "hello", bytes);
const [text, data] = await heard;
assert.deepEqual([text, Buffer.from(data)], ["hello", bytes]);

// A broken connection is recovered, with what was missed.
step = "recovery";
const id = ann.id;
await Promise.all([event(ann, "greeting"), ben.emitWithAck("greet", "room")]);
const greeting = event(ann, "greeting");
const [gone, returned] = [event(ann, "disconnect"), event(ann, "connect")];
ann.io.engine.close();
await gone;
await ben.emitWithAck("greet", "room");
await returned;
assert.deepEqual([ann.recovered, ann.id], [true, id]);
assert.equal((await greeting)[0], "good morning");

// The server's last word.
step = "last word";
const [reason] = await Promise.all([event(ben, "disconnect"), ben.emit("leave me")]);
assert.equal(reason[0], "io server disconnect");
admin.disconnect();
assert.equal(await ann.emitWithAck("echo", "main"), "main");
ann.disconnect();
ben.disconnect();
process.exit(0);

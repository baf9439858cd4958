// Two people in one réunion, each in a page of a real browser: the seller sees the client come, fill its cart, validate it and
// go. In between the server is killed and started again, and both pages carry on. The pages are what a web site of its own
// serves: plain socket.io-client, from another origin.
//
//	node reunion.mjs REUNION-URL TOKEN CHROMIUM PROFILE-DIRECTORY SOCKET.IO-CLIENT-BUNDLE
//
// Prints "kill" when the server is to be killed and started again, waits for a line on standard input that says it was, and
// prints "done" in the end.
import { chromium } from "playwright-core";
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const [reunion, token, executablePath, profile, bundle] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const page = (title, script) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>${title}</title>
<p id="status"></p><ul id="clients"></ul><p id="error"></p><button id="add">Ajouter</button><button id="validate">Valider</button>
<script src="/socket.io.js"></script><script>
const show = (id, text) => { document.getElementById(id).textContent = text; };
const socket = io(${JSON.stringify(reunion)}, { auth: AUTH, reconnectionDelay: 100, reconnectionDelayMax: 200 });
socket.on("reunion-error", ({ message }) => show("error", message));
socket.on("disconnect", () => show("status", "hors ligne"));
${script}
</script>`;

const hostPage = page("Vendeur", `
const clients = new Map(), comments = new Map();
const draw = () => {
  document.getElementById("clients").replaceChildren(...[...clients.values()].map((c) => {
    const item = document.createElement("li");
    const cart = c.cart.map((line) => line.productId + " × " + line.quantity).join(", ");
    item.textContent = [c.info.name, c.status, "[" + cart + "]", comments.get(c.id) ?? "", c.gone ? "parti" : "présent"].join(" ");
    return item;
  }));
};
const change = (id, what) => { Object.assign(clients.get(id), what); draw(); };
socket.on("connect", () => socket.emit("join-reunion-host", "reunion-123"));
socket.on("reunion-data", (r) => {
  clients.clear();
  for (const c of r.clients) clients.set(c.id, { ...c, gone: c.disconnectedAt !== null });
  show("status", r.status);
  draw();
});
socket.on("client-joined", (c) => { clients.set(c.id, { ...c, gone: false }); draw(); });
socket.on("cart-updated", ({ clientId, cart }) => change(clientId, { cart }));
socket.on("cart-validated", ({ clientId, comment }) => { comments.set(clientId, comment); change(clientId, { status: "valide" }); });
socket.on("client-disconnected", ({ clientId, status }) => change(clientId, { status, gone: true }));
socket.on("reunion-closed", () => show("status", "terminee"));
`).replace("AUTH", JSON.stringify({ token }));

const clientPage = page("Client", `
let quantity = 0;
socket.on("connect", async () => {
  const kept = JSON.parse(localStorage.getItem("client") ?? "{}");
  const ack = await socket.emitWithAck("join-reunion-client", { reunionId: "reunion-123", clientInfo: { name: "Alice", email: null, ...kept } });
  if (ack.success) localStorage.setItem("client", JSON.stringify({ clientId: ack.clientId, resumeToken: ack.resumeToken }));
});
socket.on("reunion-status", (status) => show("status", status));
socket.on("reunion-closed", () => show("status", "terminee"));
document.getElementById("add").onclick = () =>
  socket.emit("update-cart", { reunionId: "reunion-123", cart: [{ productId: "prod-789", quantity: ++quantity }] });
document.getElementById("validate").onclick = () => socket.emit("validate-cart", { reunionId: "reunion-123", comment: "Merci !" });
`).replace("AUTH", "{}");

const site = createServer((request, response) => {
  const [type, body] = {
    "/vendeur": ["text/html; charset=utf-8", hostPage], "/client": ["text/html; charset=utf-8", clientPage],
    "/socket.io.js": ["text/javascript", readFileSync(bundle)],
  }[request.url];
  response.setHeader("content-type", type).end(body);
});
await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${site.address().port}`;

const browser = await chromium.launchPersistentContext(profile, {
  executablePath, headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const complaints = [];
async function open(path) {
  const opened = await browser.newPage();
  opened.on("pageerror", (e) => complaints.push(`page error: ${e}`));
  await opened.goto(origin + path);
  return opened;
}

// until waits for a text in a page; at the end of its patience the page says what it showed instead.
async function until(on, id, text) {
  try {
    await on.waitForFunction(([at, want]) => document.getElementById(at).textContent === want, [id, text], { timeout: 30_000 });
  } catch {
    assert.fail(`${id} of ${await on.title()} is ${JSON.stringify(await on.textContent(`#${id}`))}, not ${JSON.stringify(text)}`);
  }
}

const host = await open("/vendeur");
await until(host, "status", "active");
await until(host, "clients", "");
const client = await open("/client");
await until(client, "status", "active");
await until(host, "clients", "Alice en_cours []  présent");
await client.click("#add");
await client.click("#add");
await until(host, "clients", "Alice en_cours [prod-789 × 2]  présent");

console.log("kill");
await lines.next();
await until(client, "status", "active");
await until(host, "status", "active");
await until(host, "clients", "Alice en_cours [prod-789 × 2]  présent");
await client.click("#add");
await until(host, "clients", "Alice en_cours [prod-789 × 3]  présent");

await client.reload();
await until(client, "status", "active");
await until(host, "clients", "Alice en_cours [prod-789 × 3]  présent");
await client.click("#validate");
await until(host, "clients", "Alice valide [prod-789 × 3] Merci ! présent");
await client.click("#add");
await until(client, "error", "Ce panier est déjà validé");
await client.close();
await until(host, "clients", "Alice valide [prod-789 × 3] Merci ! parti");
await until(host, "error", "");
assert.deepEqual(complaints, []);
console.log("done");
await browser.close();
site.close();
process.exit(0);

// Walks through the portal with a real browser, as a newcomer would, and fails on anything that page or browser complains of:
//
//	node browser.mjs PORTAL-URL SYSTEM-URL EMAIL PASSWORD CHROMIUM PROFILE-DIRECTORY [SCREENSHOT-DIRECTORY]
//
// Prints one line of JSON: what was seen.
import { chromium } from "playwright-core";
import { strict as assert } from "node:assert";
import path from "node:path";

const [portal, system, email, password, executablePath, profile, shots] = process.argv.slice(2);

const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 900 },
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const complaints = [];
const requests = [];

async function open(url) {
  const page = await browser.newPage();
  const origin = new URL(url).origin;
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") complaints.push(`console ${m.type()}: ${m.text()}`);
  });
  page.on("pageerror", (e) => complaints.push(`page error: ${e}`));
  page.on("requestfailed", (r) => complaints.push(`request failed: ${r.url()} ${r.failure()?.errorText}`));
  page.on("request", (r) => {
    if (/^(data|blob):/.test(r.url())) return;
    requests.push(r.url());
    if (new URL(r.url()).origin !== origin) complaints.push(`request to another origin: ${r.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  });
  await page.goto(url, { waitUntil: "networkidle" });
  return page;
}

async function shoot(page, name, options = {}) {
  if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), ...options });
}

// Sends an operation's request from its form, with the body given, and answers what the page then shows.
async function execute(page, id, body) {
  const operation = page.locator(`.opblock[id$="-${id}"]`);
  await operation.scrollIntoViewIfNeeded();
  if (!(await operation.getAttribute("class")).includes("is-open")) await operation.locator(".opblock-summary").click();
  if (body) await operation.locator("textarea.body-param__text").fill(JSON.stringify(body));
  await operation.locator("button.execute").click();
  const live = operation.locator(".live-responses-table");
  await live.waitFor();
  return {
    status: Number((await live.locator("tr.response td.response-col_status").first().innerText()).match(/\d+/)[0]),
    body: JSON.parse(await live.locator(".highlight-code pre").first().innerText()),
    url: (await operation.locator(".request-url pre").innerText()).trim(),
    operation,
  };
}

// Logs in by "try it", authorises the page with the token, and asks who it is.
async function tryIt(page, mount) {
  await page.locator(".opblock").first().waitFor();
  const login = await execute(page, "login", { email, password });
  assert.equal(login.status, 200);
  assert.ok(login.url.endsWith(`${mount}/api/auth/login`), `login went to ${login.url}`);
  await page.locator("button.authorize").first().click();
  await page.locator(".auth-container input").first().fill(login.body.token);
  await page.locator(".auth-container button.authorize").click();
  await page.locator(".auth-btn-wrapper .btn-done").click();
  const me = await execute(page, "getMe", null);
  assert.equal(me.status, 200);
  assert.equal(me.body.user.email, email);
  return me;
}

try {
  const index = await open(`${portal}/`);
  await index.locator(".state.ok").first().waitFor();
  await shoot(index, "index");
  await index.emulateMedia({ colorScheme: "dark" });
  await shoot(index, "index-dark");
  await index.emulateMedia({ colorScheme: "light" });
  await index.setViewportSize({ width: 390, height: 844 });
  await shoot(index, "index-phone");
  assert.ok(await index.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the index is wider than a phone");

  await index.setViewportSize({ width: 1280, height: 900 });
  await index.locator("a.button").first().click();
  await index.waitForURL("**/docs?**");
  const mounted = await tryIt(index, "/tiptop");
  await shoot(index, "docs");
  await mounted.operation.scrollIntoViewIfNeeded();
  await shoot(index, "docs-me");

  await index.reload({ waitUntil: "networkidle" });
  assert.equal((await execute(index, "getMe", null)).status, 200, "the token did not outlive a reload");
  await index.close();

  const own = await open(`${system}/docs`);
  await tryIt(own, "");
  await shoot(own, "docs-own");
  await own.close();

  const menu = await open(`${portal}/docs`);
  const other = menu.locator("a.contract").nth(1);
  await other.click();
  await menu.waitForURL("**/docs?urls.primaryName=**");
  await menu.locator(".opblock").first().waitFor();
  assert.equal(await menu.locator("a.contract[aria-current]").innerText(), await other.innerText());
  assert.ok((await menu.locator(".info .title").innerText()).startsWith(await other.innerText()), "the menu leads to another contract");
  assert.equal(await menu.locator("button.authorize.locked").count(), 0, "a token is sent to another system");
  await shoot(menu, "docs-other");
  await menu.locator("a.contract").first().click();
  await menu.locator("button.authorize.locked").first().waitFor(); // and kept for its own
  await menu.close();

  assert.deepEqual(complaints, []);
  console.log(JSON.stringify({ requests: requests.length, title: mounted.body.user.email }));
} finally {
  await browser.close();
}

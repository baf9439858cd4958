// Writes gen/typescript: one npm package with one entry per system, made from spec/<sys>/openapi.yaml. A system that has an
// asyncapi.yaml gets a second entry for its events, which asyncapi-gen writes afterwards.
// Run by `make generate`; needs the packages of package.json.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const out = join("gen", "typescript");
const header = "// Generated from the contract by spec/typescript.mjs. DO NOT EDIT.\n";
const systems = readdirSync("spec").filter((sys) => existsSync(join("spec", sys, "openapi.yaml"))).sort();
const pinned = JSON.parse(readFileSync("package.json", "utf8")).devDependencies;

const entry = (sys) => `${header}
import createClient, { type Client, type ClientOptions, type Middleware } from "openapi-fetch";
import type { components, paths } from "./openapi.js";

export type { components, operations, paths } from "./openapi.js";

/** The contract's messages by name: Schemas["Error"]. */
export type Schemas = components["schemas"];

/** Options of {@link create}: those of openapi-fetch, and where the bearer token comes from. */
export interface Options extends ClientOptions {
  /** Called before each request; answers the token to send, or undefined for none. */
  token?: () => string | undefined | Promise<string | undefined>;
}

/** A typed client of ${sys}; baseUrl is the system's own address or its mount under the portal. */
export function create({ token, ...options }: Options): Client<paths> {
  const client = createClient<paths>(options);
  if (token) {
    const bearer: Middleware = {
      async onRequest({ request }) {
        const value = await token();
        if (value) request.headers.set("Authorization", \`Bearer \${value}\`);
        return request;
      },
    };
    client.use(bearer);
  }
  return client;
}
`;

const write = (path, text) => writeFileSync(join(out, path), text);
const json = (value) => JSON.stringify(value, null, 2) + "\n";

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const sys of systems) {
  mkdirSync(join(out, sys));
  execFileSync(join("node_modules", ".bin", "openapi-typescript"),
    [join("spec", sys, "openapi.yaml"), "--output", join(out, sys, "openapi.ts"), "--immutable", "--alphabetize"],
    { stdio: ["ignore", "ignore", "inherit"] });
  write(join(sys, "index.ts"), entry(sys));
}
write("package.json", json({
  name: "@guichet/sdk",
  description: "Typed clients of the systems that Guichet serves.",
  version: "0.1.0",
  license: "Apache-2.0",
  type: "module",
  exports: Object.fromEntries(systems.flatMap((sys) => {
    const entries = [[`./${sys}`, { types: `./dist/${sys}/index.d.ts`, default: `./dist/${sys}/index.js` }]];
    if (existsSync(join("spec", sys, "asyncapi.yaml"))) {
      entries.push([`./${sys}/events`, { types: `./dist/${sys}/events.d.ts`, default: `./dist/${sys}/events.js` }]);
    }
    return entries;
  })),
  files: ["dist"],
  scripts: { build: "tsc" },
  dependencies: { "openapi-fetch": pinned["openapi-fetch"] },
  devDependencies: { typescript: pinned.typescript },
}));
write("tsconfig.json", json({
  compilerOptions: {
    target: "ES2022", module: "NodeNext", lib: ["ES2022", "DOM"], strict: true, exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true, declaration: true, outDir: "dist", skipLibCheck: true,
  },
  include: systems.map((sys) => `${sys}/*.ts`),
}));

// Checks the AsyncAPI contracts with the official parser: `node spec/asyncapi-lint.mjs [file…]`, without files all of
// spec/*/asyncapi.yaml. Any diagnostic of level error or warning fails; the parser's advice on protocols that it does not
// know is none of these.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const named = process.argv.slice(2);
const files = named.length > 0 ? named
  : readdirSync("spec").map((sys) => join("spec", sys, "asyncapi.yaml")).filter((file) => existsSync(file)).sort();
if (files.length === 0) {
  console.error("no AsyncAPI document found: the lint looks in the wrong place");
  process.exit(1);
}

const level = (severity) => (severity === DiagnosticSeverity.Error ? "error" : "warning");
let failed = 0;
for (const file of files) {
  const { diagnostics } = await new Parser().parse(readFileSync(file, "utf8"), { source: resolve(file) });
  for (const { code, message, path, range, severity } of diagnostics) {
    if (severity > DiagnosticSeverity.Warning) continue;
    failed++;
    console.error(`${file}:${range.start.line + 1}: ${level(severity)} ${code}: ${message} (${path.join(".")})`);
  }
}
process.exit(failed > 0 ? 1 : 0);

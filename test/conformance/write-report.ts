/**
 * Writes docs/conformance.md of a run, or with `--check` says whether it would change.
 *
 * Arguments: the tool's name, the log of the run, the folder of the tool's suites, and perhaps `--check`.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { report, type Suite } from "./report.ts";

const [tool = "", log = "", suites = "", check] = process.argv.slice(2);
const path = "docs/conformance.md";
const read = (file: string) => readFileSync(file, "utf8");
const text = report({
  tool,
  log: read(log),
  suites: readdirSync(suites)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => parse(read(join(suites, name))) as Suite),
  knownFailing: read("test/conformance/known-failing.txt"),
  knownFlaky: read("test/conformance/known-flaky.txt"),
});
if (check !== "--check") writeFileSync(path, text);
else if (read(path) !== text) {
  process.stderr.write(`conformance: ${path} is stale: run npm run test:conformance\n`);
  process.exitCode = 1;
}

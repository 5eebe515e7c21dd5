/**
 * Everything that there is to pass, on this machine: `npm run verify`. What `.ci/run` may skip on a bare machine is
 * required here. What came of it is written to docs/verified.md, with the commit that it was tried on.
 */
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nodeVersions, pathWithNode } from "./nodes.js";

const root = fileURLToPath(new URL("..", import.meta.url));

const counted = /^\d+ passed, \d+ failed, \d+ skipped$/;

/** What to run, in order. `told`: the last line of its output like this says what came of it. */
const steps = [
  {
    name: "`.ci/run --require`: nothing skipped for want of a tool",
    run: "bash .ci/run --require",
    told: counted,
  },
  { name: "The page, in a browser", run: "npm run --silent test:browser", told: /^ +Tests / },
  {
    name: "Connect's conformance suite",
    run: "bash scripts/conformance.sh --check --require",
    told: /^Total cases/,
  },
  {
    name: "The same, by the long way alone",
    run: "bash scripts/conformance.sh --lean=off --require",
    told: /^Total cases/,
  },
  {
    name: "Fuzzing, longer",
    run: "npx vitest run test/malformed/fuzz",
    env: { FUZZ_RUNS: "2000" },
    told: /^ +Tests /,
  },
  {
    name: "The shared store: 200 races of 3,000, 50 replicas and 10 engines killed",
    run: "npx vitest run test/shared/proofs",
    env: { SHARED_PROOFS: "full" },
    told: /^ +Tests /,
  },
  { name: "A soak of a million calls", run: "npm run --silent bench:soak", told: /^\{"calls"/ },
  ...nodeVersions.map((version) => ({
    name: `The whole suite on Node ${version}`,
    run: "bash scripts/suite.sh --require",
    node: version,
    told: counted,
  })),
  { name: "The package, on each Node", run: "npm run --silent test:package", told: /^package: on Node/ },
  {
    name: "The image, with Testcontainers and compose",
    run: "bash scripts/container.sh --require",
    told: /^image: /,
  },
  {
    name: "Advisories of the level high",
    run: "npm audit --audit-level=high",
    told: /vulnerabilities|audit endpoint returned an error/,
    // Not every registry knows of advisories.
    unanswered: /audit endpoint returned an error/,
  },
];

const git = (...args) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();

/** Runs a step, showing what it says; resolves with what came of it. */
async function tried({ run, env = {}, node, told, unanswered }) {
  const path = node === undefined ? process.env.PATH : pathWithNode(node);
  const child = spawn(run, {
    cwd: root,
    shell: true,
    env: { ...process.env, NO_COLOR: "1", ...env, PATH: path },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let last = "";
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      console.log(line);
      if (told.test(line)) last = line.trim();
    });
  }
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (unanswered?.test(last)) return { outcome: "not answered by the registry at hand", passed: true };
  return {
    outcome: `${code === 0 ? "passed" : `failed with ${code}`}${last && `: ${last}`}`,
    passed: code === 0,
  };
}

// The ledger and this record may be about to be written; all else must be what the commit has.
const changed = git("status", "--porcelain", "--", ".", ":!docs/verified.md");
if (changed !== "") {
  console.error(`commit first, so that the record says what was tried:\n${changed}`);
  process.exit(2);
}
const commit = git("rev-parse", "HEAD");
const rows = [];
let failures = 0;
for (const step of steps) {
  console.log(`\n=== ${step.name}`);
  const begun = performance.now();
  const { outcome, passed } = await tried(step);
  if (!passed) failures++;
  rows.push(
    `| ${step.name} | ${outcome.replaceAll("|", "\\|")} | ${Math.round((performance.now() - begun) / 1_000)} s |`,
  );
}
writeFileSync(
  `${root}docs/verified.md`,
  `# Verified

Written by \`npm run verify\`, which runs everything there is and skips nothing for want of a tool.

Commit ${commit}, on ${new Date().toISOString().slice(0, 10)}: ${failures === 0 ? "everything passed" : `${failures} of ${rows.length} failed`}.
Node ${process.versions.node} where no other is named, ${process.platform} ${process.arch}, ${availableParallelism()} cores.

| what | what came of it | in |
| --- | --- | --: |
${rows.join("\n")}
`,
);
console.log(`\ndocs/verified.md: ${failures === 0 ? "everything passed" : `${failures} failed`}`);
process.exitCode = failures === 0 ? 0 : 1;

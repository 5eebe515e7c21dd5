/** What is said in several places of one release. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { codeBlocks } from "./docs/code-blocks.ts";

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const { version, engines, scripts } = JSON.parse(read("package.json"));

test.each(["README.md", "compose.yaml", "examples/compose/compose.yaml", "examples/github-actions.yml"])(
  "%s names the image of this version",
  (path) => {
    const tags = [...read(path).matchAll(/gitpod-runner-mock:([\w.-]+)/g)].map(([, tag]) => tag);
    expect(new Set(tags)).toEqual(new Set([version]));
  },
);

test("the changelog has this version, dated, and room for the next", () => {
  const headings = [...read("CHANGELOG.md").matchAll(/^## (.*)$/gm)].map(([, heading]) => heading);
  expect(headings[0]).toBe("[Unreleased]");
  expect(headings[1]).toMatch(new RegExp(`^\\[${version.replaceAll(".", "\\.")}\\] - \\d{4}-\\d{2}-\\d{2}$`));
});

test("the workflows run what a desk runs, on the Nodes that are promised", () => {
  const ci = parse(read(".github/workflows/ci.yml"));
  const commands = (workflow: { jobs: Record<string, { steps: { run?: string }[] }> }) =>
    Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  expect(commands(ci)).toEqual(["bash .ci/run", "npm ci", "npm run test:package"]);
  expect(commands(parse(read(".github/workflows/release.yml")))).toEqual(
    expect.arrayContaining(["bash .ci/run", "npm run test:package"]),
  );
  const [, nodes = ""] = /nodeVersions = (\[.*\]);/.exec(read("scripts/nodes.js")) ?? [];
  expect(ci.jobs.ci.strategy.matrix.node).toEqual(JSON.parse(nodes));
  expect(`>=${JSON.parse(nodes)[0]}`).toBe(engines.node);
});

test("CONTRIBUTING names commands that there are", () => {
  const [block] = codeBlocks("CONTRIBUTING.md");
  const lines = block?.code.trim().split("\n") ?? [];
  const commands = lines.map((line) => line.replace(/\s*#.*/, ""));
  expect(commands).toHaveLength(5);
  for (const command of commands) {
    const [, script] = /^npm (?:run )?(\w+)$/.exec(command) ?? [];
    expect(command === "bash .ci/run" || script === "ci" || script === undefined || script in scripts).toBe(
      true,
    );
  }
});

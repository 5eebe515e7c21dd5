import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const fidelity = readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8");

test("every test that docs/fidelity.md names is there", () => {
  const named = [...fidelity.matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
});

test("every row of docs/fidelity.md says what, how it is known, and which test pins it", () => {
  const rows = fidelity
    .split("\n")
    .filter((line) => line.startsWith("| ") && !/^\| (behaviour|---)/.test(line));
  for (const row of rows) {
    const [, behaviour = "", known = "", tests = ""] = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
    expect(behaviour, row).not.toBe("");
    expect(known, row).toMatch(/DOC|LIVE|FAKE|GUESS|OPEN|ours/);
    expect(tests, row).toMatch(/^`test\//);
  }
});

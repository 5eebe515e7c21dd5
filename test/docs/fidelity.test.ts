import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { profiles, type SwitchName, switchTable } from "../../src/profiles.ts";
import { between, code, rowsIn } from "./tables.ts";

const fidelity = readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8");

test("every test that docs/fidelity.md names is there", () => {
  const named = [...fidelity.matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(50);
  expect(named.filter((path) => !existsSync(new URL(`../../${path}`, import.meta.url)))).toEqual([]);
});

test("every row of docs/fidelity.md says what, how it is known, and which test pins it", () => {
  const rows = rowsIn(fidelity);
  expect(rows.length).toBeGreaterThan(80);
  for (const cells of rows) {
    const [known = "", tests = ""] = cells.slice(-2);
    expect(cells[0], cells.join("|")).not.toBe("");
    expect(known, cells.join("|")).toMatch(/DOC|LIVE|FAKE|GUESS|OPEN|ours/);
    expect(tests, cells.join("|")).toMatch(/^`test\//);
  }
});

test("docs/fidelity.md has each switch, with what each profile does, and no other", () => {
  const told = rowsIn(between(fidelity, "switches") ?? "").map((cells) =>
    cells.slice(0, 1 + profiles.length),
  );
  const names = Object.keys(switchTable) as SwitchName[];
  const expected = names.map((name) =>
    [name, ...profiles.map((profile) => switchTable[name][profile])].map(code),
  );
  expect(told).toEqual(expected);
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { optionsTable, switchesTable } from "./readme-tables.ts";
import { between } from "./tables.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

test("the README lists exactly the options that there are, with their defaults", () => {
  expect(between(readme, "options")).toBe(optionsTable);
});

test("the README lists exactly the switches of the profile table", () => {
  expect(between(readme, "switches")).toBe(switchesTable);
});

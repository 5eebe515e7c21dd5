import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { optionsTable, switchesTable } from "./readme-tables.ts";

const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const between = (name: string) =>
  new RegExp(`<!-- ${name}:.*?-->\n(.*?)\n?<!-- /${name} -->`, "s").exec(readme)?.[1];

test("the README lists exactly the options that there are, with their defaults", () => {
  expect(between("options")).toBe(optionsTable);
});

test("the README lists exactly the switches of the profile table", () => {
  expect(between("switches")).toBe(switchesTable);
});

/** The page for those who see little, use no mouse, have a small screen, or are not to be there at all. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, describe, expect } from "vitest";
import type { TestMock } from "../support/mock.ts";
import { register } from "../support/registrations.ts";
import { endBrowser, test } from "./page.ts";
import { press, rows } from "./rows.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

afterAll(endBrowser);

interface Findings {
  readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: object[] }[];
}

/** What axe-core finds that keeps people from using the page. */
async function seriousIn(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<Findings>("axe.run()");
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.map(({ id, nodes }) => `${id}: ${JSON.stringify(nodes)}`);
}

/** Something in every table. */
async function fill(mock: TestMock): Promise<void> {
  await register(mock);
  await mock.clock.advance("31s");
  await register(mock);
  await mock.runner.createRunner({ name: "x" }).catch(() => {});
  await mock.faults.inject({ match: { rpc: "ListRunners" }, effect: { case: "emptyReply", value: {} } });
}

const dialogs: readonly [string, (page: Page) => Promise<void>][] = [
  ["no dialog", async () => {}],
  ["a runner", (page) => rows(page, "Runners", "CREATED").getByRole("button").first().click()],
  ["a failed call", (page) => rows(page, "Calls", "invalid_argument").getByRole("button").click()],
  ["a fault to add", (page) => press(page, "Add a fault…")],
  ["state and worlds", (page) => press(page, "State and worlds…")],
];

describe.for(["light", "dark"] as const)("axe-core finds nothing serious in %s", (colorScheme) => {
  test.for(dialogs)("with %s", async ([, open], { mock, look }) => {
    await fill(mock);
    const page = await look.at(mock, { colorScheme });
    await rows(page, "Calls", "CreateRunner").first().waitFor();
    await page.getByRole("table", { name: "Faults" }).waitFor();
    await open(page);
    expect(await seriousIn(page)).toEqual([]);
  });

  test("where it asks for a token", async ({ start, look }) => {
    const mock = await start({ controlToken: "open sesame" });
    const page = await look.at(mock, { colorScheme });
    await page.getByRole("dialog").waitFor();
    expect(await seriousIn(page)).toEqual([]);
    look.expects("status of 401");
  });
});

test.for([
  ["a phone", { width: 360, height: 740 }],
  ["1280 pixels at 200 %", { width: 640, height: 400 }],
  ["1280 pixels at 400 %", { width: 320, height: 256 }],
] as const)("on %s nothing lies beyond the edge", async ([, viewport], { mock, look }) => {
  await fill(mock);
  const page = await look.at(mock, { viewport });
  await rows(page, "Calls", "CreateRunner").first().waitFor();
  const width = () => page.evaluate<number>("document.documentElement.scrollWidth");
  expect(await width()).toBeLessThanOrEqual(viewport.width);
  expect(await seriousIn(page)).toEqual([]);
  for (const [, open] of dialogs.slice(1)) {
    await open(page);
    const box = await page.getByRole("dialog").boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(viewport.width);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
});

test("everything is done without a mouse", async ({ mock, look }) => {
  await register(mock);
  const page = await look.at(mock);
  await rows(page, "Runners", "Production Runner").waitFor();
  const focused = () =>
    page.evaluate<string>("document.activeElement.ariaLabel ?? document.activeElement.textContent");
  const tabTo = async (name: string) => {
    const passed: string[] = [];
    do {
      await page.keyboard.press("Tab");
      passed.push(await focused());
    } while (passed.at(-1) !== name && passed.length < 50);
    expect(passed.at(-1)).toBe(name);
  };
  await tabTo("Advance by +30 s");
  await page.keyboard.press("Enter");
  await rows(page, "Runners", "LAPSED").waitFor();
  await tabTo("Production Runner");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Production Runner" }).waitFor();
  await tabTo("Renew its lease");
  await page.keyboard.press("Enter");
  await rows(page, "Runners", "30.0 s").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // Where it was before.
  expect(await focused()).toBe("Production Runner");
  await tabTo("Calls");
});

test("nothing on it is without a name", async ({ mock, look }) => {
  await fill(mock);
  const page = await look.at(mock);
  await rows(page, "Calls", "CreateRunner").first().waitFor();
  for (const role of ["button", "checkbox", "combobox", "searchbox", "meter", "table", "region"] as const) {
    const nameless = page.getByRole(role, { name: /^\s*$/ });
    expect([role, await nameless.count()]).toEqual([role, 0]);
  }
});

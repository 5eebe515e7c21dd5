/** Ten thousand runners and a thousand calls a second: what is on the page stays small, and it goes on answering. */
import { afterAll, expect } from "vitest";
import type { TestMock } from "../support/mock.ts";
import { endBrowser, test } from "./page.ts";
import { press, rows, table } from "./rows.ts";

afterAll(endBrowser);

const soon = { timeout: 30_000 };

// A browser and a server that are busy share the machine with whatever else is tried.
const patient = { timeout: 60_000 };

async function load(mock: TestMock, runners: number): Promise<void> {
  const named = Array.from({ length: runners }, (_, i) => ({ name: `Runner ${i}` }));
  await mock.state.load({ runners: named });
  await mock.clock.freeze();
}

test(
  "of ten thousand runners only those in sight are there, and each can be got at",
  patient,
  async ({ mock, look }) => {
    await load(mock, 10_000);
    const page = await look.at(mock);
    const runners = table(page, "Runners");
    await expect.poll(() => runners.getAttribute("aria-rowcount"), soon).toBe("10001");
    await rows(page, "Runners", "Runner 9999").waitFor();
    expect(await runners.getByRole("row").count()).toBeLessThan(80);
    await page.getByRole("region", { name: "Runners" }).last().focus();
    await page.keyboard.press("End");
    const oldest = page.getByRole("button", { name: "Runner 0", exact: true });
    const last = runners.getByRole("row").filter({ has: oldest });
    await last.waitFor();
    expect(await last.getAttribute("aria-rowindex")).toBe("10001");
    expect(await runners.getByRole("row").count()).toBeLessThan(80);
    await page.getByLabel("Find runners").fill("Runner 4321");
    await rows(page, "Runners", "Runner 4321").waitFor();
    // All at once they lapse; and since they have no tokens, there is no record of them any more.
    await press(page, "Advance by +30 s");
    await page.getByText("No runners yet").waitFor();
  },
);

test(
  "however many calls come, the list changes only some times a second",
  patient,
  async ({ mock, look }) => {
    await load(mock, 100);
    const page = await look.at(mock);
    await rows(page, "Runners", "Runner 99").waitFor();
    await mock.runner.listRunners({});
    await rows(page, "Calls", "ListRunners").waitFor();
    await page.evaluate(`
    globalThis.changes = 0;
    const list = document.querySelector(".calls tbody");
    new MutationObserver(() => changes++).observe(list, { childList: true });`);
    const begunMs = performance.now();
    const many = 600;
    for (let called = 0; called < many; called += 20)
      await Promise.all(Array.from({ length: 20 }, () => mock.runner.listRunners({})));
    const count = page.getByRole("heading", { name: "Calls" });
    await expect.poll(() => count.innerText(), soon).toBe("Calls 601");
    const seconds = (performance.now() - begunMs) / 1_000;
    expect(await page.evaluate<number>("changes")).toBeLessThan(5 * seconds + 5);
    expect(await table(page, "Calls").getByRole("row").count()).toBeLessThan(80);
  },
);

test("what is looked at stays where it is while calls come in above it", patient, async ({ mock, look }) => {
  for (let i = 0; i < 100; i++) await mock.runner.listRunners({});
  const page = await look.at(mock);
  await rows(page, "Calls", "ListRunners").first().waitFor();
  const calls = page.locator(".calls .scrollable");
  await calls.evaluate((element) => element.scrollTo(0, 1_000));
  const topAfter = () => calls.evaluate((element) => element.scrollTop);
  await expect.poll(topAfter).toBe(1_000);
  const rowHeight = await table(page, "Calls")
    .getByRole("row")
    .first()
    .evaluate((element) => element.getBoundingClientRect().height);
  for (let i = 0; i < 10; i++) await mock.runner.listRunners({});
  await expect.poll(topAfter, soon).toBeCloseTo(1_000 + 10 * rowHeight, -1);
});

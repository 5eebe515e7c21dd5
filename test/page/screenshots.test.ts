/**
 * The pictures of docs/page.md and the README: `npm run screenshots` writes them. Otherwise they are taken all the same,
 * so that what they show is there, and thrown away.
 */
import { mkdir } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll } from "vitest";
import { systemTime } from "../../src/clock.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { startMs, type TestMock } from "../support/mock.ts";
import { asRunner, register } from "../support/registrations.ts";
import { endBrowser, test as onPage } from "./page.ts";
import { press, rows } from "./rows.ts";

const folder = process.env.SCREENSHOTS;

afterAll(endBrowser);

/** The same at all times: a world whose time does not move by itself, and calls that take a third of a millisecond. */
const test = onPage.extend<{ scene: TestMock }>({
  scene: async ({ start }, use) => {
    let monotonicMs = 0;
    const time = {
      ...systemTime,
      nowMs: () => startMs,
      monotonicMs: () => {
        monotonicMs += 0.34;
        return monotonicMs;
      },
    };
    const mock = await start({ publicUrl: "http://127.0.0.1:8080" }, time);
    await mock.clock.freeze();
    await act(mock);
    await use(mock);
  },
});

const regions = ["us-west", "eu-central", "ap-south"];
const providers = [RunnerProvider.AWS_EC2, RunnerProvider.LINUX_HOST, RunnerProvider.GCP];
const names = ["Production", "Staging", "Build farm", "Nightly", "Review", "Load test", "Docs", "Demo"];

/** Something of everything. */
async function act(mock: TestMock): Promise<void> {
  for (const [index, name] of names.entries()) {
    const spec = { configuration: { region: regions[index % 3] ?? "" } };
    const provider = providers[index % 3] ?? RunnerProvider.AWS_EC2;
    const { runnerId, exchangeToken } = await register(mock, { name: `${name} Runner`, provider, spec });
    if (index % 4 !== 3) {
      const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
      await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
    }
    if (index === 2) await mock.runners.report(runnerId, { phase: RunnerPhase.DEGRADED });
    await mock.clock.advance("4s");
  }
  await mock.runner.createRunner({ name: "x" }).catch(() => {});
  await mock.faults.inject({
    match: { rpc: "CreateRunner", count: 2 },
    effect: { case: "error", value: { code: "unavailable", message: "try again" } },
  });
  await mock.faults.inject({
    match: { rpc: "ListRunners" },
    effect: { case: "pageCap", value: { size: 2 } },
  });
  await mock.runner.listRunners({});
  await mock.client(RunnerService, { path: "/w/blue" }).listRunners({});
}

async function ready(page: Page): Promise<void> {
  await rows(page, "Runners", "Demo Runner").waitFor();
  await rows(page, "Calls", "ListRunners").waitFor();
  await page.getByRole("table", { name: "Faults" }).waitFor();
}

async function take(page: Page, name: string): Promise<void> {
  if (folder === undefined) {
    await page.screenshot();
    return;
  }
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: `${folder}/${name}.png` });
}

test.for(["light", "dark"] as const)("the whole page in %s", async (colorScheme, { scene, look }) => {
  const page = await look.at(scene, { colorScheme, viewport: { width: 1400, height: 800 } });
  await ready(page);
  await take(page, `overview-${colorScheme}`);
});

test("a failed call", async ({ scene, look }) => {
  const page = await look.at(scene);
  await ready(page);
  await rows(page, "Calls", "invalid_argument").getByRole("button").click();
  await page.getByRole("region", { name: "Why it failed" }).waitFor();
  await take(page, "call");
});

test("a runner", async ({ scene, look }) => {
  const page = await look.at(scene);
  await ready(page);
  await press(page, "Nightly Runner");
  await page.getByRole("dialog").getByRole("listitem").first().waitFor();
  await take(page, "runner");
});

test("a fault to add", async ({ scene, look }) => {
  const page = await look.at(scene);
  await ready(page);
  await press(page, "Add a fault…");
  await page.getByLabel("Calls of").selectOption({ label: "CreateRunner" });
  await page.getByLabel("how often").fill("3");
  await take(page, "fault");
});

test("a world's state", async ({ scene, look }) => {
  const page = await look.at(scene);
  await ready(page);
  await press(page, "State and worlds…");
  await page.getByRole("dialog").waitFor();
  await take(page, "world");
});

test("on a phone", async ({ scene, look }) => {
  const page = await look.at(scene, { colorScheme: "dark", viewport: { width: 390, height: 844 } });
  await ready(page);
  await take(page, "phone");
});

/** What people do with the page, from beginning to end. */
import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { productionRunner, sdkOf } from "../support/node-sdk.ts";
import { asRunner, register } from "../support/registrations.ts";
import { endBrowser, test } from "./page.ts";
import { connection, press, rows, table } from "./rows.ts";

afterAll(endBrowser);

/** Waits for it; the page hears of things some times a second. */
const soon = { timeout: 10_000 };

const count = (page: Page, name: "Runners" | "Calls" | "Faults", text: string) =>
  expect.poll(() => rows(page, name, text).count(), soon);

test("a runner that an SDK creates appears, and lapses as the clock is moved from the page", async ({
  mock,
  look,
}) => {
  const page = await look.at(mock);
  await page.getByText("No runners yet").waitFor();
  const { client } = sdkOf(mock);
  const { runner } = await client.runners.create(productionRunner);
  const row = rows(page, "Runners", "Production Runner");
  await row.waitFor();
  expect(await row.innerText()).toMatch(/Production Runner\s+CREATED\s+AWS_EC2\s+us-west\s+30\.0 s\s+2/);
  const lease = row.getByRole("meter", { name: "Lease left" });
  expect([await lease.getAttribute("value"), await lease.getAttribute("max")]).toEqual(["30000", "30000"]);
  await mock.clock.advance("20s");
  await expect.poll(() => lease.getAttribute("value"), soon).toBe("10000");
  await press(page, "Advance by +30 s");
  await rows(page, "Runners", "LAPSED").waitFor();
  await expect(client.runners.retrieve({ runnerId: runner.runnerId ?? "" })).rejects.toThrow("not found");
  await page.getByLabel("lapsed, too").uncheck();
  await count(page, "Runners", "Production Runner").toBe(0);
});

describe("the clock", () => {
  test("is paused, set running and moved", async ({ start, look }) => {
    const mock = await start();
    const page = await look.at(mock);
    await press(page, "Pause");
    await page.getByText("UTC, paused").waitFor();
    expect(mock.clock.frozen).toBe(true);
    const before = mock.clock.nowMs();
    await press(page, "Advance by +24 h");
    await expect.poll(() => mock.clock.nowMs() - before, soon).toBe(86_400_000);
    const date = new Date(mock.clock.nowMs()).toISOString().slice(0, 10);
    await page.getByText(date).waitFor();
    await press(page, "Run");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    expect(mock.clock.frozen).toBe(false);
  });

  test("goes on by itself, and leases drain by it", async ({ start, look }) => {
    const mock = await start();
    await register(mock);
    const page = await look.at(mock);
    const lease = page.getByRole("meter", { name: "Lease left" });
    const left = async () => Number(await lease.getAttribute("value"));
    const first = await left();
    await expect.poll(left, soon).toBeLessThan(first);
  });
});

test("a fault from the page makes a client fail; its call says why, and is made again as curl", async ({
  mock,
  look,
}) => {
  const page = await look.at(mock);
  await press(page, "Add a fault…");
  const dialog = page.getByRole("dialog", { name: "Add a fault" });
  await dialog.getByLabel("Calls of").selectOption({ label: "CreateRunner" });
  await dialog.getByLabel("how often").fill("1");
  await dialog.getByLabel("Code").selectOption("resource_exhausted");
  await dialog.getByLabel("Message").fill("ordered from the page");
  await dialog.getByRole("button", { name: "Inject" }).click();
  await rows(page, "Faults", "CreateRunner, 1 times").waitFor();
  await expect(sdkOf(mock, { maxRetries: 0 }).client.runners.create(productionRunner)).rejects.toThrow(
    "ordered from the page",
  );
  // It is over.
  await count(page, "Faults", "CreateRunner").toBe(0);
  const row = rows(page, "Calls", "CreateRunner");
  expect(await row.innerText()).toMatch(/CreateRunner\s+resource_exhausted\s+USER/);
  await row.getByRole("button").click();
  const call = page.getByRole("dialog", { name: "CreateRunner" });
  const why = call.getByRole("region", { name: "Why it failed" });
  expect(await why.innerText()).toMatch(/resource_exhausted: ordered from the page[\s\S]*INJECTED_FAULT/);
  expect(JSON.parse(await call.getByRole("region", { name: "Request" }).innerText())).toEqual({
    ...productionRunner,
    spec: { ...productionRunner.spec, configuration: expect.objectContaining({ region: "us-west" }) },
  });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await call.getByRole("button", { name: "Copy as curl" }).click();
  await call.getByText("Copied.").waitFor();
  const curl = await page.evaluate<string>("navigator.clipboard.readText()");
  expect(curl).toMatch(`curl '${mock.url}/gitpod.v1.RunnerService/CreateRunner'`);
  expect(curl).toContain(`-d '{"name":"Production Runner"`);
  await page.keyboard.press("Escape");
  await call.waitFor({ state: "detached" });
});

test("a fault is removed from the page", async ({ mock, look }) => {
  await mock.faults.inject({ effect: { case: "emptyReply", value: {} } });
  const { faultId } = await mock.faults.inject({ effect: { case: "reset", value: {} } });
  const page = await look.at(mock);
  await press(page, `Remove ${faultId}`);
  await count(page, "Faults", "connection broken off").toBe(0);
  expect(await mock.faults.list()).toHaveLength(1);
});

test("a fault that is refused says why, and the dialog stays", async ({ mock, look }) => {
  const page = await look.at(mock);
  await press(page, "Add a fault…");
  await page.getByLabel("Then").selectOption("none");
  await press(page, "Inject");
  await page.getByRole("alert").filter({ hasText: "neither an effect nor a delay" }).waitFor();
  look.expects("status of 400");
});

test("a runner's lease is renewed and ended, and its tokens expire, from the page", async ({
  mock,
  look,
}) => {
  const { runnerId, exchangeToken } = await register(mock);
  await mock.clock.advance("29s");
  const page = await look.at(mock);
  await press(page, "Production Runner");
  await press(page, "Renew its lease");
  await expect.poll(() => page.getByRole("meter").getAttribute("value"), soon).toBe("30000");
  await press(page, /^Expire the EXCHANGE token/);
  await expect.poll(() => page.getByRole("dialog").getByRole("listitem").count(), soon).toBe(1);
  await expect(mock.identity.exchangeToken({ exchangeToken })).rejects.toThrow("invalid exchange token");
  await press(page, "Let it lapse");
  await rows(page, "Runners", "LAPSED").waitFor();
  await expect(mock.runner.getRunner({ runnerId })).rejects.toThrow("not found");
});

describe("worlds", () => {
  test("are switched, and the address says which one it is", async ({ mock, look }) => {
    await register(mock);
    const blue = { runner: mock.client(RunnerService, { path: "/w/blue" }) };
    await register(blue, { ...{ provider: 1 }, name: "Blue Runner" });
    const page = await look.at(mock);
    await rows(page, "Runners", "Production Runner").waitFor();
    await page.getByLabel("World").selectOption("blue");
    await rows(page, "Runners", "Blue Runner").waitFor();
    await count(page, "Runners", "Production Runner").toBe(0);
    await count(page, "Calls", "CreateRunner").toBe(1);
    await page.reload();
    await rows(page, "Runners", "Blue Runner").waitFor();
  });

  test("that are not there yet are waited for", async ({ mock, look }) => {
    const page = await look.at(mock, { path: "/?world=green" });
    await page.getByText("There is no world green yet").waitFor();
    await mock.client(RunnerService, { path: "/w/green" }).listRunners({});
    await rows(page, "Calls", "ListRunners").waitFor();
    expect(await connection(page).innerText()).toBe("Connected");
    look.expects("status of 404");
  });

  test("are made, reset and deleted from the page", async ({ mock, look }) => {
    const page = await look.at(mock);
    await press(page, "State and worlds…");
    await page.getByLabel("Name").fill("made");
    await page.getByLabel("Profile").selectOption("observed");
    await press(page, "Make");
    // As in the profile observed: the organization's own runner.
    await rows(page, "Runners", "LINUX_HOST")
      .or(rows(page, "Runners", "no end"))
      .first()
      .waitFor();
    const made = { runner: mock.client(RunnerService, { path: "/w/made" }) };
    await register(made);
    await rows(page, "Runners", "Production Runner").waitFor();
    await press(page, "Reset");
    await count(page, "Runners", "Production Runner").toBe(0);
    await press(page, "Delete");
    await expect.poll(() => page.getByLabel("World", { exact: true }).inputValue(), soon).toBe("default");
    expect(mock.worlds.list().map(({ name }) => name)).toEqual(["default"]);
  });
});

test("state is saved to a file, and loaded from it into another world", async ({ mock, look }) => {
  await register(mock);
  await mock.worlds.create("copy");
  const page = await look.at(mock);
  await press(page, "State and worlds…");
  const downloading = page.waitForEvent("download");
  await press(page, "Save to a file");
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("default.yaml");
  const text = await readFile(await download.path(), "utf8");
  expect(text).toContain("Production Runner");
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.getByLabel("World").selectOption("copy");
  await press(page, "State and worlds…");
  const file = page.getByLabel("State document");
  await file.setInputFiles({
    name: "bad.yaml",
    mimeType: "application/yaml",
    buffer: Buffer.from("runner: 1"),
  });
  await press(page, "Load");
  await page.getByRole("alert").filter({ hasText: "line 1" }).waitFor();
  await file.setInputFiles({ name: "default.yaml", mimeType: "application/yaml", buffer: Buffer.from(text) });
  await press(page, "Load");
  await page.getByText("Loaded.").waitFor();
  await rows(page, "Runners", "Production Runner").waitFor();
  look.expects("status of 400");
});

test("the server is lost and regained, and the page says both", async ({ start, look }) => {
  const first = await start();
  await register(first, { provider: 1, name: "Before" });
  const page = await look.at(first);
  await rows(page, "Runners", "Before").waitFor();
  expect(await connection(page).getAttribute("aria-live")).toBe("assertive");
  const controlPort = Number(new URL(first.controlUrl ?? "").port);
  await first.close();
  await page.getByText("Lost the server").waitFor();
  const second = await start({ controlPort });
  await register(second, { provider: 1, name: "Afterwards" });
  await page.getByText("Connected again").waitFor();
  await rows(page, "Runners", "Afterwards").waitFor();
  await count(page, "Runners", "Before").toBe(0);
  await rows(page, "Calls", "CreateRunner").waitFor();
  look.expects("net::ERR_");
});

test("the control service's token is asked for, and kept for the tab", async ({ start, look }) => {
  const mock = await start({ controlToken: "open sesame" });
  await register(mock);
  const page = await look.at(mock);
  await page.getByRole("textbox", { name: "Token" }).fill("sesame");
  await press(page, "Open");
  await page.getByText("This token was refused.").waitFor();
  await page.getByRole("textbox", { name: "Token" }).fill("open sesame");
  await press(page, "Open");
  await rows(page, "Runners", "Production Runner").waitFor();
  await page.reload();
  await rows(page, "Runners", "Production Runner").waitFor();
  expect(await page.getByRole("dialog").count()).toBe(0);
  look.expects("status of 401");
});

test("a stream is under way until it has ended, in the list and where it is looked at", async ({
  mock,
  look,
}) => {
  const page = await look.at(mock);
  const abort = new AbortController();
  const end = mock
    .client(EventService)
    .watchEvents({}, { signal: abort.signal })
    [Symbol.asyncIterator]()
    .next()
    .catch(() => {});
  const row = rows(page, "Calls", "WatchEvents");
  await row.filter({ hasText: "under way" }).waitFor();
  await press(page, "WatchEvents");
  abort.abort();
  await end;
  await row.filter({ hasText: "canceled" }).waitFor();
  await page.getByRole("region", { name: "Why it failed" }).getByText("canceled").waitFor();
  expect(await rows(page, "Calls", "WatchEvents").count()).toBe(1);
});

test("calls are held while somebody reads them", async ({ mock, look }) => {
  const { accessToken } = await register(mock);
  const page = await look.at(mock);
  await rows(page, "Calls", "CreateRunner").waitFor();
  await press(page, "Hold");
  await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
  await page.getByRole("button", { name: "Hold (1 more)" }).waitFor();
  await count(page, "Calls", "GetAuthenticatedIdentity").toBe(0);
  await press(page, /^Hold/);
  await count(page, "Calls", "GetAuthenticatedIdentity").toBe(1);
});

test("what is looked for is all that is shown", async ({ mock, look }) => {
  await register(mock);
  await mock.runner.listRunners({});
  const page = await look.at(mock);
  await rows(page, "Calls", "ListRunners").waitFor();
  await page.getByLabel("Find calls").fill("createrunner");
  await count(page, "Calls", "ListRunners").toBe(0);
  await count(page, "Calls", "CreateRunner").toBe(1);
  await page.getByLabel("Find runners").fill("no such runner");
  await page.getByText("No runner matches.").waitFor();
  await page.getByLabel("Find runners").fill("aws_ec2");
  await expect.poll(() => table(page, "Runners").getByRole("row").count(), soon).toBe(2);
});

/** What only a browser shows: what the page of another origin may send, and what it gets to see. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, onTestFinished } from "vitest";
import type { TestMock } from "../../support/mock.ts";
import { endBrowser } from "./browser.ts";
import { failedWith, settings, test } from "./in-tab.ts";

const create = "RunnerService/CreateRunner";
const list = "RunnerService/ListRunners";
const bearer = { authorization: "Bearer My Bearer Token" };
const runner = { name: "Production Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };
const path = (rpc: string) => `/api/gitpod.v1.${rpc}`;

afterAll(endBrowser);

/** The paths that have been asked about up to now, as the mock's HTTP server was. */
function preflightsAt({ url }: TestMock): string[] {
  const paths: string[] = [];
  const hear = (message: unknown) => {
    const { method, url: path = "", headers } = (message as { request: IncomingMessage }).request;
    if (method === "OPTIONS" && headers.host === new URL(url).host) paths.push(path);
  };
  subscribe("http.server.request.start", hear);
  onTestFinished(() => void unsubscribe("http.server.request.start", hear));
  return paths;
}

/** How long the browser was told that it need not ask again, for each preflight that it has had answered. */
async function maxAges(page: Page): Promise<string[]> {
  const found: string[] = [];
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  session.on("Network.responseReceived", ({ type, response: { headers } }) => {
    if (type === "Preflight") found.push(headers["access-control-max-age"] ?? "none");
  });
  return found;
}

/** How the calls of a world went, as it has logged them. */
const outcomes = ({ calls }: Pick<TestMock, "calls">) =>
  calls.list().map(({ error, duration }) => error?.code ?? (duration ? "ok" : "under way"));

test("a page asks once for each RPC, and again only for a header that it has not asked about", async ({
  mock,
  tab,
}) => {
  const preflights = preflightsAt(mock);
  const ages = await maxAges(tab.page);
  await tab.do("setUp", `${mock.url}/api`, { protocol: "connect" });
  for (let calls = 0; calls < 3; calls++) await tab.do("call", list, {}, bearer);
  expect(preflights).toEqual([path(list)]);
  await tab.do("call", create, runner, bearer);
  expect(preflights).toEqual([path(list), path(create)]);
  for (let calls = 0; calls < 2; calls++)
    await tab.do("call", list, {}, { ...bearer, "x-stainless-lang": "js" });
  expect(preflights).toEqual([path(list), path(create), path(list)]);
  expect(mock.calls.list()).toHaveLength(6);
  await expect.poll(() => ages, { timeout: 10_000 }).toEqual(["7200", "7200", "7200"]);
});

describe.for(settings)("a page over %s", ([protocol, setting]) => {
  const complains = protocol === "connect";

  test("reads the headers that a fault adds, in a reply and in an error", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/api`, setting);
    const match = { rpc: "ListRunners", count: 1 };
    const empty = await mock.faults.inject({ match, effect: { case: "emptyReply", value: {} } });
    expect(await tab.do("call", list, {})).toMatchObject({
      reply: {},
      headers: { "runner-mock-fault": empty.faultId },
    });
    const headers = { "retry-after": "7", "x-should-retry": "false" };
    const value = { code: "unavailable", message: "ordered", headers };
    const failing = await mock.faults.inject({ match, effect: { case: "error", value } });
    expect(await tab.do("call", list, {})).toMatchObject({
      error: { code: "unavailable", message: "ordered" },
      headers: { ...headers, "runner-mock-fault": failing.faultId },
    });
    if (complains) tab.expects(failedWith(503));
  });

  test("reads the details of an error", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/api`, setting);
    expect(await tab.do("call", create, { ...runner, name: "ab" })).toMatchObject({
      error: { code: "invalid_argument" },
      violations: [
        { violations: [{ ruleId: "string.min_len", field: { elements: [{ fieldName: "name" }] } }] },
      ],
      explanations: [{ error: "violated", field: "name", blame: "BLAME_CLIENT" }],
    });
    if (complains) tab.expects(failedWith(400));
  });

  test("reads how a request was refused that no RPC has seen", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/api`, setting);
    expect(await tab.do("call", "ControlService/GetClock", {})).toMatchObject({
      error: { code: "unimplemented" },
      explanations: [{ error: "unknownRpc" }],
    });
    if (complains) tab.expects(failedWith(404));
    expect(await tab.do("call", create, { ...runner, name: "x".repeat(5_000_000) })).toMatchObject({
      error: { code: "resource_exhausted" },
      explanations: [{ error: "bodyTooLarge" }],
    });
    if (complains) tab.expects(failedWith(429));
  });

  test("finds a world by its path and by its header alike", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/w/blue/api`, setting);
    const { reply } = await tab.do("call", create, runner);
    expect(reply).toMatchObject({ runner: { name: runner.name } });
    await tab.do("setUp", `${mock.url}/api`, setting);
    const seen = { reply: { runners: [{ name: runner.name }] } };
    expect(await tab.do("call", list, {}, { "runner-mock-world": "blue" })).toMatchObject(seen);
    expect((await tab.do("call", list, {})).reply).toEqual({ pagination: {} });
  });

  test("ends its watch with its tab", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/api`, setting);
    await tab.do("watch", {});
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    expect(outcomes(mock)).toEqual(["under way"]);
    await tab.page.close();
    await expect.poll(() => outcomes(mock), { timeout: 10_000 }).toEqual(["canceled"]);
  });

  test("hears that the server stops", async ({ mock, tab }) => {
    await tab.do("setUp", `${mock.url}/api`, setting);
    const watch = await tab.do("watch", {});
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    await mock.close();
    expect(await tab.do("ended", watch)).toBe("unavailable: the server is stopping");
  });
});

test("a browser calls once more when the connection that it used before breaks off", async ({
  mock,
  tab,
}) => {
  await tab.do("setUp", `${mock.url}/api`, { protocol: "connect" });
  await tab.do("call", create, runner);
  mock.calls.clear();
  const effect = { case: "reset", value: {} } as const;
  await mock.faults.inject({ match: { rpc: "ListRunners", count: 1 }, effect });
  expect(await tab.do("call", list, {})).toMatchObject({ reply: { runners: [{ name: runner.name }] } });
  expect(outcomes(mock)).toEqual(["aborted", "ok"]);
  mock.calls.clear();
  await mock.faults.inject({ match: { rpc: "ListRunners" }, effect });
  expect(await tab.do("call", list, {})).toMatchObject({
    error: { code: "unknown", message: "Failed to fetch" },
  });
  expect(outcomes(mock)).toEqual(["aborted", "aborted"]);
  tab.expects("net::ERR_EMPTY_RESPONSE");
});

describe("a redirect", () => {
  const bearing = (url: string) => ({ url, headers: { ...bearer, "content-type": "application/json" } });

  /** As an application does that calls without connect-web. */
  const fetched = (page: Page, request: ReturnType<typeof bearing>) =>
    page.evaluate(async ({ url, headers }) => {
      const response = await fetch(url, { method: "POST", headers, body: "{}" });
      return { url: response.url, redirected: response.redirected, status: response.status };
    }, request);

  const closed = { auth: "required", token: { me: "My Bearer Token" } } as const;

  test("is an error to connect-web, which follows none", async ({ mock, tab }) => {
    const location = `${mock.url}/w/blue${path(list)}`;
    await mock.faults.inject({ effect: { case: "redirect", value: { location } } });
    await tab.do("setUp", `${mock.url}/api`, { protocol: "connect" });
    expect(await tab.do("call", list, {})).toMatchObject({
      error: { code: "unknown", message: "Failed to fetch" },
    });
    tab.expects("net::ERR_FAILED");
    expect(mock.calls.list()).toMatchObject([{ error: { message: `sent to ${location}` } }]);
  });

  test("is followed by fetch, with its bearer to the same origin", async ({ start, tab }) => {
    const mock = await start(closed);
    const location = `${mock.url}/w/blue${path(list)}`;
    await mock.faults.inject({ effect: { case: "redirect", value: { location } } });
    const preflights = preflightsAt(mock);
    const answer = await fetched(tab.page, bearing(mock.url + path(list)));
    expect(answer).toEqual({ url: location, redirected: true, status: 200 });
    expect(preflights).toEqual([path(list), `/w/blue${path(list)}`]);
    expect(outcomes(mock.worlds.get("blue"))).toEqual(["ok"]);
  });

  test("is followed by fetch, without its bearer to another origin", async ({ start, tab }) => {
    const [mock, other] = [await start(closed), await start(closed)];
    const location = other.url + path(list);
    await mock.faults.inject({ effect: { case: "redirect", value: { location } } });
    const answer = await fetched(tab.page, bearing(mock.url + path(list)));
    expect(answer).toEqual({ url: location, redirected: true, status: 401 });
    tab.expects(failedWith(401));
    expect(outcomes(other)).toEqual(["unauthenticated"]);
  });
});

/** The log of the calls: what is in it, what is not, and waiting for it. */
import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { systemTime } from "../../src/clock.ts";
import type { WhichCalls } from "../../src/control/powers.ts";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { controlOf, test } from "../support/control.ts";
import { failureOf, openMock, startMs, stillTime } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import { asRunner, productionRunner, register } from "../support/registrations.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

describe("a call is in the log with", () => {
  test("what was asked and answered, by whom, how and when", async ({ mock, control }) => {
    await mock.clock.advance("5s");
    const { runnerId } = await register(mock);
    const [call, ...more] = (await control.listCalls({})).calls;
    expect(more).toEqual([]);
    expect(call).toMatchObject({
      rpc: "gitpod.v1.RunnerService/CreateRunner",
      protocol: "connect",
      request: { name: "Production Runner", provider: "RUNNER_PROVIDER_AWS_EC2" },
      reply: { runner: { runnerId, name: "Production Runner" } },
      caller: { principal: 2 },
      messages: 0,
    });
    expect(call?.userAgent).toMatch(/^connect-es\//);
    expect(call?.at && timestampMs(call.at)).toBe(startMs + 5_000);
    expect([call?.duration, call?.error]).toEqual([expect.anything(), undefined]);
  });

  test("how long it took, in whole nanoseconds, whatever fraction of a millisecond that was", async () => {
    let nowMs = 0;
    const mock = await openMock({ controlPort: 0 }, { ...stillTime, monotonicMs: () => (nowMs += 66.454) });
    await mock.runner.listRunners({});
    const transport = (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" });
    const [call] = (await controlOf(mock, { transport }).listCalls({})).calls;
    expect(call?.duration).toMatchObject({ seconds: 0n, nanos: 66_454_000 });
    await mock.close();
  });

  test("its error, also where it could not be read, and where it got no further than the gate", async ({
    mock,
    control,
  }) => {
    await mock.runner.getRunner({ runnerId: unknownId }).catch(() => {});
    await post(mock.url + rpc.getRunner, "{");
    await mock
      .client(RunnerService, { bearer: "rmock_access_x" })
      .listRunners({})
      .catch(() => {});
    const { calls } = await control.listCalls({});
    expect(
      calls.map(({ error, request, caller }) => [error?.code, request !== undefined, caller !== undefined]),
    ).toEqual([
      ["not_found", true, true],
      ["invalid_argument", false, true],
      ["unauthenticated", false, false],
    ]);
    expect(calls[0]?.error?.message).toBe("runner not found");
  });

  test.for([
    ["connect", "2 POST application/proto", () => createConnectTransport, { httpVersion: "2" }],
    ["connect", "1.1 POST application/json", () => createConnectTransport, { useBinaryFormat: false }],
    ["connect", "1.1 GET application/proto", () => createConnectTransport, { useHttpGet: true }],
    [
      "connect",
      "2 GET application/json",
      () => createConnectTransport,
      { httpVersion: "2", useHttpGet: true, useBinaryFormat: false },
    ],
    ["grpc", "2 POST application/grpc+proto", () => createGrpcTransport, {}],
    ["grpc-web", "1.1 POST application/grpc-web+proto", () => createGrpcWebTransport, {}],
  ] as const)("its protocol: %s, HTTP/%s", async ([protocol, wire, factory, options], { mock }) => {
    const transport = (baseUrl: string) =>
      (factory() as typeof createConnectTransport)({ baseUrl, httpVersion: "1.1", ...options });
    await mock.client(RunnerService, { transport }).listRunners({});
    const calls = mock.calls.list();
    expect(calls.map((call) => call.protocol)).toEqual([protocol]);
    expect(calls.map((call) => `${call.httpVersion} ${call.httpMethod} ${call.contentType}`)).toEqual([wire]);
  });

  test("nothing of HTTP, where it came without", async ({ mock }) => {
    await createClient(RunnerService, mock.transport()).listRunners({});
    expect(mock.calls.list()).toMatchObject([{ httpVersion: "", httpMethod: "", contentType: "" }]);
  });

  test("the number of messages that a stream has sent so far, and how it ended", async ({ mock }) => {
    const abort = new AbortController();
    const events = mock
      .client(EventService)
      .watchEvents({}, { signal: abort.signal })
      [Symbol.asyncIterator]();
    const first = events.next();
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    await register(mock);
    await first;
    const watch = () => mock.calls.list({ rpc: "WatchEvents" })[0];
    expect([watch()?.messages, watch()?.duration]).toEqual([1, undefined]);
    const ended = events.next().catch(() => {});
    abort.abort();
    await ended;
    await mock.close();
    expect(watch).toThrow("there is no world");
  });
});

describe("is never in the log:", () => {
  test("a bearer, a token, a password or a key", async ({ mock, control }) => {
    const metrics = { username: "me", password: "hush-password" };
    const created = await mock.runner.createRunner({
      ...productionRunner,
      spec: { configuration: { metrics } },
    });
    const runnerId = created.runner?.runnerId ?? "";
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken: created.exchangeToken });
    await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
    await mock.runner.createRunnerLogsToken({ runnerId });
    const honeycombApiKey = "hush-key";
    await mock.runner
      .updateRunner({ runnerId, spec: { configuration: { honeycombApiKey } } })
      .catch(() => {});
    await mock.identity.getIDToken({ audience: ["me"] });
    const { calls } = await control.listCalls({});
    expect(calls).toHaveLength(6);
    const told = JSON.stringify(calls.map(({ request, reply, error }) => [request, reply, error]));
    expect(told).not.toMatch(/hush|rmock_|eyJ/);
    expect(told).toContain("[hidden]");
    expect(told).toContain('"username":"me"');
  });

  test("what another world was asked, or the control service", async ({ mock, control }) => {
    await mock.client(RunnerService, { path: "/w/other" }).listRunners({});
    await control.getClock({});
    expect((await control.listCalls({})).calls).toEqual([]);
    expect((await control.listCalls({ world: "other" })).calls).toHaveLength(1);
  });
});

describe("ListCalls", () => {
  test("walks through pages, and filters by RPC, caller and code", async ({ mock, control }) => {
    const { accessToken, runnerId } = await register(mock);
    await asRunner(mock, accessToken).runner.listRunners({});
    await mock.runner.getRunner({ runnerId: unknownId }).catch(() => {});
    const first = await control.listCalls({ pagination: { pageSize: 2 } });
    const token = first.pagination?.nextToken ?? "";
    const second = await control.listCalls({ pagination: { pageSize: 2, token } });
    expect([first.calls.length, second.calls.length, second.pagination?.nextToken]).toEqual([2, 1, ""]);
    const found = async (filter: object) =>
      (await control.listCalls({ filter })).calls.map(({ rpc: name }) => name.split("/")[1]);
    expect(await found({ rpc: "GetRunner" })).toEqual(["GetRunner"]);
    expect(await found({ rpc: "gitpod.v1.RunnerService/CreateRunner" })).toEqual(["CreateRunner"]);
    expect(await found({ callerId: runnerId.toUpperCase() })).toEqual(["ListRunners"]);
    expect(await found({ code: "ok" })).toEqual(["CreateRunner", "ListRunners"]);
    expect(await found({ code: "not_found", rpc: "ListRunners" })).toEqual([]);
  });

  test.for<[WhichCalls, string]>([
    [{ rpc: "CreateRunne" }, 'there is no RPC "CreateRunne"'],
    [{ rpc: "grpc.health.v1.Health/Check" }, 'there is no RPC "grpc.health.v1.Health/Check"'],
    [{ code: "404" }, '"404" is no code such as "ok" or "not_found"'],
  ])("refuses to look for what cannot be: %j", async ([filter, problem], { mock, control }) => {
    const refused = `invalid_argument: cannot filter calls: ${problem}`;
    expect(await failureOf(control.listCalls({ filter }))).toBe(refused);
    expect(await failureOf(control.waitForCalls({ filter }))).toBe(refused);
    expect(await failureOf(control.watchCalls({ filter })[Symbol.asyncIterator]().next())).toBe(refused);
    expect(() => mock.calls.list(filter)).toThrow(problem);
  });

  test("has the newest, up to the number and the bytes that are kept", async ({ start }) => {
    const mock = await start({ controlPort: 0, maxCalls: 3 });
    for (let i = 0; i < 5; i++) await register(mock, { ...productionRunner, name: `Runner ${i}` });
    const names = mock.calls.list().map(({ request }) => request?.name);
    expect(names).toEqual(["Runner 2", "Runner 3", "Runner 4"]);
    const small = await start({ maxCallBytes: 20_000 });
    for (let i = 0; i < 20; i++) await register(small, { ...productionRunner, name: "x".repeat(100) });
    const { length } = small.calls.list();
    expect([length > 3, length < 20]).toEqual([true, true]);
  });

  test("has none any more after ClearCalls", async ({ mock, control }) => {
    await register(mock);
    await control.clearCalls({});
    expect((await control.listCalls({})).calls).toEqual([]);
  });
});

test("WatchCalls tells of calls as they are answered", async ({ mock, control }) => {
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const watch = control
    .watchCalls({ filter: { rpc: "GetRunner" } }, { onHeader: () => begin() })
    [Symbol.asyncIterator]();
  const first = watch.next();
  await begun;
  const { runnerId } = await register(mock);
  await mock.runner.getRunner({ runnerId });
  expect((await first).value?.call?.request).toEqual({ runnerId });
  await watch.return?.();
});

describe("WaitForCalls", () => {
  test("answers at once where there have been as many", async ({ mock, control }) => {
    await register(mock);
    await register(mock);
    expect((await control.waitForCalls({ count: 2 })).calls).toHaveLength(2);
  });

  test("answers once the last of them is there", async ({ mock }) => {
    await register(mock);
    const waiting = mock.calls.waitFor({ rpc: "CreateRunner", code: "ok" }, { count: 3 });
    await register(mock);
    await mock.runner.createRunner({}).catch(() => {});
    await register(mock);
    expect(await waiting).toHaveLength(3);
  });

  test.for([
    ["5 seconds", {}],
    ["a month", { timeout: "31 days" }],
  ] as const)("goes on for %s if it has to", async ([, wait]) => {
    const mock = await openMock({}, systemTime);
    const waiting = mock.calls.waitFor({}, wait);
    await register(mock);
    expect(await waiting).toHaveLength(1);
    await mock.close();
  });

  test("fails where there were fewer in time, and says how many", async () => {
    const mock = await openMock({ controlPort: 0 }, systemTime);
    await register(mock);
    const timeout = durationFromMs(20);
    expect(await failureOf(controlOf(mock).waitForCalls({ count: 2, timeout }))).toBe(
      "deadline_exceeded: saw 1 of 2 calls in 20 ms",
    );
    await mock.close();
  });
});

test("WatchCalls begins with as many of those of before as it is asked for, the newest", async ({
  mock,
  control,
}) => {
  for (const rpc of ["getRunner", "listRunners", "listRunners"] as const)
    await failureOf(mock.runner[rpc]({ runnerId: unknownId }));
  const abort = new AbortController();
  const calls = control.watchCalls({ last: 2 }, { signal: abort.signal })[Symbol.asyncIterator]();
  const ids = [await calls.next(), await calls.next()].map(({ value }) => Number(value?.call?.callId));
  await mock.runner.listRunners({});
  expect([...ids, Number((await calls.next()).value?.call?.callId)]).toEqual([2, 3, 4]);
  abort.abort();
});

test("WatchCalls begins with no more calls than may wait for a reader", async () => {
  const mock = await openMock({ controlPort: 0, maxWatchBacklog: 2 });
  for (let i = 0; i < 3; i++) await mock.runner.listRunners({});
  const calls = controlOf(mock).watchCalls({ last: 3 })[Symbol.asyncIterator]();
  expect(Number((await calls.next()).value?.call?.callId)).toBe(2);
  await calls.return?.();
  await mock.close();
});

test.for([
  [true, "WatchEvents"],
  [false, "ListRunners"],
] as const)(
  "WatchCalls with ends: %s tells of %s after a stream that has ended",
  async ([ends, next], { mock, control }) => {
    const abort = new AbortController();
    const calls = control.watchCalls({ last: 1, ends })[Symbol.asyncIterator]();
    const streaming = mock.client(EventService).watchEvents({}, { signal: abort.signal });
    const end = streaming[Symbol.asyncIterator]()
      .next()
      .catch(() => {});
    const begun = (await calls.next()).value?.call;
    abort.abort();
    await end;
    await expect.poll(() => mock.calls.list()[0]?.duration).toBeDefined();
    await mock.runner.listRunners({});
    const after = (await calls.next()).value?.call;
    expect([begun?.duration, after?.rpc.split("/").at(-1)]).toEqual([undefined, next]);
    expect(after?.duration).toBeDefined();
    expect(after?.callId === begun?.callId).toBe(ends);
    expect(after?.error?.code).toBe(ends ? "canceled" : undefined);
    await calls.return?.();
  },
);

test("an error in the log comes with its explanation", async ({ mock, control }) => {
  await failureOf(mock.runner.getRunner({ runnerId: unknownId }));
  await mock.faults.inject({ effect: { case: "error", value: { code: "unavailable" } } });
  await failureOf(mock.runner.listRunners({}));
  const { calls } = await control.listCalls({});
  expect(calls.map(({ error }) => [error?.code, error?.explanation?.error])).toEqual([
    ["not_found", "runnerNotFound"],
    ["unavailable", "injectedFault"],
  ]);
});

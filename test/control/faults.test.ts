/** Ordered failures: which calls meet them, and what becomes of those. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { systemTime } from "../../src/clock.ts";
import { EventService, ResourceOperation, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { FaultSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { ExplanationSchema } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { configurationOf, idsOf, kinds, signedUp } from "../support/configuration.ts";
import { test } from "../support/control.ts";
import { failureOf, openMock, type TestMock } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import { asRunner, codeOf, register, stands } from "../support/registrations.ts";

type FaultInit = MessageInitShape<typeof FaultSchema>;

const unavailable: FaultInit["effect"] = {
  case: "error",
  value: { code: "unavailable", message: "not now" },
};
const list = (mock: TestMock) => codeOf(mock.runner.listRunners({}));
const many = async (mock: TestMock, count: number) => {
  const codes: string[] = [];
  for (let i = 0; i < count; i++) codes.push(await list(mock));
  return codes;
};

describe("a fault meets", () => {
  test("every call, until it is removed", async ({ mock, control }) => {
    const { fault } = await control.injectFault({ fault: { effect: unavailable } });
    expect(await many(mock, 3)).toEqual(["unavailable", "unavailable", "unavailable"]);
    expect((await control.listFaults({})).faults).toMatchObject([
      { faultId: fault?.faultId, seen: 3, fired: 3 },
    ]);
    await control.removeFault({ faultId: fault?.faultId ?? "" });
    expect(await list(mock)).toBe("ok");
  });

  test.for([
    ["as often as it is told", { count: 2 }, ["unavailable", "unavailable", "ok", "ok"]],
    ["from the nth call on", { nth: 3 }, ["ok", "ok", "unavailable", "unavailable"]],
    ["the nth call alone", { nth: 2, count: 1 }, ["ok", "unavailable", "ok", "ok"]],
    ["calls of its RPC", { rpc: "ListRunners", count: 1 }, ["unavailable", "ok", "ok", "ok"]],
    [
      "calls of its RPC in full",
      { rpc: "gitpod.v1.RunnerService/ListRunners", count: 1 },
      ["unavailable", "ok", "ok", "ok"],
    ],
    ["no calls of another RPC", { rpc: "GetRunner" }, ["ok", "ok", "ok", "ok"]],
  ] as const)("%s", async ([, match, codes], { mock }) => {
    await mock.faults.inject({ match, effect: unavailable });
    expect(await many(mock, 4)).toEqual(codes);
  });

  test("calls about its runner, and by its runner", async ({ mock }) => {
    const [one, other] = [await register(mock), await register(mock)];
    await mock.faults.inject({ match: { runnerId: one.runnerId.toUpperCase() }, effect: unavailable });
    expect(await codeOf(mock.runner.getRunner({ runnerId: other.runnerId }))).toBe("ok");
    expect(await codeOf(mock.runner.getRunner({ runnerId: one.runnerId }))).toBe("unavailable");
    expect(await codeOf(asRunner(mock, one.accessToken).runner.listRunners({}))).toBe("unavailable");
    expect(await codeOf(asRunner(mock, other.accessToken).runner.listRunners({}))).toBe("ok");
  });

  test("calls of its caller", async ({ mock }) => {
    const { runnerId, accessToken } = await register(mock);
    await mock.faults.inject({ match: { callerId: runnerId }, effect: unavailable });
    expect(await list(mock)).toBe("ok");
    expect(await codeOf(asRunner(mock, accessToken).runner.listRunners({}))).toBe("unavailable");
  });

  test("calls by chance, the same ones for the same seed", async ({ start }) => {
    const run = async (seed: number) => {
      const mock = await start();
      await mock.faults.inject({ match: { probability: 0.5, seed }, effect: unavailable });
      return many(mock, 30);
    };
    const [first, again, other] = [await run(7), await run(7), await run(8)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first)).toEqual(new Set(["ok", "unavailable"]));
  });

  test("no call in another world", async ({ mock }) => {
    await mock.faults.inject({ effect: unavailable });
    expect(await codeOf(mock.client(RunnerService, { path: "/w/other" }).listRunners({}))).toBe("ok");
  });

  test("what the first of several that fire decides", async ({ mock }) => {
    await mock.faults.inject({ match: { count: 1 }, effect: { case: "error", value: { code: "aborted" } } });
    await mock.faults.inject({ effect: unavailable });
    expect(await many(mock, 2)).toEqual(["aborted", "unavailable"]);
    await mock.faults.clear();
    expect(await list(mock)).toBe("ok");
  });
});

describe("an injected error", () => {
  test.for([
    ["Connect", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
    ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
    ["gRPC-Web", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "2" })],
  ] as const)(
    "has its code, text, details and headers, and says what it is: %s",
    async ([, transport], { mock }) => {
      const headers = { "retry-after": "3", "ratelimit-retryafter": "4", "x-should-retry": "true" };
      const retryDelay = durationFromMs(1_500);
      const value = { code: "resource_exhausted", message: "slow down", headers, retryDelay };
      const { faultId } = await mock.faults.inject({ effect: { case: "error", value } });
      const error = await mock
        .client(RunnerService, { transport })
        .listRunners({})
        .catch((reason) => ConnectError.from(reason));
      if (!(error instanceof ConnectError)) throw new Error("it did not fail");
      expect([error.code, error.rawMessage]).toEqual([Code.ResourceExhausted, "slow down"]);
      for (const [name, text] of Object.entries(headers)) expect(error.metadata.get(name)).toBe(text);
      expect(error.metadata.get("runner-mock-fault")).toBe(faultId);
      expect(error.findDetails(ExplanationSchema)).toMatchObject([{ error: "injectedFault", blame: 4 }]);
      const retryInfo = error.details.find(
        (detail) => "type" in detail && detail.type === "google.rpc.RetryInfo",
      );
      // google.rpc.RetryInfo { retry_delay: 1.5 s }
      expect(
        retryInfo && "value" in retryInfo && Buffer.from(retryInfo.value as Uint8Array).toString("hex"),
      ).toBe("0a0808011080cab5ee01");
    },
  );

  test("renews a lease all the same: the call shows the runner alive", async ({ mock }) => {
    const { runnerId, accessToken } = await register(mock);
    await mock.clock.advance("29s");
    await mock.faults.inject({ match: { count: 1 }, effect: unavailable });
    expect(await codeOf(asRunner(mock, accessToken).runner.listRunners({}))).toBe("unavailable");
    await mock.clock.advance("29s");
    expect(await stands(mock, runnerId)).toBe(true);
  });
});

test("an empty reply is success, and nothing is done", async ({ mock }) => {
  await mock.faults.inject({
    match: { rpc: "CreateRunner", count: 1 },
    effect: { case: "emptyReply", value: {} },
  });
  const answer = await fetch(mock.url + rpc.createRunner, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "Nobody", provider: "RUNNER_PROVIDER_AWS_EC2" }),
  });
  expect([answer.status, await answer.json(), answer.headers.get("runner-mock-fault")]).toEqual([
    200,
    {},
    "fault-1",
  ]);
  expect((await mock.runner.listRunners({})).runners).toEqual([]);
});

test.for([
  ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
] as const)("an empty reply is success over %s, too", async ([, transport], { mock }) => {
  const runner = mock.client(RunnerService, { transport });
  await register({ runner });
  await mock.faults.inject({ match: { rpc: "ListRunners" }, effect: { case: "emptyReply", value: {} } });
  expect((await runner.listRunners({})).runners).toEqual([]);
});

test("a miss hides what was written just before, and only that", async ({ mock }) => {
  const old = await register(mock);
  await mock.clock.advance("5s");
  const { runnerId } = await register(mock);
  await mock.faults.inject({ effect: { case: "miss", value: { within: durationFromMs(2_000) } } });
  expect(await failureOf(mock.runner.getRunner({ runnerId }))).toBe("not_found: runner not found");
  expect((await mock.runner.listRunners({})).runners.map(({ runnerId: id }) => id)).toEqual([old.runnerId]);
  await mock.clock.advance("2s");
  expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("ok");
});

test.for(kinds)(
  "a miss hides %s that was written just before, but not from who writes",
  async ([, kind], { mock }) => {
    const client = configurationOf(mock);
    const { runnerId } = await signedUp(mock);
    const old = await kind.create(client, runnerId, 1);
    await mock.clock.advance("5s");
    await mock.faults.inject({ effect: { case: "miss", value: { within: durationFromMs(2_000) } } });
    const id = await kind.create(client, runnerId, 2);
    expect(await failureOf(kind.get(client, id))).toBe(kind.notFound);
    expect(await idsOf(kind, client)).toEqual([old]);
    await mock.clock.advance("2s");
    expect(await idsOf(kind, client)).toEqual([old, id]);
    await kind.update(client, old);
    expect(await failureOf(kind.get(client, old))).toBe(kind.notFound);
  },
);

test("a page cap makes pages smaller than asked, and loses nothing", async ({ mock }) => {
  for (let i = 0; i < 5; i++) await register(mock);
  await mock.faults.inject({ effect: { case: "pageCap", value: { size: 2 } } });
  const sizes: number[] = [];
  for (let token: string | undefined = ""; token !== undefined; ) {
    const page = await mock.runner.listRunners({ pagination: { pageSize: 100, token } });
    sizes.push(page.runners.length);
    token = page.pagination?.nextToken || undefined;
  }
  expect(sizes).toEqual([2, 2, 1]);
});

test("a repeated page token leads to the same page again", async ({ mock }) => {
  for (let i = 0; i < 5; i++) await register(mock);
  await mock.faults.inject({ effect: { case: "repeatedPageToken", value: {} } });
  const first = await mock.runner.listRunners({ pagination: { pageSize: 2 } });
  const token = first.pagination?.nextToken ?? "";
  const second = await mock.runner.listRunners({ pagination: { pageSize: 2, token } });
  expect([token === "", second.pagination?.nextToken]).toEqual([false, token]);
});

describe("a stream", () => {
  const watching = (mock: TestMock) => mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();

  test("is cut after so many messages, with an error", async ({ mock }) => {
    const error = { code: "unavailable", message: "cut" };
    await mock.faults.inject({
      match: { rpc: "WatchEvents", count: 1 },
      effect: { case: "cutStream", value: { after: 1, error } },
    });
    const events = watching(mock);
    const first = events.next();
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    await register(mock);
    expect((await first).value?.operation).toBe(ResourceOperation.CREATE);
    expect(await failureOf(events.next())).toBe("unavailable: cut");
  });

  test("is cut at once", async ({ mock }) => {
    const error = { code: "internal", message: "broken" };
    await mock.faults.inject({ match: { count: 1 }, effect: { case: "cutStream", value: { error } } });
    expect(await failureOf(watching(mock).next())).toBe("internal: broken");
    mock.log.length = 0; // It was ordered, and so is no bug.
  });

  test("is held open in silence after so many messages", async ({ mock }) => {
    await mock.faults.inject({ effect: { case: "cutStream", value: { after: 1 } } });
    const events = watching(mock);
    const first = events.next();
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    await register(mock);
    await first;
    const second = events.next();
    await register(mock);
    expect(mock.calls.list({ rpc: "WatchEvents" })).toMatchObject([{ messages: 1 }]);
    await mock.close();
    expect(await failureOf(second)).toMatch(/^unavailable: /);
  });

  test("is fed a message by hand, if it is open", async ({ mock, control }) => {
    const { runnerId, accessToken } = await register(mock);
    const events = watching(mock);
    const first = events.next();
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    const event = {
      operation: ResourceOperation.DELETE,
      resourceType: ResourceType.ENVIRONMENT,
      resourceId: "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b",
    };
    const effect = { case: "feedStream" as const, value: { event } };
    const { fault } = await control.injectFault({ fault: { effect } });
    expect(fault?.fired).toBe(1);
    expect((await first).value).toMatchObject(event);
    expect(await mock.faults.list()).toEqual([]);
    expect((await mock.faults.inject({ match: { callerId: runnerId }, effect })).fired).toBe(0);
    expect(accessToken).not.toBe("");
  });
});

test("a reset breaks the connection off without an answer, and does no harm to the next", async ({
  mock,
}) => {
  await mock.faults.inject({ match: { count: 1 }, effect: { case: "reset", value: {} } });
  await expect(post(mock.url + rpc.listRunners, {})).rejects.toThrow("fetch failed");
  expect((await post(mock.url + rpc.listRunners, {})).status).toBe(200);
});

test("a redirect sends the client elsewhere with its method and body", async ({ mock }) => {
  const location = `/w/elsewhere${rpc.createRunner}`;
  await mock.faults.inject({ match: { count: 1 }, effect: { case: "redirect", value: { location } } });
  const body = JSON.stringify({ name: "Sent away", provider: "RUNNER_PROVIDER_AWS_EC2" });
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  const answer = await fetch(mock.url + rpc.createRunner, { ...init, redirect: "manual" });
  expect([answer.status, answer.headers.get("location"), answer.headers.get("runner-mock-fault")]).toEqual([
    308,
    location,
    "fault-1",
  ]);
  await mock.faults.inject({
    match: { rpc: "CreateRunner", count: 1 },
    effect: { case: "redirect", value: { location } },
  });
  expect((await fetch(mock.url + rpc.createRunner, init)).status).toBe(200);
  const elsewhere = mock.client(RunnerService, { path: "/w/elsewhere" });
  expect((await elsewhere.listRunners({})).runners.map(({ name }) => name)).toEqual(["Sent away"]);
});

test("a delay takes the machine's time, and the caller's deadline holds", async () => {
  const mock = await openMock({}, systemTime);
  await mock.faults.inject({ delay: durationFromMs(50) });
  const begunAt = performance.now();
  await mock.runner.listRunners({});
  expect(performance.now() - begunAt).toBeGreaterThanOrEqual(49);
  await mock.faults.clear();
  // A month is more than one timer of the machine can wait.
  for (const delayMs of [60_000, 31 * 86_400_000]) {
    await mock.faults.inject({ delay: durationFromMs(delayMs), match: { count: 1 } });
    expect(await codeOf(mock.runner.listRunners({}, { timeoutMs: 30 }))).toBe("deadline_exceeded");
  }
  await mock.close();
});

test.for([
  ["Connect", createConnectTransport],
  ["gRPC", createGrpcTransport],
] as const)("a call that is delayed over %s is answered when the server stops", async ([, transport]) => {
  const mock = await openMock();
  const { faultId } = await mock.faults.inject({
    delay: durationFromMs(60_000),
    match: { rpc: "CreateRunner" },
  });
  const runner = mock.client(RunnerService, {
    transport: (baseUrl) => transport({ baseUrl, httpVersion: "2" }),
  });
  const call = runner.createRunner({ name: "In the end", provider: RunnerProvider.AWS_EC2 });
  await expect
    .poll(async () => (await mock.faults.list()).find((fault) => fault.faultId === faultId)?.fired)
    .toBe(1);
  await mock.close();
  expect((await call).runner?.name).toBe("In the end");
});

function withHeader(name: string, value: string): FaultInit {
  return { effect: { case: "error", value: { code: "unavailable", headers: { [name]: value } } } };
}

describe("is refused:", () => {
  test.for<[string, FaultInit, RegExp]>([
    ["a code that is none", { effect: { case: "error", value: { code: "teapot" } } }, /"teapot" is no code/],
    [
      "an RPC that there is not",
      { match: { rpc: "CreateRunne" }, effect: unavailable },
      /there is no RPC "CreateRunne"/,
    ],
    ["a fault that does nothing", { match: { rpc: "CreateRunner" } }, /neither an effect nor a delay/],
    ["no code", { effect: { case: "error", value: {} } }, /fault\.error\.code/],
    [
      "a header that is the connection's",
      withHeader("Transfer-Encoding", "chunked"),
      /belongs to the connection/,
    ],
    ["a header's name that is none", withHeader("x y", "1"), /"x y" is no name of a header/],
    ["a header's value that is none", withHeader("x-why", "a\nb"), /the header x-why cannot be "a\\nb"/],
    [
      "a header of what cuts a stream that is none",
      { effect: { case: "cutStream", value: { error: { code: "unavailable", headers: { "": "1" } } } } },
      /"" is no name of a header/,
    ],
    [
      "a location that is none",
      { effect: { case: "redirect", value: { location: "/\r\n" } } },
      /the header location cannot be/,
    ],
    [
      "a chance of nothing",
      { match: { probability: 0 }, effect: unavailable },
      /probability 0 is not above 0/,
    ],
    ["a chance beyond certainty", { match: { probability: 2 }, effect: unavailable }, /probability 2 is not/],
    ["a negative count", { match: { count: -1 }, effect: unavailable }, /fault\.match\.count/],
    [
      "a delay into the past",
      { delay: durationFromMs(-1) },
      /fault\.delay: must be greater than or equal to 0s/,
    ],
    [
      "a miss of nothing",
      { effect: { case: "miss", value: {} } },
      /fault\.miss: one of within and ids is required/,
    ],
    [
      "JSON that is written as ever",
      { effect: { case: "varyJson", value: { seed: 1 } } },
      /fault\.vary_json: one of defaults and layout is required/,
    ],
    [
      "a newer schema that is the same",
      { effect: { case: "newerSchema", value: {} } },
      /fault\.newer_schema: one of fields and enum_values is required/,
    ],
    [
      "events of nothing repeated",
      { effect: { case: "repeatEvents", value: {} } },
      /fault\.repeat_events\.last/,
    ],
    ["pages of nothing", { effect: { case: "pageCap", value: {} } }, /fault\.page_cap\.size/],
  ])("%s", async ([, fault, text], { mock, control }) => {
    const failure = await failureOf(control.injectFault({ fault }));
    expect(failure).toMatch(/^invalid_argument: /);
    expect(failure).toMatch(text);
    expect(await mock.faults.list()).toEqual([]);
  });

  test("to remove a fault that is not there", async ({ control }) => {
    expect(await failureOf(control.removeFault({ faultId: "fault-9" }))).toBe(
      'not_found: there is no fault "fault-9"',
    );
  });
});

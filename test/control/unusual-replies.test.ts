/** Faults that answer as the API may, and seldom does: other JSON, a newer schema, slow and repeated streams. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { EventService, type WatchEventsResponse } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { FaultSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { ManualTime } from "../support/manual-time.ts";
import { failureOf, openMock, type StartMock, type TestMock, test } from "../support/mock.ts";
import { rpc } from "../support/post.ts";
import { register } from "../support/registrations.ts";
import { eventsOf, textOf, watching } from "../support/watching.ts";

type Effect = NonNullable<MessageInitShape<typeof FaultSchema>["effect"]>;

const layout = (seed: number): Effect => ({ case: "varyJson", value: { layout: true, seed } });
const defaults: Effect = { case: "varyJson", value: { defaults: true } };
const newer: Effect = { case: "newerSchema", value: { fields: true, enumValues: true } };

/** The ways that a unary call's JSON can take to the wire. */
const ways = [
  ["the short way", {}, {}],
  ["Connect's handlers", { lean: "off" }, {}],
  ["Connect's handlers, compressed", { lean: "off" }, { "accept-encoding": "gzip" }],
  ["the short way, compressed", {}, { "accept-encoding": "gzip" }],
] as const;

async function listed(mock: TestMock, headers: Record<string, string>): Promise<string> {
  const response = await fetch(mock.url + rpc.listRunners, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });
  expect(response.headers.get("runner-mock-fault") ?? "none").toMatch(/^(fault-1|none)$/);
  return response.text();
}

/** A mock with so many runners that its list is worth compressing. */
async function withRunners(start: StartMock, options: Parameters<StartMock>[0]): Promise<TestMock> {
  const mock = await start(options);
  for (let i = 0; i < 5; i++) await register(mock);
  return mock;
}

describe.for(ways)("JSON by %s", ([, options, headers]) => {
  test("is laid out in another way that means the same, the same one for the same seed", async ({
    start,
  }) => {
    const mock = await withRunners(start, options);
    const plain = await listed(mock, headers);
    const texts: string[] = [];
    for (const seed of [1, 1, 2]) {
      await mock.faults.clear();
      await mock.faults.inject({ effect: layout(seed), match: { rpc: "ListRunners" } });
      texts.push(await (await fetchList(mock, headers)).text());
    }
    const [first, again, other] = texts;
    expect(again).toBe(first);
    expect(new Set([plain, first, other]).size).toBe(3);
    for (const text of texts) expect(JSON.parse(text)).toEqual(JSON.parse(plain));
    expect(Object.keys(JSON.parse(first ?? "").runners[0])).not.toEqual(
      Object.keys(JSON.parse(plain).runners[0]),
    );
    expect(first).toMatch(/[\n\t]/);
  });

  test("has default values written out, and still means the same", async ({ start }) => {
    const mock = await withRunners(start, options);
    const plain = JSON.parse(await listed(mock, headers));
    await mock.faults.inject({ effect: defaults });
    const full = JSON.parse(await listed(mock, headers));
    expect(full).toMatchObject(plain);
    expect(plain.pagination).toEqual({});
    expect(full.pagination).toEqual({ nextToken: "" });
    expect(full.runners[0].status).toMatchObject({ message: "", region: "", capabilities: [] });
  });

  test("has fields and enum names that this schema does not know", async ({ start }) => {
    const mock = await withRunners(start, options);
    await mock.faults.inject({ effect: newer });
    const { runners, addedLater } = JSON.parse(await listed(mock, headers));
    expect(addedLater).toBe("added later");
    expect(runners[0]).toMatchObject({
      addedLater: "added later",
      provider: "RUNNER_PROVIDER_AWS_EC2",
      status: { phase: "RUNNER_PHASE_ADDED_LATER", addedLater: "added later" },
    });
  });
});

const fetchList = (mock: TestMock, headers: Record<string, string>) =>
  fetch(mock.url + rpc.listRunners, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: "{}",
  });

describe("a reply of a newer schema", () => {
  test.for([
    ["Connect's binary", (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
    ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ] as const)(
    "has unknown fields and values in %s, and nothing else is other",
    async ([, transport], { mock }) => {
      const { runnerId } = await register(mock);
      const client = mock.client(RunnerService, { transport });
      const { runner: before } = await client.getRunner({ runnerId });
      await mock.faults.inject({ effect: newer, match: { count: 1 } });
      const { runner, $unknown } = await client.getRunner({ runnerId });
      expect($unknown).toHaveLength(1);
      expect(runner?.$unknown).toHaveLength(1);
      expect(runner?.status?.phase).toBe(1_000);
      expect(runner?.createdAt).toEqual(before?.createdAt);
      expect({ ...runner, status: undefined, $unknown: undefined }).toEqual({
        ...before,
        status: undefined,
        $unknown: undefined,
        creator: runner?.creator,
        spec: runner?.spec,
      });
      // What is kept of the runner is as it was.
      expect((await client.getRunner({ runnerId })).runner).toEqual(before);
    },
  );
});

describe("a stream", () => {
  test("is slow: each message is held back, and those behind it", async () => {
    const time = new ManualTime();
    const mock = await openMock({}, time);
    await mock.faults.inject({ effect: { case: "slowStream", value: { gap: durationFromMs(100) } } });
    const watch = await watching(eventsOf(mock));
    for (let i = 0; i < 3; i++) await register(mock);
    const heard = async () => {
      await expect.poll(() => time.waiting).toBeGreaterThan(0);
      const { length } = watch.heard;
      return length;
    };
    expect(await heard()).toBe(0);
    await time.pass(100);
    await watch.next(1);
    expect(await heard()).toBe(1);
    await time.pass(100);
    await watch.next(1);
    await time.pass(100);
    await watch.next(1);
    await watch.end();
    await mock.close();
  });

  test("is late with one in so many messages", async () => {
    const time = new ManualTime();
    const mock = await openMock({}, time);
    await mock.faults.inject({
      effect: { case: "slowStream", value: { gap: durationFromMs(100), every: 3 } },
    });
    const watch = await watching(eventsOf(mock));
    for (let i = 0; i < 4; i++) await register(mock);
    await expect.poll(() => time.delaysMs.filter((ms) => ms === 100)).toHaveLength(1);
    await time.pass(100);
    await watch.next(3);
    await expect.poll(() => time.delaysMs.filter((ms) => ms === 100)).toHaveLength(2);
    expect(watch.heard).toHaveLength(3);
    await watch.end();
    await mock.close();
  });

  test("begins with the newest of what was before, in order, as its filters have it", async ({ mock }) => {
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push((await register(mock)).runnerId);
    await mock.faults.inject({ effect: { case: "repeatEvents", value: { last: 2 } } });
    const watch = await watching(eventsOf(mock));
    expect(await watch.next(2)).toEqual(ids.slice(2).map((id) => `CREATE RUNNER ${id}`));
    expect(await watch.untilNow(mock)).toEqual([]);
    await watch.end();
    const resourceTypeFilters = [{ resourceType: 2, resourceIds: ids.slice(0, 1) }];
    const filtered = await watching(eventsOf(mock), {
      scope: { case: "organization", value: true },
      resourceTypeFilters,
    });
    expect(await filtered.next(1)).toEqual([`CREATE RUNNER ${ids[0]}`]);
    await filtered.end();
  });

  test("has an event with an operation that nobody knows behind the first, and none in its place", async ({
    mock,
  }) => {
    await mock.faults.inject({ effect: { case: "newerSchema", value: { enumValues: true } } });
    const watch = mock
      .client(EventService, {
        transport: (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
      })
      .watchEvents({})
      [Symbol.asyncIterator]();
    const first = watch.next();
    await mock.calls.waitFor({ rpc: "WatchEvents" });
    const { runnerId } = await register(mock);
    await register(mock);
    const events = [
      (await first).value,
      (await watch.next()).value,
      (await watch.next()).value,
    ] as WatchEventsResponse[];
    expect(events.map(({ operation }) => operation)).toEqual([1, 1_000, 1]);
    expect(
      events
        .slice(0, 2)
        .map(textOf)
        .map((text) => text.endsWith(runnerId)),
    ).toEqual([true, true]);
    await watch.return?.();
  });

  test.for(["application/jsonl", "application/connect+json"])(
    "of %s can be written in another way, too",
    async (type, { mock }) => {
      await mock.faults.inject({ effect: layout(3), match: { rpc: "WatchEvents" } });
      await mock.faults.inject({ effect: newer, match: { rpc: "GetRunner" } });
      const envelope = Buffer.from([0, 0, 0, 0, 2, ...Buffer.from("{}")]);
      const abort = new AbortController();
      const response = await fetch(`${mock.url}/gitpod.v1.EventService/WatchEvents`, {
        method: "POST",
        headers: { "content-type": type, accept: type },
        body: type.endsWith("jsonl") ? "{}" : envelope,
        signal: abort.signal,
      });
      await register(mock);
      const chunks = response.body?.getReader();
      const { value } = (await chunks?.read()) ?? {};
      const text = Buffer.from(value ?? [])
        .toString()
        .slice(type.endsWith("jsonl") ? 0 : 5);
      expect(JSON.parse(text)).toMatchObject({ operation: "RESOURCE_OPERATION_CREATE" });
      expect(text).not.toMatch(/^\{"operation":"RESOURCE_OPERATION_CREATE","resourceType":/);
      if (type.endsWith("jsonl")) expect(text.trimEnd()).not.toContain("\n");
      abort.abort();
    },
  );
});

test("a miss can be told which, however old they are", async ({ mock }) => {
  const [one, other] = [await register(mock), await register(mock)];
  await mock.faults.inject({ effect: { case: "miss", value: { ids: [one.runnerId.toUpperCase()] } } });
  await mock.clock.advance("20s");
  expect(await failureOf(mock.runner.getRunner({ runnerId: one.runnerId }))).toBe(
    "not_found: runner not found",
  );
  expect((await mock.runner.listRunners({})).runners.map(({ runnerId }) => runnerId)).toEqual([
    other.runnerId,
  ]);
});

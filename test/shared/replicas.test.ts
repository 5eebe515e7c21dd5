/** Several replicas on one store: what is done at one holds at all. */

import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { EventService, ResourceOperation } from "../../src/gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { ControlService } from "../../src/gen/runnermock/v1/control_pb.ts";
import { connectJson, failureOf, type TestMock } from "../support/mock.ts";
import { redisProgram } from "../support/redis-server.ts";
import { test } from "../support/replicas.ts";

const aws = { name: "My Runner", provider: 1 };
const control = ({ controlUrl = "" }: TestMock) => createClient(ControlService, connectJson(controlUrl));

describe.skipIf(redisProgram === undefined)("of several replicas", () => {
  test("each finds what was registered at another, and a token works at any, once", async ({ shared }) => {
    const [one, two, three] = (await shared.replicas(3)) as [TestMock, TestMock, TestMock];
    const { runner, exchangeToken } = await one.runner.createRunner(aws);
    const runnerId = runner?.runnerId ?? "";
    expect((await two.runner.getRunner({ runnerId })).runner?.name).toBe("My Runner");
    const { accessToken } = await three.identity.exchangeToken({ exchangeToken });
    expect(await failureOf(one.identity.exchangeToken({ exchangeToken }))).toMatch(/^unauthenticated/);
    const { IdentityService } = await import("../../src/gen/gitpod/v1/identity_pb.ts");
    await two.client(IdentityService, { bearer: accessToken }).getAuthenticatedIdentity({});
    expect((await one.runner.getRunner({ runnerId })).runner?.status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  test("all are in the time to which one is moved, also frozen and resumed", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const { runner } = await one.runner.createRunner(aws);
    const runnerId = runner?.runnerId ?? "";
    await control(two).freezeClock({});
    await control(two).advanceClock({ by: durationFromMs(25_000) });
    expect(await failureOf(one.runner.getRunner({ runnerId }))).toBe("ok");
    await control(two).advanceClock({ by: durationFromMs(5_000) });
    expect(await failureOf(one.runner.getRunner({ runnerId }))).toBe("not_found: runner not found");
    const [here, there] = await Promise.all([one, two].map((mock) => control(mock).getClock({})));
    expect(here?.clock).toEqual(there?.clock);
    await one.clock.resume();
    expect((await control(two).getClock({})).clock?.frozen).toBe(false);
  });

  test("a watcher at one hears all that happens at another, in order, and each lapse once", async ({
    shared,
  }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const watchers = [one, two].map((mock) => {
      const heard: string[] = [];
      const done = new AbortController();
      const stream = mock.client(EventService).watchEvents({}, { signal: done.signal });
      const ended = (async () => {
        for await (const { operation, resourceId } of stream)
          heard.push(`${ResourceOperation[operation]} ${resourceId}`);
      })().catch(() => {});
      const stop = () => {
        done.abort();
        return ended;
      };
      return { heard, stop };
    });
    await expect.poll(async () => (await watchersOf(one)) + (await watchersOf(two))).toBe(2);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) {
      const mock = i % 2 ? one : two;
      ids.push((await mock.runner.createRunner(aws)).runner?.runnerId ?? "");
    }
    await two.clock.advance("31s");
    const expected = [...ids.map((id) => `CREATE ${id}`), ...ids.map((id) => `DELETE ${id}`)];
    for (const { heard } of watchers)
      await expect.poll(() => [...heard].sort()).toEqual([...expected].sort());
    expect(watchers[0]?.heard).toEqual(watchers[1]?.heard);
    await Promise.all(watchers.map(({ stop }) => stop()));
  });

  test("a registration lapses in time for the watcher of one that did not make it", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2, { lease: "300ms" })) as [TestMock, TestMock];
    const done = new AbortController();
    const stream = two.client(EventService).watchEvents({}, { signal: done.signal })[Symbol.asyncIterator]();
    const first = stream.next();
    await expect.poll(() => watchersOf(two)).toBe(1);
    const { runner } = await one.runner.createRunner(aws);
    await one.close();
    expect([(await first).value, (await stream.next()).value]).toMatchObject([
      { operation: ResourceOperation.CREATE, resourceId: runner?.runnerId },
      { operation: ResourceOperation.DELETE, resourceId: runner?.runnerId },
    ]);
    done.abort();
  });

  test("all are unkind once one has been told to, and kind again", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    await one.adversity.start({ seed: 1, level: 1, kinds: ["rate-limits"] });
    expect(await failureOf(two.runner.listRunners({}))).toMatch(/^resource_exhausted/);
    expect(two.adversity.settings).toMatchObject({ seed: 1, kinds: ["rate-limits"] });
    await two.adversity.stop();
    expect(await failureOf(one.runner.createRunner(aws))).toBe("ok");
    expect(one.adversity.settings).toBeUndefined();
  });

  test("faults and their counters are shared", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const match = { rpc: "ListRunners", nth: 2, count: 3 };
    await one.faults.inject({ match, effect: { case: "error", value: { code: "unavailable" } } });
    const outcomes = [];
    for (let i = 0; i < 6; i++) outcomes.push(await failureOf((i % 2 ? one : two).runner.listRunners({})));
    const failed = "unavailable: injected by fault-1";
    expect(outcomes).toEqual(["ok", failed, failed, failed, "ok", "ok"]);
    expect((await control(two).listFaults({})).faults).toEqual([]);
  });

  test("what is configured, loaded and made at one is there at the others", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    await one.state.load({ gateways: [{ name: "mine", url: "https://gateway.example.com" }] }, { add: true });
    const { gateways } = await two.client(GatewayService).listGateways({});
    expect(gateways.map(({ name }) => name)).toContain("mine");
    await control(one).createWorld({ world: "lenient", profile: "permissive" });
    const { runner } = await two.client(RunnerService, { path: "/w/lenient" }).getRunner({ runnerId: "?" });
    expect(runner?.runnerId).toBe("?");
    expect((await control(two).listWorlds({})).worlds.map(({ name }) => name)).toEqual([
      "default",
      "lenient",
    ]);
    await control(two).deleteWorld({ world: "lenient" });
    expect(await failureOf(control(one).getClock({ world: "lenient" }))).toMatch(/^not_found/);
  });

  test("a world that is reset at one is fresh at all, its watchers are told, and nothing of it is left", async ({
    shared,
  }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const before = await shared.server.keys();
    for (let i = 0; i < 20; i++) await one.runner.createRunner(aws);
    const stream = two.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const ended = failureOf(stream.next());
    await expect.poll(() => watchersOf(two)).toBe(1);
    await control(one).reset({});
    expect(await ended).toBe("unavailable: the world was reset or deleted");
    expect((await two.runner.listRunners({})).runners).toEqual([]);
    expect((await shared.server.keys()).length).toBe(before.length);
  });

  test("a world that nobody uses for long goes, with all that is in it; the default one stays", async ({
    shared,
  }) => {
    const options = { worldIdle: "500ms", maxWorlds: 2 };
    const [one, two] = (await shared.replicas(2, options)) as [TestMock, TestMock];
    const before = await shared.server.keys();
    const idle = one.client(RunnerService, { path: "/w/idle" });
    await idle.createRunner(aws);
    expect(await failureOf(two.client(RunnerService, { path: "/w/third" }).listRunners({}))).toMatch(
      /^resource_exhausted/,
    );
    await expect
      .poll(async () => (await control(two).listWorlds({})).worlds.map(({ name }) => name), {
        timeout: 10_000,
      })
      .toEqual(["default"]);
    expect(await shared.server.keys()).toEqual(before);
    expect((await idle.listRunners({})).runners).toEqual([]);
  });

  test("the audit log is one, also of what lapsed where nobody watched", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const { runner } = await one.runner.createRunner(aws);
    await two.clock.advance("31s");
    const logs = await Promise.all(
      [one, two].map((mock) => mock.client(EventService).listAuditLogs({ pagination: { pageSize: 100 } })),
    );
    expect(logs[0]?.entries).toEqual(logs[1]?.entries);
    expect(logs[0]?.entries).toMatchObject([
      { action: "delete", subjectId: runner?.runnerId },
      { action: "create", subjectId: runner?.runnerId },
    ]);
  });

  test("of two who make, load or reset a world at once both get a whole one", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const made = await Promise.all(
      [one, two].map((mock) => failureOf(control(mock).createWorld({ world: "made" }))),
    );
    expect(made.sort()).toEqual(['already_exists: there is a world "made" already', "ok"]);
    const [first, other] = [one, two].map((mock) => mock.client(RunnerService, { path: "/w/at-once" }));
    await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? first : other)?.createRunner(aws)),
    );
    expect((await first?.listRunners({}))?.runners).toHaveLength(10);
    await Promise.all([control(one).reset({ world: "at-once" }), control(two).reset({ world: "at-once" })]);
    expect((await other?.listRunners({}))?.runners).toEqual([]);
    await first?.createRunner(aws);
    expect((await other?.listRunners({}))?.runners).toHaveLength(1);
  });

  test("an ID token that one issues is verified with the key that another publishes", async ({ shared }) => {
    const [one, two] = (await shared.replicas(2)) as [TestMock, TestMock];
    const keys = await Promise.all(
      [one, two].map(async ({ url }) => (await fetch(`${url}/.well-known/jwks.json`)).json()),
    );
    expect(keys[0]).toEqual(keys[1]);
    const { token } = await one.identity.getIDToken({ audience: ["somebody"] });
    const { createRemoteJWKSet, jwtVerify } = await import("jose");
    const jwks = createRemoteJWKSet(new URL(`${two.url}/.well-known/jwks.json`));
    expect((await jwtVerify(token, jwks)).payload.aud).toEqual(["somebody"]);
  });
});

/** How many watch events there, as its log of calls has it. */
async function watchersOf(mock: TestMock): Promise<number> {
  return mock.calls.list({ rpc: "WatchEvents" }).length;
}

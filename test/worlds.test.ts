/** Worlds over the wire: isolated in what they hold and in their time, found by path or header, bounded, let go. */
import { once } from "node:events";
import { connect } from "node:net";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import type { HostTime } from "../src/clock.ts";
import { Identity } from "../src/domain/identity.ts";
import { RunnerService } from "../src/gen/gitpod/v1/runner_pb.ts";
import { createGate, requestGateOf } from "../src/interceptors/gate.ts";
import { LocalWorlds } from "../src/local-worlds.ts";
import type { RunnerMockOptions } from "../src/options.ts";
import { World } from "../src/world.ts";
import { ManualTime } from "./support/manual-time.ts";
import { bugsIn, countingRandom, failureOf, openMock, type TestMock } from "./support/mock.ts";
import { anybody, worldSettings } from "./support/parts.ts";
import { post, rpc } from "./support/post.ts";
import {
  codeOf,
  idOf,
  productionRunner,
  type RunnerClient,
  register,
  stands,
} from "./support/registrations.ts";
import { test as base } from "./support/shared-mock.ts";

const hour = 3_600_000;

const test = base.extend<{ startOn: (time: HostTime, options?: RunnerMockOptions) => Promise<TestMock> }>({
  /** Starts a mock on a machine whose time the test moves. */
  startOn: async ({ task: _ }, use) => {
    const mocks: TestMock[] = [];
    await use(async (time, options) => {
      const mock = await openMock(options, time);
      mocks.push(mock);
      return mock;
    });
    for (const mock of mocks) await mock.close();
    expect(mocks.flatMap(bugsIn)).toEqual([]);
  },
});

const inWorld = (mock: TestMock, name: string): { runner: RunnerClient } => ({
  runner: mock.client(RunnerService, { path: `/w/${name}` }),
});

/** The ids of the runners of a world. */
const runnersOf = async ({ runner }: { runner: RunnerClient }) =>
  (await runner.listRunners({ pagination: { pageSize: 100 } })).runners.map(idOf);

describe("two worlds", () => {
  test("do not see each other's runners", async ({ start }) => {
    const mock = await start();
    const [a, b] = [inWorld(mock, "a"), inWorld(mock, "b")];
    const [inA, inB, inDefault] = [await register(a), await register(b), await register(mock)];
    expect(await runnersOf(a)).toEqual([inA.runnerId]);
    expect(await runnersOf(b)).toEqual([inB.runnerId]);
    expect(await runnersOf(mock)).toEqual([inDefault.runnerId]);
    expect(await stands(b, inA.runnerId)).toBe(false);
    expect(await codeOf(b.runner.deleteRunner({ runnerId: inA.runnerId }))).toBe("not_found");
    expect(await codeOf(b.runner.createRunnerToken({ runnerId: inA.runnerId }))).toBe("not_found");
    expect(await stands(a, inA.runnerId)).toBe(true);
  });

  test("make ids of their own", async ({ start }) => {
    const mock = await start();
    const ids = [];
    for (const name of ["a", "b", "c", "default"]) ids.push((await register(inWorld(mock, name))).runnerId);
    expect(new Set(ids).size).toBe(4);
  });

  test("each have their own time: to advance one does not move the other", async ({ start }) => {
    const mock = await start();
    const a = inWorld(mock, "a");
    const [here, there] = [await register(mock), await register(a)];
    await mock.clock.advance("31s");
    expect(await stands(mock, here.runnerId)).toBe(false);
    expect(await stands(a, there.runnerId)).toBe(true);
    const [later, { runner: now }] = [await register(mock), await a.runner.createRunner(productionRunner)];
    const seconds = async ({ runner }: { runner: RunnerClient }, runnerId: string) =>
      Number((await runner.getRunner({ runnerId })).runner?.createdAt?.seconds);
    expect((await seconds(mock, later.runnerId)) - (await seconds(a, idOf(now)))).toBe(31);
  });

  test("each have their own time: one that is frozen does not hold the other up", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time);
    const a = inWorld(mock, "a");
    await mock.clock.freeze();
    const [here, there] = [await register(mock), await register(a)];
    await time.pass(30_000);
    expect(await stands(mock, here.runnerId)).toBe(true);
    expect(await stands(a, there.runnerId)).toBe(false);
  });

  test("lapse by the machine's time where nobody moves theirs", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time);
    const [here, there] = [await register(mock), await register(inWorld(mock, "a"))];
    await time.pass(29_999);
    expect([await stands(mock, here.runnerId), await stands(inWorld(mock, "a"), there.runnerId)]).toEqual([
      true,
      true,
    ]);
    await time.pass(1);
    expect([await stands(mock, here.runnerId), await stands(inWorld(mock, "a"), there.runnerId)]).toEqual([
      false,
      false,
    ]);
  });
});

describe("a world is found", () => {
  test("by the path, below /w/NAME and /w/NAME/api, and by the header", async ({ shared }) => {
    const { runnerId } = await register(inWorld(shared, "found"));
    const headers = { "runner-mock-world": "found" };
    const found: [string, Record<string, string>][] = [
      [`/w/found${rpc.getRunner}`, {}],
      [`/w/found/api${rpc.getRunner}`, {}],
      [rpc.getRunner, headers],
      [`/api${rpc.getRunner}`, headers],
    ];
    for (const [path, header] of found) {
      const { status, body } = await post(shared.url + path, { runnerId }, header);
      expect([path, status, body.runner?.runnerId]).toEqual([path, 200, runnerId]);
    }
    for (const path of [rpc.getRunner, `/api${rpc.getRunner}`, `/w/default${rpc.getRunner}`]) {
      expect([path, (await post(shared.url + path, { runnerId })).status]).toEqual([path, 404]);
    }
  });

  test("by the header over gRPC, where there is no path for it", async ({ shared }) => {
    const { runnerId } = await register(inWorld(shared, "grpc"));
    const client = shared.client(RunnerService, { transport: (baseUrl) => createGrpcTransport({ baseUrl }) });
    const headers = { "runner-mock-world": "grpc" };
    expect((await client.getRunner({ runnerId }, { headers })).runner?.runnerId).toBe(runnerId);
    expect(await codeOf(client.getRunner({ runnerId }))).toBe("not_found");
  });

  test("in the path, if there is also a header: the path wins", async ({ shared }) => {
    const headers = { "runner-mock-world": "in-header" };
    const { runner: client } = inWorld(shared, "in-path");
    const { runner } = await client.createRunner(productionRunner, { headers });
    expect(await runnersOf(inWorld(shared, "in-path"))).toEqual([idOf(runner)]);
    expect(await runnersOf(inWorld(shared, "in-header"))).toEqual([]);
    // Also where what the header says is no name at all.
    const bad = { "runner-mock-world": "NO NAME" };
    expect((await post(`${shared.url}/w/in-path${rpc.listRunners}`, {}, bad)).status).toBe(200);
  });

  test("under the name default where none is given", async ({ shared }) => {
    const { runnerId } = await register(shared);
    expect(await stands(inWorld(shared, "default"), runnerId)).toBe(true);
    const headers = { "runner-mock-world": "default" };
    expect(await codeOf(shared.runner.getRunner({ runnerId }, { headers }))).toBe("ok");
  });

  test.for(["a", "0", "a.b_c-d", "0123456789.", "a".repeat(63)])(
    "under the name %s",
    async (name, { shared }) => {
      const { runnerId } = await register(inWorld(shared, name));
      const headers = { "runner-mock-world": name };
      expect(await codeOf(shared.runner.getRunner({ runnerId }, { headers }))).toBe("ok");
    },
  );

  test.for(["", "A", "a b", "-a", ".a", "_a", "a/b", "ä", "a%20b", "a".repeat(64), "..", "a,b", "a:b"])(
    "under no such name as %j",
    async (name, { shared }) => {
      const inHeader = await post(
        shared.url + rpc.listRunners,
        {},
        { "runner-mock-world": Buffer.from(name).toString("latin1") },
      );
      expect(inHeader).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
      // A slash ends the name in a path, and fetch resolves dots.
      if (name.includes("/") || name === "..") return;
      const inPath = await post(`${shared.url}/w/${encodeURIComponent(name)}${rpc.listRunners}`, {});
      expect(inPath).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
      expect(inPath.body.message).toContain("world name");
    },
  );

  test("under no name that is given twice", async ({ shared }) => {
    const headers = new Headers({ "content-type": "application/json" });
    for (const name of ["a", "b"]) headers.append("runner-mock-world", name);
    const response = await fetch(shared.url + rpc.listRunners, { method: "POST", headers, body: "{}" });
    expect(response.status).toBe(400);
  });
});

describe("the number of worlds", () => {
  test("is bounded by maxWorlds, the default one included; those that are there go on", async ({ start }) => {
    const mock = await start({ maxWorlds: 3 });
    const a = inWorld(mock, "a");
    const { runnerId } = await register(a);
    await register(inWorld(mock, "b"));
    expect(await failureOf(inWorld(mock, "c").runner.listRunners({}))).toMatch(/^resource_exhausted: .*3/);
    expect(await stands(a, runnerId)).toBe(true);
    expect(await codeOf(mock.runner.listRunners({}))).toBe("ok");
    expect(await codeOf(inWorld(mock, "c").runner.listRunners({}))).toBe("resource_exhausted");
  });

  test("is not used up by strangers", async ({ start }) => {
    const mock = await start({ maxWorlds: 2, auth: "required", token: { alice: "alice-token" } });
    for (const bearer of [undefined, "nobody", "rmock_access_nobody"]) {
      for (const world of ["one", "two", "three"]) {
        const stranger = mock.client(RunnerService, { path: `/w/${world}`, ...(bearer && { bearer }) });
        expect(await failureOf(stranger.listRunners({}))).toMatch(/^unauthenticated: /);
      }
    }
    const alice = mock.client(RunnerService, { path: "/w/alices", bearer: "alice-token" });
    expect(await failureOf(alice.listRunners({}))).toBe("ok");
  });

  test("is not used up by names that are none", async ({ start }) => {
    const mock = await start({ maxWorlds: 2 });
    for (const name of ["A", "B", "C"]) {
      expect(await codeOf(inWorld(mock, name).runner.listRunners({}))).toBe("invalid_argument");
    }
    expect(await codeOf(inWorld(mock, "a").runner.listRunners({}))).toBe("ok");
  });

  test("of 1 leaves the default one alone", async ({ start }) => {
    const mock = await start({ maxWorlds: 1 });
    expect(await codeOf(mock.runner.listRunners({}))).toBe("ok");
    expect(await codeOf(inWorld(mock, "a").runner.listRunners({}))).toBe("resource_exhausted");
  });

  test("counts no world that has been idle for long", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, { maxWorlds: 2, worldIdle: "1h" });
    await register(inWorld(mock, "a"));
    await time.pass(hour - 1);
    expect(await codeOf(inWorld(mock, "b").runner.listRunners({}))).toBe("resource_exhausted");
    await time.pass(1);
    expect(await codeOf(inWorld(mock, "b").runner.listRunners({}))).toBe("ok");
    expect(await codeOf(inWorld(mock, "a").runner.listRunners({}))).toBe("resource_exhausted");
  });
});

describe("an idle world", () => {
  /** Nothing lapses here: a runner that is gone went with its world. */
  const options = { lapse: "never", worldIdle: "1h" } as const;

  test("goes, and its name is that of a fresh one", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const a = inWorld(mock, "a");
    const { runnerId } = await register(a);
    await time.pass(hour - 1);
    expect(await stands(a, runnerId)).toBe(true);
    await time.pass(2 * hour);
    expect(await stands(a, runnerId)).toBe(false);
    expect(await runnersOf(a)).toEqual([]);
  });

  test("is idle since its last call, refused ones included", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const a = inWorld(mock, "a");
    const { runnerId } = await register(a);
    for (let i = 0; i < 5; i++) {
      await time.pass(hour - 1);
      expect(await codeOf(a.runner.getRunner({ runnerId: "runner-1" }))).toBe("invalid_argument");
    }
    expect(await stands(a, runnerId)).toBe(true);
  });

  test("is idle by the machine's time: a world whose own time leaps stays", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const a = inWorld(mock, "a");
    const [here, there] = [await register(mock), await register(a)];
    await mock.clock.advance("24h");
    await time.pass(hour - 1);
    expect(await stands(a, there.runnerId)).toBe(true);
    expect(await stands(mock, here.runnerId)).toBe(true);
  });

  test("is never the default one", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const { runnerId } = await register(mock);
    await register(inWorld(mock, "a"));
    await time.pass(100 * hour);
    await register(inWorld(mock, "b"));
    expect(await stands(mock, runnerId)).toBe(true);
    await mock.clock.advance("1s");
    expect(await stands(mock, runnerId)).toBe(true);
  });

  test("is none that has a call under way, nor one whose call has just ended", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const a = inWorld(mock, "a");
    const { runnerId } = await register(a);
    const call = await beginCall(mock, "a", { runnerId });
    // One call that is answered after that one has come in.
    await codeOf(mock.runner.listRunners({}));
    await time.pass(3 * hour);
    expect(await call.end()).toMatch(/^HTTP\/1\.1 200 /);
    // Makes the mock look for idle worlds.
    await register(inWorld(mock, "b"));
    expect(await stands(a, runnerId)).toBe(true);
    await time.pass(3 * hour);
    expect(await stands(a, runnerId)).toBe(false);
  });

  test("is one whose callers went away before they got in, too", async () => {
    const time = new ManualTime();
    const settings = await worldSettings();
    const open = (name: string) => World.open(name, settings, time, countingRandom());
    const worlds = new LocalWorlds({ open, host: time, maxWorlds: 10, idleMs: hour });
    const gate = requestGateOf(createGate(worlds, new Identity("open", [], [anybody.organization])));
    const client = new AbortController();
    const call = {
      method: RunnerService.method.listRunners,
      requestHeader: new Headers({ "runner-mock-world": "a" }),
      signal: client.signal,
      values: createContextValues(),
    };
    const entering = gate(call as unknown as HandlerContext);
    client.abort();
    await entering.catch(() => {});
    expect(await worlds.count()).toBe(1);
    await time.pass(3 * hour);
    expect(await worlds.count()).toBe(0);
    worlds.close();
  });

  test("leaves no timer behind once all are gone", async ({ startOn }) => {
    const time = new ManualTime();
    const mock = await startOn(time, options);
    const before = time.waiting;
    await codeOf(inWorld(mock, "a").runner.listRunners({}));
    await time.pass(10 * hour);
    expect(time.waiting).toBe(before);
  });

  test("may be idle for longer than the machine's timers reach", async ({ startOn }) => {
    const patient = new ManualTime();
    const other = await startOn(patient, { ...options, worldIdle: "60d" });
    const a = inWorld(other, "a");
    const { runnerId } = await register(a);
    // setTimeout fires at once when it is given more than this.
    expect(Math.max(...patient.delaysMs)).toBeLessThan(2 ** 31);
    await patient.pass(59 * 24 * hour);
    expect(await stands(a, runnerId)).toBe(true);
  });
});

/** Sends all of a GetRunner but its last byte. */
async function beginCall(mock: TestMock, world: string, request: object) {
  const { port } = new URL(mock.url);
  const socket = connect(Number(port), "127.0.0.1");
  const body = JSON.stringify(request);
  socket.write(
    [
      `POST /w/${world}${rpc.getRunner} HTTP/1.1`,
      "host: localhost",
      "content-type: application/json",
      `content-length: ${body.length}`,
      "connection: close",
      // Answered when the server has begun to handle the request.
      "expect: 100-continue",
      "\r\n",
    ].join("\r\n"),
  );
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 100 /);
  socket.write(body.slice(0, -1));
  return {
    end: async () => {
      socket.write(body.slice(-1));
      const [rest] = await once(socket, "data");
      socket.destroy();
      return String(rest);
    },
  };
}

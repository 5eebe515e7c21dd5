/** Making, resetting and removing worlds, over the wire and in process; and who may. */
import { request } from "node:http";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { CreateWorldRequestSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { controlOf, test } from "../support/control.ts";
import { failureOf, startMs, type TestMock } from "../support/mock.ts";
import { callOutcome, register, stands } from "../support/registrations.ts";

const inWorld = (mock: TestMock, name: string) => ({
  runner: mock.client(RunnerService, { path: `/w/${name}` }),
});

describe("CreateWorld", () => {
  test("makes a world with a profile and a state of its own", async ({ mock, control }) => {
    const state = { gateways: [{ name: "mine", url: "https://mine.example" }] };
    const { world } = await control.createWorld({ world: "made", profile: "observed", state });
    expect(world).toMatchObject({ name: "made", url: `${mock.url}/w/made`, callsUnderWay: 0 });
    const path = "/w/made";
    const { gateways } = await mock.client(GatewayService, { path }).listGateways({});
    expect(gateways.map(({ name }) => name)).toEqual(["mine"]);
    // As in the profile observed: the organization's own runner, and no access token.
    const runner = mock.client(RunnerService, { path });
    expect((await runner.listRunners({})).runners).toHaveLength(1);
    expect((await register({ runner })).accessToken).toBe("");
    // What the document does not say is the server's.
    expect(await failureOf(runner.parseContextURL({ contextUrl: "https://github.com/org/repo" }))).toBe("ok");
  });

  test.for<[string, MessageInitShape<typeof CreateWorldRequestSchema>, string | RegExp]>([
    ["a world that is there", { world: "default" }, 'already_exists: there is a world "default" already'],
    ["a bad name", { world: "Made" }, /^invalid_argument: invalid world name "Made"/],
    ["no name", {}, /^invalid_argument: world: /],
    [
      "an unknown profile",
      { world: "x", profile: "strict" },
      /^invalid_argument: there is no profile "strict": expected documented/,
    ],
    [
      "a state that breaks a rule",
      { world: "x", state: { scm: { hosts: [{ host: "a" }] } } },
      /^invalid_argument: state\.scm\.hosts\[0\]\.url_form: /,
    ],
  ])("refuses %s, and makes nothing", async ([, message, failure], { mock, control }) => {
    expect(await failureOf(control.createWorld(message))).toMatch(failure);
    expect(mock.worlds.list().map(({ name }) => name)).toEqual(["default"]);
  });
});

test("ListWorlds walks through the worlds in order of name", async ({ control }) => {
  for (const world of ["c", "a", "b"]) await control.createWorld({ world });
  const first = await control.listWorlds({ pagination: { pageSize: 3 } });
  expect(first.worlds.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  const token = first.pagination?.nextToken ?? "";
  const second = await control.listWorlds({ pagination: { pageSize: 3, token } });
  expect(second.worlds.map(({ name }) => name)).toEqual(["default"]);
});

describe("Reset", () => {
  test("puts a fresh world in the place of one: no runners, no tokens, the machine's time, the same profile", async ({
    mock,
    control,
  }) => {
    await control.createWorld({ world: "made", profile: "permissive" });
    const world = inWorld(mock, "made");
    const { runnerId } = await register(world);
    await mock.worlds.get("made").clock.advance("1h");
    await control.reset({ world: "made" });
    expect((await world.runner.listRunners({})).runners).toEqual([]);
    // As in the profile permissive.
    expect((await world.runner.getRunner({ runnerId })).runner?.name).toBe("");
    expect(mock.worlds.get("made").clock.nowMs()).toBe(startMs);
  });

  test("of the default world, by default; tokens of before are unknown in it", async ({ mock, control }) => {
    const { runnerId, accessToken } = await register(mock);
    await control.reset({});
    expect(await stands(mock, runnerId)).toBe(false);
    expect(await callOutcome(mock, accessToken)).toBe("unauthenticated");
    await mock.worlds.get("default").clock.advance("5s");
    expect((await control.getClock({})).clock?.now?.seconds).toBe(
      BigInt(Math.floor((startMs + 5_000) / 1_000)),
    );
  });

  test("ends what is watched in it with unavailable", async ({ mock, control }) => {
    const watch = mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const first = watch.next();
    await register(mock);
    await first;
    const next = watch.next();
    await control.reset({});
    expect(await failureOf(next)).toBe("unavailable: the world was reset or deleted");
  });

  test("leaves other worlds alone", async ({ mock, control }) => {
    const other = inWorld(mock, "other");
    const { runnerId } = await register(other);
    await control.reset({});
    expect(await stands(other, runnerId)).toBe(true);
  });
});

test("DeleteWorld removes a world; used again, the name is that of a new one", async ({ mock, control }) => {
  const other = inWorld(mock, "other");
  const { runnerId } = await register(other);
  await control.deleteWorld({ world: "other" });
  expect(await failureOf(control.getClock({ world: "other" }))).toBe('not_found: there is no world "other"');
  expect(await stands(other, runnerId)).toBe(false);
  expect(await failureOf(control.deleteWorld({ world: "default" }))).toMatch(/^invalid_argument: /);
  expect(await failureOf(control.deleteWorld({}))).toMatch(/^invalid_argument: world: /);
  expect(await failureOf(control.deleteWorld({ world: "never" }))).toBe(
    'not_found: there is no world "never"',
  );
});

test("in process worlds are made, reset and removed as well", async ({ mock }) => {
  const world = await mock.worlds.create("mine", {
    profile: "observed",
    switches: { legacyAccessToken: "filled" },
  });
  expect(world.url).toBe(`${mock.url}/w/mine`);
  const { runnerId, accessToken } = await register(inWorld(mock, "mine"));
  expect(accessToken).not.toBe("");
  await world.runners.lapse(runnerId);
  expect((await world.tokens.list(runnerId, { limit: 10 })).items).toHaveLength(2);
  await world.reset();
  expect((await world.tokens.list(undefined, { limit: 10 })).items).toEqual([]);
  expect(mock.worlds.list().map(({ name }) => name)).toEqual(["default", "mine"]);
  await mock.worlds.delete("mine");
  expect(() => mock.worlds.get("mine")).toThrow('there is no world "mine"');
});

describe("the control service", () => {
  test("asks for its token, if it has one", async ({ start }) => {
    const mock = await start({ controlPort: 0, controlToken: "open sesame" });
    expect(await failureOf(controlOf(mock).getClock({}))).toMatch(
      /^unauthenticated: the control service asks/,
    );
    expect(await failureOf(controlOf(mock, { bearer: "open" }).getClock({}))).toMatch(/^unauthenticated: /);
    expect(await failureOf(controlOf(mock, { bearer: "open sesame" }).getClock({}))).toBe("ok");
    expect(mock.log.join("\n")).not.toContain("sesame");
  });

  test("asks for a configured token where the API does, and takes none that the mock issues", async ({
    start,
  }) => {
    const mock = await start({ controlPort: 0, auth: "required", token: { alice: "alice-token" } });
    const users = { runner: mock.client(RunnerService, { bearer: "alice-token" }) };
    const { accessToken } = await register(users);
    expect(await failureOf(controlOf(mock).getClock({}))).toMatch(/^unauthenticated: /);
    expect(await failureOf(controlOf(mock, { bearer: accessToken }).getClock({}))).toMatch(
      /^unauthenticated: /,
    );
    expect(await failureOf(controlOf(mock, { bearer: "alice-token" }).getClock({}))).toBe("ok");
  });

  test.for([
    ["an Origin of elsewhere", { origin: "http://evil.example" }, 403],
    ["an Origin that is none", { origin: "null" }, 403],
    ["a Host that only looks like this machine", { host: "evil.example" }, 403],
    ["a Host that begins like this machine", { host: "localhost.evil.example" }, 403],
    ["the Host localhost", { host: "localhost" }, 200],
    ["nothing special", {}, 200],
  ] as const)("answers %s", async ([, headers, status], { mock }) => {
    const answered = await new Promise((resolve, reject) => {
      const url = `${mock.controlUrl}/runnermock.v1.ControlService/GetClock`;
      const call = request(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
      });
      call.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
      call.end("{}");
    });
    expect(answered).toBe(status);
  });

  test("lets a page of its own origin in, and allows no other", async ({ mock }) => {
    const url = `${mock.controlUrl}/runnermock.v1.ControlService/GetClock`;
    const headers = { "content-type": "application/json", origin: mock.controlUrl ?? "" };
    const response = await fetch(url, { method: "POST", headers, body: "{}" });
    expect([response.status, response.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("is not at the API's address, nor the API at its own", async ({ mock }) => {
    const call = (base: string | undefined, path: string) =>
      fetch(`${base}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "{}",
      });
    expect((await call(mock.url, "/runnermock.v1.ControlService/GetClock")).status).toBe(404);
    expect((await call(mock.controlUrl, "/gitpod.v1.RunnerService/ListRunners")).status).toBe(404);
    expect((await fetch(`${mock.controlUrl}/healthz`)).status).toBe(200);
  });

  test("is not there in process unless it is asked for", async ({ start }) => {
    expect((await start()).controlUrl).toBeUndefined();
  });
});

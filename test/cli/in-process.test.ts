/** `startRunnerMock`: what the package gives to a test in the same process. */
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, createClient } from "@connectrpc/connect";
import { describe, expect, test as plainTest } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import {
  RunnerCapability,
  RunnerPhase,
  RunnerService,
  RunnerStatusSchema,
} from "../../src/gen/gitpod/v1/runner_pb.ts";
import { OptionError, type RunnerMock, type RunnerMockOptions, startRunnerMock } from "../../src/index.ts";
import { optionTable } from "../../src/options.ts";
import { connectJson, failureOf } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";

/** Starts mocks as users do, on the machine's own time; each is closed after the test. */
const test = plainTest.extend<{ start: (options?: RunnerMockOptions) => Promise<RunnerMock> }>({
  start: async ({ task: _ }, use) => {
    const mocks: RunnerMock[] = [];
    await use(async (options) => {
      const mock = await startRunnerMock(options);
      mocks.push(mock);
      return mock;
    });
    await Promise.all(mocks.map((mock) => mock.close()));
  },
});

const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const runnersOf = (mock: { url: string }): Client<typeof RunnerService> =>
  createClient(RunnerService, connectJson(mock.url));

/** Registers a runner; resolves with its id and a way to see what has become of it. */
async function register(mock: RunnerMock) {
  const client = runnersOf(mock);
  const request = { name: "Production Runner", provider: RunnerProvider.AWS_EC2 };
  const { runner, exchangeToken } = await client.createRunner(request);
  const runnerId = runner?.runnerId ?? "";
  return {
    runnerId,
    exchangeToken,
    outcome: () => failureOf(client.getRunner({ runnerId })),
    async seen() {
      const { runner } = await client.getRunner({ runnerId });
      if (runner?.status === undefined) throw new Error("a runner without a status");
      return { ...runner, status: runner.status };
    },
  };
}

const gone = "not_found: runner not found";

describe("a mock in process", () => {
  test("answers at its url, on a free port of this machine", async ({ start }) => {
    const mock = await start();
    expect(mock.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(mock.publicUrl).toBe(mock.url);
    expect((await fetch(`${mock.url}/readyz`)).status).toBe(200);
    expect(await (await register(mock)).outcome()).toBe("ok");
  });

  test("listens on all addresses of the machine if told to, and then still has a url that works", async ({
    start,
  }) => {
    const mock = await start({ host: "0.0.0.0", publicUrl: "https://mock.example.com/" });
    expect(mock.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(mock.publicUrl).toBe("https://mock.example.com");
    expect((await fetch(`${mock.url}/readyz`)).status).toBe(200);
  });

  test("lets an unrenewed registration go when its clock is advanced", async ({ start }) => {
    const mock = await start();
    const runner = await register(mock);
    expect(await runner.outcome()).toBe("ok");
    await mock.clock.advance("31s");
    expect(await runner.outcome()).toBe(gone);
  });

  test("lets a registration stand to its last millisecond while its clock is frozen", async ({ start }) => {
    const mock = await start();
    await mock.clock.freeze();
    const runner = await register(mock);
    await mock.clock.advance(29_999);
    expect(await runner.outcome()).toBe("ok");
    await mock.clock.advance(1);
    expect(await runner.outcome()).toBe(gone);
    expect(mock.clock.frozen).toBe(true);
    await mock.clock.resume();
    expect(mock.clock.frozen).toBe(false);
  });

  test("has an end like any other: twice is once, and its port is free again", async ({ start }) => {
    const mock = await start();
    await Promise.all([mock.close(), mock.close()]);
    await mock.close();
    await expect(fetch(`${mock.url}/healthz`)).rejects.toThrow("fetch failed");
    const successor = await start({ port: Number(new URL(mock.url).port) });
    expect(successor.url).toBe(mock.url);
  });

  test("is refused a port that is taken, and leaves nothing behind", async ({ start }) => {
    const { url } = await start();
    await expect(start({ port: Number(new URL(url).port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test("is closed at the end of its block by await using", async () => {
    let url = "";
    {
      await using mock = await startRunnerMock();
      url = mock.url;
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
    }
    await expect(fetch(`${url}/healthz`)).rejects.toThrow("fetch failed");
  });
});

describe("two mocks in one process", () => {
  test("have runners and tokens of their own", async ({ start }) => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.url).not.toBe(other.url);
    const { runnerId, exchangeToken } = await register(one);
    expect(await failureOf(runnersOf(other).getRunner({ runnerId }))).toBe(gone);
    expect((await runnersOf(other).listRunners({})).runners).toEqual([]);
    const exchange = createClient(IdentityService, connectJson(other.url)).exchangeToken({ exchangeToken });
    expect(await failureOf(exchange)).toMatch(/^unauthenticated: /);
  });

  test("have options and a time of their own", async ({ start }) => {
    const [one, other] = await Promise.all([start({ lease: "1h" }), start()]);
    for (const { clock } of [one, other]) await clock.freeze();
    const [longLived, shortLived] = await Promise.all([register(one), register(other)]);
    const otherNowMs = other.clock.nowMs();
    await one.clock.advance("59m");
    expect(other.clock.nowMs()).toBe(otherNowMs);
    expect(await shortLived.outcome()).toBe("ok");
    await other.clock.advance("30s");
    expect([await longLived.outcome(), await shortLived.outcome()]).toEqual(["ok", gone]);
  });

  test("do not end with each other", async ({ start }) => {
    const [one, other] = await Promise.all([start(), start()]);
    const runner = await register(other);
    await one.close();
    expect(await runner.outcome()).toBe("ok");
    await other.clock.advance("31s");
    expect(await runner.outcome()).toBe(gone);
  });
});

describe("runners.report", () => {
  const publicKey = Uint8Array.from({ length: 32 }, (_, index) => index);
  const example = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };

  test("shows in GetRunner, field by field, and moves nothing but the status", async ({ start }) => {
    const mock = await start();
    await mock.clock.freeze();
    const runner = await register(mock);
    const before = await runner.seen();
    await mock.clock.advance("1s");
    await mock.runners.report(runner.runnerId, {
      phase: RunnerPhase.ACTIVE,
      version: "2026.1.2",
      systemDetails: "linux/amd64",
      region: "us-west-2",
      capabilities: [RunnerCapability.AGENT_EXECUTION, RunnerCapability.SECRET_CONTAINER_REGISTRY],
      publicKey,
    });
    await mock.clock.advance("1s");
    await mock.runners.report(runner.runnerId, { phase: RunnerPhase.DEGRADED, message: "disk full" });

    const { status, ...rest } = await runner.seen();
    const { status: statusBefore, ...restBefore } = before;
    expect(rest).toEqual(restBefore);
    expect({ ...status, updatedAt: undefined }).toEqual({
      ...create(RunnerStatusSchema, {
        phase: RunnerPhase.DEGRADED,
        message: "disk full",
        version: "2026.1.2",
        systemDetails: "linux/amd64",
        region: "us-west-2",
        capabilities: [RunnerCapability.AGENT_EXECUTION, RunnerCapability.SECRET_CONTAINER_REGISTRY],
        publicKey,
      }),
      updatedAt: undefined,
    });
    const movedMs = (of: typeof status) =>
      of.updatedAt === undefined ? Number.NaN : timestampMs(of.updatedAt);
    expect(movedMs(status) - movedMs(statusBefore)).toBe(2_000);
  });

  test.for([
    ["a phase by its name", { phase: "ACTIVE" }],
    ["a phase that there is not", { phase: 99 }],
    ["a capability that there is not", { capabilities: [999] }],
  ] as const)("refuses %s, and changes nothing", async ([, report], { start }) => {
    const mock = await start();
    const { body: created } = await post(mock.url + rpc.createRunner, example);
    const before = created.runner;
    await expect(mock.runners.report(before.runnerId, report as never)).rejects.toThrow(Error);
    const { body } = await post(mock.url + rpc.listRunners, {});
    expect(body.runners).toEqual([before]);
  });

  test("shares nothing with its caller", async ({ start }) => {
    const mock = await start();
    const { body: created } = await post(mock.url + rpc.createRunner, example);
    const { runner } = created;
    const key = Uint8Array.from(publicKey);
    const reported = await mock.runners.report(runner.runnerId, { publicKey: key, version: "1" });
    key.fill(0);
    reported.name = "changed";
    const { body } = await post(mock.url + rpc.getRunner, { runnerId: runner.runnerId });
    expect(body.runner.name).toBe(runner.name);
    expect(body.runner.status.publicKey).toBe(Buffer.from(publicKey).toString("base64"));
  });

  test("does not renew the lease", async ({ start }) => {
    const mock = await start();
    await mock.clock.freeze();
    const runner = await register(mock);
    await mock.clock.advance("29.999s");
    await mock.runners.report(runner.runnerId, { phase: RunnerPhase.ACTIVE });
    expect(await runner.outcome()).toBe("ok");
    await mock.clock.advance("1ms");
    expect(await runner.outcome()).toBe(gone);
  });

  test.for([0, 31, 33])("refuses a public key of %i bytes and changes nothing", async (length, { start }) => {
    const mock = await start();
    const runner = await register(mock);
    const before = await runner.seen();
    const report = mock.runners.report(runner.runnerId, {
      phase: RunnerPhase.ACTIVE,
      publicKey: new Uint8Array(length),
    });
    await expect(report).rejects.toThrow(RangeError);
    await expect(report).rejects.toThrow(new RegExp(`\\b32\\b.*\\b${length}\\b`));
    expect(await runner.seen()).toEqual(before);
  });

  test("finds neither an unknown runner, nor a lapsed nor a deleted one", async ({ start }) => {
    const mock = await start();
    const report = (runnerId: string) =>
      failureOf(mock.runners.report(runnerId, { phase: RunnerPhase.ACTIVE }));
    expect(await report(unknownId)).toBe(gone);
    const [lapsed, deleted] = [await register(mock), await register(mock)];
    await runnersOf(mock).deleteRunner({ runnerId: deleted.runnerId });
    await mock.clock.advance("31s");
    expect(await report(lapsed.runnerId)).toBe(gone);
    expect(await report(deleted.runnerId)).toBe(gone);
  });
});

describe("an option with a value that it does not take is named, with the value and what it takes:", () => {
  const { NaN: notANumber, POSITIVE_INFINITY: infinity } = Number;
  const positive = /more than|longer than|greater than|positive|at least|not 0|above/;
  type Case = readonly [name: string, value: unknown, shown: string, takes?: string | RegExp];
  const cases: readonly Case[] = [
    ["host", "", '""'],
    ["host", "not a host", '"not a host"'],
    ["host", 127, "127"],
    ["port", -1, "-1"],
    ["port", 65_536, "65536"],
    ["port", 80.5, "80.5"],
    ["port", "http", '"http"'],
    ["port", "", '""'],
    ["port", 8080n, "8080"],
    ["port", notANumber, "NaN"],
    ["publicUrl", "example.com", '"example.com"'],
    ["publicUrl", "ftp://example.com", '"ftp://example.com"'],
    ["logLevel", "loud", '"loud"'],
    ["stopGrace", "soon", '"soon"'],
    ["stopGrace", "10", '"10"'],
    ["stopGrace", -1, "-1"],
    ["profile", "strict", '"strict"'],
    ["profile", "Documented", '"Documented"'],
    ["lease", "30", '"30"'],
    ["lease", "thirty seconds", '"thirty seconds"'],
    ["lease", "-30s", '"-30s"'],
    ["lease", infinity, "Infinity"],
    ["lease", "0s", '"0s"', positive],
    ["lease", 0, "0", positive],
    ["exchangeTokenTtl", "forever", '"forever"'],
    ["exchangeTokenTtl", "0ms", '"0ms"', positive],
    ["accessTokenTtl", "never", '"never"'],
    ["accessTokenTtl", "0h", '"0h"', positive],
    ["lapsedTtl", "1 fortnight", '"1 fortnight"'],
    ["maxLapsed", -1, "-1"],
    ["maxLapsed", "many", '"many"'],
    ["auth", "maybe", '"maybe"'],
    ["auth", true, "true"],
    ["organizationTier", "", '""'],
    ["organizationTier", "two words", '"two words"'],
    ["maxWorlds", 0, "0"],
    ["worldIdle", "idle", '"idle"'],
    ["worldIdle", "0s", '"0s"', positive],
    ["lapse", "maybe", '"maybe"'],
    ["validation", "on", '"on"'],
    ["unknownJson", "allow", '"allow"'],
    ["unknownIds", "not_found", '"not_found"'],
    ["unknownExchangeToken", "allow", '"allow"'],
    ["desiredPhaseOnCreate", "drop", '"drop"'],
    ["localConfigurationRunner", "yes", '"yes"'],
    ["secondManagedRunner", "no", '"no"'],
    ["managedRunners", "observed", '"observed"'],
    ["delete", "later", '"later"'],
    ["legacyAccessToken", "full", '"full"'],
    ["metricsPassword", "hidden", '"hidden"'],
    ["leese", "30s", '"30s"', "none of that name"],
    ["toString", "30s", '"30s"', "none of that name"],
  ];
  const table = cases.map(([name, value, shown, takes]) => [name, shown, value, takes] as const);

  test.for(table)("%s: %s", async ([name, shown, value, takes], { start }) => {
    const error = await start({ [name]: value } as RunnerMockOptions).catch((caught) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect(error.option).toBe(name);
    expect(error.message).toContain(`option ${name}: got ${shown}`);
    expect(error.message).toContain(error.takes);
    const row = optionTable[name as keyof typeof optionTable];
    if (takes === undefined) expect(error.takes).toBe(row.takes);
    else expect(error.takes).toMatch(takes);
  });

  test.for([
    ["a text without a name", "hush"],
    ["a text without a value", "alice="],
    ["a text without a name before the sign", "=hush"],
    ["a text with one pair of two", "alice=hush,bob"],
    ["an empty text", ""],
    ["an empty token", { hush: "" }],
    ["a token that is no text", { alice: 1234567 }],
    ["a list", ["hush"]],
  ] as const)("token: %s, which is not shown as it may be a secret", async ([, value], { start }) => {
    const error = await start({ token: value } as unknown as RunnerMockOptions).catch((caught) => caught);
    expect(error).toBeInstanceOf(OptionError);
    expect(error.option).toBe("token");
    expect(error.takes).toBe(optionTable.token.takes);
    expect(error.message).not.toMatch(/hush|1234567/);
  });
});

/** CreateRunner: what it replies and keeps. What it refuses is in create-runner-rules.test.ts. */
import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { validate, version } from "uuid";
import { describe, expect } from "vitest";
import { Principal, type Subject } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import {
  LogLevel,
  MetricsConfigurationSchema,
  RunnerConfigurationSchema,
  RunnerPhase,
  RunnerReleaseChannel,
  RunnerSchema,
  RunnerService,
  RunnerSpecSchema,
  RunnerVariant,
  UpdateWindowSchema,
} from "../../src/gen/gitpod/v1/runner_pb.ts";
import {
  callOutcome,
  exchangeOutcome,
  idOf,
  productionRunner,
  register,
  seen,
} from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

const manager = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

/** A spec in which no field is left out. */
const fullSpec = create(RunnerSpecSchema, {
  desiredPhase: RunnerPhase.ACTIVE,
  variant: RunnerVariant.ENTERPRISE,
  configuration: {
    region: "us-west",
    releaseChannel: RunnerReleaseChannel.LATEST,
    autoUpdate: true,
    metrics: {
      enabled: true,
      url: "https://metrics.example.com",
      username: "user",
      password: "secret",
      managedMetricsEnabled: true,
      includeVerboseMetrics: true,
    },
    logLevel: LogLevel.DEBUG,
    devcontainerImageCacheEnabled: true,
    updateWindow: { startHour: 22, endHour: 4 },
    encryptedHoneycombApiKey: Uint8Array.of(0, 1, 254, 255),
    continuousProfiling: true,
  },
});

describe("the reply of CreateRunner", () => {
  test("has every field of the runner that the server can know, and so have GetRunner and ListRunners", async ({
    start,
  }) => {
    const mock = await start();
    await mock.clock.advance("1ms");
    const now = timestampFromMs(mock.clock.nowMs());
    const { runner } = await mock.runner.createRunner({
      name: "Managed Runner",
      provider: RunnerProvider.MANAGED,
      runnerManagerId: manager,
      spec: fullSpec,
    });
    const expected = create(RunnerSchema, {
      runnerId: idOf(runner),
      createdAt: now,
      updatedAt: now,
      creator: (await mock.identity.getAuthenticatedIdentity({})).subject as Subject,
      name: "Managed Runner",
      kind: RunnerKind.REMOTE,
      provider: RunnerProvider.MANAGED,
      runnerManagerId: manager,
      spec: fullSpec,
      status: { phase: RunnerPhase.CREATED, updatedAt: now },
    });
    expect(runner).toEqual(expected);
    expect(await seen(mock, idOf(runner))).toEqual(expected);
    expect((await mock.runner.listRunners({})).runners).toEqual([expected]);
    expect(runner?.creator).toMatchObject({ principal: Principal.USER });
    expect(validate(runner?.creator?.id ?? "")).toBe(true);
  });

  test("has nothing in the status but phase and time", async ({ shared }) => {
    const { runner } = await shared.runner.createRunner(productionRunner);
    const { status } = await seen(shared, idOf(runner));
    expect({ ...status, updatedAt: undefined }).toEqual({
      ...create(RunnerSchema, { status: { phase: RunnerPhase.CREATED } }).status,
      updatedAt: undefined,
    });
  });

  test("has an id that is a UUIDv7 of the world's time", async ({ shared }) => {
    for (const step of ["0ms", "1ms", "25h"]) {
      await shared.clock.advance(step);
      const { runnerId } = await register(shared);
      expect([validate(runnerId), version(runnerId)]).toEqual([true, 7]);
      expect(Number.parseInt(runnerId.replaceAll("-", "").slice(0, 12), 16)).toBe(shared.clock.nowMs());
    }
  });

  test("has ids that ascend, also within one millisecond", async ({ shared }) => {
    const ids: string[] = [];
    for (let i = 0; i < 30; i++) ids.push((await register(shared)).runnerId);
    await shared.clock.advance(1);
    for (let i = 0; i < 30; i++) ids.push((await register(shared)).runnerId);
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(60);
  });

  test("has ids of their own for runners that are created at once", async ({ shared }) => {
    const registered = await Promise.all(Array.from({ length: 50 }, () => register(shared)));
    expect(new Set(registered.map(({ runnerId }) => runnerId)).size).toBe(50);
    expect(new Set(registered.map(({ exchangeToken }) => exchangeToken)).size).toBe(50);
  });

  test("has an exchange token and, deprecated, an access token; both work", async ({ shared }) => {
    const { exchangeToken, accessToken } = await register(shared);
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
    expect(await callOutcome(shared, accessToken)).toBe("ok");
  });

  test("names the configured user who called as the creator", async ({ start }) => {
    const mock = await start({ token: { alice: "alice-token", bob: "bob-token" } });
    const creators = ["alice-token", "bob-token", undefined].map(async (bearer) => {
      const client = mock.client(RunnerService, { bearer });
      return (await client.createRunner(productionRunner)).runner?.creator?.id;
    });
    expect(new Set(await Promise.all(creators)).size).toBe(3);
  });
});

describe("the spec of a new runner", () => {
  test("is kept in every field", async ({ shared }) => {
    for (const [desc, message] of [
      [RunnerSpecSchema, fullSpec],
      [RunnerConfigurationSchema, fullSpec.configuration],
      [MetricsConfigurationSchema, fullSpec.configuration?.metrics],
      [UpdateWindowSchema, fullSpec.configuration?.updateWindow],
    ] as const) {
      // The test's own spec leaves out no field of the schema.
      const blank = create(desc) as unknown as Record<string, unknown>;
      const given = message as unknown as Record<string, unknown>;
      for (const { localName } of desc.fields) expect(given[localName]).not.toEqual(blank[localName]);
    }
    const { runner } = await shared.runner.createRunner({ ...productionRunner, spec: fullSpec });
    const { spec } = await seen(shared, idOf(runner));
    expect(spec !== undefined && equals(RunnerSpecSchema, spec, fullSpec)).toBe(true);
  });

  test.for([
    ["absent", undefined],
    ["empty", {}],
    ["with an empty configuration", { configuration: {} }],
    ["with empty metrics", { configuration: { metrics: {} } }],
    ["with a desired phase alone", { desiredPhase: RunnerPhase.INACTIVE }],
    ["with a window from midnight", { configuration: { updateWindow: { startHour: 0 } } }],
  ] as const)("stays as sent: %s", async ([, spec], { shared }) => {
    const { runner } = await shared.runner.createRunner({ ...productionRunner, ...(spec && { spec }) });
    const expected = spec && create(RunnerSpecSchema, spec);
    expect(runner?.spec).toEqual(expected);
    expect((await seen(shared, idOf(runner))).spec).toEqual(expected);
  });
});

describe("the kind of a new runner", () => {
  test.for([
    [RunnerProvider.AWS_EC2, RunnerKind.REMOTE],
    [RunnerProvider.GCP, RunnerKind.REMOTE],
    [RunnerProvider.MANAGED, RunnerKind.REMOTE],
    [RunnerProvider.DEV_AGENT, RunnerKind.REMOTE],
    [RunnerProvider.LINUX_HOST, RunnerKind.LOCAL],
    [RunnerProvider.DESKTOP_MAC, RunnerKind.LOCAL],
  ] as const)("of provider %i is %i", async ([provider, kind], { shared }) => {
    const runnerManagerId = provider === RunnerProvider.MANAGED ? manager : "";
    const { runner } = await shared.runner.createRunner({ name: "Runner", provider, runnerManagerId });
    expect(await seen(shared, idOf(runner))).toMatchObject({ kind, provider, runnerManagerId });
  });

  test.for([RunnerKind.LOCAL, RunnerKind.REMOTE])(
    "is %i where that is sent, and it has no provider",
    async (kind, { shared }) => {
      const { runner } = await shared.runner.createRunner({ name: "Runner", kind });
      expect(await seen(shared, idOf(runner))).toMatchObject({ kind, provider: RunnerProvider.UNSPECIFIED });
    },
  );
});

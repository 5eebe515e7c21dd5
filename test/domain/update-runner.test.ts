/** UpdateRunner: what is set changes and all else stays, by the rules of each field, for those who may. */
import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import sodium from "libsodium-wrappers";
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import {
  CreateRunnerRequestSchema,
  LogLevel,
  MetricsConfigurationSchema,
  type Runner,
  RunnerConfigurationSchema,
  RunnerPhase,
  RunnerReleaseChannel,
  RunnerSchema,
  RunnerService,
  RunnerSpecSchema,
  RunnerVariant,
  type UpdateRunnerRequest_MetricsConfigurationSchema,
  type UpdateRunnerRequest_RunnerConfigurationSchema,
  UpdateRunnerRequestSchema,
  UpdateWindowSchema,
} from "../../src/gen/gitpod/v1/runner_pb.ts";
import { World } from "../../src/world.ts";
import { countingRandom, failureOf, stillTime, type TestMock } from "../support/mock.ts";
import { anybody, worldSettings } from "../support/parts.ts";
import { post } from "../support/post.ts";
import {
  asRunner,
  type CreateRunnerInit,
  callOutcome,
  idOf,
  msOf,
  productionRunner,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

/** What a request says besides its runner. */
type Request = Omit<MessageInitShape<typeof UpdateRunnerRequestSchema>, "runnerId" | "$typeName">;
type Changes = MessageInitShape<typeof UpdateRunnerRequest_RunnerConfigurationSchema>;
type MetricsChanges = MessageInitShape<typeof UpdateRunnerRequest_MetricsConfigurationSchema>;

await sodium.ready;

const managerId = "0198a1b2-c3d4-7e5f-8a6b-00000000000a";
const otherManagerId = "0198a1b2-c3d4-7e5f-8a6b-00000000000b";
const deferring = sharing({ delete: "deferred" });
const forgiving = sharing({ unknownIds: "empty" });
const localConfigurationRunner = "present";
const withDesiredPhase = {
  "local-configuration": sharing({ desiredPhaseOnUpdate: "local-configuration", localConfigurationRunner }),
  refuse: sharing({ desiredPhaseOnUpdate: "refuse", localConfigurationRunner }),
  take: sharing({ desiredPhaseOnUpdate: "take", localConfigurationRunner }),
};
const selfDriven = sharing({
  managedRunners: "self-driven",
  identities: {
    identities: [
      { token: "manager-token", principal: "PRINCIPAL_RUNNER_MANAGER", id: managerId },
      { token: "other-manager-token", principal: "PRINCIPAL_RUNNER_MANAGER", id: otherManagerId },
    ],
  },
});

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const path = "/gitpod.v1.RunnerService/UpdateRunner";
const notFound = "not_found: runner not found";

/** A runner that has everything, nothing of it the default. */
const full = {
  ...productionRunner,
  spec: {
    desiredPhase: RunnerPhase.ACTIVE,
    variant: RunnerVariant.ENTERPRISE,
    configuration: {
      region: "eu-central-1",
      releaseChannel: RunnerReleaseChannel.LATEST,
      autoUpdate: true,
      metrics: {
        enabled: true,
        url: "https://metrics.example.com",
        username: "prometheus",
        password: "first password",
        managedMetricsEnabled: true,
        includeVerboseMetrics: true,
      },
      logLevel: LogLevel.WARN,
      devcontainerImageCacheEnabled: true,
      updateWindow: { startHour: 22, endHour: 4 },
      continuousProfiling: true,
    },
  },
} satisfies CreateRunnerInit;

const configure = (mock: TestMock, runnerId: string, configuration: Changes) =>
  mock.runner.updateRunner({ runnerId, spec: { configuration } });

/** What the runner is expected to be once its configuration has changed so, just now. */
function changed(mock: TestMock, before: Runner, changes: object, metricsChanges?: object): Runner {
  const runner = clone(RunnerSchema, before);
  runner.updatedAt = timestampFromMs(mock.clock.nowMs());
  runner.spec ??= create(RunnerSpecSchema);
  runner.spec.configuration ??= create(RunnerConfigurationSchema);
  const { configuration } = runner.spec;
  Object.assign(configuration, changes);
  if (metricsChanges !== undefined) {
    configuration.metrics ??= create(MetricsConfigurationSchema);
    Object.assign(configuration.metrics, metricsChanges);
  }
  return runner;
}

describe.for<[string, CreateRunnerInit]>([
  ["that was created without a spec", productionRunner],
  ["that has everything", full],
])("of a runner %s, one field is changed and nothing else:", ([, request]) => {
  test.for<[string, Changes[]]>([
    [
      "release_channel",
      [{ releaseChannel: RunnerReleaseChannel.STABLE }, { releaseChannel: RunnerReleaseChannel.UNSPECIFIED }],
    ],
    ["auto_update", [{ autoUpdate: false }, { autoUpdate: true }]],
    ["log_level", [{ logLevel: LogLevel.DEBUG }, { logLevel: LogLevel.UNSPECIFIED }]],
    [
      "devcontainer_image_cache_enabled",
      [{ devcontainerImageCacheEnabled: false }, { devcontainerImageCacheEnabled: true }],
    ],
    ["continuous_profiling", [{ continuousProfiling: false }, { continuousProfiling: true }]],
    [
      "update_window, as a whole",
      [{ updateWindow: { startHour: 1, endHour: 5 } }, { updateWindow: { startHour: 0 } }],
    ],
  ])("%s", async ([, steps], { shared }) => {
    const { runnerId } = await register(shared, request);
    for (const step of steps) {
      const before = await seen(shared, runnerId);
      await shared.clock.advance("1s");
      await configure(shared, runnerId, step);
      const { updateWindow } = step;
      const expected = updateWindow ? { updateWindow: create(UpdateWindowSchema, updateWindow) } : step;
      expect(await seen(shared, runnerId)).toEqual(changed(shared, before, expected));
    }
  });

  test.for<[string, MetricsChanges[]]>([
    ["enabled", [{ enabled: false }, { enabled: true }]],
    ["url", [{ url: "https://example.org/push" }, { url: "" }]],
    ["username", [{ username: "somebody" }, { username: "" }]],
    ["password", [{ password: "second password" }, { password: "" }]],
    ["managed_metrics_enabled", [{ managedMetricsEnabled: false }, { managedMetricsEnabled: true }]],
    ["include_verbose_metrics", [{ includeVerboseMetrics: false }, { includeVerboseMetrics: true }]],
  ])("%s of the metrics", async ([, steps], { shared }) => {
    const { runnerId } = await register(shared, request);
    for (const metrics of steps) {
      const before = await seen(shared, runnerId);
      await shared.clock.advance("1s");
      await configure(shared, runnerId, { metrics });
      expect(await seen(shared, runnerId)).toEqual(changed(shared, before, {}, metrics));
    }
  });

  test("the name, and updated_at; not created_at or status.updated_at", async ({ shared }) => {
    const { runnerId } = await register(shared, request);
    const [before, createdAtMs] = [await seen(shared, runnerId), shared.clock.nowMs()];
    await shared.clock.advance("1s");
    await shared.runner.updateRunner({ runnerId: runnerId.toUpperCase(), name: "Another Name" });
    const after = await seen(shared, runnerId);
    const { name, createdAt, updatedAt, status } = after;
    expect([name, ...[createdAt, updatedAt, status?.updatedAt].map(msOf)]).toEqual([
      "Another Name",
      createdAtMs,
      createdAtMs + 1000,
      createdAtMs,
    ]);
    expect(after).toEqual({ ...before, name, updatedAt });
  });

  test("the update window, which an empty one removes", async ({ shared }) => {
    const { runnerId } = await register(shared, request);
    await configure(shared, runnerId, { updateWindow: { startHour: 3 } });
    const before = await seen(shared, runnerId);
    await shared.clock.advance("1s");
    await configure(shared, runnerId, { updateWindow: {} });
    const after = await seen(shared, runnerId);
    expect(after).toEqual(changed(shared, before, { updateWindow: undefined }));
    expect(after.spec?.configuration?.updateWindow).toBeUndefined();
  });
});

describe("UpdateRunner", () => {
  test("answers {}", async ({ shared }) => {
    const { runnerId } = await register(shared);
    expect(await post(shared.url + path, { runnerId, name: "Another Name" })).toEqual({
      status: 200,
      body: {},
    });
  });

  test("changes several fields at once", async ({ shared }) => {
    const { runnerId } = await register(shared, full);
    const before = await seen(shared, runnerId);
    const change = { logLevel: LogLevel.ERROR, autoUpdate: false };
    const metrics = { url: "", enabled: false };
    await shared.runner.updateRunner({
      runnerId,
      name: "Another Name",
      spec: { configuration: { ...change, metrics, updateWindow: {} } },
    });
    const expected = changed(shared, before, { ...change, updateWindow: undefined }, metrics);
    expect(await seen(shared, runnerId)).toEqual({ ...expected, name: "Another Name" });
  });

  test.for<[string, Request]>([
    ["nothing", {}],
    ["an empty spec", { spec: {} }],
    ["an empty configuration", { spec: { configuration: {} } }],
    ["empty metrics", { spec: { configuration: { metrics: {} } } }],
  ])("that sets %s changes nothing and leaves no entry in the audit log", async ([, request], { shared }) => {
    const { runnerId } = await register(shared, full);
    const before = await seen(shared, runnerId);
    await shared.clock.advance("1s");
    await shared.runner.updateRunner({ runnerId, ...request });
    expect(await seen(shared, runnerId)).toEqual(before);
    const filter = { subjectIds: [runnerId] };
    const { entries } = await shared.client(EventService).listAuditLogs({ filter });
    expect(entries.map(({ action }) => action)).toEqual(["create"]);
  });

  test("of many at once, each for a field of its own, loses none", async () => {
    // Called directly: requests that come by sockets are read one after another, and hardly ever meet.
    const world = await World.open("default", await worldSettings(), stillTime, countingRandom());
    const request = create(CreateRunnerRequestSchema, productionRunner);
    const { runner, accessToken } = await world.registrar.register(request, anybody);
    const { runnerId } = runner;
    await world.runners.report(runnerId, { publicKey: sodium.crypto_box_keypair().publicKey });
    const metrics = { enabled: true, url: "https://metrics.example.com", username: "somebody" };
    const others = {
      releaseChannel: RunnerReleaseChannel.STABLE,
      autoUpdate: true,
      logLevel: LogLevel.INFO,
      devcontainerImageCacheEnabled: true,
      updateWindow: { startHour: 5 },
      continuousProfiling: true,
    };
    const changes: Changes[] = [
      { honeycombApiKey: "hcaik_concurrent" },
      ...Object.entries(others).map(([name, value]) => ({ [name]: value })),
      ...Object.entries(metrics).map(([name, value]) => ({ metrics: { [name]: value } })),
    ];
    const update = (changes: Request) =>
      world.runners.update(create(UpdateRunnerRequestSchema, { runnerId, ...changes }), anybody);
    await Promise.all([
      ...changes.map((configuration) => update({ spec: { configuration } })),
      update({ name: "Another Name" }),
      world.registrar.authenticate(accessToken),
    ]);
    const { name, spec, status } = await world.runners.get(runnerId, anybody);
    expect([name, status?.phase]).toEqual(["Another Name", RunnerPhase.ACTIVE]);
    expect(spec?.configuration).toMatchObject({ ...others, metrics });
    expect(spec?.configuration?.encryptedHoneycombApiKey).not.toHaveLength(0);
    world.close();
  });
});

describe("UpdateRunner refuses, and changes nothing by,", () => {
  const startRequired = "runner.update_window.start_required";
  const minLength = "runner.update_window.min_length";
  const badStart = "spec.configuration.update_window.start_hour uint32.lte";
  const badEnd = "spec.configuration.update_window.end_hour uint32.lte";
  const noValue: number = 99;
  const window = (startHour?: number, endHour?: number): Request => ({
    spec: { configuration: { updateWindow: { startHour, endHour } } },
  });

  test.for<[string, Request, string[]]>([
    ["no name", { name: "" }, ["name string.min_len"]],
    ["a name of 2 characters", { name: "ab" }, ["name string.min_len"]],
    ["a name of 128 characters", { name: "x".repeat(128) }, ["name string.max_len"]],
    ["a name of 2 emoji", { name: "😀😀" }, ["name string.min_len"]],
    ["a window with an end alone", window(undefined, 5), [startRequired]],
    ["a window with an end alone, midnight", window(undefined, 0), [startRequired]],
    ["a window from 24", window(24), [badStart]],
    ["a window from the greatest number", window(4_294_967_295, 2), [badStart]],
    ["a window to 24", window(1, 24), [badEnd]],
    ["a window to 24 alone", window(undefined, 24), [startRequired, badEnd]],
    ["a window of no length", window(5, 5), [minLength]],
    ["a window of 1 hour", window(5, 6), [minLength]],
    ["a window of 1 hour over midnight", window(23, 0), [minLength]],
    ["a window of 1 hour up to 23", window(22, 23), [minLength]],
    ["an unknown phase", { spec: { desiredPhase: noValue } }, ["spec.desired_phase enum.defined_only"]],
    [
      "an unknown release channel",
      { spec: { configuration: { releaseChannel: noValue } } },
      ["spec.configuration.release_channel enum.defined_only"],
    ],
    [
      "an unknown log level",
      { spec: { configuration: { logLevel: noValue } } },
      ["spec.configuration.log_level enum.defined_only"],
    ],
    [
      "one mistake beside a good value",
      { name: "Another Name", ...window(5, 6) },
      ["runner.update_window.min_length"],
    ],
  ])("%s", async ([, request, violations], { shared }) => {
    const { runnerId } = await register(shared, full);
    const before = await seen(shared, runnerId);
    await shared.clock.advance(1);
    expect(await violationsOf(shared.runner.updateRunner({ runnerId, ...request }))).toEqual(violations);
    expect(await seen(shared, runnerId)).toEqual(before);
  });
});

describe("UpdateRunner takes", () => {
  test.for([3, 127])("a name of %i characters", async (length, { shared }) => {
    const { runnerId } = await register(shared);
    const name = "😀".repeat(length);
    await shared.runner.updateRunner({ runnerId, name });
    expect((await seen(shared, runnerId)).name).toBe(name);
  });

  test.for<[number, number | undefined]>([
    [0, undefined],
    [23, undefined],
    [5, 7],
    [0, 23],
    [22, 0],
    [23, 1],
    [1, 0],
  ])("an update window from %i to %s, as sent", async ([startHour, endHour], { shared }) => {
    const { runnerId } = await register(shared);
    await configure(shared, runnerId, { updateWindow: { startHour, endHour } });
    const { updateWindow } = (await seen(shared, runnerId)).spec?.configuration ?? {};
    expect([updateWindow?.startHour, updateWindow?.endHour]).toEqual([startHour, endHour]);
  });
});

describe("honeycomb_api_key", () => {
  const keyOf = async (mock: TestMock, runnerId: string) =>
    (await seen(mock, runnerId)).spec?.configuration?.encryptedHoneycombApiKey;

  test("is refused as a whole with all that comes with it, where the runner has no public key", async ({
    shared,
  }) => {
    const { runnerId } = await register(shared, full);
    const before = await seen(shared, runnerId);
    await shared.clock.advance("1s");
    const configuration = { autoUpdate: false, updateWindow: {}, honeycombApiKey: "hcaik_no_key" };
    const call = shared.runner.updateRunner({ runnerId, name: "Another Name", spec: { configuration } });
    expect(await failureOf(call)).toBe("failed_precondition: runner does not have a public key");
    expect(await seen(shared, runnerId)).toEqual(before);
    expect(shared.log.filter((line) => line.includes("hcaik_no_key"))).toEqual([]);
  });

  test.for(["hcaik_01h8", "Schlüssel 🔑", "x".repeat(5000)])(
    "is returned so that only the runner can read it, and is in no log line: %.20s",
    async (honeycombApiKey, { shared }) => {
      const { runnerId } = await register(shared, full);
      const { publicKey, privateKey } = sodium.crypto_box_keypair();
      await shared.runners.report(runnerId, { publicKey });
      const before = await seen(shared, runnerId);
      await configure(shared, runnerId, { honeycombApiKey });

      const sealed = (await keyOf(shared, runnerId)) ?? new Uint8Array();
      const opened = sodium.crypto_box_seal_open(sealed, publicKey, privateKey);
      expect(Buffer.from(opened).toString()).toBe(honeycombApiKey);
      expect(Buffer.from(sealed).includes(honeycombApiKey)).toBe(false);
      const expected = changed(shared, before, { encryptedHoneycombApiKey: sealed });
      expect(await seen(shared, runnerId)).toEqual(expected);
      expect(shared.log.filter((line) => line.includes(honeycombApiKey))).toEqual([]);

      await configure(shared, runnerId, { honeycombApiKey: "another" });
      const replaced = (await keyOf(shared, runnerId)) ?? new Uint8Array();
      const openedAgain = sodium.crypto_box_seal_open(replaced, publicKey, privateKey);
      expect(Buffer.from(openedAgain).toString()).toBe("another");
      await configure(shared, runnerId, { honeycombApiKey: "" });
      expect(await seen(shared, runnerId)).toEqual(before);
    },
  );

  test("may be removed where there is no public key", async ({ shared }) => {
    const { runnerId } = await register(shared);
    expect(await failureOf(configure(shared, runnerId, { honeycombApiKey: "" }))).toBe("ok");
    expect(await keyOf(shared, runnerId)).toHaveLength(0);
  });
});

const isFixed =
  "failed_precondition: spec.desired_phase can only be updated on the LOCAL_CONFIGURATION runner";
const isDeprecated =
  "failed_precondition: this API is deprecated - to disable local environments, please update your " +
  "organization policy through the organization settings instead";

describe.for([
  ["local-configuration", isFixed, "ok"],
  ["refuse", isDeprecated, isDeprecated],
  ["take", "ok", "ok"],
] as const)("desiredPhaseOnUpdate: %s:", ([desiredPhaseOnUpdate, ofOthers, ofLocalConfiguration]) => {
  const switched = withDesiredPhase[desiredPhaseOnUpdate];

  async function expectOutcome(mock: TestMock, runnerId: string, outcome: string) {
    const { spec, name } = await seen(mock, runnerId);
    const request = { runnerId, name: "Another Name", spec: { desiredPhase: RunnerPhase.INACTIVE } };
    expect(await failureOf(mock.runner.updateRunner(request))).toBe(outcome);
    const after = await seen(mock, runnerId);
    expect([after.name, after.spec?.desiredPhase]).toEqual(
      outcome === "ok" ? ["Another Name", RunnerPhase.INACTIVE] : [name, spec?.desiredPhase],
    );
    expect(after.spec?.configuration).toEqual(spec?.configuration);
    expect(after.spec?.variant ?? 0).toBe(spec?.variant ?? 0);
  }

  switched(`of others: ${ofOthers}`, async ({ shared }) => {
    for (const request of [productionRunner, full]) {
      await expectOutcome(shared, (await register(shared, request)).runnerId, ofOthers);
    }
  });

  switched(`of the LOCAL_CONFIGURATION runner: ${ofLocalConfiguration}`, async ({ shared }) => {
    const filter = { kinds: [RunnerKind.LOCAL_CONFIGURATION] };
    const [local] = (await shared.runner.listRunners({ filter })).runners;
    await expectOutcome(shared, idOf(local), ofLocalConfiguration);
  });

  switched("other fields can be changed", async ({ shared }) => {
    const { runnerId } = await register(shared, full);
    const request = { runnerId, name: "Another Name", spec: { configuration: { autoUpdate: false } } };
    expect(await failureOf(shared.runner.updateRunner(request))).toBe("ok");
    const { name, spec } = await seen(shared, runnerId);
    expect([name, spec?.desiredPhase, spec?.configuration?.autoUpdate]).toEqual([
      "Another Name",
      RunnerPhase.ACTIVE,
      false,
    ]);
  });
});

describe("the runner to be updated", () => {
  const rename = ({ runner }: Pick<TestMock, "runner">, runnerId: string, name = "Another Name") =>
    failureOf(runner.updateRunner({ runnerId, name }));

  test("has to exist", async ({ shared }) => {
    const unnamed = shared.runner.updateRunner({ runnerId: "runner-1", name: "Another Name" });
    expect(await violationsOf(unnamed)).toEqual(["runner_id string.uuid"]);
    expect(await rename(shared, unknownId)).toBe(notFound);
    const { runnerId } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    expect(await rename(shared, runnerId)).toBe(notFound);
  });

  test("must not have lapsed, and a user's update does not renew it", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.clock.advance("29.999s");
    expect(await rename(shared, runnerId)).toBe("ok");
    await shared.clock.advance(1);
    expect(await rename(shared, runnerId, "Too Late")).toBe(notFound);
    await callOutcome(shared, accessToken);
    expect((await seen(shared, runnerId)).name).toBe("Another Name");
  });

  deferring("must not be DELETING", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    const before = await seen(shared, runnerId);
    expect(await rename(shared, runnerId)).toBe(notFound);
    expect(await seen(shared, runnerId)).toEqual(before);
    await shared.clock.advance("2s");
    expect(await stands(shared, runnerId)).toBe(false);
  });

  test("may update itself, which renews it", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.clock.advance("29.999s");
    expect(await rename(asRunner(shared, accessToken), runnerId)).toBe("ok");
    await shared.clock.advance("29.999s");
    expect((await seen(shared, runnerId)).name).toBe("Another Name");
  });

  forgiving("may be unknown where unknownIds is empty", async ({ shared }) => {
    const answer = await post(shared.url + path, { runnerId: unknownId, name: "Another Name" });
    expect(answer).toEqual({ status: 200, body: {} });
    expect((await seen(shared, unknownId)).name).toBe("");
  });

  const managed = { name: "Managed Runner", provider: RunnerProvider.MANAGED, runnerManagerId: managerId };

  test("may be a managed one for a user, where those are plain", async ({ shared }) => {
    const { runnerId } = await register(shared, managed);
    expect(await rename(shared, runnerId)).toBe("ok");
  });

  selfDriven("is for its manager and itself alone where it drives itself", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared, managed);
    const refused = "permission_denied: only runner manager can update managed runner configurations";
    const as = (bearer: string) => ({ runner: shared.client(RunnerService, { bearer }) });
    expect(await rename(shared, runnerId, "By A User")).toBe(refused);
    expect(await rename(as("other-manager-token"), runnerId, "By Another")).toBe(refused);
    expect((await seen(shared, runnerId)).name).toBe("Managed Runner");
    expect(await rename(as("manager-token"), runnerId, "By Its Manager")).toBe("ok");
    expect((await seen(shared, runnerId)).name).toBe("By Its Manager");
    expect(await rename(as(accessToken), runnerId, "By Itself")).toBe("ok");
    expect((await seen(shared, runnerId)).name).toBe("By Itself");
    const { runnerId: plain } = await register(shared);
    expect(await rename(shared, plain)).toBe("ok");
  });
});

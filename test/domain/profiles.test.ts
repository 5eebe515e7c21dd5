/**
 * The table of profiles, and what each value of each switch makes different. The switches lapse, delete and those
 * of special runners are in files of their own: lapse-switch, delete-switch and managed-runners.
 */
import { create } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { type Profile, profiles, type SwitchName, switchesOf, switchTable } from "../../src/profiles.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  productionRunner,
  register,
  seen,
} from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";

const lenient = sharing({ validation: "off" });
const ignoring = sharing({ unknownJson: "ignore" });
const forgiving = sharing({ unknownIds: "empty" });
const activating = sharing({ desiredPhaseOnCreate: "activate" });
const emptying = sharing({ legacyAccessToken: "empty" });
const permissive = sharing({ profile: "permissive" });

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4d";

describe("the profiles", () => {
  // The table that design and documentation agree on.
  const table: Record<SwitchName, readonly [documented: string, observed: string, permissive: string]> = {
    lapse: ["remove", "deactivate", "never"],
    validation: ["strict", "strict", "off"],
    unknownJson: ["refuse", "ignore", "ignore"],
    unknownIds: ["not-found", "not-found", "empty"],
    unknownExchangeToken: ["refuse", "refuse", "exchange"],
    desiredPhaseOnCreate: ["keep", "activate", "keep"],
    desiredPhaseOnUpdate: ["local-configuration", "refuse", "take"],
    localConfigurationRunner: ["absent", "present", "absent"],
    secondManagedRunner: ["allow", "refuse", "allow"],
    managedRunners: ["plain", "self-driven", "plain"],
    delete: ["at-once", "deferred", "at-once"],
    adminPolicies: ["take", "take", "take"],
    auditLogs: ["answer", "enterprise-only", "answer"],
    legacyAccessToken: ["filled", "empty", "filled"],
    metricsPassword: ["as-sent", "blank", "as-sent"],
  };

  /** What the vendor's fakes do, and neither the reference nor the live service. */
  const ofNoProfile: Readonly<Record<string, readonly string[]>> = { adminPolicies: ["refuse"] };

  test.for<[Profile, number]>([
    ["documented", 0],
    ["observed", 1],
    ["permissive", 2],
  ])("%s is its column of the table", ([profile, column]) => {
    const expected = Object.fromEntries(Object.entries(table).map(([name, row]) => [name, row[column]]));
    expect(switchesOf(profile)).toEqual(expected);
  });

  test("are these three, and have a use for every value of every switch", () => {
    expect(profiles).toEqual(["documented", "observed", "permissive"]);
    for (const [name, row] of Object.entries(table)) {
      const values = new Set<string>(switchTable[name as SwitchName].values);
      expect([name, values]).toEqual([name, new Set([...row, ...(ofNoProfile[name] ?? [])])]);
    }
  });

  test("are documented by default, and a switch of its own wins over its profile", async ({
    shared,
    start,
  }) => {
    const kinds = [RunnerKind.LOCAL_CONFIGURATION];
    const kindsOf = async ({ runner }: TestMock) =>
      (await runner.listRunners({ filter: { kinds } })).runners.map(({ kind }) => kind);
    const mock = await start({ profile: "observed", legacyAccessToken: "filled" });
    const { accessToken } = await register(mock);
    expect(await callOutcome(mock, accessToken)).toBe("ok");
    expect(await kindsOf(mock)).toEqual(kinds);
    expect(await kindsOf(shared)).toEqual([]);
  });
});

describe("validation", () => {
  const outcomes = async ({ runner }: TestMock) => [
    await codeOf(runner.createRunner({})),
    await codeOf(runner.createRunner({ name: "ab", kind: 99 as number, provider: RunnerProvider.GCP })),
    await codeOf(runner.getRunner({ runnerId: "runner-1" })),
    await codeOf(runner.deleteRunner({ runnerId: "" })),
    await codeOf(runner.listRunners({ filter: { creatorIds: ["user-1"] } })),
    await codeOf(runner.listRunners({ pagination: { token: "x" } })),
  ];

  test("strict: requests are held against the rules", async ({ shared }) => {
    expect(new Set(await outcomes(shared))).toEqual(new Set(["invalid_argument"]));
  });

  lenient("off: they are not, but a page token still has to be one", async ({ shared }) => {
    const expected = ["ok", "ok", "not_found", "not_found", "ok", "invalid_argument"];
    expect(await outcomes(shared)).toEqual(expected);
  });

  lenient(
    "off: pages still hold at most 100, and 25 where less than one is asked for",
    async ({ shared }) => {
      for (let i = 0; i < 101; i++) await register(shared);
      const sizeOf = async (pageSize: number) =>
        (await shared.runner.listRunners({ pagination: { pageSize } })).runners.length;
      expect([await sizeOf(1000), await sizeOf(-1)]).toEqual([100, 25]);
    },
  );
});

describe("unknownJson", () => {
  const body = {
    name: "Runner",
    provider: "RUNNER_PROVIDER_GCP",
    nope: 1,
    spec: { variant: "NOPE", configuration: { updateWindow: { startHour: 1, endhour: 5 } } },
  };

  test("refuse: the error names each unknown field and enum name with its path", async ({ shared }) => {
    const { status, body: answer } = await post(`${shared.url}/w/refusing${rpc.createRunner}`, body);
    expect([status, answer.code]).toEqual([400, "invalid_argument"]);
    for (const path of ["nope", "spec.variant", "spec.configuration.updateWindow.endhour"]) {
      expect(answer.message).toContain(`${path}:`);
    }
    const { body: list } = await post(`${shared.url}/w/refusing${rpc.listRunners}`, {});
    expect(list.runners ?? []).toEqual([]);
  });

  ignoring("ignore: the rest is read", async ({ shared }) => {
    const { status, body: answer } = await post(shared.url + rpc.createRunner, body);
    expect(status).toBe(200);
    expect(answer.runner).toMatchObject({ name: "Runner", provider: "RUNNER_PROVIDER_GCP" });
    expect(answer.runner.spec).toEqual({ configuration: { updateWindow: { startHour: 1 } } });
  });
});

describe("unknownIds", () => {
  test("not-found: they are", async ({ shared: { runner } }) => {
    for (const call of [
      runner.getRunner({ runnerId: unknownId }),
      runner.deleteRunner({ runnerId: unknownId }),
      runner.createRunnerToken({ runnerId: unknownId }),
    ]) {
      expect(await failureOf(call)).toBe("not_found: runner not found");
    }
  });

  forgiving("empty: they read as an otherwise empty runner with that id", async ({ shared }) => {
    expect(await seen(shared, unknownId)).toEqual(create(RunnerSchema, { runnerId: unknownId }));
    expect(await codeOf(shared.runner.deleteRunner({ runnerId: unknownId }))).toBe("ok");
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId: unknownId }))).toBe("ok");
    expect((await shared.runner.listRunners({})).runners).toEqual([]);
  });

  forgiving(
    "empty: a lapsed and a deleted runner are as unknown as one that never was",
    async ({ shared }) => {
      const lapsed = await register(shared);
      await shared.clock.advance("30s");
      const deleted = await register(shared);
      await shared.runner.deleteRunner({ runnerId: deleted.runnerId });
      for (const { runnerId } of [deleted, lapsed]) {
        expect(await seen(shared, runnerId)).toEqual(create(RunnerSchema, { runnerId }));
        expect(await codeOf(shared.runner.createRunnerToken({ runnerId }))).toBe("ok");
      }
    },
  );

  permissive("empty, with validation off: ids need not be UUIDs", async ({ shared }) => {
    expect(await seen(shared, "runner-1")).toEqual(create(RunnerSchema, { runnerId: "runner-1" }));
    const { exchangeToken } = await shared.runner.createRunnerToken({ runnerId: "runner-1" });
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
  });
});

describe("unknownExchangeToken", () => {
  test.for([
    ["refuse", "unauthenticated"],
    ["exchange", "ok"],
  ] as const)(
    "%s: an unknown, a used and an expired token: %s",
    async ([unknownExchangeToken, outcome], { start }) => {
      const mock = await start({ unknownExchangeToken, exchangeTokenTtl: "20s" });
      const [used, expired] = [await register(mock), await register(mock)];
      await exchangeOutcome(mock, used.exchangeToken);
      await mock.clock.advance("20s");
      for (const token of ["unknown", used.exchangeToken, expired.exchangeToken]) {
        expect(await exchangeOutcome(mock, token)).toBe(outcome);
      }
    },
  );

  test("exchange: the fresh runner has a lease like any other", async ({ start }) => {
    const mock = await start({ unknownExchangeToken: "exchange" });
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken: "unknown" });
    const { runners } = await mock.runner.listRunners({});
    expect(runners.map(({ status }) => status?.phase)).toEqual([RunnerPhase.INACTIVE]);
    await mock.clock.advance("30s");
    expect((await mock.runner.listRunners({})).runners).toEqual([]);
    expect(await callOutcome(mock, accessToken)).toBe("ok");
    expect((await mock.runner.listRunners({})).runners.map(idOf)).toEqual(runners.map(idOf));
  });
});

describe("desiredPhaseOnCreate", () => {
  const phaseFor = async (mock: TestMock, spec?: { desiredPhase: RunnerPhase }) => {
    const { runner } = await mock.runner.createRunner({ ...productionRunner, ...(spec && { spec }) });
    expect((await seen(mock, idOf(runner))).spec).toEqual(runner?.spec);
    expect(runner?.status?.phase).toBe(RunnerPhase.CREATED);
    return runner?.spec?.desiredPhase;
  };

  test("keep: as sent", async ({ shared }) => {
    expect(await phaseFor(shared, { desiredPhase: RunnerPhase.INACTIVE })).toBe(RunnerPhase.INACTIVE);
    expect(await phaseFor(shared)).toBe(undefined);
  });

  activating("activate: ACTIVE, whatever was sent, with the rest of the spec as sent", async ({ shared }) => {
    expect(await phaseFor(shared, { desiredPhase: RunnerPhase.INACTIVE })).toBe(RunnerPhase.ACTIVE);
    expect(await phaseFor(shared)).toBe(RunnerPhase.ACTIVE);
    const configuration = { region: "us-west" };
    const { runner } = await shared.runner.createRunner({ ...productionRunner, spec: { configuration } });
    expect(runner?.spec).toMatchObject({ desiredPhase: RunnerPhase.ACTIVE, configuration });
  });
});

describe("legacyAccessToken", () => {
  const replies = async ({ runner: client }: TestMock) => {
    const created = await client.createRunner(productionRunner);
    return [created, await client.createRunnerToken({ runnerId: idOf(created.runner) })];
  };

  test("filled: access_token is there, and works", async ({ shared }) => {
    for (const { accessToken } of await replies(shared)) {
      expect(await callOutcome(shared, accessToken)).toBe("ok");
    }
  });

  emptying("empty: access_token is not there", async ({ shared }) => {
    for (const { accessToken, exchangeToken } of await replies(shared)) {
      expect(accessToken).toBe("");
      expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
    }
  });
});

describe("metricsPassword", () => {
  const metrics = { enabled: true, url: "https://metrics.example.com", username: "me", password: "secret" };
  const spec = { configuration: { region: "us-west", metrics } };
  const request = { ...productionRunner, spec };

  test.for([
    ["as-sent", "secret"],
    ["blank", ""],
  ] as const)(
    "%s: every reply that shows the runner has %j",
    async ([metricsPassword, password], { start }) => {
      const mock = await start({ metricsPassword });
      const created = await mock.runner.createRunner(request);
      const renewed = await asRunner(mock, created.accessToken).runner.createRunner(request);
      const listed = await mock.runner.listRunners({});
      const shown = await seen(mock, idOf(created.runner));
      for (const runner of [created.runner, renewed.runner, shown, listed.runners[0]]) {
        expect(runner?.spec).toMatchObject({
          configuration: { region: "us-west", metrics: { ...metrics, password } },
        });
      }
    },
  );

  test("blank: a runner without metrics, or without a spec, has none", async ({ start }) => {
    const mock = await start({ metricsPassword: "blank" });
    const { runner } = await mock.runner.createRunner({ ...productionRunner, spec: { configuration: {} } });
    expect(runner?.spec?.configuration?.metrics).toBeUndefined();
    const { runnerId } = await register(mock);
    expect((await seen(mock, runnerId)).spec).toBeUndefined();
  });
});

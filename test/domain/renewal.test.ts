/** The literal renewal: CreateRunner called with the access token of a runner registers that runner again. */
import { create } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerService, RunnerSpecSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf } from "../support/mock.ts";
import {
  asRunner,
  type CreateRunnerInit,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  msOf,
  productionRunner,
  register,
  seen,
} from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

const manager = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const otherManager = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4c";
const spec = { desiredPhase: RunnerPhase.ACTIVE, configuration: { region: "us-west", autoUpdate: true } };

describe("the literal renewal", () => {
  test("keeps id, created_at and creator, takes name and spec as sent, and moves updated_at", async ({
    start,
  }) => {
    const mock = await start({ token: { alice: "alice-token" } });
    const alice = mock.client(RunnerService, { bearer: "alice-token" });
    const created = await alice.createRunner({ ...productionRunner, spec });
    const before = created.runner;
    await mock.clock.advance("10s");
    const newSpec = { configuration: { region: "eu-central", updateWindow: { startHour: 3 } } };
    const renewal = { ...productionRunner, name: "Another Name", spec: newSpec };
    const { runner } = await asRunner(mock, created.accessToken).runner.createRunner(renewal);

    expect(runner).toMatchObject({
      runnerId: before?.runnerId,
      createdAt: before?.createdAt,
      creator: before?.creator,
      kind: RunnerKind.REMOTE,
      provider: RunnerProvider.AWS_EC2,
      name: "Another Name",
    });
    expect(runner?.spec).toEqual(create(RunnerSpecSchema, newSpec));
    expect(msOf(runner?.updatedAt)).toBe(mock.clock.nowMs());
    expect(runner?.status?.phase).toBe(RunnerPhase.ACTIVE);
    expect(await seen(mock, idOf(runner))).toEqual(runner);
    expect((await mock.runner.listRunners({})).runners).toEqual([runner]);
  });

  test("without a spec leaves the runner without one", async ({ shared }) => {
    const { runner, accessToken } = await shared.runner.createRunner({ ...productionRunner, spec });
    expect(runner?.spec).toBeDefined();
    const renewed = await asRunner(shared, accessToken).runner.createRunner(productionRunner);
    expect(renewed.runner?.spec).toBeUndefined();
    expect((await seen(shared, idOf(runner))).spec).toBeUndefined();
  });

  test("moves updated_at also where it changes nothing", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.clock.advance("1s");
    await asRunner(shared, accessToken).runner.createRunner(productionRunner);
    expect(msOf((await seen(shared, runnerId)).updatedAt)).toBe(shared.clock.nowMs());
  });

  test("keeps what the runner reported of itself", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.runners.report(runnerId, { version: "1.2.3", phase: RunnerPhase.DEGRADED });
    await asRunner(shared, accessToken).runner.createRunner(productionRunner);
    expect((await seen(shared, runnerId)).status).toMatchObject({
      version: "1.2.3",
      phase: RunnerPhase.DEGRADED,
    });
  });

  test("gives new tokens that work, and the older ones still do", async ({ shared }) => {
    const { runnerId, accessToken, exchangeToken } = await register(shared);
    const renewed = await asRunner(shared, accessToken).runner.createRunner(productionRunner);
    expect(renewed.exchangeToken).not.toBe(exchangeToken);
    for (const token of [accessToken, renewed.accessToken]) {
      expect(await callOutcome(shared, token)).toBe("ok");
    }
    for (const token of [renewed.exchangeToken, exchangeToken]) {
      const exchanged = await shared.identity.exchangeToken({ exchangeToken: token });
      const { subject } = await asRunner(shared, exchanged.accessToken).identity.getAuthenticatedIdentity({});
      expect(subject?.id).toBe(runnerId);
      expect(await exchangeOutcome(shared, token)).toBe("unauthenticated");
    }
  });

  test("gives an exchange token that lives 24 hours from now", async ({ shared }) => {
    const { accessToken } = await register(shared);
    await shared.clock.advance("20s");
    const renew = () => asRunner(shared, accessToken).runner.createRunner(productionRunner);
    const [one, other] = [await renew(), await renew()];
    await shared.clock.advance(24 * 3_600_000 - 1);
    expect(await exchangeOutcome(shared, one.exchangeToken)).toBe("ok");
    await shared.clock.advance(1);
    expect(await exchangeOutcome(shared, other.exchangeToken)).toBe("unauthenticated");
  });

  test("registers no second runner", async ({ start }) => {
    const mock = await start();
    const { accessToken } = await register(mock);
    for (let i = 0; i < 3; i++) await asRunner(mock, accessToken).runner.createRunner(productionRunner);
    expect((await mock.runner.listRunners({})).runners).toHaveLength(1);
  });

  test("by the kind alone fits a runner that was registered by its kind", async ({ shared }) => {
    const request = { name: "Runner", kind: RunnerKind.LOCAL };
    const { runnerId, accessToken } = await register(shared, request);
    const renewed = await asRunner(shared, accessToken).runner.createRunner({ ...request, name: "New" });
    expect(renewed.runner).toMatchObject({ runnerId, name: "New", kind: RunnerKind.LOCAL });
  });

  test.for<[string, CreateRunnerInit, CreateRunnerInit]>([
    ["provider", productionRunner, { provider: RunnerProvider.GCP }],
    ["provider", productionRunner, { provider: RunnerProvider.MANAGED, runnerManagerId: manager }],
    ["kind and provider", productionRunner, { provider: RunnerProvider.LINUX_HOST }],
    ["kind", productionRunner, { kind: RunnerKind.LOCAL }],
    ["kind", { name: "Runner", kind: RunnerKind.LOCAL }, { kind: RunnerKind.REMOTE }],
    ["provider", { name: "Runner", kind: RunnerKind.REMOTE }, { provider: RunnerProvider.AWS_EC2 }],
    [
      "runner_manager_id",
      { name: "Runner", provider: RunnerProvider.MANAGED, runnerManagerId: manager },
      { provider: RunnerProvider.MANAGED, runnerManagerId: otherManager },
    ],
    [
      "runner_manager_id",
      { name: "Runner", provider: RunnerProvider.MANAGED, runnerManagerId: manager },
      { kind: RunnerKind.REMOTE },
    ],
  ])("with another %s is refused and changes nothing: %j, then %j", async ([, first, then], { shared }) => {
    const { runnerId, accessToken } = await register(shared, { ...first, spec });
    // The first call makes it ACTIVE, refused or not.
    await callOutcome(shared, accessToken);
    const before = await seen(shared, runnerId);
    await shared.clock.advance("1s");
    const renewal = asRunner(shared, accessToken).runner.createRunner({ ...then, name: "Another Name" });
    expect(await failureOf(renewal)).toMatch(/^failed_precondition: cannot renew the registration: /);
    expect(await seen(shared, runnerId)).toEqual(before);
  });

  test("is held against the rules like any other CreateRunner", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await callOutcome(shared, accessToken);
    const before = await seen(shared, runnerId);
    await shared.clock.advance("1s");
    const { runner } = asRunner(shared, accessToken);
    expect(await violationsOf(runner.createRunner({ name: "ab", kind: 3, provider: 4 }))).toEqual([
      "name string.min_len",
      "runner.kind_or_provider",
      "runner.local_configuration",
      "runner.runner_manager_id",
    ]);
    expect(await seen(shared, runnerId)).toEqual(before);
  });

  test("of a deleted runner is refused", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    const renewal = asRunner(shared, accessToken).runner.createRunner(productionRunner);
    expect(await codeOf(renewal)).toBe("unauthenticated");
  });

  test("by many calls at once gives each a token that works", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const { runner } = asRunner(shared, accessToken);
    const renewals = await Promise.all(
      Array.from({ length: 20 }, (_, i) => runner.createRunner({ ...productionRunner, name: `Runner ${i}` })),
    );
    expect(new Set(renewals.map((renewal) => idOf(renewal.runner)))).toEqual(new Set([runnerId]));
    for (const { exchangeToken } of renewals) expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
  });
});

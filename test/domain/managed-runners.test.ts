/** Runners that are not like the others, where the switches say so: LOCAL_CONFIGURATION and managed ones. */
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  msOf,
  productionRunner,
  type RunnerClient,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";

const present = sharing({ localConfigurationRunner: "present" });
const refusing = sharing({ secondManagedRunner: "refuse" });
const selfDriven = sharing({ managedRunners: "self-driven", token: { alice: "alice-token" } });

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4d";

/** A request for a runner of this manager; each test has managers of its own. */
const managedBy = (runnerManagerId: string) => ({
  name: "Managed Runner",
  provider: RunnerProvider.MANAGED,
  runnerManagerId,
});

let managers = 0;
const newManager = () => `0198a1b2-c3d4-7e5f-8a6b-${String(++managers).padStart(12, "0")}`;

describe("localConfigurationRunner", () => {
  const localRunnersOf = async (runner: RunnerClient) => {
    const { runners } = await runner.listRunners({ filter: { kinds: [RunnerKind.LOCAL_CONFIGURATION] } });
    return runners;
  };

  test("absent: there is none", async ({ shared }) => {
    expect(await localRunnersOf(shared.runner)).toEqual([]);
  });

  for (const path of ["", "/w/other"]) {
    present(
      `present: the world at "${path}/" has one, CREATED, that cannot be deleted`,
      async ({ shared }) => {
        const runner = shared.client(RunnerService, { path });
        const runners = await localRunnersOf(runner);
        expect(runners.map(({ kind, status }) => [kind, status?.phase])).toEqual([
          [RunnerKind.LOCAL_CONFIGURATION, RunnerPhase.CREATED],
        ]);
        const runnerId = idOf(runners[0]);
        expect(await codeOf(runner.deleteRunner({ runnerId }))).toBe("failed_precondition");
        expect(await codeOf(runner.deleteRunner({ runnerId, force: true }))).toBe("failed_precondition");
        expect(await codeOf(runner.getRunner({ runnerId }))).toBe("ok");
      },
    );
  }

  present("present: it never lapses", async ({ shared }) => {
    const before = await localRunnersOf(shared.runner);
    await shared.clock.advance("720h");
    expect(await localRunnersOf(shared.runner)).toEqual(before);
    expect(before).toHaveLength(1);
  });

  present("present: nobody can create a second one", async ({ shared }) => {
    const call = shared.runner.createRunner({ name: "Mine", kind: RunnerKind.LOCAL_CONFIGURATION });
    expect(await codeOf(call)).toBe("invalid_argument");
  });
});

describe("secondManagedRunner", () => {
  const createFor = (mock: TestMock, manager: string) => codeOf(mock.runner.createRunner(managedBy(manager)));

  test("allow: a runner manager may have many", async ({ shared }) => {
    const manager = newManager();
    expect([await createFor(shared, manager), await createFor(shared, manager)]).toEqual(["ok", "ok"]);
  });

  refusing("refuse: a runner manager may have one, in each world", async ({ shared }) => {
    const [manager, other] = [newManager(), newManager()];
    expect(await createFor(shared, manager)).toBe("ok");
    expect(await createFor(shared, manager)).toBe("already_exists");
    expect(await createFor(shared, other)).toBe("ok");
    expect(await createFor(shared, other)).toBe("already_exists");
    expect(await codeOf(shared.runner.createRunner(productionRunner))).toBe("ok");
    expect(await codeOf(shared.runner.createRunner(productionRunner))).toBe("ok");
    const elsewhere = shared.client(RunnerService, { path: "/w/elsewhere" });
    expect(await codeOf(elsewhere.createRunner(managedBy(manager)))).toBe("ok");
  });

  refusing("refuse: a refused one is not there", async ({ shared }) => {
    const manager = newManager();
    const managed = async () => {
      const { runners } = await shared.runner.listRunners({ pagination: { pageSize: 100 } });
      return runners.filter(({ runnerManagerId }) => runnerManagerId === manager);
    };
    await createFor(shared, manager);
    await createFor(shared, manager);
    expect(await managed()).toHaveLength(1);
  });

  refusing("refuse: of many at once exactly one is created", async ({ shared }) => {
    const manager = newManager();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => createFor(shared, manager)));
    expect(outcomes.toSorted()).toEqual([...Array.from({ length: 19 }, () => "already_exists"), "ok"]);
  });

  refusing("refuse: another may be created once the first is deleted or has lapsed", async ({ shared }) => {
    const manager = newManager();
    const first = await register(shared, managedBy(manager));
    await shared.runner.deleteRunner({ runnerId: first.runnerId });
    expect(await createFor(shared, manager)).toBe("ok");
    await shared.clock.advance("29.999s");
    expect(await createFor(shared, manager)).toBe("already_exists");
    await shared.clock.advance(1);
    expect(await createFor(shared, manager)).toBe("ok");
    expect(await createFor(shared, manager)).toBe("already_exists");
  });

  refusing("refuse: the literal renewal is no second one", async ({ shared }) => {
    const manager = newManager();
    const { runnerId, accessToken } = await register(shared, managedBy(manager));
    const { runner } = await asRunner(shared, accessToken).runner.createRunner(managedBy(manager));
    expect(idOf(runner)).toBe(runnerId);
    expect(await createFor(shared, manager)).toBe("already_exists");
  });
});

describe("managedRunners", () => {
  const statusOf = async (mock: TestMock, runnerId: string) => {
    const { phase, updatedAt } = (await seen(mock, runnerId)).status ?? {};
    return [phase, msOf(updatedAt)];
  };

  test("plain: they are as others", async ({ shared }) => {
    const { runnerId } = await register(shared, managedBy(newManager()));
    await shared.clock.advance("29.999s");
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.CREATED);
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId }))).toBe("ok");
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
  });

  selfDriven("self-driven: ACTIVE exactly 1 s after their creation, and for ever", async ({ shared }) => {
    const { runnerId } = await register(shared, managedBy(newManager()));
    const createdAtMs = shared.clock.nowMs();
    await shared.clock.advance(999);
    expect(await statusOf(shared, runnerId)).toEqual([RunnerPhase.CREATED, createdAtMs]);
    await shared.clock.advance(1);
    expect(await statusOf(shared, runnerId)).toEqual([RunnerPhase.ACTIVE, createdAtMs + 1000]);
    await shared.clock.advance("720h");
    expect(await statusOf(shared, runnerId)).toEqual([RunnerPhase.ACTIVE, createdAtMs + 1000]);
  });

  selfDriven("self-driven: since that second, however late it is looked at", async ({ shared }) => {
    const { runnerId } = await register(shared, managedBy(newManager()));
    const createdAtMs = shared.clock.nowMs();
    await shared.clock.advance("1h");
    expect(await statusOf(shared, runnerId)).toEqual([RunnerPhase.ACTIVE, createdAtMs + 1000]);
  });

  selfDriven("self-driven: exchange and calls neither hasten nor hinder that", async ({ shared }) => {
    const { runnerId, exchangeToken, accessToken } = await register(shared, managedBy(newManager()));
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
    expect(await callOutcome(shared, accessToken)).toBe("ok");
    await shared.clock.advance(999);
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.CREATED);
    await shared.clock.advance(1);
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.ACTIVE);
    expect(await callOutcome(shared, accessToken)).toBe("ok");
    await shared.clock.advance("1h");
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  selfDriven("self-driven: no user can make tokens for them", async ({ shared }) => {
    const { runnerId } = await register(shared, managedBy(newManager()));
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId }))).toBe("unauthenticated");
    const alice = shared.client(RunnerService, { bearer: "alice-token" });
    expect(await codeOf(alice.createRunnerToken({ runnerId }))).toBe("unauthenticated");
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId: unknownId }))).toBe("not_found");
  });

  selfDriven("self-driven: one may make itself a token", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared, managedBy(newManager()));
    const { exchangeToken } = await asRunner(shared, accessToken).runner.createRunnerToken({ runnerId });
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
  });

  selfDriven("self-driven: others are as ever", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.clock.advance("10s");
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.CREATED);
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId }))).toBe("ok");
    await shared.clock.advance("20s");
    expect(await stands(shared, runnerId)).toBe(false);
  });

  selfDriven("self-driven: a deleted one is gone for good", async ({ shared }) => {
    const { runnerId } = await register(shared, managedBy(newManager()));
    await shared.clock.advance("500ms");
    await shared.runner.deleteRunner({ runnerId });
    await shared.clock.advance("1h");
    expect(await stands(shared, runnerId)).toBe(false);
  });
});

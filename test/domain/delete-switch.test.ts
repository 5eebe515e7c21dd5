/** When DeleteRunner takes effect. That it is final is in lease.test.ts, too. */
import { describe, expect } from "vitest";
import { RunnerPhase } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  msOf,
  productionRunner,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";

const deferring = sharing({ delete: "deferred" });
const withLapse = {
  remove: deferring,
  deactivate: sharing({ delete: "deferred", lapse: "deactivate" }),
  never: sharing({ delete: "deferred", lapse: "never" }),
};

const isListed = async (mock: TestMock, runnerId: string) => {
  const { runners } = await mock.runner.listRunners({ pagination: { pageSize: 100 } });
  return runners.map(idOf).includes(runnerId);
};

test("at-once: the runner is gone when DeleteRunner returns", async ({ shared }) => {
  const { runnerId } = await register(shared);
  await shared.runner.deleteRunner({ runnerId });
  expect(await stands(shared, runnerId)).toBe(false);
  expect(await isListed(shared, runnerId)).toBe(false);
});

describe("deferred", () => {
  deferring("GetRunner shows the runner DELETING for 2 s, then it is gone", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.clock.advance("1s");
    await shared.runner.deleteRunner({ runnerId });
    const deletedAtMs = shared.clock.nowMs();
    await shared.clock.advance("1.999s");
    const { status } = await seen(shared, runnerId);
    expect([status?.phase, msOf(status?.updatedAt)]).toEqual([RunnerPhase.DELETING, deletedAtMs]);
    expect(await isListed(shared, runnerId)).toBe(true);
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
    expect(await isListed(shared, runnerId)).toBe(false);
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("not_found");
  });

  deferring("its tokens are refused at once, and do not bring it back", async ({ shared }) => {
    const { runnerId, exchangeToken, accessToken } = await register(shared);
    const another = await shared.runner.createRunnerToken({ runnerId });
    await shared.runner.deleteRunner({ runnerId });
    const expectRefusals = async () => {
      for (const token of [accessToken, another.accessToken]) {
        expect(await callOutcome(shared, token)).toBe("unauthenticated");
      }
      for (const token of [exchangeToken, another.exchangeToken]) {
        expect(await exchangeOutcome(shared, token)).toBe("unauthenticated");
      }
    };
    await expectRefusals();
    await shared.clock.advance("2s");
    await expectRefusals();
    expect(await stands(shared, runnerId)).toBe(false);
  });

  deferring("a second DeleteRunner succeeds, and does not put the end off", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    await shared.clock.advance("1.999s");
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("ok");
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
  });

  deferring("a lapsed runner is gone at once", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.clock.advance("30s");
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("ok");
    expect(await stands(shared, runnerId)).toBe(false);
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("not_found");
  });

  deferring("the lease of the runner does not matter any more", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.clock.advance("29s");
    await shared.runner.deleteRunner({ runnerId });
    await shared.clock.advance("1.999s");
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.DELETING);
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
  });
});

describe.for(Object.entries(withLapse))("deferred, with lapse: %s", ([, lapsing]) => {
  lapsing.for<[string, (mock: TestMock, runnerId: string) => Promise<unknown>]>([
    [
      "a report of its phase",
      (mock, runnerId) => mock.runners.report(runnerId, { phase: RunnerPhase.ACTIVE }),
    ],
    ["a report of its version", (mock, runnerId) => mock.runners.report(runnerId, { version: "2" })],
    ["CreateRunnerToken", (mock, runnerId) => mock.runner.createRunnerToken({ runnerId })],
    [
      "a token made after it, exchanged and used",
      async (mock, runnerId) => {
        const { exchangeToken } = await mock.runner.createRunnerToken({ runnerId });
        const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
        await asRunner(mock, accessToken).runner.createRunner(productionRunner);
      },
    ],
  ])("DeleteRunner is final: it is not undone by %s", async ([, attempt], { shared }) => {
    const { runnerId } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    await shared.clock.advance("1s");
    // It may be refused or not.
    await codeOf(attempt(shared, runnerId));
    await shared.clock.advance("1s");
    expect(await stands(shared, runnerId)).toBe(false);
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("not_found");
  });
});

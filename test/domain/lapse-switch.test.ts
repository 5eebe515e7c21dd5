/** What an unrenewed lease does, where it does not remove the runner. */
import { describe, expect } from "vitest";
import { RunnerPhase } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import {
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  msOf,
  type Registered,
  register,
  seen,
} from "../support/registrations.ts";
import { sharing } from "../support/shared-mock.ts";

const deactivating = sharing({ lapse: "deactivate" });
const enduring = sharing({ lapse: "never" });

const statusOf = async (mock: TestMock, { runnerId }: Registered) => {
  const { status } = await seen(mock, runnerId);
  return [RunnerPhase[status?.phase ?? 0], msOf(status?.updatedAt)];
};

describe("with lapse: deactivate", () => {
  deactivating("a runner that never came up stays CREATED for ever", async ({ shared }) => {
    const registered = await register(shared);
    const createdAtMs = shared.clock.nowMs();
    for (const step of ["30s", "24h", "720h"]) {
      await shared.clock.advance(step);
      expect(await statusOf(shared, registered)).toEqual(["CREATED", createdAtMs]);
    }
    const { runners } = await shared.runner.listRunners({ pagination: { pageSize: 100 } });
    expect(runners.map(idOf)).toContain(registered.runnerId);
  });

  deactivating.for([
    [29_999, "ACTIVE"],
    [30_000, "INACTIVE"],
    [30_001, "INACTIVE"],
  ] as const)("an ACTIVE one that is silent for %i ms is %s", async ([silentMs, phase], { shared }) => {
    const registered = await register(shared);
    await callOutcome(shared, registered.accessToken);
    await shared.clock.advance(silentMs);
    expect((await statusOf(shared, registered))[0]).toBe(phase);
  });

  deactivating(
    "it becomes INACTIVE at the moment of the lapse, however late that is read",
    async ({ shared }) => {
      const registered = await register(shared);
      await shared.clock.advance("7s");
      await callOutcome(shared, registered.accessToken);
      const lapsesAtMs = shared.clock.nowMs() + 30_000;
      await shared.clock.advance("24h");
      expect(await statusOf(shared, registered)).toEqual(["INACTIVE", lapsesAtMs]);
    },
  );

  deactivating("a renewal makes it ACTIVE again, until the next silence", async ({ shared }) => {
    const registered = await register(shared);
    for (let times = 0; times < 3; times++) {
      expect(await callOutcome(shared, registered.accessToken)).toBe("ok");
      expect(await statusOf(shared, registered)).toEqual(["ACTIVE", shared.clock.nowMs()]);
      await shared.clock.advance("29.999s");
      expect((await statusOf(shared, registered))[0]).toBe("ACTIVE");
      await shared.clock.advance("1h");
      expect((await statusOf(shared, registered))[0]).toBe("INACTIVE");
    }
  });

  deactivating("one that is kept alive stays ACTIVE", async ({ shared }) => {
    const registered = await register(shared);
    await callOutcome(shared, registered.accessToken);
    const activeSinceMs = shared.clock.nowMs();
    for (let renewals = 0; renewals < 10; renewals++) {
      await shared.clock.advance("29.999s");
      await callOutcome(shared, registered.accessToken);
    }
    expect(await statusOf(shared, registered)).toEqual(["ACTIVE", activeSinceMs]);
  });

  deactivating(
    "one that has only exchanged its token stays INACTIVE, since the exchange",
    async ({ shared }) => {
      const registered = await register(shared);
      await shared.clock.advance("5s");
      await exchangeOutcome(shared, registered.exchangeToken);
      const exchangedAtMs = shared.clock.nowMs();
      await shared.clock.advance("1h");
      expect(await statusOf(shared, registered)).toEqual(["INACTIVE", exchangedAtMs]);
    },
  );

  deactivating(
    "its tokens go on working, and users can make more, long after the lapse",
    async ({ shared }) => {
      const { runnerId, accessToken } = await register(shared);
      await shared.clock.advance("720h");
      expect(await callOutcome(shared, accessToken)).toBe("ok");
      await shared.clock.advance("720h");
      const { exchangeToken } = await shared.runner.createRunnerToken({ runnerId });
      expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
      expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("ok");
      expect(await callOutcome(shared, accessToken)).toBe("unauthenticated");
    },
  );
});

describe("with lapse: never", () => {
  enduring("a runner stays as it is, without any sign of life", async ({ shared }) => {
    const [created, inactive, active] = [
      await register(shared),
      await register(shared),
      await register(shared),
    ];
    await exchangeOutcome(shared, inactive.exchangeToken);
    await callOutcome(shared, active.accessToken);
    const sinceMs = shared.clock.nowMs();
    await shared.clock.advance("8760h");
    expect(await statusOf(shared, created)).toEqual(["CREATED", sinceMs]);
    expect(await statusOf(shared, inactive)).toEqual(["INACTIVE", sinceMs]);
    expect(await statusOf(shared, active)).toEqual(["ACTIVE", sinceMs]);
    expect(await callOutcome(shared, active.accessToken)).toBe("ok");
    expect((await shared.runner.listRunners({})).runners).toHaveLength(3);
  });
});

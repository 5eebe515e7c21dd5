/** CreateRunnerLogsToken: what the token opens (nothing here), for how long, and what it says of its runner. */
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerPhase, RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  msOf,
  productionRunner,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";
import { firstOf } from "../support/watching.ts";

const hour = 3_600_000;

const deletions = { "at once": sharing({}), deferred: sharing({ delete: "deferred" }) };
const never = sharing({ lapse: "never" });
const forgiving = sharing({ unknownIds: "empty" });

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const runnerNotFound = "not_found: runner not found";
const denied = "permission_denied";
const refused = "unauthenticated";

async function logsTokenOf({ runner }: Pick<TestMock, "runner">, runnerId: string): Promise<string> {
  return (await runner.createRunnerLogsToken({ runnerId })).accessToken;
}

/** A runner and a token for its logs. */
async function registerWithLogs(mock: TestMock) {
  const registered = await register(mock);
  return { ...registered, logsToken: await logsTokenOf(mock, registered.runnerId) };
}

/** Clients that bear the token, and their runner. */
function bearing(mock: TestMock, bearer: string, runnerId: string) {
  const clientOptions = { bearer };
  return {
    runnerId,
    runner: mock.client(RunnerService, clientOptions),
    identity: mock.client(IdentityService, clientOptions),
    events: mock.client(EventService, clientOptions),
  };
}

describe("a logs token", () => {
  test("says by its beginning what it is, and each is another one", async ({ shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    const another = await logsTokenOf(shared, runnerId.toUpperCase());
    for (const token of [logsToken, another]) {
      expect(token).toMatch(/^rmock_logs_[\w-]{43}$/);
      expect(await callOutcome(shared, token)).toBe(denied);
    }
    expect(another).not.toBe(logsToken);
  });

  test("is given to the runner itself, too", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const token = await logsTokenOf(asRunner(shared, accessToken), runnerId);
    expect(await callOutcome(shared, token)).toBe(denied);
  });

  const groupId = unknownId;
  test.for<[string, (caller: ReturnType<typeof bearing>) => Promise<unknown>]>([
    ["GetAuthenticatedIdentity", ({ identity }) => identity.getAuthenticatedIdentity({})],
    ["GetIDToken", ({ identity }) => identity.getIDToken({ audience: ["a"] })],
    ["GetRunner of its runner", ({ runner, runnerId }) => runner.getRunner({ runnerId })],
    ["GetRunner of an unknown one", ({ runner }) => runner.getRunner({ runnerId: unknownId })],
    ["ListRunners", ({ runner }) => runner.listRunners({})],
    ["CreateRunner", ({ runner }) => runner.createRunner(productionRunner)],
    ["UpdateRunner", ({ runner, runnerId }) => runner.updateRunner({ runnerId, name: "Another Name" })],
    ["DeleteRunner", ({ runner, runnerId }) => runner.deleteRunner({ runnerId })],
    ["CreateRunnerToken", ({ runner, runnerId }) => runner.createRunnerToken({ runnerId })],
    ["CreateRunnerLogsToken", ({ runner, runnerId }) => runner.createRunnerLogsToken({ runnerId })],
    ["ListRunnerPolicies", ({ runner, runnerId }) => runner.listRunnerPolicies({ runnerId })],
    [
      "CreateRunnerPolicy",
      ({ runner, runnerId }) => runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER }),
    ],
    ["ListAuditLogs", ({ events }) => events.listAuditLogs({})],
    ["WatchEvents", ({ events }) => firstOf(events)],
  ])("does not open %s", async ([, call], { shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    const before = await seen(shared, runnerId);
    const outcome = await failureOf(call(bearing(shared, logsToken, runnerId)));
    expect(outcome).toBe("permission_denied: permission denied");
    expect(await seen(shared, runnerId)).toEqual(before);
  });

  test("does not hinder ExchangeToken, which anybody may call", async ({ shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    const { exchangeToken } = await register(shared);
    const { identity } = bearing(shared, logsToken, runnerId);
    const { accessToken } = await identity.exchangeToken({ exchangeToken });
    expect(await callOutcome(shared, accessToken)).toBe("ok");
  });

  test("cannot be exchanged itself", async ({ shared }) => {
    const { logsToken } = await registerWithLogs(shared);
    expect(await exchangeOutcome(shared, logsToken)).toBe(refused);
    expect(await callOutcome(shared, logsToken)).toBe(denied);
  });

  test.for([
    ["made up", () => "rmock_logs_AAAA"],
    ["of the beginning alone", () => "rmock_logs_"],
    ["an access token by another name", (accessToken: string) => accessToken.replace("_access_", "_logs_")],
  ] as const)("that is %s is refused", async ([, forge], { shared }) => {
    const { accessToken } = await registerWithLogs(shared);
    expect(await callOutcome(shared, forge(accessToken))).toBe(refused);
  });

  test("is not known in another world", async ({ shared }) => {
    const { runnerId, logsToken: bearer } = await registerWithLogs(shared);
    const elsewhere = { bearer, path: "/w/elsewhere" };
    const { getAuthenticatedIdentity } = shared.client(IdentityService, elsewhere);
    expect(await codeOf(getAuthenticatedIdentity({}))).toBe(refused);
    const { getRunner } = shared.client(RunnerService, elsewhere);
    expect(await codeOf(getRunner({ runnerId }))).toBe(refused);
  });

  test("is in no log line, given, borne or refused", async ({ start }) => {
    const mock = await start();
    const { runnerId, logsToken } = await registerWithLogs(mock);
    await callOutcome(mock, logsToken);
    await exchangeOutcome(mock, logsToken);
    await mock.runner.deleteRunner({ runnerId });
    await callOutcome(mock, logsToken);
    expect(mock.log).not.toEqual([]);
    const secret = logsToken.slice("rmock_logs_".length);
    expect(mock.log.filter((line) => line.includes(secret))).toEqual([]);
  });
});

describe("the hour of a logs token", () => {
  const edges = [
    [hour - 1, denied],
    [hour, refused],
    [hour + 1, refused],
  ] as const;

  test.for(edges)("after %i ms, its runner lapsed: %s", async ([afterMs, outcome], { shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    await shared.clock.advance(afterMs);
    expect(await stands(shared, runnerId)).toBe(false);
    expect(await callOutcome(shared, logsToken)).toBe(outcome);
  });

  never.for(edges)("after %i ms, its runner standing: %s", async ([afterMs, outcome], { shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    await shared.clock.advance(afterMs);
    expect(await callOutcome(shared, logsToken)).toBe(outcome);
    expect(await stands(shared, runnerId)).toBe(true);
  });

  never("is its own: a later one lives on, and calls do not prolong it", async ({ shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    await shared.clock.advance(hour / 2);
    const later = await logsTokenOf(shared, runnerId);
    await shared.clock.advance(hour / 2 - 1);
    expect(await callOutcome(shared, logsToken)).toBe(denied);
    await shared.clock.advance(1);
    expect(await callOutcome(shared, logsToken)).toBe(refused);
    await shared.clock.advance(hour / 2 - 1);
    expect(await callOutcome(shared, later)).toBe(denied);
    await shared.clock.advance(1);
    expect(await callOutcome(shared, later)).toBe(refused);
  });
});

describe("the runner of a logs token", () => {
  test("is not shown alive by it: neither phase nor lease change", async ({ shared }) => {
    const { runnerId, logsToken } = await registerWithLogs(shared);
    const createdAtMs = shared.clock.nowMs();
    await shared.clock.advance("29.999s");
    await logsTokenOf(shared, runnerId);
    expect(await callOutcome(shared, logsToken)).toBe(denied);
    const { status } = await seen(shared, runnerId);
    expect([status?.phase, msOf(status?.updatedAt)]).toEqual([RunnerPhase.CREATED, createdAtMs]);
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
    expect(await callOutcome(shared, logsToken)).toBe(denied);
    expect(await stands(shared, runnerId)).toBe(false);
  });

  test("has to stand", async ({ shared }) => {
    const ask = (runnerId: string) => failureOf(shared.runner.createRunnerLogsToken({ runnerId }));
    expect(await ask(unknownId)).toBe(runnerNotFound);
    const [deleted, lapsed] = [await register(shared), await register(shared)];
    await shared.runner.deleteRunner({ runnerId: deleted.runnerId });
    expect(await ask(deleted.runnerId)).toBe(runnerNotFound);
    await shared.clock.advance("29.999s");
    expect(await ask(lapsed.runnerId)).toBe("ok");
    await shared.clock.advance(1);
    expect(await ask(lapsed.runnerId)).toBe(runnerNotFound);
  });

  describe.for(Object.entries(deletions))("deleted %s", ([, deleting]) => {
    deleting("takes it along, and gets no other", async ({ shared }) => {
      const [it, other] = [await registerWithLogs(shared), await registerWithLogs(shared)];
      const { runnerId } = it;
      await shared.runner.deleteRunner({ runnerId });
      expect(await callOutcome(shared, it.logsToken)).toBe(refused);
      expect(await callOutcome(shared, other.logsToken)).toBe(denied);
      expect(await failureOf(shared.runner.createRunnerLogsToken({ runnerId }))).toBe(runnerNotFound);
    });
  });

  test("is not kept for its sake once it has lapsed", async ({ start }) => {
    const mock = await start({ legacyAccessToken: "empty", exchangeTokenTtl: "1m" });
    const [early, late] = [await register(mock), await register(mock)];
    await mock.clock.advance("20s");
    const tokens = [await logsTokenOf(mock, early.runnerId), await logsTokenOf(mock, late.runnerId)];
    const [earlyToken = "", lateToken = ""] = tokens;
    await mock.clock.advance("39.999s");
    expect(await callOutcome(mock, earlyToken)).toBe(denied);
    expect(await codeOf(mock.runner.deleteRunner({ runnerId: early.runnerId }))).toBe("ok");
    await mock.clock.advance(1);
    expect(await callOutcome(mock, lateToken)).toBe(refused);
    expect(await codeOf(mock.runner.deleteRunner({ runnerId: late.runnerId }))).toBe("not_found");
  });

  forgiving("may be unknown where unknownIds is empty; the token then opens nothing", async ({ shared }) => {
    const token = await logsTokenOf(shared, unknownId);
    expect(token).toMatch(/^rmock_logs_[\w-]{43}$/);
    expect(await callOutcome(shared, token)).toBe(refused);
  });
});

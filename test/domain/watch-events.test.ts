/** WatchEvents: what is heard of runners and policies; who hears it is in watch-filters and watch-scope. */
import { describe, expect } from "vitest";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerRole } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import { type StartMock, type TestMock, test } from "../support/mock.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  productionRunner,
  type Registered,
  register,
} from "../support/registrations.ts";
import { eventsOf, watching, withoutIds } from "../support/watching.ts";

type Act = (mock: TestMock, runner: Registered) => Promise<unknown>;

/** A runner that was registered before the watch began. */
async function withRunner(start: StartMock, options: RunnerMockOptions = {}) {
  const mock = await start(options);
  const runner = await register(mock);
  return { mock, runner, watch: await watching(eventsOf(mock)) };
}

const exchange: Act = (mock, { exchangeToken }) => exchangeOutcome(mock, exchangeToken);
const call: Act = (mock, { accessToken }) => callOutcome(mock, accessToken);
const remove: Act = ({ runner }, { runnerId }) => runner.deleteRunner({ runnerId });
const lapse: Act = ({ clock }) => clock.advance("30s");
const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const otherGroupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000d";
const giveRole: Act = ({ runner }, { runnerId }) =>
  runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });

test("CreateRunner is heard as CREATE, with the runner's id", async ({ mock }) => {
  const watch = await watching(eventsOf(mock));
  const { runnerId } = await register(mock);
  expect(await watch.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
});

describe("of a runner is heard", () => {
  test.for<[string, Act[], string[]]>([
    ["UPDATE_STATUS by the exchange of its token", [exchange], ["UPDATE_STATUS"]],
    ["UPDATE_STATUS by its first call with the access token", [call], ["UPDATE_STATUS"]],
    ["UPDATE_STATUS by either of both", [exchange, call], ["UPDATE_STATUS", "UPDATE_STATUS"]],
    ["nothing by the calls after that, which only renew its lease", [call, call, call], ["UPDATE_STATUS"]],
    ["nothing by an exchange after it has called", [call, exchange], ["UPDATE_STATUS"]],
    ["nothing by a call that is refused", [call, refusedCall], ["UPDATE_STATUS"]],
    [
      "UPDATE_STATUS by runners.report",
      [
        ({ runners }, { runnerId }) =>
          runners.report(runnerId, { phase: RunnerPhase.DEGRADED, message: "?" }),
      ],
      ["UPDATE_STATUS"],
    ],
    [
      "UPDATE by UpdateRunner",
      [({ runner }, { runnerId }) => runner.updateRunner({ runnerId, name: "Another Name" })],
      ["UPDATE"],
    ],
    [
      "nothing by UpdateRunner that sets nothing",
      [({ runner }, { runnerId }) => runner.updateRunner({ runnerId })],
      [],
    ],
    ["UPDATE by CreateRunner with its own token", [call, renewAsSent], ["UPDATE_STATUS", "UPDATE"]],
    ["DELETE by DeleteRunner", [remove], ["DELETE"]],
    [
      "nothing by CreateRunnerToken",
      [({ runner }, { runnerId }) => runner.createRunnerToken({ runnerId })],
      [],
    ],
    [
      "nothing by CreateRunnerLogsToken",
      [({ runner }, { runnerId }) => runner.createRunnerLogsToken({ runnerId })],
      [],
    ],
    ["DELETE by its lapse", [lapse], ["DELETE"]],
    [
      "nothing by its lapse where calls have renewed its lease",
      [call, almostLapse, call, almostLapse],
      ["UPDATE_STATUS"],
    ],
    ["CREATE, and no more, when it exchanges a token after that", [lapse, exchange], ["DELETE", "CREATE"]],
    ["CREATE, and no more, when it calls after that", [lapse, call], ["DELETE", "CREATE"]],
    [
      "UPDATE_STATUS when it calls for the first time after it came back",
      [lapse, exchange, call],
      ["DELETE", "CREATE", "UPDATE_STATUS"],
    ],
    ["each lapse and each return", [lapse, call, lapse, call], ["DELETE", "CREATE", "DELETE", "CREATE"]],
    ["nothing when its lapsed record is deleted", [lapse, remove], ["DELETE"]],
    [
      "nothing when its lapsed record is purged",
      [lapse, ({ clock }) => clock.advance("25h"), call],
      ["DELETE"],
    ],
  ])("%s", async ([, acts, expected], { start }) => {
    const { mock, runner, watch } = await withRunner(start);
    for (const act of acts) await act(mock, runner);
    expect(await watch.untilNow(mock)).toEqual(expected.map((event) => `${event} RUNNER ${runner.runnerId}`));
  });
});

function almostLapse({ clock }: TestMock) {
  return clock.advance("29.999s");
}

async function refusedCall(mock: TestMock, { accessToken }: Registered) {
  expect(await codeOf(asRunner(mock, accessToken).runner.getRunner({ runnerId: groupId }))).toBe(
    "permission_denied",
  );
}

function renewAsSent(mock: TestMock, { accessToken }: Registered) {
  return asRunner(mock, accessToken).runner.createRunner(productionRunner);
}

describe("a lapse", () => {
  test("is heard at 30.000 s, not at 29.999 s, as the clock is moved and without anybody asking", async ({
    start,
  }) => {
    const { mock, runner, watch } = await withRunner(start);
    await mock.clock.advance("29.999s");
    expect(await watch.untilNow(mock)).toEqual([]);
    await mock.clock.advance(1);
    expect(await watch.next(1)).toEqual([`DELETE RUNNER ${runner.runnerId}`]);
  });

  test("is heard once, however many notice it", async ({ start }) => {
    const { mock, runner, watch } = await withRunner(start);
    const { runnerId } = runner;
    await Promise.all([
      mock.clock.advance("30s"),
      ...Array.from({ length: 20 }, () => codeOf(mock.runner.getRunner({ runnerId }))),
    ]);
    await mock.runner.listRunners({});
    expect(await watch.untilNow(mock)).toEqual([`DELETE RUNNER ${runnerId}`]);
  });

  test("is undone once, though many bring the runner back at the same time", async ({ start }) => {
    const { mock, runner, watch } = await withRunner(start);
    await mock.clock.advance("30s");
    const calls = Array.from({ length: 20 }, () => callOutcome(mock, runner.accessToken));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["ok"]));
    expect(withoutIds(await watch.untilNow(mock))).toEqual(["DELETE RUNNER", "CREATE RUNNER"]);
  });

  test.for<["deactivate" | "never", Act[], string[]]>([
    ["deactivate", [call, lapse], ["UPDATE_STATUS", "UPDATE_STATUS"]],
    ["deactivate", [call, lapse, call], ["UPDATE_STATUS", "UPDATE_STATUS", "UPDATE_STATUS"]],
    ["deactivate", [lapse], []],
    ["never", [call, lapse], ["UPDATE_STATUS"]],
  ])("with lapse: %s is no DELETE", async ([value, acts, expected], { start }) => {
    const { mock, runner, watch } = await withRunner(start, { lapse: value });
    for (const act of acts) await act(mock, runner);
    expect(await watch.untilNow(mock)).toEqual(expected.map((event) => `${event} RUNNER ${runner.runnerId}`));
  });
});

test('delete: "deferred" is heard as UPDATE_STATUS, and as DELETE 2 s later', async ({ start }) => {
  const { mock, runner, watch } = await withRunner(start, { delete: "deferred" });
  const { runnerId } = runner;
  await remove(mock, runner);
  expect((await mock.runner.getRunner({ runnerId })).runner?.status?.phase).toBe(RunnerPhase.DELETING);
  await remove(mock, runner);
  await mock.clock.advance("1.999s");
  expect(await watch.untilNow(mock)).toEqual([`UPDATE_STATUS RUNNER ${runnerId}`]);
  await mock.clock.advance(1);
  expect(await watch.next(1)).toEqual([`DELETE RUNNER ${runnerId}`]);
});

test("a managed runner that drives itself is heard to come up after 1 s", async ({ start }) => {
  const mock = await start({ managedRunners: "self-driven" });
  const watch = await watching(eventsOf(mock));
  const { runner } = await mock.runner.createRunner({
    name: "Managed Runner",
    provider: RunnerProvider.MANAGED,
    runnerManagerId: otherGroupId,
  });
  await mock.clock.advance(999);
  expect(await watch.untilNow(mock)).toEqual([`CREATE RUNNER ${idOf(runner)}`]);
  await mock.clock.advance(1);
  expect(await watch.next(1)).toEqual([`UPDATE_STATUS RUNNER ${idOf(runner)}`]);
});

describe("a policy is heard of as ROLE_ASSIGNMENT", () => {
  const policy = (of: Registered, role = RunnerRole.ADMIN) => ({ runnerId: of.runnerId, groupId, role });
  const { CREATE, DELETE, UPDATE, LAPSE, REVIVAL } = {
    CREATE: ["CREATE ROLE_ASSIGNMENT"],
    UPDATE: ["UPDATE ROLE_ASSIGNMENT"],
    DELETE: ["DELETE ROLE_ASSIGNMENT"],
    LAPSE: ["DELETE RUNNER", "DELETE ROLE_ASSIGNMENT"],
    REVIVAL: ["CREATE RUNNER", "CREATE ROLE_ASSIGNMENT"],
  };
  const takeRole: Act = ({ runner }, of) => runner.deleteRunnerPolicy(policy(of));

  test.for<[string, Act[], string[]]>([
    ["created", [giveRole], CREATE],
    ["created once for a group", [giveRole, (mock, of) => codeOf(giveRole(mock, of))], CREATE],
    [
      "updated",
      [giveRole, ({ runner }, of) => runner.updateRunnerPolicy(policy(of))],
      [...CREATE, ...UPDATE],
    ],
    ["deleted", [giveRole, takeRole], [...CREATE, ...DELETE]],
    ["hidden with its lapsed runner", [giveRole, lapse], [...CREATE, ...LAPSE]],
    ["back with its runner", [giveRole, lapse, call], [...CREATE, ...LAPSE, ...REVIVAL]],
    [
      "back and hidden again",
      [giveRole, lapse, exchange, lapse],
      [...CREATE, ...LAPSE, ...REVIVAL, ...LAPSE],
    ],
    ["gone with its runner", [giveRole, remove], [...CREATE, ...LAPSE]],
    ["not again when its lapsed runner is deleted", [giveRole, lapse, remove], [...CREATE, ...LAPSE]],
    [
      "not when it was deleted before its runner",
      [giveRole, takeRole, remove],
      [...CREATE, ...DELETE, "DELETE RUNNER"],
    ],
  ])("%s", async ([, acts, expected], { start }) => {
    const { mock, runner, watch } = await withRunner(start);
    for (const act of acts) await act(mock, runner);
    const heard = await watch.untilNow(mock);
    expect(withoutIds(heard)).toEqual(expected);
    expect(policyIdsIn(heard).size).toBe(1);
    expect(policyIdsIn(heard)).not.toContain(runner.runnerId);
  });

  test("and has an id of its own", async ({ mock }) => {
    const watch = await watching(eventsOf(mock));
    const [one, other] = [await register(mock), await register(mock)];
    await giveRole(mock, one);
    await giveRole(mock, other);
    await mock.runner.createRunnerPolicy({ ...policy(one), groupId: otherGroupId });
    const ids = policyIdsIn(await watch.untilNow(mock));
    expect(ids.size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  const policyIdsIn = (heard: readonly string[]) =>
    new Set(heard.filter((event) => event.includes("ROLE_ASSIGNMENT")).map((event) => event.split(" ")[2]));
});

test("of hundreds of runners that come and lapse at once, none is lost and none is heard of twice", async ({
  mock,
}) => {
  const watches = [await watching(eventsOf(mock)), await watching(eventsOf(mock))];
  const registered = await Promise.all(Array.from({ length: 500 }, () => register(mock)));
  await mock.clock.advance("30s");
  const [heard = [], alsoHeard] = await Promise.all(watches.map((watch) => watch.next(1000)));
  expect(alsoHeard).toEqual(heard);
  const ids = registered.map(({ runnerId }) => runnerId).toSorted();
  expect(heard.slice(0, 500).toSorted()).toEqual(ids.map((id) => `CREATE RUNNER ${id}`));
  // What falls due at one moment happens in the order of creation.
  expect(heard.slice(500)).toEqual(ids.map((id) => `DELETE RUNNER ${id}`));
  for (const watch of watches) expect(await watch.untilNow(mock)).not.toContain(heard[0]);
});

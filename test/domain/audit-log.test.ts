/** ListAuditLogs: who did what, and when, and who may know. Order, pages and filters: in audit-log-pages.test.ts. */
import { createConnectTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { defaultSubject } from "../../src/domain/identity.ts";
import {
  AuditLogEntryKind,
  type ListAuditLogsResponse_AuditLogEntry as Entry,
  EventService,
  ResourceType,
} from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import { failureOf, startMs, type TestMock, test } from "../support/mock.ts";
import { elsewhere, identities, usersOf } from "../support/organizations.ts";
import {
  asRunner,
  callOutcome,
  exchangeOutcome,
  msOf,
  productionRunner,
  type Registered,
  register,
} from "../support/registrations.ts";
import { type EventClient, eventsOf, watching } from "../support/watching.ts";

const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const ciId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000e";

/** The whole log, the oldest entry first. */
async function logOf(events: EventClient): Promise<Entry[]> {
  const { entries, pagination } = await events.listAuditLogs({ pagination: { pageSize: 100 } });
  expect(pagination?.nextToken).toBe("");
  return entries.toReversed();
}

test("an entry says who did what to which resource, and when", async ({ mock }) => {
  await mock.clock.advance("10s");
  const { runnerId } = await register(mock);
  const [entry] = await logOf(eventsOf(mock));
  expect(entry).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    actorId: defaultSubject.id,
    actorPrincipal: Principal.USER,
    subjectId: runnerId,
    subjectType: ResourceType.RUNNER,
    action: "create",
    kind: AuditLogEntryKind.RESOURCE_CHANGE,
  });
  expect(msOf(entry?.createdAt)).toBe(startMs + 10_000);
  expect(entry?.id).not.toBe(runnerId);
});

describe("who did what:", () => {
  type Act = (mock: TestMock, runner: Registered) => Promise<unknown>;
  const exchange: Act = (mock, { exchangeToken }) => exchangeOutcome(mock, exchangeToken);
  const call: Act = (mock, { accessToken }) => callOutcome(mock, accessToken);
  const remove: Act = ({ runner }, { runnerId }) => runner.deleteRunner({ runnerId });
  const lapse: Act = ({ clock }) => clock.advance("30s");
  const giveRole: Act = ({ runner }, { runnerId }) =>
    runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });
  const by =
    (bearer: string, act: Act): Act =>
    (mock, runner) =>
      act({ ...mock, runner: mock.client(RunnerService, { bearer }) }, runner);
  const update: Act = ({ runner }, { runnerId }) => runner.updateRunner({ runnerId, name: "Another Name" });
  const options: RunnerMockOptions = {
    token: { alice: "alice-token" },
    identities: { identities: [{ token: "ci", principal: "PRINCIPAL_SERVICE_ACCOUNT", id: ciId }] },
  };

  /** Of what follows CreateRunner. */
  test.for<[string, Act[], string[], RunnerMockOptions?]>([
    ["the exchange of a token: the runner", [exchange], ["RUNNER itself update_status RUNNER"]],
    ["its first call: the runner", [call], ["RUNNER itself update_status RUNNER"]],
    ["a mere renewal: is not logged", [call, call, call], ["RUNNER itself update_status RUNNER"]],
    [
      "CreateRunner by the runner: the runner",
      [call, (mock, { accessToken }) => asRunner(mock, accessToken).runner.createRunner(productionRunner)],
      ["RUNNER itself update_status RUNNER", "RUNNER itself update RUNNER"],
    ],
    [
      "a report: the runner",
      [({ runners }, { runnerId }) => runners.report(runnerId, { phase: RunnerPhase.DEGRADED })],
      ["RUNNER itself update_status RUNNER"],
    ],
    ["a lapse: nobody", [lapse], ["UNSPECIFIED nobody delete RUNNER"]],
    [
      "coming back: the runner",
      [lapse, exchange],
      ["UNSPECIFIED nobody delete RUNNER", "RUNNER itself create RUNNER"],
    ],
    ["UpdateRunner: the user", [update], ["USER default update RUNNER"]],
    ["UpdateRunner by a configured user", [by("alice-token", update)], ["USER alice update RUNNER"]],
    ["UpdateRunner by a service account", [by("ci", update)], ["SERVICE_ACCOUNT ci update RUNNER"]],
    ["DeleteRunner: the user", [by("alice-token", remove)], ["USER alice delete RUNNER"]],
    [
      "deferred DeleteRunner: the user, and nobody when its time has come",
      [remove, lapse],
      ["USER default update_status RUNNER", "UNSPECIFIED nobody delete RUNNER"],
      { delete: "deferred" },
    ],
    [
      "lapse: deactivate: nobody",
      [call, lapse],
      ["RUNNER itself update_status RUNNER", "UNSPECIFIED nobody update_status RUNNER"],
      { lapse: "deactivate" },
    ],
    ["a policy: the user", [by("ci", giveRole)], ["SERVICE_ACCOUNT ci create ROLE_ASSIGNMENT"]],
    [
      "a policy that goes with its runner: whoever deletes the runner",
      [giveRole, by("alice-token", remove)],
      [
        "USER default create ROLE_ASSIGNMENT",
        "USER alice delete RUNNER",
        "USER alice delete ROLE_ASSIGNMENT",
      ],
    ],
    [
      "a policy that lapses with its runner, and comes back: nobody, and the runner",
      [giveRole, lapse, call],
      [
        "USER default create ROLE_ASSIGNMENT",
        "UNSPECIFIED nobody delete RUNNER",
        "UNSPECIFIED nobody delete ROLE_ASSIGNMENT",
        "RUNNER itself create RUNNER",
        "RUNNER itself create ROLE_ASSIGNMENT",
      ],
    ],
  ])("%s", async ([, acts, expected, more], { start }) => {
    const mock = await start({ ...options, ...more });
    const runner = await register(mock);
    for (const act of acts) await act(mock, runner);
    const alice = await mock.client(IdentityService, { bearer: "alice-token" }).getAuthenticatedIdentity({});
    const names = new Map([
      ["", "nobody"],
      [defaultSubject.id, "default"],
      [alice.subject?.id, "alice"],
      [ciId, "ci"],
      [runner.runnerId, "itself"],
    ]);
    const [created, ...log] = await logOf(eventsOf(mock));
    expect(created).toMatchObject({ action: "create", subjectId: runner.runnerId });
    const told = log.map(({ actorPrincipal, actorId, action, subjectType }) =>
      [Principal[actorPrincipal], names.get(actorId), action, ResourceType[subjectType]].join(" "),
    );
    expect(told).toEqual(expected);
  });

  test("what the system makes and starts by itself: nobody", async ({ start }) => {
    const mock = await start({ managedRunners: "self-driven", localConfigurationRunner: "present" });
    await register(mock, { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: groupId });
    await mock.clock.advance("1s");
    const log = await logOf(eventsOf(mock));
    expect(log.map(({ action, actorId }) => [action, actorId])).toEqual([
      ["create", ""],
      ["create", defaultSubject.id],
      ["update_status", ""],
    ]);
  });
});

test("when: at the moment of the world's time at which it happened, however far the clock is moved at once", async ({
  mock,
}) => {
  const { runnerId, accessToken } = await register(mock);
  await mock.clock.advance("10s");
  await mock.runner.updateRunner({ runnerId, name: "Another Name" });
  await mock.clock.advance("1h");
  expect(await callOutcome(mock, accessToken)).toBe("ok");
  const log = await logOf(eventsOf(mock));
  expect(log.map(({ action, createdAt }) => [action, msOf(createdAt) - startMs])).toEqual([
    ["create", 0],
    ["update", 10_000],
    ["delete", 30_000],
    ["create", 3_610_000],
  ]);
  expect(log.map(({ id }) => id)).toEqual([...new Set(log.map(({ id }) => id))].toSorted());
});

describe("maxAuditLogEntries", () => {
  test.for([0, 1, 3, 9, 10, 11])(
    "%i: the newest so many of ten are there",
    async (maxAuditLogEntries, { start }) => {
      const mock = await start({ maxAuditLogEntries });
      const watch = await watching(eventsOf(mock));
      const ids: string[] = [];
      for (let index = 0; index < 10; index++) ids.push((await register(mock)).runnerId);
      const log = await logOf(eventsOf(mock));
      expect(log.map(({ subjectId }) => subjectId)).toEqual(ids.slice(Math.max(0, 10 - maxAuditLogEntries)));
      // Who watches misses none.
      expect(await watch.next(10)).toHaveLength(10);
    },
  );
});

describe("who may read it:", () => {
  const enterpriseOnly = "failed_precondition: feature is only available for enterprise customers";

  test.for<[RunnerMockOptions, string]>([
    [{}, "ok"],
    [{ organizationTier: "core" }, "ok"],
    [{ auditLogs: "enterprise-only" }, "ok"],
    [{ auditLogs: "enterprise-only", organizationTier: "enterprise" }, "ok"],
    [{ auditLogs: "enterprise-only", organizationTier: "core" }, enterpriseOnly],
    [{ auditLogs: "enterprise-only", organizationTier: "free_ona" }, enterpriseOnly],
    [{ profile: "observed", organizationTier: "core" }, enterpriseOnly],
  ])("with %j a user: %s", async ([options, outcome], { start }) => {
    const mock = await start(options);
    expect(await failureOf(eventsOf(mock).listAuditLogs({}))).toBe(outcome);
  });

  test("each organization by its own tier, and its own entries", async ({ start }) => {
    const mock = await start({ identities, auditLogs: "enterprise-only" });
    const { alice, bob } = usersOf(mock);
    const [here] = [await register(alice), await register(bob)];
    expect((await logOf(alice.events)).map(({ subjectId }) => subjectId)).toEqual([here.runnerId]);
    expect(elsewhere.tier).toBe("core");
    expect(await failureOf(bob.events.listAuditLogs({}))).toBe(enterpriseOnly);
  });

  test("neither a runner, nor who bears its logs token", async ({ mock }) => {
    const { runnerId, accessToken } = await register(mock);
    const logs = await mock.runner.createRunnerLogsToken({ runnerId });
    for (const bearer of [accessToken, logs.accessToken]) {
      expect(await failureOf(eventsOf(mock, { bearer }).listAuditLogs({}))).toBe(
        "permission_denied: permission denied",
      );
    }
  });

  test("each world has one of its own", async ({ mock }) => {
    await register(mock);
    expect(await logOf(eventsOf(mock, { path: "/w/other" }))).toEqual([]);
  });
});

test("it can be read with GET", async ({ mock }) => {
  const { runnerId } = await register(mock);
  const transport = (baseUrl: string) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true });
  const { entries } = await mock
    .client(EventService, { transport })
    .listAuditLogs({ filter: { subjectIds: [runnerId] } });
  expect(entries.map(({ subjectId }) => subjectId)).toEqual([runnerId]);
  const url = new URL("/gitpod.v1.EventService/ListAuditLogs", mock.url);
  url.search = new URLSearchParams({ connect: "v1", encoding: "json", message: "{}" }).toString();
  const response = await fetch(url);
  expect([response.status, await response.json()]).toMatchObject([
    200,
    { entries: [{ subjectId: runnerId }] },
  ]);
});

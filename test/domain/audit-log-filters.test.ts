/** ListAuditLogs: which entries a filter lets pass. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { test as base, describe, expect } from "vitest";
import { defaultSubject } from "../../src/domain/identity.ts";
import { type ListAuditLogsRequest_FilterSchema, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { bugsIn, openMock, startMs, type TestMock } from "../support/mock.ts";
import { callOutcome, register } from "../support/registrations.ts";
import { violationsOf } from "../support/violations.ts";
import { eventsOf } from "../support/watching.ts";

type FilterInit = MessageInitShape<typeof ListAuditLogsRequest_FilterSchema>;

const nobodyId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
/** The entries of the story, the oldest first. */
const all = [
  "0 s: default creates a",
  "0 s: bob creates b",
  "10 s: default gives a role on a",
  "10 s: bob updates b",
  "20 s: a calls",
  "30 s: b lapses",
  "40 s: bob deletes a",
  "40 s: bob takes the role on a with it",
] as const;

interface Ids {
  bob: string;
  a: string;
  b: string;
}
/** A mock where all that has happened, one for all tests here. */
const test = base.extend<{ story: { mock: TestMock; ids: Ids } }>({
  story: [
    async ({ task: _ }, use) => {
      const mock = await openMock({ token: { bob: "bob-token" } });
      const bob = { runner: mock.client(RunnerService, { bearer: "bob-token" }) };
      const [a, b] = [await register(mock), await register(bob)];
      await mock.clock.advance("10s");
      await mock.runner.createRunnerPolicy({ runnerId: a.runnerId, groupId, role: RunnerRole.USER });
      await bob.runner.updateRunner({ runnerId: b.runnerId, name: "Another Name" });
      await mock.clock.advance("10s");
      await callOutcome(mock, a.accessToken);
      await mock.clock.advance("20s");
      await bob.runner.deleteRunner({ runnerId: a.runnerId });
      const { subject } = await mock
        .client(IdentityService, { bearer: "bob-token" })
        .getAuthenticatedIdentity({});
      await use({ mock, ids: { bob: subject?.id ?? "", a: a.runnerId, b: b.runnerId } });
      await mock.close();
      expect(bugsIn(mock)).toEqual([]);
    },
    { scope: "file" },
  ],
});
const at = (ms: number) => timestampFromMs(startMs + ms);
/** 0.4 ms later: some clients have microseconds. */
const justAfter = (ms: number) => ({ ...at(ms), nanos: at(ms).nanos + 400_000 });

describe("a filter", () => {
  test.for<[string, (ids: Ids) => FilterInit, RegExp]>([
    ["of nothing", () => ({}), /./],
    ["of an actor", ({ bob }) => ({ actorIds: [bob] }), /: bob/],
    ["of an actor in capitals", ({ bob }) => ({ actorIds: [bob.toUpperCase()] }), /: bob/],
    ["of actors", ({ bob, a }) => ({ actorIds: [bob, nobodyId, a] }), /: bob|calls/],
    ["of nobody in particular", () => ({ actorIds: [nobodyId] }), /^$/],
    ["of users", () => ({ actorPrincipals: [Principal.USER] }), /default|bob/],
    ["of runners", () => ({ actorPrincipals: [Principal.RUNNER] }), /calls/],
    [
      "of runners and nobody",
      () => ({ actorPrincipals: [Principal.RUNNER, Principal.UNSPECIFIED] }),
      /calls|lapses/,
    ],
    ["of a subject", ({ b }) => ({ subjectIds: [b] }), / b$|b lapses/],
    ["of a subject in capitals", ({ b }) => ({ subjectIds: [b.toUpperCase()] }), / b$|b lapses/],
    ["of a type", () => ({ subjectTypes: [ResourceType.ROLE_ASSIGNMENT] }), /role/],
    ["of types", () => ({ subjectTypes: [ResourceType.ROLE_ASSIGNMENT, ResourceType.RUNNER] }), /./],
    ["of a type that there is nothing of", () => ({ subjectTypes: [ResourceType.ENVIRONMENT] }), /^$/],
    ["from a moment on: it included", () => ({ from: at(10_000) }), /^[1-4]0 s/],
    ["from less than a millisecond later on", () => ({ from: justAfter(10_000) }), /^[2-4]0 s/],
    ["up to less than a millisecond later", () => ({ to: justAfter(10_000) }), /^(0|10) s/],
    ["from a millisecond later on", () => ({ from: at(10_001) }), /^[2-4]0 s/],
    ["to a moment: it excluded", () => ({ to: at(10_000) }), /^0 s/],
    ["to a millisecond later", () => ({ to: at(10_001) }), /^1?0 s/],
    ["from one moment to another", () => ({ from: at(10_000), to: at(30_000) }), /^[12]0 s/],
    ["from a moment to the same", () => ({ from: at(10_000), to: at(10_000) }), /^$/],
    ["from a moment to one before it", () => ({ from: at(20_000), to: at(10_000) }), /^$/],
    [
      "of actor and type",
      ({ bob }) => ({ actorIds: [bob], subjectTypes: [ResourceType.RUNNER] }),
      /bob (creates|updates|deletes)/,
    ],
    ["of actor and subject", ({ bob, a }) => ({ actorIds: [bob], subjectIds: [a] }), /bob deletes/],
    [
      "of actor and another principal",
      ({ bob }) => ({ actorIds: [bob], actorPrincipals: [Principal.RUNNER] }),
      /^$/,
    ],
    [
      "of everything at once",
      ({ bob, b }) => ({
        actorIds: [bob, defaultSubject.id],
        actorPrincipals: [Principal.USER],
        subjectIds: [b],
        subjectTypes: [ResourceType.RUNNER],
        from: at(1),
        to: at(60_000),
      }),
      /bob updates b/,
    ],
  ])("%s", async ([, filterFor, expected], { story: { mock, ids } }) => {
    const events = eventsOf(mock);
    const everything = (await events.listAuditLogs({})).entries.toReversed();
    expect(everything).toHaveLength(all.length);
    const { entries } = await events.listAuditLogs({ filter: filterFor(ids) });
    const passed = new Set(entries.map(({ id }) => id));
    expect(all.filter((_, index) => passed.has(everything[index]?.id ?? ""))).toEqual(
      all.filter((entry) => expected.test(entry)),
    );
  });

  const repeated = <T>(item: T, count: number) => Array.from({ length: count }, () => item);
  test.for<[keyof FilterInit & string, string, (count: number) => FilterInit]>([
    ["actorIds", "actor_ids", (count) => ({ actorIds: repeated(nobodyId, count) })],
    [
      "actorPrincipals",
      "actor_principals",
      (count) => ({ actorPrincipals: repeated(Principal.USER, count) }),
    ],
    ["subjectIds", "subject_ids", (count) => ({ subjectIds: repeated(nobodyId, count) })],
    ["subjectTypes", "subject_types", (count) => ({ subjectTypes: repeated(ResourceType.RUNNER, count) })],
  ])("takes 25 values of %s, not 26", async ([, field, filterOf], { story: { mock } }) => {
    const violations = (count: number) =>
      violationsOf(eventsOf(mock).listAuditLogs({ filter: filterOf(count) }));
    expect([await violations(25), await violations(26)]).toEqual([
      [],
      [`filter.${field} repeated.max_items`],
    ]);
  });

  test.for<[string, FilterInit]>([
    ["filter.actor_ids[0] string.uuid", { actorIds: ["x"] }],
    ["filter.subject_ids[0] string.uuid", { subjectIds: ["x"] }],
    ["filter.actor_principals[0] enum.defined_only", { actorPrincipals: [9999 as Principal] }],
    ["filter.subject_types[0] enum.defined_only", { subjectTypes: [9999 as ResourceType] }],
  ])("is refused for %s", async ([violation, filter], { story: { mock } }) => {
    expect(await violationsOf(eventsOf(mock).listAuditLogs({ filter }))).toEqual([violation]);
  });
});

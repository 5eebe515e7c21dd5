/** WatchEvents: what filters let pass, and which requests are refused. */
import { describe, expect } from "vitest";
import { ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { type TestMock, test } from "../support/mock.ts";
import { register } from "../support/registrations.ts";
import { violationsOf } from "../support/violations.ts";
import { eventsOf, firstOf, type WatchInit, watching } from "../support/watching.ts";

type Filters = NonNullable<WatchInit["resourceTypeFilters"]>;

const { RUNNER, ROLE_ASSIGNMENT, ENVIRONMENT } = ResourceType;
const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const nobodyId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
const upper = (ids: readonly string[]) => ids.map((id) => id.toUpperCase());

describe("of all that happens to Alice's and Bob's runners and policies, a watch hears by", () => {
  interface Ids {
    alice: string;
    bob: string;
    alicesRunner: string;
    bobsRunner: string;
  }
  /** What happens, in this order: each to a runner or a policy, each done by the runner's creator. */
  const all = [
    "UPDATE RUNNER alice",
    "UPDATE RUNNER bob",
    "CREATE ROLE alice",
    "CREATE ROLE bob",
    "DELETE RUNNER bob",
    "DELETE ROLE bob",
    "DELETE RUNNER alice",
    "DELETE ROLE alice",
  ];

  test.for<[string, (ids: Ids) => WatchInit, (event: string) => boolean]>([
    ["nothing: everything", () => ({}), () => true],
    [
      "the scope organization: everything",
      () => ({ scope: { case: "organization", value: true } }),
      () => true,
    ],
    ["a type: runners", () => filters({ resourceType: RUNNER }), (event) => event.includes("RUNNER")],
    ["a type: policies", () => filters({ resourceType: ROLE_ASSIGNMENT }), (event) => event.includes("ROLE")],
    [
      "an id",
      ({ bobsRunner }) => filters({ resourceType: RUNNER, resourceIds: [bobsRunner] }),
      (event) => event.includes("RUNNER bob"),
    ],
    [
      "an id in capitals",
      ({ alicesRunner }) => filters({ resourceType: RUNNER, resourceIds: upper([alicesRunner]) }),
      (event) => event.includes("RUNNER alice"),
    ],
    [
      "ids",
      ({ alicesRunner, bobsRunner }) =>
        filters({ resourceType: RUNNER, resourceIds: [nobodyId, alicesRunner, bobsRunner] }),
      (event) => event.includes("RUNNER"),
    ],
    [
      "a creator, which nothing that is deleted has any more",
      ({ alice }) => filters({ resourceType: RUNNER, creatorIds: [alice] }),
      (event) => event.includes("RUNNER") && event !== "UPDATE RUNNER bob",
    ],
    [
      "a creator in capitals",
      ({ bob }) => filters({ resourceType: RUNNER, creatorIds: upper([bob]) }),
      (event) => event.includes("RUNNER") && event !== "UPDATE RUNNER alice",
    ],
    [
      "the creator of a policy",
      ({ bob }) => filters({ resourceType: ROLE_ASSIGNMENT, creatorIds: [bob, nobodyId] }),
      (event) => event.includes("ROLE") && event !== "CREATE ROLE alice",
    ],
    [
      "an id and a creator: both have to fit",
      ({ alicesRunner, bob }) =>
        filters({ resourceType: RUNNER, resourceIds: [alicesRunner], creatorIds: [bob] }),
      (event) => event === "DELETE RUNNER alice",
    ],
    [
      "two filters: one of them has to fit",
      ({ bobsRunner }) =>
        filters({ resourceType: RUNNER, resourceIds: [bobsRunner] }, { resourceType: ROLE_ASSIGNMENT }),
      (event) => event.includes("RUNNER bob") || event.includes("ROLE"),
    ],
    [
      "a type that there is nothing of, and another one",
      () => filters({ resourceType: ENVIRONMENT }, { resourceType: RUNNER }),
      (event) => event.includes("RUNNER"),
    ],
  ])("%s", async ([, requestFor, isExpected], { start }) => {
    const mock = await start({ token: { bob: "bob-token" } });
    const alice = mock;
    const bob = { runner: mock.client(RunnerService, { bearer: "bob-token" }) };
    const [alicesRunner, bobsRunner] = [(await register(alice)).runnerId, (await register(bob)).runnerId];
    const ids = {
      alice: await subjectIdOf(mock),
      bob: await subjectIdOf(mock, "bob-token"),
      alicesRunner,
      bobsRunner,
    };
    const watch = await watching(eventsOf(mock), requestFor(ids));
    const unfiltered = await watching(eventsOf(mock));

    const owners = [
      [alice, alicesRunner],
      [bob, bobsRunner],
    ] as const;
    for (const [{ runner }, runnerId] of owners)
      await runner.updateRunner({ runnerId, name: "Another Name" });
    for (const [{ runner }, runnerId] of owners) {
      await runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });
    }
    for (const [{ runner }, runnerId] of owners.toReversed()) await runner.deleteRunner({ runnerId });

    const heardByAll = await unfiltered.next(all.length);
    const expected = heardByAll.filter((_, index) => isExpected(all[index] ?? ""));
    expect(await watch.next(expected.length)).toEqual(expected);
  });

  function filters(...resourceTypeFilters: Filters): WatchInit {
    return { resourceTypeFilters };
  }

  async function subjectIdOf(mock: TestMock, bearer?: string): Promise<string> {
    const { subject } = await mock.client(IdentityService, { bearer }).getAuthenticatedIdentity({});
    return subject?.id ?? "";
  }
});

describe("a watch is refused, or begins, with", () => {
  const repeated = <T>(count: number, item: T) => Array.from({ length: count }, () => item);
  const withFilter = (filter: Filters[number]) => ({ resourceTypeFilters: [filter] });
  const environment = { case: "environmentId", value: nobodyId } as const;
  const filter = "resource_type_filters[0]";

  test.for<[string, WatchInit, string | undefined]>([
    ["a filter without a type", withFilter({}), `${filter}.resource_type enum.not_in`],
    [
      "a type that there is not",
      withFilter({ resourceType: 9999 as ResourceType }),
      `${filter}.resource_type enum.defined_only`,
    ],
    ["50 filters", { resourceTypeFilters: repeated(50, { resourceType: RUNNER }) }, undefined],
    [
      "51 filters",
      { resourceTypeFilters: repeated(51, { resourceType: RUNNER }) },
      "resource_type_filters repeated.max_items",
    ],
    ["25 ids", withFilter({ resourceType: RUNNER, resourceIds: repeated(25, nobodyId) }), undefined],
    [
      "26 ids",
      withFilter({ resourceType: RUNNER, resourceIds: repeated(26, nobodyId) }),
      `${filter}.resource_ids repeated.max_items`,
    ],
    ["25 creators", withFilter({ resourceType: RUNNER, creatorIds: repeated(25, nobodyId) }), undefined],
    [
      "26 creators",
      withFilter({ resourceType: RUNNER, creatorIds: repeated(26, nobodyId) }),
      `${filter}.creator_ids repeated.max_items`,
    ],
    [
      "an id that is no UUID",
      withFilter({ resourceType: RUNNER, resourceIds: ["x"] }),
      `${filter}.resource_ids[0] string.uuid`,
    ],
    [
      "a creator that is no UUID",
      withFilter({ resourceType: RUNNER, creatorIds: ["x"] }),
      `${filter}.creator_ids[0] string.uuid`,
    ],
    ["an environment", { scope: environment }, undefined],
    [
      "an environment and a filter",
      { scope: environment, ...withFilter({ resourceType: RUNNER }) },
      "events.filters_with_environment",
    ],
    [
      "the organization and a filter",
      { scope: { case: "organization", value: true }, ...withFilter({ resourceType: RUNNER }) },
      undefined,
    ],
  ])("%s", async ([, request, violation], { mock }) => {
    if (violation !== undefined) {
      return expect(await violationsOf(firstOf(eventsOf(mock), request))).toEqual([violation]);
    }
    // What is refused would end before it could be left.
    const watch = await watching(eventsOf(mock), request);
    await mock.runner.listRunners({});
    await watch.end();
    expect(await watch.ended).toMatch(/^canceled: /);
  });
});

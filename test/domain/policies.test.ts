/** Policies: which group has which role on a runner, one each, and what becomes of them with their runner. */
import { describe, expect } from "vitest";
import { RunnerRole } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import { callOutcome, codeOf, exchangeOutcome, type Registered, register } from "../support/registrations.ts";
import { sharing, test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

const { ADMIN, USER } = RunnerRole;

const refusing = sharing({ adminPolicies: "refuse" });
const deferring = sharing({ delete: "deferred" });
const forgiving = sharing({ unknownIds: "empty" });

const runnerNotFound = "not_found: runner not found";
const policyNotFound = "not_found: runner policy not found";
const alreadyExists = "already_exists: runner policy already exists";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
/** Ids of groups, in ascending order, with letters in them, so that capitals differ. */
const groupIds = Array.from(
  { length: 130 },
  (_, index) => `c0ffee00-0000-4000-8000-0000000a${index.toString(16).padStart(4, "0")}`,
);
const [groupId = "", otherGroupId = ""] = groupIds;

type Pagination = { pageSize?: number; token?: string };

/** A page of the runner's policies, each as its group and role. */
async function page({ runner }: TestMock, runnerId: string, pagination?: Pagination) {
  const answer = await runner.listRunnerPolicies({ runnerId, ...(pagination && { pagination }) });
  return {
    policies: answer.policies.map((policy) => [policy.groupId, policy.role] as const),
    nextToken: answer.pagination?.nextToken ?? "missing",
  };
}

const listed = async (mock: TestMock, runnerId: string) => (await page(mock, runnerId)).policies;

async function give(mock: TestMock, runnerId: string, groups: readonly string[], role = USER) {
  for (const groupId of groups) await mock.runner.createRunnerPolicy({ runnerId, groupId, role });
}

/** Each of the four RPCs on a policy. */
const rpcs: [string, (mock: TestMock, runnerId: string) => Promise<unknown>][] = [
  ["ListRunnerPolicies", ({ runner }, runnerId) => runner.listRunnerPolicies({ runnerId })],
  [
    "CreateRunnerPolicy",
    ({ runner }, runnerId) => runner.createRunnerPolicy({ runnerId, groupId: otherGroupId, role: USER }),
  ],
  [
    "UpdateRunnerPolicy",
    ({ runner }, runnerId) => runner.updateRunnerPolicy({ runnerId, groupId, role: ADMIN }),
  ],
  ["DeleteRunnerPolicy", ({ runner }, runnerId) => runner.deleteRunnerPolicy({ runnerId, groupId })],
];

describe("a policy", () => {
  test.for([ADMIN, USER])("that is created with role %i is answered and listed", async (role, { shared }) => {
    const { runnerId } = await register(shared);
    expect(await listed(shared, runnerId)).toEqual([]);
    const { policy } = await shared.runner.createRunnerPolicy({ runnerId, groupId, role });
    expect(policy).toMatchObject({ groupId, role });
    expect(await listed(shared, runnerId)).toEqual([[groupId, role]]);
  });

  test("that is updated has the new role, and no other has", async ({ shared }) => {
    const [it, other] = [await register(shared), await register(shared)];
    for (const { runnerId } of [it, other]) await give(shared, runnerId, [groupId, otherGroupId]);
    const request = { runnerId: it.runnerId, groupId, role: ADMIN };
    const { policy } = await shared.runner.updateRunnerPolicy(request);
    expect(policy).toMatchObject({ groupId, role: ADMIN });
    expect(await listed(shared, it.runnerId)).toEqual([
      [groupId, ADMIN],
      [otherGroupId, USER],
    ]);
    expect(await listed(shared, other.runnerId)).toEqual([
      [groupId, USER],
      [otherGroupId, USER],
    ]);
  });

  test("that is deleted is gone, no other is, and it can be created again", async ({ shared }) => {
    const [it, other] = [await register(shared), await register(shared)];
    for (const { runnerId } of [it, other]) await give(shared, runnerId, [groupId, otherGroupId]);
    const { runnerId } = it;
    expect(await codeOf(shared.runner.deleteRunnerPolicy({ runnerId, groupId }))).toBe("ok");
    expect(await listed(shared, runnerId)).toEqual([[otherGroupId, USER]]);
    expect(await listed(shared, other.runnerId)).toHaveLength(2);
    expect(await failureOf(shared.runner.deleteRunnerPolicy({ runnerId, groupId }))).toBe(policyNotFound);
    await give(shared, runnerId, [groupId], ADMIN);
    expect(await listed(shared, runnerId)).toEqual([
      [groupId, ADMIN],
      [otherGroupId, USER],
    ]);
  });

  test("exists once for a runner and a group; a second one leaves the first as it is", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await give(shared, runnerId, [groupId]);
    for (const role of [USER, ADMIN]) {
      const call = shared.runner.createRunnerPolicy({ runnerId, groupId, role });
      expect(await failureOf(call)).toBe(alreadyExists);
    }
    expect(await listed(shared, runnerId)).toEqual([[groupId, USER]]);
  });

  test("that is not there cannot be updated or deleted, though another runner has it", async ({ shared }) => {
    const [{ runnerId }, other] = [await register(shared), await register(shared)];
    await give(shared, other.runnerId, [groupId]);
    await give(shared, runnerId, [otherGroupId]);
    const update = shared.runner.updateRunnerPolicy({ runnerId, groupId, role: ADMIN });
    expect(await failureOf(update)).toBe(policyNotFound);
    expect(await failureOf(shared.runner.deleteRunnerPolicy({ runnerId, groupId }))).toBe(policyNotFound);
    expect(await listed(shared, runnerId)).toEqual([[otherGroupId, USER]]);
    expect(await listed(shared, other.runnerId)).toEqual([[groupId, USER]]);
  });

  test("may be named in capitals by each RPC, and is kept in small letters", async ({ shared }) => {
    const registered = await register(shared);
    const named = { runnerId: registered.runnerId.toUpperCase(), groupId: groupId.toUpperCase() };
    const created = await shared.runner.createRunnerPolicy({ ...named, role: USER });
    expect(created.policy?.groupId).toBe(groupId);
    for (const id of [groupId, named.groupId]) {
      const again = shared.runner.createRunnerPolicy({
        runnerId: registered.runnerId,
        groupId: id,
        role: USER,
      });
      expect(await failureOf(again)).toBe(alreadyExists);
    }
    const updated = await shared.runner.updateRunnerPolicy({ ...named, role: ADMIN });
    expect(updated.policy?.groupId).toBe(groupId);
    expect(await listed(shared, named.runnerId)).toEqual([[groupId, ADMIN]]);
    expect(await codeOf(shared.runner.deleteRunnerPolicy(named))).toBe("ok");
    expect(await listed(shared, registered.runnerId)).toEqual([]);
  });

  test("is created by exactly one of 20 callers at once, and deleted by one", async ({ shared }) => {
    const { runnerId } = await register(shared);
    const roles = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? USER : ADMIN));
    const create = (role: RunnerRole) =>
      failureOf(shared.runner.createRunnerPolicy({ runnerId, groupId, role }));
    const created = await Promise.all(roles.map(create));
    expect(created.toSorted()).toEqual([...Array.from({ length: 19 }, () => alreadyExists), "ok"]);
    expect(await listed(shared, runnerId)).toEqual([[groupId, roles[created.indexOf("ok")]]]);

    const remove = () => failureOf(shared.runner.deleteRunnerPolicy({ runnerId, groupId }));
    const deleted = await Promise.all(roles.map(remove));
    expect(deleted.toSorted()).toEqual([...Array.from({ length: 19 }, () => policyNotFound), "ok"]);
    expect(await listed(shared, runnerId)).toEqual([]);
  });
});

describe("the role", () => {
  test.for([
    ["UNSPECIFIED", 0, ["role enum.not_in"]],
    ["undefined", 3, ["role enum.defined_only"]],
    ["negative", -1, ["role enum.defined_only"]],
  ] as const)("must not be %s", async ([, role, violations], { shared }) => {
    const { runnerId } = await register(shared);
    await give(shared, runnerId, [groupId]);
    const create = shared.runner.createRunnerPolicy({
      runnerId,
      groupId: otherGroupId,
      role: role as number,
    });
    expect(await violationsOf(create)).toEqual(violations);
    const update = shared.runner.updateRunnerPolicy({ runnerId, groupId, role: role as number });
    expect(await violationsOf(update)).toEqual(violations);
    expect(await listed(shared, runnerId)).toEqual([[groupId, USER]]);
  });

  refusing("must be USER where adminPolicies is refuse", async ({ shared }) => {
    const { runnerId } = await register(shared);
    const create = shared.runner.createRunnerPolicy({ runnerId, groupId, role: ADMIN });
    expect(await failureOf(create)).toBe("invalid_argument: you can only share runners with User role");
    expect(await listed(shared, runnerId)).toEqual([]);
    await give(shared, runnerId, [groupId]);
    expect(await listed(shared, runnerId)).toEqual([[groupId, USER]]);
  });
});

describe("the pages of ListRunnerPolicies", () => {
  test("hold the policies in ascending order of their groups, however they came", async ({ shared }) => {
    const { runnerId } = await register(shared);
    const groups = groupIds.slice(0, 7);
    await give(shared, runnerId, [...groups.slice(3).toReversed(), ...groups.slice(0, 3)]);
    const read: string[] = [];
    const lengths: number[] = [];
    let token = "";
    do {
      const { policies, nextToken } = await page(shared, runnerId, { pageSize: 3, token });
      read.push(...policies.map(([id]) => id));
      lengths.push(policies.length);
      token = nextToken;
    } while (token !== "" && lengths.length < 10);
    expect([read, lengths]).toEqual([groups, [3, 3, 1]]);
  });

  test("hold 25 unless asked otherwise, and at most 100", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await give(shared, runnerId, groupIds.slice(0, 101));
    const sizes = [undefined, 0, 1, 100].map(async (pageSize) => {
      const { policies, nextToken } = await page(
        shared,
        runnerId,
        pageSize === undefined ? {} : { pageSize },
      );
      return [policies.length, nextToken !== ""];
    });
    expect(await Promise.all(sizes)).toEqual([25, 25, 1, 100].map((size) => [size, true]));
    for (const pageSize of [-1, 101]) {
      const call = shared.runner.listRunnerPolicies({ runnerId, pagination: { pageSize } });
      expect(await violationsOf(call)).toEqual(["pagination.page_size int32.gte_lte"]);
    }
  });

  test("show no other runner's policies, nor do they go on with those", async ({ shared }) => {
    const runnerIds = [await register(shared), await register(shared), await register(shared)].map(
      ({ runnerId }) => runnerId,
    );
    const groupsOf = runnerIds.map((_, index) =>
      groupIds.filter((_, group) => group % 3 === index).slice(0, 9),
    );
    for (const [index, runnerId] of runnerIds.entries()) await give(shared, runnerId, groupsOf[index] ?? []);
    for (const [index, runnerId] of runnerIds.entries()) {
      const { policies, nextToken } = await page(shared, runnerId, { pageSize: 100 });
      expect([policies.map(([id]) => id), nextToken]).toEqual([groupsOf[index], ""]);
      expect((await page(shared, runnerId, { pageSize: 9 })).nextToken).toBe("");
      // With the token of another's page, too.
      for (const other of runnerIds) {
        const { nextToken: token } = await page(shared, other, { pageSize: 5 });
        const rest = await page(shared, runnerId, { pageSize: 100, token });
        expect(rest.policies.map(([id]) => id).filter((id) => !groupsOf[index]?.includes(id))).toEqual([]);
        expect(rest.nextToken).toBe("");
      }
    }
  });

  test("begin with no text that is not a token", async ({ shared }) => {
    const { runnerId } = await register(shared);
    const call = shared.runner.listRunnerPolicies({ runnerId, pagination: { token: "x" } });
    expect(await failureOf(call)).toBe('invalid_argument: invalid pagination token "x"');
  });
});

describe("policies and their runner:", () => {
  test.for(rpcs)("%s needs a runner that stands", async ([, call], { shared }) => {
    expect(await failureOf(call(shared, unknownId))).toBe(runnerNotFound);
    const [deleted, lapsed] = [await register(shared), await register(shared)];
    for (const { runnerId } of [deleted, lapsed]) await give(shared, runnerId, [groupId]);
    await shared.runner.deleteRunner({ runnerId: deleted.runnerId });
    expect(await failureOf(call(shared, deleted.runnerId))).toBe(runnerNotFound);
    await shared.clock.advance("30s");
    expect(await failureOf(call(shared, lapsed.runnerId))).toBe(runnerNotFound);
    // What was refused has changed nothing.
    await callOutcome(shared, lapsed.accessToken);
    expect(await listed(shared, lapsed.runnerId)).toEqual([[groupId, USER]]);
  });

  test.for<[string, (mock: TestMock, registered: Registered) => Promise<string>]>([
    ["the exchange of its token", (mock, { exchangeToken }) => exchangeOutcome(mock, exchangeToken)],
    ["a call with its access token", (mock, { accessToken }) => callOutcome(mock, accessToken)],
  ])("they are hidden while it has lapsed, and come back by %s", async ([, revive], { shared }) => {
    const registered = await register(shared);
    const { runnerId } = registered;
    await give(shared, runnerId, [groupId]);
    await give(shared, runnerId, [otherGroupId], ADMIN);
    const before = await listed(shared, runnerId);
    await shared.clock.advance("29.999s");
    expect(await listed(shared, runnerId)).toEqual(before);
    await shared.clock.advance(1);
    expect(await failureOf(shared.runner.listRunnerPolicies({ runnerId }))).toBe(runnerNotFound);
    await shared.clock.advance("1h");
    expect(await revive(shared, registered)).toBe("ok");
    expect(await listed(shared, runnerId)).toEqual(before);
    expect(before).toHaveLength(2);
  });

  deferring(
    "they go at once with DeleteRunner, and a DELETING runner takes no new ones",
    async ({ shared }) => {
      const [{ runnerId }, other] = [await register(shared), await register(shared)];
      for (const id of [runnerId, other.runnerId]) await give(shared, id, [groupId]);
      await shared.runner.deleteRunner({ runnerId });
      expect(await listed(shared, runnerId)).toEqual([]);
      const create = shared.runner.createRunnerPolicy({ runnerId, groupId, role: USER });
      expect(await failureOf(create)).toBe(runnerNotFound);
      const update = shared.runner.updateRunnerPolicy({ runnerId, groupId, role: USER });
      expect(await failureOf(update)).toBe(runnerNotFound);
      expect(await listed(shared, runnerId)).toEqual([]);
      expect(await listed(shared, other.runnerId)).toEqual([[groupId, USER]]);
    },
  );

  forgiving("an unknown one has none, and takes and gives whatever is asked", async ({ shared }) => {
    const policy = { runnerId: unknownId, groupId, role: ADMIN };
    const { runner } = shared;
    expect(await page(shared, unknownId)).toEqual({ policies: [], nextToken: "" });
    expect((await runner.createRunnerPolicy(policy)).policy).toMatchObject({ groupId, role: ADMIN });
    expect((await runner.updateRunnerPolicy(policy)).policy).toMatchObject({ groupId, role: ADMIN });
    expect(await codeOf(runner.deleteRunnerPolicy(policy))).toBe("ok");
    expect(await listed(shared, unknownId)).toEqual([]);
  });
});

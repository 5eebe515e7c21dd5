/** Two organizations in one mock: what belongs to one is not there for the other. */
import { describe, expect } from "vitest";
import { ResourceOperation, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf } from "../support/mock.ts";
import { elsewhere, identities, managerId, type User, usersOf } from "../support/organizations.ts";
import {
  asRunner,
  codeOf,
  idOf,
  type RunnerClient,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { sharing } from "../support/shared-mock.ts";

const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const test = sharing({ identities });
const lapsing = sharing({ identities, lease: "10s" });
const permissive = sharing({ identities, profile: "permissive" });
const observed = sharing({ identities, profile: "observed" });

describe("a runner of another organization is not there", () => {
  const contextUrl = "https://github.com/org/repo";
  const policy = { groupId, role: RunnerRole.ADMIN };
  const calls: Record<string, (client: RunnerClient, runnerId: string) => Promise<unknown>> = {
    GetRunner: (client, runnerId) => client.getRunner({ runnerId }),
    UpdateRunner: (client, runnerId) => client.updateRunner({ runnerId, name: "Another Name" }),
    DeleteRunner: (client, runnerId) => client.deleteRunner({ runnerId, force: true }),
    CreateRunnerToken: (client, runnerId) => client.createRunnerToken({ runnerId }),
    CreateRunnerLogsToken: (client, runnerId) => client.createRunnerLogsToken({ runnerId }),
    ParseContextURL: (client, runnerId) => client.parseContextURL({ runnerId, contextUrl }),
    SearchRepositories: (client, runnerId) => client.searchRepositories({ runnerId }),
    ListSCMOrganizations: (client, runnerId) =>
      client.listSCMOrganizations({ runnerId, scmHost: "github.com" }),
    CheckAuthenticationForHost: (client, runnerId) =>
      client.checkAuthenticationForHost({ runnerId, host: "github.com" }),
    CheckRepositoryAccess: (client, runnerId) =>
      client.checkRepositoryAccess({ runnerId, repositoryUrl: contextUrl }),
    ListRunnerPolicies: (client, runnerId) => client.listRunnerPolicies({ runnerId }),
    CreateRunnerPolicy: (client, runnerId) =>
      client.createRunnerPolicy({ runnerId, groupId: managerId, role: RunnerRole.USER }),
    UpdateRunnerPolicy: (client, runnerId) => client.updateRunnerPolicy({ runnerId, ...policy }),
    DeleteRunnerPolicy: (client, runnerId) => client.deleteRunnerPolicy({ runnerId, groupId }),
  };

  test.for(Object.entries(calls))("for %s, which leaves it as it was", async ([, call], { shared }) => {
    const { alice, bob } = usersOf(shared);
    for (const [owner, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      const { runnerId } = await register(owner);
      await shared.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
      await owner.runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });
      const runner = await seen(owner, runnerId);
      const { policies } = await owner.runner.listRunnerPolicies({ runnerId });

      expect(await failureOf(call(other.runner, runnerId))).toBe("not_found: runner not found");
      expect(await seen(owner, runnerId)).toEqual(runner);
      expect((await owner.runner.listRunnerPolicies({ runnerId })).policies).toEqual(policies);
      // The same call of the owner is one that works.
      expect(await failureOf(call(owner.runner, runnerId))).toBe("ok");
    }
  });

  lapsing("for DeleteRunner, also when it has lapsed: it can come back", async ({ shared }) => {
    const { alice, bob } = usersOf(shared);
    const { runnerId, accessToken } = await register(bob);
    await shared.clock.advance("10s");
    expect(await codeOf(alice.runner.deleteRunner({ runnerId }))).toBe("not_found");
    expect(await codeOf(asRunner(shared, accessToken).runner.getRunner({ runnerId }))).toBe("ok");
    await shared.clock.advance("10s");
    expect(await codeOf(bob.runner.deleteRunner({ runnerId }))).toBe("ok");
    expect(await codeOf(asRunner(shared, accessToken).runner.getRunner({ runnerId }))).toBe(
      "unauthenticated",
    );
  });

  permissive("for those either to whom unknown ids read as empty", async ({ shared }) => {
    const { alice, bob } = usersOf(shared);
    const { runnerId } = await register(bob);
    expect(await seen(alice, runnerId)).toMatchObject({ runnerId, name: "" });
    await alice.runner.updateRunner({ runnerId, name: "Another Name" });
    await alice.runner.deleteRunner({ runnerId });
    const { exchangeToken } = await alice.runner.createRunnerToken({ runnerId });
    expect((await seen(bob, runnerId)).name).toBe("Production Runner");
    const { accessToken } = await alice.identity.exchangeToken({ exchangeToken });
    const { subject } = await asRunner(shared, accessToken).identity.getAuthenticatedIdentity({});
    expect(subject?.id).not.toBe(runnerId);
  });

  test("for its manager, either", async ({ shared }) => {
    const { alice, bob } = usersOf(shared);
    const request = { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: managerId };
    const manager = shared.client(RunnerService, { bearer: "manager-token" });
    const [here, there] = [await register(alice, request), await register(bob, request)];
    expect(await codeOf(manager.getRunner({ runnerId: there.runnerId }))).toBe("ok");
    expect(await codeOf(manager.getRunner({ runnerId: here.runnerId }))).toBe("not_found");
    expect(await codeOf(manager.updateRunner({ runnerId: here.runnerId }))).toBe("not_found");
  });
});

describe("a runner belongs to its creator's organization", () => {
  lapsing("so its token says, first and last", async ({ shared }) => {
    const { bob, alice } = usersOf(shared);
    const { runnerId, accessToken, exchangeToken } = await register(bob);
    const organization = { organizationId: elsewhere.id, organizationTier: elsewhere.tier };
    const me = asRunner(shared, accessToken).identity;
    expect(await me.getAuthenticatedIdentity({})).toMatchObject(organization);
    // Whoever brings the token, and whatever happened in between.
    await shared.clock.advance("10s");
    expect(await stands(bob, runnerId)).toBe(false);
    const exchanged = await alice.identity.exchangeToken({ exchangeToken });
    const again = asRunner(shared, exchanged.accessToken).identity;
    expect(await again.getAuthenticatedIdentity({})).toMatchObject({
      ...organization,
      subject: { id: runnerId },
    });
    expect([await stands(alice, runnerId), await stands(bob, runnerId)]).toEqual([false, true]);
  });

  test("which is one however its id is written", async ({ shared }) => {
    const { runnerId } = await register(usersOf(shared).bob);
    const bill = { runner: shared.client(RunnerService, { bearer: "bill-token" }) };
    expect(await stands(bill, runnerId)).toBe(true);
  });
});

describe("each organization", () => {
  test("hears, and reads afterwards, of what happens to its own runners and policies", async ({ shared }) => {
    const { alice, bob } = usersOf(shared, "events");
    const users = [alice, bob];
    const watches = [await watch(alice), await watch(bob)];
    const [first, last]: [string[], string[]] = [[], []];
    for (const user of users) first.push((await register(user)).runnerId);
    for (const [index, { runner }] of users.entries()) {
      const runnerId = first[index] ?? "";
      await runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });
      await runner.updateRunner({ runnerId, name: "Another Name" });
    }
    for (const user of users) last.push((await register(user)).runnerId);
    const { CREATE, UPDATE } = ResourceOperation;
    const { RUNNER, ROLE_ASSIGNMENT } = ResourceType;
    for (const [index, user] of users.entries()) {
      const [runnerId, lastId = ""] = [first[index], last[index]];
      const expected = [
        [CREATE, RUNNER, runnerId],
        [CREATE, ROLE_ASSIGNMENT, expect.any(String)],
        [UPDATE, RUNNER, runnerId],
        [CREATE, RUNNER, lastId],
      ];
      expect(await watches[index]?.until(lastId)).toEqual(expected);
      const { entries } = await user.events.listAuditLogs({});
      expect(entries.map(({ subjectId }) => subjectId).reverse()).toEqual(expected.map(([, , id]) => id));
    }
  });

  observed("has one managed runner of each manager, in profile observed", async ({ shared }) => {
    const { alice, bob } = usersOf(shared);
    const request = { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: managerId };
    const [here, there] = [await register(alice, request), await register(bob, request)];
    for (const { runner } of [alice, bob]) {
      expect(await codeOf(runner.createRunner(request))).toBe("already_exists");
    }
    expect([await stands(alice, here.runnerId), await stands(bob, there.runnerId)]).toEqual([true, true]);
  });

  for (const world of [undefined, "elsewhere"]) {
    observed(`has one LOCAL_CONFIGURATION runner, in the world ${world ?? "default"}`, async ({ shared }) => {
      const { alice, bob } = usersOf(shared, world);
      const filter = { kinds: [RunnerKind.LOCAL_CONFIGURATION] };
      const idsSeenBy = async ({ runner }: User) => (await runner.listRunners({ filter })).runners.map(idOf);
      const ids = [...(await idsSeenBy(alice)), ...(await idsSeenBy(bob))];
      expect(new Set(ids).size).toBe(2);
      const [, runnerId = ""] = ids;
      expect(await codeOf(alice.runner.deleteRunner({ runnerId }))).toBe("not_found");
      expect(await codeOf(bob.runner.deleteRunner({ runnerId }))).toBe("failed_precondition");
    });
  }
});

/** Resolves once the watch has begun. */
async function watch({ events }: User) {
  const controller = new AbortController();
  const { signal } = controller;
  let begin = (_header: Headers) => {};
  const begun = new Promise<Headers>((resolve) => {
    begin = resolve;
  });
  const iterator = events.watchEvents({}, { onHeader: begin, signal })[Symbol.asyncIterator]();
  let next = iterator.next();
  await Promise.race([begun, next]);
  return {
    /** What happened up to the first event about this resource. */
    async until(id: string) {
      const heard: unknown[][] = [];
      for (;;) {
        const { value, done } = await next;
        if (done) throw new Error("the watch has ended");
        heard.push([value.operation, value.resourceType, value.resourceId]);
        if (value.resourceId === id) break;
        next = iterator.next();
      }
      controller.abort();
      return heard;
    },
  };
}

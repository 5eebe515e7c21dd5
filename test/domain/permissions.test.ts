/** What a runner's own access token opens: held against every RPC of the services' descriptors. */
import type { DescMethod } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import { asRunner, codeOf, idOf, productionRunner, register } from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const denied = "permission_denied";
const notYet = "unimplemented";

/** How a call ends for a user, for a runner about itself, and for a runner about another one. */
type Row = readonly [byUser: string, ofItself: string, ofAnother: string];

/** Requests without a runner_id are the same for a runner about itself and about another. */
const runnerRpcs = {
  createRunner: ["ok", "ok", "ok"],
  getRunner: ["ok", "ok", denied],
  listRunners: ["ok", "ok", "ok"],
  updateRunner: [notYet, notYet, denied],
  deleteRunner: ["ok", denied, denied],
  createRunnerToken: ["ok", "ok", denied],
  createRunnerLogsToken: [notYet, notYet, denied],
  parseContextURL: [notYet, notYet, notYet],
  searchRepositories: [notYet, denied, denied],
  listSCMOrganizations: [notYet, denied, denied],
  checkAuthenticationForHost: [notYet, denied, denied],
  checkRepositoryAccess: [notYet, denied, denied],
  listRunnerPolicies: [notYet, denied, denied],
  createRunnerPolicy: [notYet, denied, denied],
  updateRunnerPolicy: [notYet, denied, denied],
  deleteRunnerPolicy: [notYet, denied, denied],
} as const satisfies Record<keyof typeof RunnerService.method, Row>;

const identityRpcs = {
  getIDToken: [notYet, notYet, notYet],
  getAuthenticatedIdentity: ["ok", "ok", "ok"],
  exchangeToken: ["ok", "ok", "ok"],
} as const satisfies Record<keyof typeof IdentityService.method, Row>;

const rows: [string, DescMethod, Row][] = [
  ...RunnerService.methods.map((method) => rowOf(method, runnerRpcs)),
  ...IdentityService.methods.map((method) => rowOf(method, identityRpcs)),
];

function rowOf(method: DescMethod, table: Readonly<Record<string, Row>>): [string, DescMethod, Row] {
  const row = table[method.localName];
  if (row === undefined) throw new Error(`what runners may do with ${method.name} is not in this table`);
  return [method.name, method, row];
}

/** Calls the RPC with a request that is valid, and names the runner if it can. */
async function call(mock: TestMock, method: DescMethod, runnerId: string, bearer?: string): Promise<string> {
  const request: Record<string, unknown> = "runnerId" in method.input.field ? { runnerId } : {};
  if (method === RunnerService.method.createRunner) Object.assign(request, productionRunner);
  if (method === IdentityService.method.exchangeToken)
    request.exchangeToken = (await register(mock)).exchangeToken;
  const client = mock.client(method.parent, { bearer }) as unknown as Record<
    string,
    (request: object) => Promise<unknown>
  >;
  const rpc = client[method.localName];
  if (rpc === undefined) throw new Error(`the client has no ${method.localName}`);
  return codeOf(rpc(request));
}

describe.for(rows)("%s", ([, method, [byUser, ofItself, ofAnother]]) => {
  test(`by a user: ${byUser}`, async ({ shared }) => {
    const { runnerId } = await register(shared);
    expect(await call(shared, method, runnerId)).toBe(byUser);
  });

  test(`by a runner about itself: ${ofItself}`, async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    expect(await call(shared, method, runnerId, accessToken)).toBe(ofItself);
  });

  test(`by a runner about another, and about ids that do not exist: ${ofAnother}`, async ({ shared }) => {
    const [me, other] = [await register(shared), await register(shared)];
    expect(await call(shared, method, other.runnerId, me.accessToken)).toBe(ofAnother);
    expect(await call(shared, method, unknownId, me.accessToken)).toBe(ofAnother);
    expect(await call(shared, method, "runner-1", me.accessToken)).toBe(ofAnother);
    expect(await call(shared, method, "", me.accessToken)).toBe(ofAnother);
  });
});

describe("a runner", () => {
  test("learns no more of another than of none: the refusals are the same", async ({ shared }) => {
    const [me, other] = [await register(shared), await register(shared)];
    const { runner } = asRunner(shared, me.accessToken);
    const errorOf = (runnerId: string) => runner.getRunner({ runnerId }).catch(({ message }) => message);
    expect(await errorOf(other.runnerId)).toBe(await errorOf(unknownId));
    expect(await errorOf(unknownId)).toContain("permission denied");
  });

  test("may make itself a token that works", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const { exchangeToken } = await asRunner(shared, accessToken).runner.createRunnerToken({ runnerId });
    const exchanged = await shared.identity.exchangeToken({ exchangeToken });
    const { subject } = await asRunner(shared, exchanged.accessToken).identity.getAuthenticatedIdentity({});
    expect(subject?.id).toBe(runnerId);
  });

  test("is not in the way of users: they see it and all others", async ({ shared }) => {
    const path = "/w/users-see-all";
    const world = { runner: shared.client(RunnerService, { path }) };
    const registered = [await register(world), await register(world)];
    const { runners } = await world.runner.listRunners({});
    expect(runners.map(idOf)).toEqual(registered.map(({ runnerId }) => runnerId));
  });
});

describe("ListRunners by a runner", () => {
  test.for<[string, { kinds?: RunnerKind[]; providers?: RunnerProvider[] }, boolean]>([
    ["no filter", {}, true],
    ["a filter that it meets", { providers: [RunnerProvider.GCP, RunnerProvider.AWS_EC2] }, true],
    ["a filter that only others meet", { providers: [RunnerProvider.LINUX_HOST] }, false],
    [
      "a filter of which it meets half",
      { providers: [RunnerProvider.AWS_EC2], kinds: [RunnerKind.LOCAL] },
      false,
    ],
  ])("with %s shows itself or nothing", async ([, filter, shown], { shared }) => {
    await register(shared, { name: "Before", provider: RunnerProvider.LINUX_HOST });
    const me = await register(shared);
    await register(shared, { name: "After", provider: RunnerProvider.LINUX_HOST });
    const { runners, pagination } = await asRunner(shared, me.accessToken).runner.listRunners({ filter });
    expect(runners.map(idOf)).toEqual(shown ? [me.runnerId] : []);
    expect(pagination?.nextToken).toBe("");
  });

  test("shows itself on the first page, however small, and nothing after it", async ({ shared }) => {
    const path = "/w/runner-pages";
    const world = { runner: shared.client(RunnerService, { path }) };
    const registered = [await register(world), await register(world), await register(world)];
    const me = registered[1];
    const myself = shared.client(RunnerService, { path, bearer: me?.accessToken ?? "" });
    const firstPage = await myself.listRunners({ pagination: { pageSize: 1 } });
    expect(firstPage.runners.map(idOf)).toEqual([me?.runnerId]);
    expect(firstPage.pagination?.nextToken).toBe("");

    // The tokens of a user's pages, which end with the runner before it, itself and the one after it.
    const shown: string[][] = [];
    for (const pageSize of [1, 2]) {
      const { pagination } = await world.runner.listRunners({ pagination: { pageSize } });
      const page = await myself.listRunners({
        pagination: { pageSize: 2, token: pagination?.nextToken ?? "" },
      });
      shown.push(page.runners.map(idOf));
    }
    expect(shown).toEqual([[me?.runnerId], []]);
  });
});

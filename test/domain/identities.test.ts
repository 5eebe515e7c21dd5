/** The option `identities`: whom bearer tokens stand for, and what a runner manager may. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { IdentitiesJson } from "../../src/gen/runnermock/v1/identities_pb.ts";
import { failureOf, type TestMock, test } from "../support/mock.ts";
import { asRunner, codeOf, register, seen } from "../support/registrations.ts";
import { sharing } from "../support/shared-mock.ts";

const id = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000a";
const organizationId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000b";

type IdentityJson = NonNullable<IdentitiesJson["identities"]>[number];

const identitiesOf = (...identities: IdentityJson[]) => ({ identities: { identities } });

const managerId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const PRINCIPAL_RUNNER_MANAGER = "PRINCIPAL_RUNNER_MANAGER";
const observed = sharing({
  profile: "observed",
  secondManagedRunner: "allow",
  ...identitiesOf(
    { token: "its manager", principal: PRINCIPAL_RUNNER_MANAGER, id: managerId },
    { token: "another manager", principal: PRINCIPAL_RUNNER_MANAGER },
    { token: "a user with its manager's id", id: managerId },
    { token: "a user" },
    { token: "a service account", principal: "PRINCIPAL_SERVICE_ACCOUNT" },
  ),
});

/** Who bears the token, as GetAuthenticatedIdentity shows it. */
async function whois(mock: TestMock, bearer?: string) {
  const client = mock.client(IdentityService, { bearer });
  const { subject, ...organization } = await client.getAuthenticatedIdentity({});
  return {
    id: subject?.id,
    principal: subject?.principal,
    organizationId: organization.organizationId,
    tier: organization.organizationTier,
  };
}

/** A file with this content that is gone after the test. */
async function fileWith(name: string, content: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "identities-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, name);
  await writeFile(file, content);
  return file;
}

describe("an identity says who its token stands for", () => {
  const full: IdentityJson = {
    name: "ci",
    token: "ci-token",
    principal: "PRINCIPAL_SERVICE_ACCOUNT",
    id,
    organization: { id: organizationId, tier: "core" },
  };
  const shown = { id, principal: Principal.SERVICE_ACCOUNT, organizationId, tier: "core" };

  test("in an object", async ({ start }) => {
    expect(await whois(await start(identitiesOf(full)), "ci-token")).toEqual(shown);
  });

  test("in a file of YAML", async ({ start }) => {
    const yaml = `identities:
  - name: ci
    token: ci-token
    principal: PRINCIPAL_SERVICE_ACCOUNT
    id: ${id}
    organization:
      id: ${organizationId}
      tier: core
`;
    const mock = await start({ identities: await fileWith("identities.yaml", yaml) });
    expect(await whois(mock, "ci-token")).toEqual(shown);
  });

  test("in a file of JSON", async ({ start }) => {
    const json = JSON.stringify({ identities: [full] });
    const mock = await start({ identities: await fileWith("identities.json", json) });
    expect(await whois(mock, "ci-token")).toEqual(shown);
  });

  test.for([
    "PRINCIPAL_ACCOUNT",
    "PRINCIPAL_USER",
    "PRINCIPAL_ENVIRONMENT",
    "PRINCIPAL_SERVICE_ACCOUNT",
    "PRINCIPAL_RUNNER_MANAGER",
  ] as const)("of any kind but a runner: %s", async (principal, { start }) => {
    const mock = await start(identitiesOf({ token: "a-token", principal }));
    const word = principal.replace("PRINCIPAL_", "") as keyof typeof Principal;
    expect((await whois(mock, "a-token")).principal).toBe(Principal[word]);
  });

  test("in every world, and with auth: required", async ({ start }) => {
    const mock = await start({ ...identitiesOf(full), auth: "required" });
    expect(await whois(mock, "ci-token")).toEqual(shown);
    const elsewhere = mock.client(IdentityService, { path: "/w/elsewhere", bearer: "ci-token" });
    expect((await elsewhere.getAuthenticatedIdentity({})).subject?.id).toBe(id);
  });

  test("with ids in capitals, which are shown in small letters", async ({ start }) => {
    const organization = { id: organizationId.toUpperCase() };
    const mock = await start(identitiesOf({ token: "a-token", id: id.toUpperCase(), organization }));
    expect(await whois(mock, "a-token")).toMatchObject({ id, organizationId });
    const user = { runner: mock.client(RunnerService, { bearer: "a-token" }) };
    const { runnerId } = await register(user);
    expect((await seen(user, runnerId)).creator?.id).toBe(id);
  });

  test("whose token has spaces in it", async ({ start }) => {
    const mock = await start({ ...identitiesOf({ token: "My Bearer Token", id }), auth: "required" });
    expect((await whois(mock, "My Bearer Token")).id).toBe(id);
    expect(await codeOf(whois(mock, "My  Bearer Token"))).toBe("unauthenticated");
  });
});

describe("what an identity leaves out", () => {
  test("is that it is a user of the default organization and its tier", async ({ start }) => {
    const mock = await start({ ...identitiesOf({ token: "a-token" }), organizationTier: "free_ona" });
    const anybody = await whois(mock);
    const user = await whois(mock, "a-token");
    expect(user).toEqual({ ...anybody, id: user.id });
    expect(user).toMatchObject({ principal: Principal.USER, tier: "free_ona" });
    expect(user.id).not.toBe(anybody.id);
  });

  test.for<[string, IdentityJson["organization"] & object, { organizationId?: string; tier: string }]>([
    ["the organization's tier", { id: organizationId }, { organizationId, tier: "free_ona" }],
    ["the organization's id", { tier: "core" }, { tier: "core" }],
    ["both", {}, { tier: "free_ona" }],
  ])("is the default organization's: %s", async ([, organization, expected], { start }) => {
    const options = identitiesOf({ token: "a-token", organization });
    const mock = await start({ ...options, organizationTier: "free_ona" });
    const fallback = { organizationId: (await whois(mock)).organizationId };
    expect(await whois(mock, "a-token")).toMatchObject({ ...fallback, ...expected });
  });

  test("is its id: one that is derived from its name, else its token, in every server the same", async ({
    start,
  }) => {
    const named = identitiesOf(
      { token: "1", name: "ci" },
      { token: "2", name: "ci", principal: "PRINCIPAL_SERVICE_ACCOUNT" },
      { token: "3", name: "cd" },
      { token: "4" },
      { token: "5" },
    );
    const idsIn = async (mock: TestMock) => {
      const all = await Promise.all(["1", "2", "3", "4", "5"].map((token) => whois(mock, token)));
      return all.map((identity) => identity.id);
    };
    const ids = await idsIn(await start(named));
    expect(ids.join()).toMatch(/^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(,|$)){5}$/);
    expect(new Set(ids).size).toBe(5);
    expect(await idsIn(await start({ ...named, auth: "required" }))).toEqual(ids);
    const other = await start(identitiesOf({ token: "changed", name: "ci" }));
    expect((await whois(other, "changed")).id).toBe(ids[0]);
  });
});

test("identities and users of the option token are known together", async ({ start }) => {
  const mock = await start({
    ...identitiesOf({ token: "ci-token", id, organization: { id: organizationId } }),
    token: { alice: "alice-token" },
    auth: "required",
  });
  expect(await whois(mock, "ci-token")).toMatchObject({ id, organizationId });
  const alice = await whois(mock, "alice-token");
  expect(alice.principal).toBe(Principal.USER);
  expect([id, undefined]).not.toContain(alice.id);
  expect(alice.organizationId).not.toBe(organizationId);
});

describe("a mock does not start with", () => {
  const token = "a-token";
  test.for<[string, IdentityJson[], RegExp]>([
    ["a token of the mock's own form", [{ token: "rmock_access_a" }], /identities\[0\].*rmock_/],
    ["a runner", [{ token, principal: "PRINCIPAL_RUNNER" }], /identities\[0\]\.principal/],
    ["the same token twice", [{ token }, { token: "b" }, { token }], /identities\[2\]\.token/],
    [
      "an organization of two tiers",
      [
        { token, organization: { tier: "core" } },
        { token: "b", organization: { tier: "enterprise" } },
      ],
      /identities\[1\]\.organization\.tier: it is "enterprise" here, and "core" before/,
    ],
    ["no token", [{ name: "ci" }], /identities\[0\]\.token/],
    ["a token that begins with a space", [{ token: " a" }], /identities\[0\]\.token/],
    ["a token that ends with one", [{ token: "a " }], /identities\[0\]\.token/],
    ["an id that is no UUID", [{ token, id: "ci" }], /identities\[0\]\.id/],
    ["an organization whose id is none", [{ token, organization: { id: "o" } }], /organization\.id/],
  ])("%s", async ([, identities, problem], { start }) => {
    await expect(start(identitiesOf(...identities))).rejects.toThrow(problem);
  });
});

test("a mock does not start with one token for a user and for somebody else", async ({ start }) => {
  const options = { ...identitiesOf({ token: "one" }), token: { alice: "one" } };
  await expect(start(options)).rejects.toThrow(
    /identities\[0\]\.token: the option token has this one already/,
  );
});

test("an organization has one tier: its runners have it, and whoever shows no token of it", async ({
  start,
}) => {
  const mock = await start(identitiesOf({ token: "ci-token", organization: { tier: "core" } }));
  const { accessToken } = await register({ runner: mock.client(RunnerService, { bearer: "ci-token" }) });
  const tierOf = async (bearer?: string) =>
    (await mock.client(IdentityService, { bearer }).getAuthenticatedIdentity({})).organizationTier;
  expect([await tierOf("ci-token"), await tierOf(accessToken), await tierOf()]).toEqual([
    "core",
    "core",
    "core",
  ]);
});

describe("in profile observed, a managed runner heeds its manager and itself", () => {
  const managed = { name: "Managed Runner", provider: RunnerProvider.MANAGED };
  const onlyItsManager = {
    update: "permission_denied: only runner manager can update managed runner configurations",
    makeToken: "unauthenticated: only the runner manager can create tokens for a managed runner",
  };

  observed.for([
    ["its manager", { update: "ok", makeToken: "ok" }],
    ["another manager", onlyItsManager],
    ["a user with its manager's id", onlyItsManager],
    ["a user", onlyItsManager],
    ["a service account", onlyItsManager],
    [undefined, onlyItsManager],
  ] as const)("%s", async ([bearer, outcomes], { shared }) => {
    const { runnerId } = await register(shared, { ...managed, runnerManagerId: managerId });
    const client = shared.client(RunnerService, { bearer });
    expect({
      update: await failureOf(client.updateRunner({ runnerId, name: "Another Name" })),
      makeToken: await failureOf(client.createRunnerToken({ runnerId })),
    }).toEqual(outcomes);
    const name = outcomes.update === "ok" ? "Another Name" : managed.name;
    expect((await seen(shared, runnerId)).name).toBe(name);
  });

  observed("the runner's own token, and that of no other runner of the manager", async ({ shared }) => {
    const runnerManagerId = managerId.toUpperCase();
    const one = await register(shared, { ...managed, runnerManagerId });
    const { accessToken } = await shared.identity.exchangeToken({ exchangeToken: one.exchangeToken });
    const { runner } = asRunner(shared, accessToken);
    const { runnerId } = one;
    expect(await failureOf(runner.updateRunner({ runnerId, name: "Another Name" }))).toBe("ok");
    expect(await failureOf(runner.createRunnerToken({ runnerId }))).toBe("ok");
    expect((await seen(shared, runnerId)).name).toBe("Another Name");
    const other = await register(shared, { ...managed, runnerManagerId });
    expect(await codeOf(runner.updateRunner({ runnerId: other.runnerId }))).toBe("permission_denied");
    expect(await codeOf(runner.createRunnerToken({ runnerId: other.runnerId }))).toBe("permission_denied");
  });

  observed("its manager, also where the runner names it in capitals", async ({ shared }) => {
    const { runnerId } = await register(shared, { ...managed, runnerManagerId: managerId.toUpperCase() });
    const client = shared.client(RunnerService, { bearer: "its manager" });
    expect(await failureOf(client.updateRunner({ runnerId, name: "Another Name" }))).toBe("ok");
    expect(await failureOf(client.createRunnerToken({ runnerId }))).toBe("ok");
  });

  observed("and one that is not managed heeds all", async ({ shared }) => {
    const { runnerId } = await register(shared);
    expect(await failureOf(shared.runner.updateRunner({ runnerId, name: "Another Name" }))).toBe("ok");
    expect(await failureOf(shared.runner.createRunnerToken({ runnerId }))).toBe("ok");
  });
});

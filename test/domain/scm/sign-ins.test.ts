/** Source code hosts by way of a runner: its integrations say how they are entered, stored tokens who is signed in. */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { RunnerPhase } from "../../../src/gen/gitpod/v1/runner_pb.ts";
import { configurationOf, environmentClass, signedUp, subjectIds } from "../../support/configuration.ts";
import { failureOf, type TestMock, test as withMock } from "../../support/mock.ts";
import { asRunner, callOutcome } from "../../support/registrations.ts";
import { test } from "../../support/shared-mock.ts";

const contextUrl = "https://github.com/org/repo";
const azureUrl = "https://dev.azure.com/organization/project/_git/repo";

const check = (mock: TestMock, runnerId: string, host = "github.com") =>
  mock.runner.checkAuthenticationForHost({ runnerId, host });
const integrate = (mock: TestMock, runnerId: string, changes: object) =>
  configurationOf(mock).createSCMIntegration({ runnerId, scmId: "github", host: "github.com", ...changes });
const signIn = async (mock: TestMock, runnerId: string, changes: object = {}) =>
  (
    await configurationOf(mock).createHostAuthenticationToken({
      runnerId,
      host: "github.com",
      token: "t",
      ...changes,
    })
  ).token?.id ?? "";

describe("CheckAuthenticationForHost", () => {
  test("is the state document's where nothing is configured", async ({ shared }) => {
    const { runnerId } = await signedUp(shared);
    expect(await check(shared, runnerId)).toMatchObject({
      authenticated: true,
      scmId: "github",
      patSupported: true,
    });
  });

  test.for([
    ["OAuth alone", { oauthClientId: "client" }, [true, false]],
    ["personal access tokens alone", { pat: true }, [false, true]],
    ["both", { oauthClientId: "client", pat: true }, [true, true]],
  ] as const)("has the ways in that an integration has: %s", async ([, changes, ways], { shared }) => {
    const { runnerId } = await signedUp(shared);
    await integrate(shared, runnerId, { ...changes, scmId: "github_enterprise" });
    const reply = await check(shared, runnerId);
    expect([reply.supportsOauth2 !== undefined, reply.supportsPat !== undefined]).toEqual(ways);
    expect(reply).toMatchObject({
      authenticated: false,
      scmId: "github_enterprise",
      scmName: "GitHub",
      patSupported: ways[1],
    });
    if (ways[0]) expect(reply.authenticationUrl).toBe("https://github.com/login/oauth/authorize");
  });

  test("has those of a host that nobody else knows, with the name of its schema", async ({ shared }) => {
    const { runnerId } = await signedUp(shared);
    const host = "git.example.com";
    const name = { scmId: "gitlab", host };
    await integrate(shared, runnerId, {
      ...name,
      oauthClientId: "client",
      issuerUrl: "https://issuer.example.com",
      pat: true,
    });
    expect(await check(shared, runnerId, host)).toMatchObject({
      authenticated: false,
      scmId: "gitlab",
      scmName: "GitLab",
      supportsOauth2: { authUrl: "https://issuer.example.com" },
      supportsPat: { docsUrl: "https://docs.gitlab.com" },
    });
    const other = await signedUp(shared);
    expect(await check(shared, other.runnerId, host)).toMatchObject({
      scmId: "",
      scmName: "",
      authenticationUrl: "",
    });
  });

  test("says that the caller is signed in as long as a token of theirs has not expired", async ({
    shared,
  }) => {
    const { runnerId, accessToken } = await signedUp(shared);
    await integrate(shared, runnerId, { pat: true });
    const now = () => shared.clock.nowMs();
    const id = await signIn(shared, runnerId, { expiresAt: timestampFromMs(now() + 10_000) });
    const authenticated = async () => (await check(shared, runnerId)).authenticated;
    expect(await authenticated()).toBe(true);
    await shared.clock.advance(9_999);
    expect(await authenticated()).toBe(true);
    await shared.clock.advance(1);
    expect(await authenticated()).toBe(false);
    await callOutcome(shared, accessToken);
    const client = configurationOf(shared);
    await client.updateHostAuthenticationToken({
      id,
      token: "u",
      expiresAt: timestampFromMs(now() + 10_000),
    });
    expect(await authenticated()).toBe(true);
    await client.deleteHostAuthenticationToken({ id });
    expect(await authenticated()).toBe(false);
  });

  test("knows nothing of tokens of others, for other runners, or for other hosts", async ({ shared }) => {
    const [{ runnerId }, other] = [await signedUp(shared), await signedUp(shared)];
    await integrate(shared, runnerId, { pat: true });
    await signIn(shared, runnerId, { userId: subjectIds[0] });
    await signIn(shared, other.runnerId);
    await signIn(shared, runnerId, { host: "gitlab.com" });
    expect((await check(shared, runnerId)).authenticated).toBe(false);
    expect((await check(shared, runnerId, "gitlab.com")).authenticated).toBe(true);
  });

  test("takes a token for a host without any integration, too, and an expired one for none", async ({
    shared,
  }) => {
    const { runnerId } = await signedUp(shared);
    expect((await check(shared, runnerId, "dev.azure.com")).authenticated).toBe(false);
    await signIn(shared, runnerId, { host: "dev.azure.com" });
    expect((await check(shared, runnerId, "dev.azure.com")).authenticated).toBe(true);
    await signIn(shared, runnerId, { expiresAt: timestampFromMs(0) });
    expect((await check(shared, runnerId)).authenticated).toBe(false);
  });

  test("finds an organization of Azure DevOps by its host, and no other organization", async ({ shared }) => {
    const { runnerId } = await signedUp(shared);
    await integrate(shared, runnerId, {
      scmId: "azuredevops_entra",
      host: "dev.azure.com/acme",
      oauthClientId: "c",
    });
    const scmIdOf = async (host: string) => (await check(shared, runnerId, host)).scmId;
    expect(await scmIdOf("dev.azure.com/ACME")).toBe("azuredevops_entra");
    expect(await scmIdOf("dev.azure.com")).toBe("azuredevops_entra");
    expect(await scmIdOf("dev.azure.com/other")).toBe("azuredevops");
  });
});

describe("the others agree with it:", () => {
  withMock("who signs in can read what they could not", async ({ mock }) => {
    const { runnerId } = await signedUp(mock);
    const parse = (named?: string) =>
      failureOf(mock.runner.parseContextURL({ contextUrl: azureUrl, ...(named && { runnerId: named }) }));
    const refused = "failed_precondition: authentication required for dev.azure.com";
    expect([await parse(), await parse(runnerId)]).toEqual([refused, refused]);
    await signIn(mock, runnerId, { host: "dev.azure.com" });
    expect([await parse(), await parse(runnerId)]).toEqual(["ok", "ok"]);
    const other = await signedUp(mock);
    expect(await parse(other.runnerId)).toBe(refused);
    const { repositories } = await mock.runner.searchRepositories({ runnerId, scmHost: "dev.azure.com" });
    expect(repositories).not.toEqual([]);
    expect(
      (await mock.runner.listSCMOrganizations({ runnerId, scmHost: "dev.azure.com" })).organizations,
    ).toHaveLength(1);
    expect((await mock.runner.checkRepositoryAccess({ runnerId, repositoryUrl: azureUrl })).hasAccess).toBe(
      true,
    );
  });

  test("an integration that nobody has signed in to keeps the repositories closed", async ({ shared }) => {
    const { runnerId, accessToken } = await signedUp(shared);
    await integrate(shared, runnerId, { scmId: "github_enterprise", pat: true });
    const parse = (client = shared.runner) => client.parseContextURL({ runnerId, contextUrl });
    expect(await failureOf(parse())).toBe("failed_precondition: authentication required for github.com");
    expect(
      (await shared.runner.searchRepositories({ runnerId, scmHost: "github.com" })).repositories,
    ).toEqual([]);
    expect(
      (await shared.runner.listSCMOrganizations({ runnerId, scmHost: "github.com" })).organizations,
    ).toEqual([]);
    expect(await shared.runner.checkRepositoryAccess({ runnerId, repositoryUrl: contextUrl })).toMatchObject({
      hasAccess: false,
      errorMessage: "authentication required for github.com",
    });
    // The runner itself is no user, and signs in nowhere.
    expect(await failureOf(parse(asRunner(shared, accessToken).runner))).toBe("ok");
    await signIn(shared, runnerId);
    expect((await parse()).scmId).toBe("github_enterprise");
  });
});

describe("ParseContextURL recommends", () => {
  withMock(
    "the classes that an environment can be made of now: those of the runner, or of all",
    async ({ mock }) => {
      const client = configurationOf(mock);
      const [one, other] = [await signedUp(mock), await signedUp(mock)];
      const ids = {
        first: await environmentClass.create(client, one.runnerId),
        other: await environmentClass.create(client, other.runnerId),
        second: await environmentClass.create(client, one.runnerId),
        disabled: await environmentClass.create(client, one.runnerId),
      };
      await client.updateEnvironmentClass({ environmentClassId: ids.disabled, enabled: false });
      const recommended = async (request: object = {}, { runner } = { runner: mock.runner }) =>
        (await runner.parseContextURL({ contextUrl, ...request })).recommendedEnvironmentClasses;
      expect(await recommended()).toEqual([ids.first, ids.other, ids.second]);
      expect(await recommended({ runnerId: one.runnerId })).toEqual([ids.first, ids.second]);
      expect(await recommended({}, asRunner(mock, other.accessToken))).toEqual([ids.other]);
      await mock.runners.report(one.runnerId, { phase: RunnerPhase.INACTIVE });
      expect(await recommended()).toEqual([ids.other]);
    },
  );

  withMock("the oldest 25, and none where there are none", async ({ mock }) => {
    const client = configurationOf(mock);
    const { runnerId } = await signedUp(mock);
    const recommended = async () =>
      (await mock.runner.parseContextURL({ contextUrl })).recommendedEnvironmentClasses;
    expect(await recommended()).toEqual([]);
    const ids: string[] = [];
    for (let count = 0; count < 26; count++) ids.push(await environmentClass.create(client, runnerId));
    expect(await recommended()).toEqual(ids.slice(0, 25));
  });
});

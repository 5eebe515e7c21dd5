/** SCM integrations: their OAuth secret, what clears what, and which there may be only one of. */
import { describe, expect } from "vitest";
import { RunnerProvider } from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import type { IdentitiesJson } from "../../../src/gen/runnermock/v1/identities_pb.ts";
import { configurationOf, opened, signedUp } from "../../support/configuration.ts";
import { failureOf, type TestMock } from "../../support/mock.ts";
import { register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";

const managerId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000d";
const identities: IdentitiesJson = {
  identities: [{ token: "manager-token", principal: "PRINCIPAL_RUNNER_MANAGER", id: managerId }],
};
const selfDriven = sharing({ managedRunners: "self-driven", identities });

const noKey = "failed_precondition: runner does not have a public key";
const exists = "already_exists: SCM integration already exists";
const github = { scmId: "github", host: "github.com" };
const oauth = { oauthClientId: "client", oauthPlaintextClientSecret: "hush-secret" };

async function integrationOn(
  mock: TestMock,
  changes: object = { ...oauth, issuerUrl: "https://issuer.example" },
) {
  const client = configurationOf(mock);
  const runner = await signedUp(mock);
  const { id } = await client.createSCMIntegration({ runnerId: runner.runnerId, ...github, ...changes });
  const read = async () => (await client.getSCMIntegration({ id })).integration;
  return { client, runner, id, read };
}

describe("the client secret", () => {
  test("comes out only encrypted for the runner, also after it was changed, and is in no log", async ({
    shared,
  }) => {
    const { client, runner, id, read } = await integrationOn(shared);
    const first = await read();
    expect(first).toMatchObject({
      oauth: { clientId: "client", issuerUrl: "https://issuer.example" },
      pat: false,
    });
    expect(opened(first?.oauth?.encryptedClientSecret, runner)).toBe("hush-secret");
    await client.updateSCMIntegration({ id, oauthPlaintextClientSecret: "hush-other" });
    const second = await read();
    expect(opened(second?.oauth?.encryptedClientSecret, runner)).toBe("hush-other");
    expect(second).toMatchObject({ oauth: { clientId: "client", issuerUrl: "https://issuer.example" } });
    await client.updateSCMIntegration({ id, oauthPlaintextClientSecret: "" });
    expect((await read())?.oauth).toMatchObject({
      clientId: "client",
      encryptedClientSecret: new Uint8Array(),
    });
    const calls = shared.calls.list().map(({ request, reply }) => [request, reply]);
    expect(`${shared.log}${JSON.stringify(calls)}`).not.toContain("hush");
  });

  test("needs a runner with a public key, and nothing is made or changed without", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    expect(await failureOf(client.createSCMIntegration({ runnerId, ...github, ...oauth }))).toBe(noKey);
    expect((await client.listSCMIntegrations({ filter: { runnerIds: [runnerId] } })).integrations).toEqual(
      [],
    );
    const { id } = await client.createSCMIntegration({ runnerId, ...github, pat: true });
    const update = client.updateSCMIntegration({ id, pat: false, ...oauth });
    expect(await failureOf(update)).toBe(noKey);
    expect((await client.getSCMIntegration({ id })).integration).toMatchObject({ pat: true });
  });
});

describe("an update", () => {
  test.for<[string, object, object]>([
    [
      "of the client id leaves secret and issuer",
      { oauthClientId: "other" },
      { oauth: { clientId: "other", issuerUrl: "https://issuer.example" } },
    ],
    [
      "of the issuer leaves the rest",
      { issuerUrl: "https://new.example" },
      { oauth: { clientId: "client", issuerUrl: "https://new.example" } },
    ],
    ["by an empty issuer clears it", { issuerUrl: "" }, { oauth: { clientId: "client", issuerUrl: "" } }],
    [
      "by true makes personal access tokens possible",
      { pat: true },
      { pat: true, oauth: { clientId: "client" } },
    ],
    ["sets the virtual directory", { virtualDirectory: "/tfs" }, { virtualDirectory: "/tfs" }],
  ])("%s", async ([, changes, expected], { shared }) => {
    const { client, runner, id, read } = await integrationOn(shared);
    await client.updateSCMIntegration({ id, ...changes });
    const integration = await read();
    expect(integration).toMatchObject({ ...github, runnerId: runner.runnerId, ...expected });
    expect(opened(integration?.oauth?.encryptedClientSecret, runner)).toBe("hush-secret");
  });

  test("by an empty client id ends OAuth, by an empty virtual directory that", async ({ shared }) => {
    const { client, id, read } = await integrationOn(shared, { ...oauth, virtualDirectory: "/tfs" });
    await client.updateSCMIntegration({ id, oauthClientId: "", pat: true });
    expect([(await read())?.oauth, (await read())?.virtualDirectory]).toEqual([undefined, "/tfs"]);
    await client.updateSCMIntegration({ id, virtualDirectory: "" });
    expect([(await read())?.pat, (await read())?.virtualDirectory]).toEqual([true, undefined]);
  });

  test("of a secret or an issuer without any client id makes no OAuth", async ({ shared }) => {
    const { client, id, read } = await integrationOn(shared, { pat: true });
    await client.updateSCMIntegration({
      id,
      oauthPlaintextClientSecret: "hush",
      issuerUrl: "https://x.example",
    });
    expect((await read())?.oauth).toBeUndefined();
  });
});

describe("a second one of the same host and scm_id", () => {
  test("on the same runner is refused, whatever the case of its letters; any other is not", async ({
    shared,
  }) => {
    const { client, runner, id } = await integrationOn(shared, { pat: true });
    const { runnerId } = runner;
    const another = (changes: object) =>
      failureOf(client.createSCMIntegration({ runnerId, ...github, pat: true, ...changes }));
    expect(await another({})).toBe(exists);
    expect(await another({ host: "GitHub.COM" })).toBe(exists);
    expect(await another({ host: "github.com/acme" })).toBe("ok");
    expect(await another({ host: "git.example.com" })).toBe("ok");
    expect(await another({ scmId: "gitlab" })).toBe("ok");
    expect(await another({ runnerId: (await signedUp(shared)).runnerId })).toBe("ok");
    await client.deleteSCMIntegration({ id });
    expect(await another({})).toBe("ok");
    expect(await another({})).toBe(exists);
  });

  test("is refused while the first one's runner lapses and comes back, too", async ({ shared }) => {
    const { client, runner } = await integrationOn(shared, { pat: true });
    await shared.clock.advance("30s");
    await shared.runners.renew(runner.runnerId);
    const { runnerId } = runner;
    expect(await failureOf(client.createSCMIntegration({ runnerId, ...github }))).toBe(exists);
  });
});

describe("on a managed runner", () => {
  const managed = { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: managerId };

  selfDriven("that lives by itself there are none, not even for its manager", async ({ shared }) => {
    const { runnerId } = await signedUp(shared, managed);
    for (const bearer of [undefined, "manager-token"]) {
      const call = configurationOf(shared, { bearer }).createSCMIntegration({
        runnerId,
        ...github,
        pat: true,
      });
      expect(await failureOf(call)).toBe(
        "failed_precondition: cannot add SCM integrations to Gitpod-managed runners",
      );
    }
    const { runnerId: own } = await register(shared);
    expect(await failureOf(configurationOf(shared).createSCMIntegration({ runnerId: own, ...github }))).toBe(
      "ok",
    );
  });

  test("that is as others they are as elsewhere", async ({ shared }) => {
    const { runnerId } = await signedUp(shared, managed);
    expect(await failureOf(configurationOf(shared).createSCMIntegration({ runnerId, ...github }))).toBe("ok");
  });
});

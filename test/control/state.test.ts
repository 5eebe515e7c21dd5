/** Writing down what a world knows, and reading it back. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase, RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import {
  configurationOf,
  hostAuthenticationToken,
  type Kind,
  kinds,
  opened,
  scmIntegration,
  signedUp,
} from "../support/configuration.ts";
import { test } from "../support/control.ts";
import { failureOf, startMs, type TestMock } from "../support/mock.ts";
import {
  callOutcome,
  codeOf,
  exchangeOutcome,
  productionRunner,
  register,
  seen,
  stands,
} from "../support/registrations.ts";

const groupId = "7f1d7a4e-7d5a-4c0e-9f0a-1d2c3b4a5f6e";
const runnerId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

const listed = async (mock: TestMock) => (await mock.runner.listRunners({})).runners;
const gateways = async (mock: TestMock) =>
  (await mock.client(GatewayService).listGateways({})).gateways.map(({ name }) => name);

describe("a saved state", () => {
  test("loaded again, is the same world: runners, leases, policies and tokens", async ({ mock, control }) => {
    const spec = { configuration: { region: "us-west", autoUpdate: true } };
    const one = await register(mock, { ...productionRunner, spec });
    await mock.runner.createRunnerPolicy({ runnerId: one.runnerId, groupId, role: RunnerRole.USER });
    await mock.runners.report(one.runnerId, {
      phase: RunnerPhase.DEGRADED,
      publicKey: new Uint8Array(32).fill(1),
    });
    const lapsed = await register(mock);
    await mock.runners.lapse(lapsed.runnerId);
    await mock.clock.advance("10s");
    const before = await listed(mock);
    const { state } = await control.saveState({});
    if (state === undefined) throw new Error("nothing was saved");

    await control.reset({});
    expect(await listed(mock)).toEqual([]);
    // The fresh world begins at the machine's time, ten seconds earlier.
    await control.loadState({ source: { case: "state", value: state } });
    expect(await listed(mock)).toEqual(before);
    expect((await mock.runner.listRunnerPolicies({ runnerId: one.runnerId })).policies).toMatchObject([
      { groupId },
    ]);
    expect(await stands(mock, lapsed.runnerId)).toBe(false);
    expect(await callOutcome(mock, lapsed.accessToken)).toBe("ok");
    expect(await stands(mock, lapsed.runnerId)).toBe(true);
    await mock.worlds.get("default").clock.advance(29_999);
    expect(await stands(mock, one.runnerId)).toBe(true);
    await mock.worlds.get("default").clock.advance(1);
    expect(await stands(mock, one.runnerId)).toBe(false);
    expect(await exchangeOutcome(mock, one.exchangeToken)).toBe("ok");
  });

  test("has what is configured on runners, which is the same after loading, lapsed or not", async ({
    mock,
    control,
  }) => {
    const client = configurationOf(mock);
    const [one, lapsed] = [await signedUp(mock), await signedUp(mock)];
    const ids = new Map<Kind, string[]>();
    for (const [, kind] of kinds) {
      const made = [one, one, lapsed].map(({ runnerId }, number) => kind.create(client, runnerId, number));
      ids.set(kind, await Promise.all(made));
    }
    const secret = await client.createSCMIntegration({
      runnerId: one.runnerId,
      scmId: "github",
      host: "github.com",
      oauthClientId: "client",
      oauthPlaintextClientSecret: "hush-secret",
    });
    await mock.runners.lapse(lapsed.runnerId);
    const before = await Promise.all(kinds.map(([, kind]) => kind.list(client)));
    const { state, document } = await control.saveState({});
    expect(document).not.toContain("hush");

    await control.reset({});
    await control.loadState({ source: { case: "document", value: document } });
    expect(await Promise.all(kinds.map(([, kind]) => kind.list(client)))).toEqual(before);
    expect((await control.saveState({})).state).toEqual(state);
    const { integration } = await client.getSCMIntegration({ id: secret.id });
    expect(opened(integration?.oauth?.encryptedClientSecret, one)).toBe("hush-secret");
    // What there may be only one of is so still.
    for (const kind of [scmIntegration, hostAuthenticationToken]) {
      expect(await codeOf(kind.create(client, one.runnerId, 0))).toBe("already_exists");
    }
    expect(await callOutcome(mock, lapsed.accessToken)).toBe("ok");
    for (const [kind, [, , id = ""]] of ids) {
      expect(await kind.get(client, id)).toMatchObject({ id, runnerId: lapsed.runnerId });
    }
  });

  test("as a text loads as well, and saves as the same text", async ({ mock, control }) => {
    await register(mock);
    const { document } = await control.saveState({});
    expect(document).toMatch(/^scm:\n {2}hosts:\n/);
    await control.loadState({ source: { case: "document", value: document } });
    expect((await control.saveState({})).document).toBe(document);
  });

  test("has no token in it", async ({ mock, control }) => {
    await register(mock);
    expect((await control.saveState({})).document).not.toContain("rmock_");
  });

  test("in process is what a document holds", async ({ mock }) => {
    await register(mock);
    const state = await mock.state.save();
    expect(state.runners).toMatchObject([{ name: "Production Runner", provider: "RUNNER_PROVIDER_AWS_EC2" }]);
    await mock.state.load(state);
    expect(await listed(mock)).toHaveLength(1);
  });
});

describe("a runner of a document", () => {
  test("needs nothing but what it is to have", async ({ mock, control }) => {
    const value = `
runners:
  - name: Seeded
    provider: RUNNER_PROVIDER_LINUX_HOST
  - runner_id: ${runnerId}
    name: Known
    provider: RUNNER_PROVIDER_AWS_EC2
    status: { phase: RUNNER_PHASE_ACTIVE, version: 1.2.3 }
    tokens:
      - { kind: TOKEN_KIND_ACCESS, token: rmock_access_seeded }
      - { kind: TOKEN_KIND_EXCHANGE, token: rmock_exchange_seeded }
`;
    await control.loadState({ source: { case: "document", value } });
    expect((await seen(mock, runnerId)).status).toMatchObject({
      phase: RunnerPhase.ACTIVE,
      version: "1.2.3",
    });
    const [seeded] = (await listed(mock)).filter(({ name }) => name === "Seeded");
    expect(seeded).toMatchObject({
      status: { phase: RunnerPhase.CREATED },
      provider: RunnerProvider.LINUX_HOST,
      kind: 1,
    });
    expect(await callOutcome(mock, "rmock_access_seeded")).toBe("ok");
    expect(await exchangeOutcome(mock, "rmock_exchange_seeded")).toBe("ok");
    expect(await exchangeOutcome(mock, "rmock_exchange_seeded")).toBe("unauthenticated");
    await mock.worlds.get("default").clock.advance("30s");
    expect(await stands(mock, seeded?.runnerId ?? "")).toBe(false);
  });

  test("may be configured, with ids or without", async ({ mock, control }) => {
    const classId = "0198a1b2-c3d4-7e5f-8a6b-0000000000c1";
    const value = `
runners:
  - runner_id: ${runnerId}
    name: Configured
    provider: RUNNER_PROVIDER_AWS_EC2
    environment_classes:
      - { id: ${classId.toUpperCase()}, display_name: Large, description: As large as it gets, enabled: true }
    scm_integrations: [{ scm_id: github, host: github.com, pat: true }]
    host_authentication_tokens: [{ host: github.com, subject: { id: ${groupId}, principal: PRINCIPAL_USER } }]
configuration_schemas:
  - schema: { version: own, environment_classes: [{ id: size, required: true }] }
`;
    await control.loadState({ source: { case: "document", value } });
    const client = configurationOf(mock);
    const { environmentClass } = await client.getEnvironmentClass({ environmentClassId: classId });
    expect(environmentClass).toMatchObject({ id: classId, runnerId, displayName: "Large", enabled: true });
    const { integrations } = await client.listSCMIntegrations({});
    expect(integrations).toMatchObject([
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/), runnerId, pat: true },
    ]);
    expect((await client.listHostAuthenticationTokens({})).tokens).toMatchObject([
      { subject: { id: groupId } },
    ]);
    expect((await client.getRunnerConfigurationSchema({ runnerId })).schema?.version).toBe("own");
  });

  test("may have its own lease, moments and organization", async ({ mock, control }) => {
    const leaseEndsAt = timestampFromMs(startMs + 5_000);
    const createdAt = timestampFromMs(startMs - 5_000);
    const runners = [
      { runnerId, name: "Timed", provider: RunnerProvider.GCP, leaseEndsAt, createdAt },
      { name: "Elsewhere", provider: RunnerProvider.GCP, organizationId: groupId },
    ];
    await control.loadState({ source: { case: "state", value: { runners } } });
    expect((await listed(mock)).map(({ name }) => name)).toEqual(["Timed"]);
    expect((await seen(mock, runnerId)).createdAt).toEqual(createdAt);
    await mock.worlds.get("default").clock.advance(5_000);
    expect(await stands(mock, runnerId)).toBe(false);
  });

  test("is there from the start with --state", async ({ start }) => {
    const folder = await mkdtemp(join(tmpdir(), "state-"));
    const state = join(folder, "state.yaml");
    await writeFile(state, "runners: [{ name: Seeded, provider: RUNNER_PROVIDER_GCP }]");
    const mock = await start({ state });
    await rm(folder, { recursive: true });
    expect((await listed(mock)).map(({ name }) => name)).toEqual(["Seeded"]);
    const other = mock.client(RunnerService, { path: "/w/other" });
    expect((await other.listRunners({})).runners).toHaveLength(1);
  });
});

test("adding leaves what there is, and takes hosts and gateways by their names", async ({
  mock,
  control,
}) => {
  const { runnerId: old } = await register(mock);
  const value = {
    gateways: [
      { name: "us-west", url: "https://new.example" },
      { name: "new", url: "https://n.example" },
    ],
    scm: { hosts: [{ host: "GitHub.com", urlForm: 1 }] },
    runners: [{ runnerId, name: "Added", provider: RunnerProvider.GCP }],
  };
  await control.loadState({ source: { case: "state", value }, add: true });
  expect(await stands(mock, old)).toBe(true);
  expect(await stands(mock, runnerId)).toBe(true);
  expect(await gateways(mock)).toEqual(["eu-central", "new", "us-west"]);
  expect(await failureOf(mock.runner.parseContextURL({ contextUrl: "https://github.com/org/repo" }))).toMatch(
    /^failed_precondition: authentication required for GitHub\.com/,
  );
  expect(
    await failureOf(mock.runner.parseContextURL({ contextUrl: "https://gitlab.com/group/subgroup/repo" })),
  ).toBe("ok");
});

describe("is refused, and nothing is loaded:", () => {
  test.for([
    [
      "a wrong field, with its line",
      "gateways:\n  - name: a\n    uri: x",
      /line 3, column 5: gateways\[0\]\.uri: /,
    ],
    ["no YAML", "runners: [", /line 1, column 11: /],
    [
      "a rule that is broken",
      "gateways: [{ name: a }]",
      /line 1, column 12: gateways\[0\]\.url: value is required/,
    ],
    [
      "a runner twice",
      `runners: [{ runner_id: a }, { runner_id: A }]`,
      /runners\[1\]\.runner_id: this one is there already/,
    ],
    [
      "a token that could be anybody's",
      "runners: [{ tokens: [{ kind: TOKEN_KIND_ACCESS, token: x }] }]",
      /must begin with rmock_/,
    ],
    [
      "a token that is none",
      "runners: [{ tokens: [{ kind: TOKEN_KIND_ACCESS }] }]",
      /either token or sha256 is required/,
    ],
    [
      "a provider's schema twice",
      "configuration_schemas: [{ schema: {} }, { schema: {} }]",
      /configuration_schemas\[1\]\.provider: this one is there already/,
    ],
    [
      "a pattern that is none",
      "configuration_schemas: [{ schema: { environment_classes: [{ id: a, string: { pattern: '(' } }] } }]",
      /environment_classes\[0\]\.string\.pattern: is no regular expression/,
    ],
    [
      "an id of two resources",
      `runners: [{ scm_integrations: [{ id: ${groupId} }] }, { llm_integrations: [{ id: ${groupId} }] }]`,
      /runners\[1\]\.llm_integrations\[0\]\.id: this one is there already/,
    ],
    [
      "two SCM integrations of one host",
      "runners: [{ scm_integrations: [{ scm_id: a, host: b }, { scm_id: a, host: B }] }]",
      /scm_integrations\[1\]\.host: this one is there already/,
    ],
    [
      "two tokens of one subject and host",
      "runners: [{ host_authentication_tokens: [{ host: a }, { host: a }] }]",
      /host_authentication_tokens\[1\]\.host: this one is there already/,
    ],
    [
      "a class without a name",
      "runners: [{ environment_classes: [{ description: long enough }] }]",
      /environment_classes\[0\]\.display_name: must be at least 3 characters/,
    ],
  ] as const)("%s", async ([, value, problem], { mock, control }) => {
    await register(mock);
    const failure = await failureOf(control.loadState({ source: { case: "document", value } }));
    expect(failure).toMatch(/^invalid_argument: invalid state document: /);
    expect(failure).toMatch(problem);
    expect([(await listed(mock)).length, await gateways(mock)]).toEqual([1, ["eu-central", "us-west"]]);
  });

  test("a runner that is there, when it is added", async ({ mock, control }) => {
    const { runnerId: taken } = await register(mock);
    const runners = [{ name: "New" }, { runnerId: taken.toUpperCase(), name: "Taken" }];
    const value = { runners, gateways: [{ name: "new", url: "https://n.example" }] };
    expect(await failureOf(control.loadState({ source: { case: "state", value }, add: true }))).toMatch(
      /^already_exists: there is a runner /,
    );
    expect([(await listed(mock)).length, await gateways(mock)]).toEqual([1, ["eu-central", "us-west"]]);
  });

  test("a resource that is there, when it is added", async ({ mock, control }) => {
    const { runnerId: taken } = await signedUp(mock);
    const client = configurationOf(mock);
    const id = await scmIntegration.create(client, taken);
    const runners = [{ name: "New", scmIntegrations: [{ id: id.toUpperCase(), host: "other.example.com" }] }];
    const value = { runners, gateways: [{ name: "new", url: "https://n.example" }] };
    expect(await failureOf(control.loadState({ source: { case: "state", value }, add: true }))).toBe(
      `already_exists: something else has the id "${id.toUpperCase()}" already`,
    );
    expect([(await listed(mock)).length, await gateways(mock)]).toEqual([1, ["eu-central", "us-west"]]);
  });

  test("no document at all", async ({ control }) => {
    expect(await failureOf(control.loadState({}))).toMatch(
      /^invalid_argument: one of state and document is required/,
    );
  });
});

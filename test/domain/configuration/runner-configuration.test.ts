/** GetRunnerConfigurationSchema and ValidateRunnerConfiguration: what is possible, and what is wrong with a wish. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import {
  type EnvironmentClassSchema,
  RunnerProvider,
  type ValidateRunnerConfigurationRequest_ValidateSCMIntegrationSchema,
} from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { type ConfigurationClient, configurationOf, large, signedUp } from "../../support/configuration.ts";
import { failureOf, type TestMock } from "../../support/mock.ts";
import { register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const managed = { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: unknownId };
const forgiving = sharing({ unknownIds: "empty" });
const selfDriven = sharing({ managedRunners: "self-driven" });
const replaced = sharing({
  state: {
    configurationSchemas: [
      { provider: "RUNNER_PROVIDER_GCP", schema: { version: "of the document" } },
      { schema: { version: "of all others" } },
    ],
  },
});

describe("GetRunnerConfigurationSchema", () => {
  const schemaOf = async (mock: TestMock, provider: RunnerProvider) => {
    const request = provider === RunnerProvider.MANAGED ? managed : { name: "A runner", provider };
    const { runnerId } = await register(mock, request);
    return (await configurationOf(mock).getRunnerConfigurationSchema({ runnerId })).schema;
  };

  test.for([
    [
      "AWS",
      RunnerProvider.AWS_EC2,
      ["machineType enum", "diskSizeGb int", "spot bool", "imageId string"],
      ["region display"],
    ],
    [
      "GCP",
      RunnerProvider.GCP,
      ["machineType enum", "diskSizeGb int", "spot bool", "imageId string"],
      ["region display"],
    ],
    ["a Linux machine", RunnerProvider.LINUX_HOST, ["cpu int", "memory int"], []],
    ["a runner manager", RunnerProvider.MANAGED, ["machineType enum"], []],
  ] as const)("has the fields of %s", async ([, provider, classFields, runnerFields], { shared }) => {
    const schema = await schemaOf(shared, provider);
    const told = (fields: readonly { id: string; type: { case?: string | undefined } }[] = []) =>
      fields.map(({ id, type }) => `${id} ${type.case}`);
    expect(told(schema?.environmentClasses)).toEqual(classFields);
    expect(told(schema?.runnerConfig)).toEqual(runnerFields);
    expect(schema?.scm.map(({ scmId }) => scmId)).toContain("github");
    expect(schema?.version).not.toBe("");
  });

  test("has defaults that can be chosen, and bounds that hold them", async ({ shared }) => {
    for (const provider of [
      RunnerProvider.AWS_EC2,
      RunnerProvider.GCP,
      RunnerProvider.LINUX_HOST,
      RunnerProvider.MANAGED,
    ]) {
      for (const { id, type } of (await schemaOf(shared, provider))?.environmentClasses ?? []) {
        if (type.case === "enum") {
          const { defaultValue, possibleValues, values } = type.value;
          expect(possibleValues, id).toContainEqual(defaultValue);
          expect(values).toEqual(possibleValues.map(({ title }) => title));
          expect(new Set(values).size).toBe(values.length);
        }
        if (type.case === "int") {
          const { default: preset, min, max } = type.value;
          expect([min <= preset, preset <= max], id).toEqual([true, true]);
        }
      }
    }
  });

  replaced("is the state document's, where that has any", async ({ shared }) => {
    expect((await schemaOf(shared, RunnerProvider.GCP))?.version).toBe("of the document");
    expect((await schemaOf(shared, RunnerProvider.AWS_EC2))?.version).toBe("of all others");
  });

  test("needs a runner that stands", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    await shared.clock.advance("30s");
    for (const id of [runnerId, unknownId]) {
      expect(await failureOf(client.getRunnerConfigurationSchema({ runnerId: id }))).toBe(
        "not_found: runner not found",
      );
    }
  });

  forgiving("is that of others for an unknown one, where unknown ids read as empty", async ({ shared }) => {
    const client = configurationOf(shared);
    const { schema } = await client.getRunnerConfigurationSchema({ runnerId: unknownId });
    expect(schema?.environmentClasses.map(({ id }) => id)).toEqual(["cpu", "memory"]);
    expect(await client.validateRunnerConfiguration({ runnerId: unknownId })).toMatchObject({
      result: { case: undefined },
    });
  });
});

type ClassInit = MessageInitShape<typeof EnvironmentClassSchema>;
type ScmInit = MessageInitShape<typeof ValidateRunnerConfigurationRequest_ValidateSCMIntegrationSchema>;

const judge = async (client: ConfigurationClient, runnerId: string, value: ClassInit) =>
  (await client.validateRunnerConfiguration({ runnerId, config: { case: "environmentClass", value } })).result
    .value;
const judgeScm = async (client: ConfigurationClient, runnerId: string, value: ScmInit) =>
  (await client.validateRunnerConfiguration({ runnerId, config: { case: "scmIntegration", value } })).result
    .value;

describe("ValidateRunnerConfiguration of an environment class", () => {
  test.for<[string, Partial<typeof large>, object]>([
    ["finds nothing wrong", {}, { valid: true }],
    [
      "finds a name that is too short",
      { displayName: "ab" },
      { valid: false, displayNameError: "must be at least 3 characters" },
    ],
    [
      "finds a description that is too long",
      { description: "x".repeat(201) },
      { valid: false, descriptionError: "must be at most 200 characters" },
    ],
    [
      "finds what is wrong with each field",
      {
        configuration: [
          { key: "diskSizeGb", value: "1" },
          { key: "colour", value: "red" },
        ],
      },
      {
        valid: false,
        configurationErrors: [
          { key: "diskSizeGb", error: "must be a whole number from 30 to 2000" },
          { key: "colour", error: "there is no such field" },
          { key: "machineType", error: "is required" },
        ],
      },
    ],
    [
      "finds everything at once",
      { displayName: "", description: "", configuration: [] },
      {
        displayNameError: "must be at least 3 characters",
        descriptionError: "must be at least 3 characters",
        configurationErrors: [{ key: "machineType" }],
      },
    ],
  ])("%s", async ([, changes, expected], { shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    const result = await judge(client, runnerId, { ...large, ...changes });
    expect(result).toMatchObject({ configurationErrors: [], ...expected });
    const taken = await failureOf(client.createEnvironmentClass({ runnerId, ...large, ...changes }));
    expect(taken === "ok").toBe(result?.valid);
  });
});

describe("ValidateRunnerConfiguration of an SCM integration", () => {
  const pat: ScmInit = { scmId: "github", host: "github.com", pat: true };
  const oauth: ScmInit = {
    scmId: "github",
    host: "github.com",
    oauthClientId: "client",
    oauthClientSecret: { case: "oauthPlaintextClientSecret", value: "hush" },
  };

  test.for<[string, ScmInit, object]>([
    ["finds nothing wrong with tokens", pat, { valid: true }],
    ["finds nothing wrong with OAuth", oauth, { valid: true }],
    ["takes a host with a port and a path", { ...pat, host: "git.example.com:8443/acme" }, { valid: true }],
    [
      "finds an unknown SCM",
      { ...pat, scmId: "svn" },
      { scmIdError: expect.stringMatching(/^must be one of github, /) },
    ],
    ["finds no SCM", { ...pat, scmId: "" }, { scmIdError: expect.any(String) }],
    ["finds no host", { ...pat, host: "" }, { hostError: expect.any(String) }],
    [
      "finds a URL in place of a host",
      { ...pat, host: "https://github.com" },
      { hostError: expect.any(String) },
    ],
    [
      "finds a client id without a secret",
      { ...oauth, oauthClientSecret: { case: undefined } },
      { oauthError: "a client id needs a client secret" },
    ],
    [
      "asks for no secret where one is stored",
      { ...oauth, id: unknownId, oauthClientSecret: { case: undefined } },
      { valid: true },
    ],
    [
      "finds a secret without a client id",
      { ...pat, oauthClientSecret: oauth.oauthClientSecret as never },
      { oauthError: "a client secret or an issuer needs a client id" },
    ],
    [
      "finds an issuer that is no URL",
      { ...oauth, issuerUrl: "issuer" },
      { oauthError: "the issuer must be a URL" },
    ],
    [
      "finds OAuth where there is none",
      { ...oauth, scmId: "azuredevops_server" },
      { oauthError: "Azure DevOps Server has no OAuth" },
    ],
    [
      "finds tokens where there are none",
      { ...oauth, pat: true, scmId: "azuredevops_entra" },
      { patError: "Azure DevOps (Entra ID) has no personal access tokens" },
    ],
    [
      "finds no way to sign in",
      { scmId: "github", host: "github.com" },
      { patError: "without OAuth there have to be personal access tokens" },
    ],
  ])("%s", async ([, value, expected], { shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await signedUp(shared);
    const result = await judgeScm(client, runnerId, value);
    expect(result).toMatchObject({ valid: false, ...expected });
    const { $typeName: _, valid, ...found } = result as { $typeName: string; valid: boolean };
    expect(Object.keys(found)).toHaveLength(valid ? 0 : 1);
  });

  test("finds a secret that there is no key for, encrypted ones apart", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    expect(await judgeScm(client, runnerId, oauth)).toMatchObject({
      valid: false,
      oauthError: "runner does not have a public key",
    });
    const encrypted = { case: "oauthEncryptedClientSecret", value: new Uint8Array([1]) } as const;
    expect(await judgeScm(client, runnerId, { ...oauth, oauthClientSecret: encrypted })).toMatchObject({
      valid: true,
    });
  });

  test("finds another one of the same host and scm_id, but not the one that is to be changed", async ({
    shared,
  }) => {
    const client = configurationOf(shared);
    const { runnerId } = await signedUp(shared);
    const { id } = await client.createSCMIntegration({
      runnerId,
      scmId: "github",
      host: "github.com",
      pat: true,
    });
    expect(await judgeScm(client, runnerId, { ...pat, host: "GitHub.com" })).toMatchObject({
      valid: false,
      hostError: "SCM integration already exists",
    });
    expect(await judgeScm(client, runnerId, { ...pat, id })).toMatchObject({ valid: true });
    expect(await judgeScm(client, runnerId, { ...pat, scmId: "gitlab" })).toMatchObject({ valid: true });
  });

  selfDriven("finds a managed runner that may have none", async ({ shared }) => {
    const { runnerId } = await register(shared, managed);
    expect(await judgeScm(configurationOf(shared), runnerId, pat)).toMatchObject({
      valid: false,
      scmIdError: "cannot add SCM integrations to Gitpod-managed runners",
    });
  });
});

describe("ValidateRunnerConfiguration", () => {
  test("of an unknown runner is not_found, also where its id is none; of nothing it answers nothing", async ({
    shared,
  }) => {
    const client = configurationOf(shared);
    for (const runnerId of [unknownId, "runner-1", ""]) {
      expect(await failureOf(client.validateRunnerConfiguration({ runnerId }))).toBe(
        "not_found: runner not found",
      );
    }
    const { runnerId } = await register(shared);
    expect((await client.validateRunnerConfiguration({ runnerId })).result).toEqual({ case: undefined });
  });

  test("stores nothing, and tells nobody", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await signedUp(shared);
    await judge(client, runnerId, large);
    await judgeScm(client, runnerId, { scmId: "github", host: "github.com", pat: true });
    const filter = { runnerIds: [runnerId] };
    expect((await client.listEnvironmentClasses({ filter })).environmentClasses).toEqual([]);
    expect((await client.listSCMIntegrations({ filter })).integrations).toEqual([]);
  });
});

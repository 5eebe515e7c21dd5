/** Environment classes: their filters, their end, and what their configuration is held against. */
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase } from "../../../src/gen/gitpod/v1/runner_pb.ts";
import type { ProviderSchemaJson } from "../../../src/gen/runnermock/v1/state_pb.ts";
import { configurationOf, environmentClass, large, signedUp } from "../../support/configuration.ts";
import { failureOf, type TestMock } from "../../support/mock.ts";
import { type CreateRunnerInit, register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";

const { AWS_EC2, GCP, LINUX_HOST, MANAGED } = RunnerProvider;
const managerId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000d";

const unchecked = sharing({ validation: "off" });

/** What is taken, by provider. */
const configurations: Record<string, [CreateRunnerInit, Record<string, string>]> = {
  AWS: [
    { name: "AWS", provider: AWS_EC2 },
    { machineType: "m6i.2xlarge", diskSizeGb: "100", spot: "true" },
  ],
  GCP: [
    { name: "GCP", provider: GCP },
    { machineType: "n2-standard-8", diskSizeGb: "30" },
  ],
  Linux: [
    { name: "Linux", provider: LINUX_HOST },
    { cpu: "8", memory: "16384" },
  ],
  managed: [{ name: "Managed", provider: MANAGED, runnerManagerId: managerId }, { machineType: "regular" }],
  "of a kind alone": [
    { name: "Remote", kind: RunnerKind.REMOTE },
    { cpu: "8", memory: "16384" },
  ],
};

const valuesOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));

async function classOn(mock: TestMock, request: CreateRunnerInit, values: Record<string, string>) {
  const client = configurationOf(mock);
  const { runnerId } = await register(mock, request);
  const configuration = valuesOf(values);
  const { id } = await client.createEnvironmentClass({ ...large, runnerId, configuration });
  return { client, runnerId, id };
}

describe("the configuration", () => {
  test.for(Object.entries(configurations))(
    "of a runner %s is kept as it was sent, without defaults",
    async ([, [request, values]], { shared }) => {
      const { client, id } = await classOn(shared, request, values);
      expect(await environmentClass.get(client, id)).toMatchObject({ configuration: valuesOf(values) });
    },
  );

  test.for([
    ["an unknown field", { machineType: "m6i.large", colour: "red" }, "colour: there is no such field"],
    ["a field that is missing", {}, "machineType: is required"],
    ["a required field that is empty", { machineType: "" }, "machineType: is required"],
    [
      "a value that is none of the choices",
      { machineType: "m6i.tiny" },
      /^machineType: must be one of m6i\.large, /,
    ],
    [
      "a number that is none",
      { machineType: "m6i.large", diskSizeGb: "1e2" },
      /^diskSizeGb: must be a whole number/,
    ],
    [
      "a number below its bounds",
      { machineType: "m6i.large", diskSizeGb: "29" },
      "diskSizeGb: must be a whole number from 30 to 2000",
    ],
    [
      "a number above its bounds",
      { machineType: "m6i.large", diskSizeGb: "2001" },
      "diskSizeGb: must be a whole number from 30 to 2000",
    ],
    ["a truth value that is none", { machineType: "m6i.large", spot: "yes" }, "spot: must be true or false"],
    ["a text of the wrong form", { machineType: "m6i.large", imageId: "ubuntu" }, /^imageId: must match /],
    ["several at once", { spot: "1", colour: "red" }, /^spot: .*; colour: .*; machineType: is required$/],
  ] as const)("is refused for %s", async ([, values, problem], { shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    const request = { ...large, runnerId, configuration: valuesOf(values) };
    const failure = await failureOf(client.createEnvironmentClass(request));
    const prefix = "invalid_argument: invalid configuration: ";
    expect(failure.slice(0, prefix.length)).toBe(prefix);
    if (typeof problem === "string") expect(failure.slice(prefix.length)).toBe(problem);
    else expect(failure.slice(prefix.length)).toMatch(problem);
    expect((await environmentClass.list(client, [runnerId])).items).toEqual([]);
  });

  test("is refused for a field that is given twice", async ({ shared }) => {
    const { runnerId } = await register(shared);
    const [machine = { key: "", value: "" }] = large.configuration;
    const call = configurationOf(shared).createEnvironmentClass({
      ...large,
      runnerId,
      configuration: [machine, machine],
    });
    expect(await failureOf(call)).toBe(
      "invalid_argument: invalid configuration: machineType: is given twice",
    );
  });

  test.for([
    ["displayName", "ab"],
    ["displayName", "x".repeat(128)],
    ["description", "ab"],
    ["description", "x".repeat(201)],
  ] as const)("comes with a %s within its bounds: %s", async ([field, value], { shared }) => {
    const { client, runnerId, id } = await classOn(shared, ...(configurations.AWS ?? fail()));
    const rule = value === "ab" ? "string.min_len" : "string.max_len";
    const path = field === "displayName" ? "display_name" : field;
    expect(await violationsOf(client.createEnvironmentClass({ ...large, runnerId, [field]: value }))).toEqual(
      [`${path} ${rule}`],
    );
    const update = client.updateEnvironmentClass({ environmentClassId: id, [field]: value });
    expect(await violationsOf(update)).toEqual([`${path} ${rule}`]);
  });

  unchecked("is taken as it is with validation off", async ({ shared }) => {
    const { client, id } = await classOn(shared, { name: "AWS", provider: AWS_EC2 }, { cpu: "8" });
    expect(await environmentClass.get(client, id)).toMatchObject({
      configuration: [{ key: "cpu", value: "8" }],
    });
  });
});

function fail(): never {
  throw new Error("there is no such row");
}

const secretSchema: ProviderSchemaJson = {
  provider: "RUNNER_PROVIDER_AWS_EC2",
  schema: {
    version: "7",
    environmentClasses: [
      { id: "license", secret: true, required: true, string: { pattern: "^L-" } },
      { id: "note", display: { default: "read me" } },
      { id: "count", int: {} },
      { id: "colour", enum: { values: ["red", "blue"] } },
      { id: "anything" },
    ],
  },
};

const own = sharing({ state: { configurationSchemas: [secretSchema] } });

describe("with a schema of the state document", () => {
  own("values are held against that, and what is secret never comes out", async ({ shared }) => {
    const values = { license: "L-hush", count: "-2147483648", colour: "blue", anything: "" };
    const { client, id } = await classOn(shared, { name: "AWS", provider: AWS_EC2 }, values);
    const kept = valuesOf({ ...values, license: "" });
    expect(await environmentClass.get(client, id)).toMatchObject({ configuration: kept });
    expect(JSON.stringify(await shared.state.save())).not.toContain("hush");
    expect(
      JSON.stringify(shared.calls.list().map(({ request, reply, error }) => [request, reply, error])),
    ).not.toContain("hush");
  });

  own.for([
    [{ license: "hush" }, "license: must match ^L-"],
    [{ license: "L-1", note: "x" }, "note: takes no value: it only shows something"],
    [{ license: "L-1", count: "2147483648" }, "count: must be a whole number of 32 bits"],
    [{ license: "L-1", colour: "green" }, "colour: must be one of red, blue"],
  ] as const)("%j is refused, without its value", async ([values, problem], { shared }) => {
    const { runnerId } = await register(shared);
    const call = configurationOf(shared).createEnvironmentClass({
      ...large,
      runnerId,
      configuration: valuesOf(values),
    });
    expect(await failureOf(call)).toBe(`invalid_argument: invalid configuration: ${problem}`);
  });

  own("providers that it does not name can be configured in no way", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared, { name: "GCP", provider: GCP });
    expect((await client.getRunnerConfigurationSchema({ runnerId })).schema).toMatchObject({
      version: "",
      environmentClasses: [],
      scm: [],
    });
  });
});

describe("the list takes those", () => {
  test("of the kinds and providers of their runners, enabled or not", async ({ shared }) => {
    const made = await Promise.all(
      Object.values(configurations).map(([request, values]) => classOn(shared, request, values)),
    );
    const [aws, gcp, linux, managed, remote] = made.map(({ id }) => id);
    const client = configurationOf(shared);
    await client.updateEnvironmentClass({ environmentClassId: gcp ?? "", enabled: false });
    const runnerIds = made.map(({ runnerId }) => runnerId);
    const found = async (filter: object) => {
      const reply = await client.listEnvironmentClasses({ filter: { runnerIds, ...filter } });
      return new Set(reply.environmentClasses.map(({ id }) => id));
    };
    expect(await found({})).toEqual(new Set([aws, gcp, linux, managed, remote]));
    expect(await found({ runnerKinds: [RunnerKind.LOCAL] })).toEqual(new Set([linux]));
    expect(await found({ runnerProviders: [AWS_EC2, GCP] })).toEqual(new Set([aws, gcp]));
    expect(await found({ runnerKinds: [RunnerKind.REMOTE], runnerProviders: [GCP, LINUX_HOST] })).toEqual(
      new Set([gcp]),
    );
    expect(await found({ enabled: false })).toEqual(new Set([gcp]));
    expect(await found({ enabled: true })).toEqual(new Set([aws, linux, managed, remote]));
    expect(await found({ canCreateEnvironments: true })).toEqual(new Set());
    for (const runnerId of runnerIds) await shared.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
    expect(await found({ canCreateEnvironments: true })).toEqual(new Set([aws, linux, managed, remote]));
    expect(await found({ canCreateEnvironments: false })).toEqual(
      new Set([aws, gcp, linux, managed, remote]),
    );
  });

  test.for(["runnerIds", "runnerKinds", "runnerProviders"] as const)(
    "of at most 25 %s",
    async (list, { shared }) => {
      const value = list === "runnerIds" ? "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b" : 1;
      const filter = { [list]: Array.from({ length: 26 }, () => value) };
      const path = list.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`);
      expect(await violationsOf(configurationOf(shared).listEnvironmentClasses({ filter }))).toEqual([
        `filter.${path} repeated.max_items`,
      ]);
    },
  );
});

test("a class is disabled and enabled again; there is no RPC that deletes it", async ({ shared }) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  const id = await environmentClass.create(client, runnerId);
  for (const enabled of [false, true]) {
    await client.updateEnvironmentClass({ environmentClassId: id, enabled });
    expect(await environmentClass.get(client, id)).toMatchObject({ ...large, enabled });
  }
  expect(Object.keys(client).filter((name) => /delete.*class/i.test(name))).toEqual([]);
});

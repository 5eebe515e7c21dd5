/** LLM integrations: their key, and what follows from their models. */
import { describe, expect } from "vitest";
import {
  LLMIntegrationPhase,
  LLMIntegrationRequestHeaderType,
  LLMProvider,
  SupportedModel,
} from "../../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { configurationOf, opened, signedUp } from "../../support/configuration.ts";
import { failureOf, type TestMock } from "../../support/mock.ts";
import { register } from "../../support/registrations.ts";
import { test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";

const { SONNET_4, OPUS_4, OPENAI_4O, OPENAI_AUTO } = SupportedModel;
const { LLM_PROVIDER_ANTHROPIC: ANTHROPIC, LLM_PROVIDER_OPENAI: OPENAI } = LLMProvider;
const noKey = "failed_precondition: runner does not have a public key";
const sonnet = { models: [SONNET_4], endpoint: "https://models.example.com" };

async function integrationOn(mock: TestMock, changes: object = {}) {
  const client = configurationOf(mock);
  const runner = await signedUp(mock);
  const request = { runnerId: runner.runnerId, ...sonnet, apiKey: "hush-key", ...changes };
  const { id } = await client.createLLMIntegration(request);
  const read = async () => (await client.getLLMIntegration({ id })).integration;
  return { client, runner, id, read };
}

describe("the API key", () => {
  test("comes out only encrypted for the runner, also after it was changed, and is in no log", async ({
    shared,
  }) => {
    const { client, runner, id, read } = await integrationOn(shared);
    expect(opened((await read())?.encryptedApiKey, runner)).toBe("hush-key");
    await client.updateLLMIntegration({ id, apiKey: "hush-other" });
    expect(opened((await read())?.encryptedApiKey, runner)).toBe("hush-other");
    const headers = [
      {
        key: "Authorization",
        value: Buffer.from("hush-header"),
        headerType: LLMIntegrationRequestHeaderType.LLM_INTEGRATION_REQUEST_HEADER_TYPE_LITERAL,
      },
    ];
    await client.updateLLMIntegration({ id, requestHeaders: headers });
    expect(await read()).toMatchObject({ requestHeaders: [{ key: "Authorization", headerType: 1 }] });
    await client.updateLLMIntegration({ id, apiKey: "" });
    expect((await read())?.encryptedApiKey).toHaveLength(0);
    const calls = JSON.stringify(shared.calls.list().map(({ request, reply }) => [request, reply]));
    expect(`${shared.log}${calls}`).not.toContain("hush");
    expect(calls).not.toContain(Buffer.from("hush-header").toString("base64"));
    expect(calls).toContain("Authorization");
  });

  test("needs a runner with a public key, even where it is empty", async ({ shared }) => {
    const client = configurationOf(shared);
    const { runnerId } = await register(shared);
    for (const apiKey of ["hush-key", ""]) {
      expect(await failureOf(client.createLLMIntegration({ runnerId, ...sonnet, apiKey }))).toBe(noKey);
    }
    expect((await client.listLLMIntegrations({ filter: { runnerIds: [runnerId] } })).integrations).toEqual(
      [],
    );
  });
});

describe("the provider", () => {
  test.for([
    ["Anthropic", [SONNET_4, OPUS_4], ANTHROPIC],
    ["OpenAI", [OPENAI_4O], OPENAI],
    ["OpenAI where one is OpenAI's", [SONNET_4, OPENAI_AUTO], OPENAI],
  ] as const)("is %s as the models say, on creation and later", async ([, models, provider], { shared }) => {
    const { read } = await integrationOn(shared, { models: [...models] });
    expect(await read()).toMatchObject({ models, provider });
    const other = await integrationOn(shared, { models: [OPUS_4] });
    await other.client.updateLLMIntegration({ id: other.id, models: [...models] });
    expect(await other.read()).toMatchObject({ models, provider });
  });
});

test("it is available at first, and its phase is what it is given; an unknown one is refused", async ({
  shared,
}) => {
  const { client, id, read } = await integrationOn(shared);
  const { LLM_INTEGRATION_PHASE_AVAILABLE: available, LLM_INTEGRATION_PHASE_DISABLED: disabled } =
    LLMIntegrationPhase;
  expect(await read()).toMatchObject({ phase: available });
  await client.updateLLMIntegration({ id, phase: disabled });
  expect(await read()).toMatchObject({ phase: disabled });
  expect(await violationsOf(client.updateLLMIntegration({ id, phase: 9 as LLMIntegrationPhase }))).toEqual([
    "phase enum.defined_only",
  ]);
});

test("it has at least one model, and none that there is not", async ({ shared }) => {
  const client = configurationOf(shared);
  const { runnerId } = await signedUp(shared);
  expect(await violationsOf(client.createLLMIntegration({ runnerId, models: [] }))).toEqual([
    "models repeated.min_items",
  ]);
  expect(
    await violationsOf(client.createLLMIntegration({ runnerId, models: [99 as SupportedModel] })),
  ).toEqual(["models[0] enum.defined_only"]);
});

test("it is deleted with force or without, and the vendor provides no models here", async ({ shared }) => {
  for (const force of [true, false]) {
    const { client, runner, id } = await integrationOn(shared);
    await client.deleteLLMIntegration({ id, force });
    expect(await client.listLLMIntegrations({ filter: { runnerIds: [runner.runnerId] } })).toMatchObject({
      integrations: [],
      llmManagedByOna: false,
      onaIntelligenceProviders: [],
    });
  }
});

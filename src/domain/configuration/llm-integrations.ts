/** LLM integrations: which language models a runner's agents may use, and with which key. */
import { errors } from "../../errors.ts";
import { ResourceType } from "../../gen/gitpod/v1/event_pb.ts";
import {
  type CreateLLMIntegrationRequest,
  type LLMIntegration,
  LLMIntegrationPhase,
  LLMIntegrationSchema,
  LLMProvider,
  SupportedModel,
  type UpdateLLMIntegrationRequest,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import type { ResourceKind } from "../runner-resources.ts";
import { publicKeyOf, sealedFor } from "../sealed-box.ts";
import { setFields } from "../set-fields.ts";

/** The path of the field in both requests. */
const keyField = "api_key";

export const llmIntegrations: ResourceKind<
  typeof LLMIntegrationSchema,
  CreateLLMIntegrationRequest,
  UpdateLLMIntegrationRequest
> = {
  collection: "llm-integrations",
  resourceType: ResourceType.RUNNER_LLM_INTEGRATION,
  desc: LLMIntegrationSchema,
  notFound: errors.llmIntegrationNotFound,
  async made({ models, endpoint, apiKey, maxTokens }, runner) {
    // Also where there is no API key to encrypt (FAKE).
    publicKeyOf(runner, keyField);
    return {
      models,
      endpoint,
      maxTokens,
      encryptedApiKey: await sealedFor(runner, apiKey, keyField),
      phase: LLMIntegrationPhase.LLM_INTEGRATION_PHASE_AVAILABLE,
      provider: providerOf(models),
    };
  },
  async changed(integration, { endpoint, maxTokens, phase, apiKey, models, requestHeaders }, runner) {
    const changes: Partial<LLMIntegration> = setFields({ endpoint, maxTokens, phase });
    if (apiKey !== undefined) changes.encryptedApiKey = await sealedFor(runner, apiKey, keyField);
    // An empty list cannot be told from an absent one.
    if (models.length > 0) Object.assign(changes, { models, provider: providerOf(models) });
    if (requestHeaders.length > 0) changes.requestHeaders = requestHeaders;
    return Object.keys(changes).length === 0 ? integration : { ...integration, ...changes };
  },
};

/** FAKE: it follows from the models, and one of OpenAI's decides. */
function providerOf(models: readonly SupportedModel[]): LLMProvider {
  if (models.length === 0) return LLMProvider.LLM_PROVIDER_UNSPECIFIED;
  return models.some((model) => SupportedModel[model]?.startsWith("OPENAI"))
    ? LLMProvider.LLM_PROVIDER_OPENAI
    : LLMProvider.LLM_PROVIDER_ANTHROPIC;
}

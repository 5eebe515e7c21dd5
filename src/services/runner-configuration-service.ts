/** gitpod.v1.RunnerConfigurationService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import { selectedClasses } from "../domain/configuration/environment-classes.ts";
import { selectedTokens } from "../domain/configuration/host-authentication-tokens.ts";
import type { RunnerConfigurationService } from "../gen/gitpod/v1/runner_configuration_pb.ts";

/** The resources of the call's world, and who calls. */
function configurationOf(context: Parameters<typeof callOf>[0]) {
  const { world, caller } = callOf(context);
  return { ...world.configuration, caller };
}

export const runnerConfigurationService = {
  async createHostAuthenticationToken(request, context) {
    const { hostAuthenticationTokens, caller } = configurationOf(context);
    return { token: await hostAuthenticationTokens.create(request, caller) };
  },

  async getHostAuthenticationToken({ id }, context) {
    const { hostAuthenticationTokens, caller } = configurationOf(context);
    return { token: await hostAuthenticationTokens.get(id, caller) };
  },

  async listHostAuthenticationTokens({ filter, pagination: page }, context) {
    const { hostAuthenticationTokens, caller } = configurationOf(context);
    const { items, pagination } = await hostAuthenticationTokens.list(selectedTokens(filter), page, caller);
    return { tokens: items, pagination };
  },

  async updateHostAuthenticationToken(request, context) {
    const { hostAuthenticationTokens, caller } = configurationOf(context);
    await hostAuthenticationTokens.update(request.id, request, caller);
    return {};
  },

  async deleteHostAuthenticationToken({ id }, context) {
    const { hostAuthenticationTokens, caller } = configurationOf(context);
    await hostAuthenticationTokens.delete(id, caller);
    return {};
  },

  async getRunnerConfigurationSchema({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return { schema: await world.configuration.schemaFor(runnerId, caller) };
  },

  async createSCMIntegration(request, context) {
    const { scmIntegrations, caller } = configurationOf(context);
    const { id } = await scmIntegrations.create(request, caller);
    return { id };
  },

  async getSCMIntegration({ id }, context) {
    const { scmIntegrations, caller } = configurationOf(context);
    return { integration: await scmIntegrations.get(id, caller) };
  },

  async listSCMIntegrations({ filter, pagination: page }, context) {
    const { scmIntegrations, caller } = configurationOf(context);
    const { items, pagination } = await scmIntegrations.list(filter ?? {}, page, caller);
    return { integrations: items, pagination };
  },

  async updateSCMIntegration(request, context) {
    const { scmIntegrations, caller } = configurationOf(context);
    await scmIntegrations.update(request.id, request, caller);
    return {};
  },

  async deleteSCMIntegration({ id }, context) {
    const { scmIntegrations, caller } = configurationOf(context);
    await scmIntegrations.delete(id, caller);
    return {};
  },

  async createEnvironmentClass(request, context) {
    const { environmentClasses, caller } = configurationOf(context);
    const { id } = await environmentClasses.create(request, caller);
    return { id };
  },

  async getEnvironmentClass({ environmentClassId }, context) {
    const { environmentClasses, caller } = configurationOf(context);
    return { environmentClass: await environmentClasses.get(environmentClassId, caller) };
  },

  async listEnvironmentClasses({ filter, pagination: page }, context) {
    const { environmentClasses, caller } = configurationOf(context);
    const { items, pagination } = await environmentClasses.list(selectedClasses(filter), page, caller);
    return { environmentClasses: items, pagination };
  },

  async updateEnvironmentClass(request, context) {
    const { environmentClasses, caller } = configurationOf(context);
    await environmentClasses.update(request.environmentClassId, request, caller);
    return {};
  },

  async validateRunnerConfiguration(request, context) {
    const { world, caller } = callOf(context);
    return world.configuration.validate(request, caller);
  },

  async createLLMIntegration(request, context) {
    const { llmIntegrations, caller } = configurationOf(context);
    const { id } = await llmIntegrations.create(request, caller);
    return { id };
  },

  async getLLMIntegration({ id }, context) {
    const { llmIntegrations, caller } = configurationOf(context);
    return { integration: await llmIntegrations.get(id, caller) };
  },

  async listLLMIntegrations({ filter, pagination: page }, context) {
    const { llmIntegrations, caller } = configurationOf(context);
    const { items, pagination } = await llmIntegrations.list(filter ?? {}, page, caller);
    return { integrations: items, pagination };
  },

  async updateLLMIntegration(request, context) {
    const { llmIntegrations, caller } = configurationOf(context);
    await llmIntegrations.update(request.id, request, caller);
    return {};
  },

  async deleteLLMIntegration({ id }, context) {
    const { llmIntegrations, caller } = configurationOf(context);
    await llmIntegrations.delete(id, caller);
    return {};
  },
} satisfies ServiceImpl<typeof RunnerConfigurationService>;

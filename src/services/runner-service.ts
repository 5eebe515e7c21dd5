/** gitpod.v1.RunnerService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import { cursorOf } from "../domain/pagination.ts";
import type { RunnerService } from "../gen/gitpod/v1/runner_pb.ts";

export const runnerService = {
  async createRunner(request, context) {
    const { world, caller } = callOf(context);
    const { runner, ...credentials } = await world.registrar.register(request, caller);
    return { runner: world.runners.shown(runner), ...credentials };
  },

  async getRunner({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return { runner: await world.runners.get(runnerId, caller) };
  },

  async listRunners({ filter, pagination }, context) {
    const { world, caller } = callOf(context);
    return world.runners.list(filter, cursorOf(pagination), caller);
  },

  async updateRunner(request, context) {
    const { world, caller } = callOf(context);
    await world.runners.update(request, caller);
    return {};
  },

  async deleteRunner({ runnerId }, context) {
    const { world, caller } = callOf(context);
    await world.runners.delete(runnerId, caller);
    return {};
  },

  async createRunnerToken({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return world.registrar.issueCredentials(runnerId, caller);
  },

  async createRunnerLogsToken({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return { accessToken: await world.registrar.issueLogsToken(runnerId, caller) };
  },

  async parseContextURL(request, context) {
    const { world, caller } = callOf(context);
    return world.sourceCode.parse(request, caller);
  },

  async searchRepositories(request, context) {
    const { world, caller } = callOf(context);
    return world.sourceCode.search(request, caller);
  },

  async listSCMOrganizations(request, context) {
    const { world, caller } = callOf(context);
    return world.sourceCode.organizations(request, caller);
  },

  async checkAuthenticationForHost({ runnerId, host }, context) {
    const { world, caller } = callOf(context);
    return world.sourceCode.authentication(runnerId, host, caller);
  },

  async checkRepositoryAccess({ runnerId, repositoryUrl }, context) {
    const { world, caller } = callOf(context);
    return world.sourceCode.access(runnerId, repositoryUrl, caller);
  },

  async listRunnerPolicies({ runnerId, pagination }, context) {
    const { world, caller } = callOf(context);
    return world.policies.list(runnerId, cursorOf(pagination), caller);
  },

  async createRunnerPolicy(request, context) {
    const { world, caller } = callOf(context);
    return { policy: await world.policies.create(request, caller) };
  },

  async updateRunnerPolicy(request, context) {
    const { world, caller } = callOf(context);
    return { policy: await world.policies.update(request, caller) };
  },

  async deleteRunnerPolicy(request, context) {
    const { world, caller } = callOf(context);
    await world.policies.delete(request, caller);
    return {};
  },
} satisfies ServiceImpl<typeof RunnerService>;

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
    const { world } = callOf(context);
    return { runner: await world.runners.get(runnerId) };
  },

  async listRunners({ filter, pagination }, context) {
    const { world, caller } = callOf(context);
    return world.runners.list(filter, cursorOf(pagination), caller);
  },

  async deleteRunner({ runnerId }, context) {
    const { world } = callOf(context);
    await world.runners.delete(runnerId);
    return {};
  },

  async createRunnerToken({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return world.registrar.issueCredentials(runnerId, caller);
  },
} satisfies Partial<ServiceImpl<typeof RunnerService>>;

/** gitpod.v1.RunnerConfigurationService. Its resources are called alike, so there is one shape for their RPCs. */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import { selectedClasses } from "../domain/configuration/environment-classes.ts";
import { selectedTokens } from "../domain/configuration/host-authentication-tokens.ts";
import type { RunnerConfiguration } from "../domain/configuration/runner-configuration.ts";
import type { HasIds, RunnerResources, Selection } from "../domain/runner-resources.ts";
import type { PaginationRequest } from "../gen/gitpod/v1/pagination_pb.ts";
import type { RunnerConfigurationService } from "../gen/gitpod/v1/runner_configuration_pb.ts";

interface ListRequest<Filter> {
  readonly filter?: Filter | undefined;
  readonly pagination?: PaginationRequest | undefined;
}

/** The RPCs of one kind of resource. Requests name it by a field of their own, replies by another. */
function rpcsOf<
  Desc extends DescMessage,
  New extends { readonly runnerId: string },
  Changes,
  T extends HasIds & MessageShape<Desc>,
>(resourcesOf: (configuration: RunnerConfiguration) => RunnerResources<Desc, New, Changes, T>) {
  const called = (context: HandlerContext) => {
    const { world, caller } = callOf(context);
    return { resources: resourcesOf(world.configuration), caller };
  };
  return {
    create:
      <Reply>(replyOf: (made: T) => Reply) =>
      async (request: New, context: HandlerContext) => {
        const { resources, caller } = called(context);
        return replyOf(await resources.create(request, caller));
      },
    get:
      <Id extends string, Reply>(id: Id, replyOf: (found: T) => Reply) =>
      async (request: { readonly [Name in Id]: string }, context: HandlerContext) => {
        const { resources, caller } = called(context);
        return replyOf(await resources.get(request[id], caller));
      },
    list:
      <Filter, Reply>(
        selectedBy: (filter: Filter | undefined) => Selection<T>,
        replyOf: (page: T[]) => Reply,
      ) =>
      async ({ filter, pagination: page }: ListRequest<Filter>, context: HandlerContext) => {
        const { resources, caller } = called(context);
        const { items, pagination } = await resources.list(selectedBy(filter), page, caller);
        return { ...replyOf(items), pagination };
      },
    update:
      <Id extends string>(id: Id) =>
      async (request: Changes & { readonly [Name in Id]: string }, context: HandlerContext) => {
        const { resources, caller } = called(context);
        await resources.update(request[id], request, caller);
        return {};
      },
    delete: async ({ id }: { readonly id: string }, context: HandlerContext) => {
      const { resources, caller } = called(context);
      await resources.delete(id, caller);
      return {};
    },
  };
}

const tokens = rpcsOf(({ hostAuthenticationTokens }) => hostAuthenticationTokens);
const scm = rpcsOf(({ scmIntegrations }) => scmIntegrations);
const llm = rpcsOf(({ llmIntegrations }) => llmIntegrations);
const classes = rpcsOf(({ environmentClasses }) => environmentClasses);

/** A filter that knows nothing but runners. */
const ofRunners = (filter: { readonly runnerIds: readonly string[] } | undefined) => filter ?? {};

const onlyItsId = ({ id }: HasIds) => ({ id });

export const runnerConfigurationService = {
  createHostAuthenticationToken: tokens.create((token) => ({ token })),
  getHostAuthenticationToken: tokens.get("id", (token) => ({ token })),
  listHostAuthenticationTokens: tokens.list(selectedTokens, (tokens) => ({ tokens })),
  updateHostAuthenticationToken: tokens.update("id"),
  deleteHostAuthenticationToken: tokens.delete,

  async getRunnerConfigurationSchema({ runnerId }, context) {
    const { world, caller } = callOf(context);
    return { schema: await world.configuration.schemaFor(runnerId, caller) };
  },

  createSCMIntegration: scm.create(onlyItsId),
  getSCMIntegration: scm.get("id", (integration) => ({ integration })),
  listSCMIntegrations: scm.list(ofRunners, (integrations) => ({ integrations })),
  updateSCMIntegration: scm.update("id"),
  deleteSCMIntegration: scm.delete,

  createEnvironmentClass: classes.create(onlyItsId),
  getEnvironmentClass: classes.get("environmentClassId", (environmentClass) => ({ environmentClass })),
  listEnvironmentClasses: classes.list(selectedClasses, (environmentClasses) => ({ environmentClasses })),
  updateEnvironmentClass: classes.update("environmentClassId"),

  async validateRunnerConfiguration(request, context) {
    const { world, caller } = callOf(context);
    return world.configuration.validate(request, caller);
  },

  createLLMIntegration: llm.create(onlyItsId),
  getLLMIntegration: llm.get("id", (integration) => ({ integration })),
  listLLMIntegrations: llm.list(ofRunners, (integrations) => ({ integrations })),
  updateLLMIntegration: llm.update("id"),
  deleteLLMIntegration: llm.delete,
} satisfies ServiceImpl<typeof RunnerConfigurationService>;

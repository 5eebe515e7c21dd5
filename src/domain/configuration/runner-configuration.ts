/** What is configured on the runners of a world: the kinds of resources that they have, and what is possible. */
import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import {
  EnvironmentClassSchema,
  HostAuthenticationTokenSchema,
  LLMIntegrationSchema,
  type RunnerConfigurationSchema,
  SCMIntegrationSchema,
  type ValidateRunnerConfigurationRequest,
  type ValidateRunnerConfigurationRequest_ValidateSCMIntegration,
  type ValidateRunnerConfigurationResponseSchema,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import { type Runner, RunnerSchema } from "../../gen/gitpod/v1/runner_pb.ts";
import { canonical } from "../../ids.ts";
import type { Switches } from "../../profiles.ts";
import type { Caller } from "../caller.ts";
import { type ResourceKind, type ResourceSurroundings, RunnerResources } from "../runner-resources.ts";
import { environmentClasses } from "./environment-classes.ts";
import { classFindings, scmFindings } from "./findings.ts";
import { hostAuthenticationTokens } from "./host-authentication-tokens.ts";
import { llmIntegrations } from "./llm-integrations.ts";
import { type Schemas, schemaOf } from "./schemas.ts";
import { mayHaveIntegrations, scmIntegrations } from "./scm-integrations.ts";

type ResourcesOf<Kind> =
  Kind extends ResourceKind<infer Desc, infer New extends { readonly runnerId: string }, infer Changes>
    ? RunnerResources<Desc, New, Changes>
    : never;

type CanBeMissed = Pick<RunnerConfiguration["scmIntegrations"], "missed">;

interface ConfigurationSurroundings extends ResourceSurroundings {
  readonly schemas: Schemas;
  readonly switches: Switches;
}

export class RunnerConfiguration {
  readonly environmentClasses: ResourcesOf<ReturnType<typeof environmentClasses>>;
  readonly scmIntegrations: ResourcesOf<ReturnType<typeof scmIntegrations>>;
  readonly llmIntegrations: ResourcesOf<typeof llmIntegrations>;
  readonly hostAuthenticationTokens: ResourcesOf<typeof hostAuthenticationTokens>;
  readonly #surroundings: ConfigurationSurroundings;
  readonly #byType: ReadonlyMap<string, CanBeMissed>;

  constructor(surroundings: ConfigurationSurroundings) {
    const { schemas, switches } = surroundings;
    this.#surroundings = surroundings;
    this.environmentClasses = new RunnerResources(environmentClasses(schemas, switches), surroundings);
    this.scmIntegrations = new RunnerResources(scmIntegrations(switches), surroundings);
    this.llmIntegrations = new RunnerResources(llmIntegrations, surroundings);
    this.hostAuthenticationTokens = new RunnerResources(hostAuthenticationTokens, surroundings);
    this.#byType = new Map<string, CanBeMissed>([
      [EnvironmentClassSchema.typeName, this.environmentClasses],
      [SCMIntegrationSchema.typeName, this.scmIntegrations],
      [LLMIntegrationSchema.typeName, this.llmIntegrations],
      [HostAuthenticationTokenSchema.typeName, this.hostAuthenticationTokens],
    ]);
  }

  /** What can be configured on the runner. */
  schemaOf(runner: Runner): RunnerConfigurationSchema {
    return schemaOf(this.#surroundings.schemas, runner);
  }

  /** What a read answers that misses this message: undefined if it is no resource, or was there at that moment. */
  async missed(message: Message, sinceMs: number): Promise<ConnectError | undefined> {
    const resources = this.#byType.get(message.$typeName);
    return resources?.missed((message as Message & { readonly id: string }).id, sinceMs);
  }

  /** @throws not_found for an unknown runner */
  async schemaFor(runnerId: string, caller: Caller): Promise<RunnerConfigurationSchema> {
    return this.schemaOf(await this.#runner(runnerId, caller));
  }

  /**
   * Whether the runner would take it, and if not, why; nothing is stored.
   *
   * @throws not_found for an unknown runner
   */
  async validate(
    { runnerId, config }: ValidateRunnerConfigurationRequest,
    caller: Caller,
  ): Promise<MessageInitShape<typeof ValidateRunnerConfigurationResponseSchema>> {
    const runner = await this.#runner(runnerId, caller);
    const schema = this.schemaOf(runner);
    switch (config.case) {
      case "environmentClass":
        return { result: { case: config.case, value: await classFindings(schema, config.value) } };
      case "scmIntegration": {
        const surroundings = {
          schema,
          mayHaveIntegrations: mayHaveIntegrations(runner, this.#surroundings.switches),
          hasPublicKey: Boolean(runner.status?.publicKey.length),
          isTaken: await this.#isTaken(runner, config.value),
        };
        return { result: { case: config.case, value: scmFindings(config.value, surroundings) } };
      }
      case undefined:
        return {};
    }
  }

  /** Whether the runner has another integration with the same host and scm_id. */
  async #isTaken(
    { runnerId }: Runner,
    { id, host, scmId }: ValidateRunnerConfigurationRequest_ValidateSCMIntegration,
  ): Promise<boolean> {
    const ofHost = await this.scmIntegrations.named([runnerId, host.toLowerCase()]);
    return ofHost.some((other) => other.scmId === scmId && other.id !== canonical(id));
  }

  /** One that is unknown, where that is no error, is like those that have no schema of their own. */
  async #runner(runnerId: string, caller: Caller): Promise<Runner> {
    const document = await this.#surroundings.runners.named(runnerId, caller);
    return document?.value.runner ?? create(RunnerSchema, { runnerId });
  }
}

/**
 * What a world knows, written down and read back: runners with their leases, policies, tokens and configuration, what
 * can be configured, the source code hosts and the gateways. A document is loaded as a whole or, where anything in it
 * cannot be, not at all.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.ts";
import { RunnerPhase, RunnerSchema, RunnerStatusSchema } from "../gen/gitpod/v1/runner_pb.ts";
import { RunnerReportSchema, type RunnerState, RunnerStateSchema } from "../gen/runnermock/v1/runner_pb.ts";
import { ScmSchema, type State, StateSchema } from "../gen/runnermock/v1/state_pb.ts";
import { canonical, type Ids } from "../ids.ts";
import type { RunnerConfiguration } from "./configuration/runner-configuration.ts";
import { defaultOrganizationId, defaultSubject } from "./identity.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Registration, RegistrationDocument } from "./lease.ts";
import type { Policies } from "./policies.ts";
import { kindOf } from "./runner-kind.ts";
import type { RunnerRecords } from "./runner-records.ts";
import { setFields } from "./set-fields.ts";
import type { Tokens } from "./tokens.ts";

/** What is written down. */
export interface StateParts {
  readonly records: RunnerRecords;
  readonly policies: Policies;
  readonly tokens: Tokens;
  readonly configuration: RunnerConfiguration;
  readonly knowledge: Knowledge;
  readonly ids: Ids;
}

/** The resources of a runner that a document has, by the names that they have there, too. */
const resourceNames = [
  "environmentClasses",
  "scmIntegrations",
  "llmIntegrations",
  "hostAuthenticationTokens",
] as const satisfies readonly (keyof RunnerConfiguration & keyof RunnerState)[];

export class WorldState {
  readonly #parts: StateParts;

  constructor(parts: StateParts) {
    this.#parts = parts;
  }

  async save(): Promise<State> {
    const documents = await this.#parts.records.all();
    // What the system makes by itself it makes again.
    const made = documents.filter(({ value }) => !value.permanent);
    return create(StateSchema, {
      scm: create(ScmSchema, { hosts: [...this.#parts.knowledge.hosts.all] }),
      gateways: this.#parts.knowledge.gateways,
      configurationSchemas: [...this.#parts.knowledge.schemas.all],
      runners: await Promise.all(made.map((document) => this.#saved(document))),
    });
  }

  /**
   * Adds what the document has to what there is. Hosts, gateways and schemas take the place of those of the same name.
   *
   * @throws already_exists for a runner, or a resource of one, that is there, or twice in the document; nothing is
   * loaded then
   */
  async add(state: State): Promise<void> {
    const { runners } = state;
    const seen = new Set<string>();
    for (const { runnerId: sent } of runners) {
      const runnerId = canonical(sent);
      if (runnerId === "") continue;
      const taken = seen.has(runnerId) || (await this.#parts.records.findAny(runnerId)) !== undefined;
      if (taken) throw errors.runnerExists({ runnerId: sent });
      seen.add(runnerId);
    }
    for (const runner of runners) await this.#refuseTaken(runner);
    await this.#parts.knowledge.add(state);
    for (const runner of runners) await this.#load(runner);
  }

  /** What is twice in one document is refused when that is read. */
  async #refuseTaken(runner: RunnerState): Promise<void> {
    for (const name of resourceNames) {
      for (const { id } of runner[name]) {
        if (await this.#parts.configuration[name].has(id)) throw errors.resourceExists({ id });
      }
    }
  }

  async #saved({ id, value, expiresAtMs, hidden = false }: RegistrationDocument): Promise<RunnerState> {
    const { runner, organizationId } = value;
    const {
      $typeName: _,
      $unknown: __,
      updatedAt: ___,
      ...status
    } = runner.status ?? create(RunnerStatusSchema);
    const { publicKey, ...reported } = status;
    const saved = create(RunnerStateSchema, {
      ...runner,
      $typeName: RunnerStateSchema.typeName,
      status: create(RunnerReportSchema, { ...reported, ...(publicKey.length > 0 && { publicKey }) }),
      organizationId: organizationId === defaultOrganizationId ? "" : organizationId,
      lapsed: hidden,
      policies: await this.#parts.policies.ofRunner(id),
      tokens: await this.#parts.tokens.save(id),
      ...(await this.#savedResources(id)),
    });
    if (expiresAtMs !== undefined && !hidden) saved.leaseEndsAt = timestampFromMs(expiresAtMs);
    return saved;
  }

  async #savedResources(runnerId: string): Promise<Pick<RunnerState, (typeof resourceNames)[number]>> {
    const { environmentClasses, scmIntegrations, llmIntegrations, hostAuthenticationTokens } =
      this.#parts.configuration;
    return {
      environmentClasses: await environmentClasses.ofRunner(runnerId),
      scmIntegrations: await scmIntegrations.ofRunner(runnerId),
      llmIntegrations: await llmIntegrations.ofRunner(runnerId),
      hostAuthenticationTokens: await hostAuthenticationTokens.ofRunner(runnerId),
    };
  }

  async #load(state: RunnerState): Promise<void> {
    const { policies, tokens, lapsed, leaseEndsAt } = state;
    const registration = this.#registrationOf(state);
    const { runnerId } = registration.runner;
    await this.#parts.records.restore(registration, leaseEndsAt && timestampMs(leaseEndsAt));
    for (const policy of policies) await this.#parts.policies.restore(registration, policy);
    for (const token of tokens) await this.#parts.tokens.restore(runnerId, token);
    const { environmentClasses, scmIntegrations, llmIntegrations, hostAuthenticationTokens } =
      this.#parts.configuration;
    await environmentClasses.restore(registration, state.environmentClasses);
    await scmIntegrations.restore(registration, state.scmIntegrations);
    await llmIntegrations.restore(registration, state.llmIntegrations);
    await hostAuthenticationTokens.restore(registration, state.hostAuthenticationTokens);
    if (lapsed) await this.#parts.records.lapse(runnerId);
  }

  #registrationOf({ status, organizationId, ...state }: RunnerState): Registration {
    const { runnerManagerId, creator = defaultSubject } = state;
    const createdAt = state.createdAt ?? timestampFromMs(this.#parts.records.clock.nowMs());
    const updatedAt = state.updatedAt ?? createdAt;
    const runner = create(RunnerSchema, {
      runnerId: canonical(state.runnerId) || this.#parts.ids(),
      name: state.name,
      kind: kindOf(state),
      provider: state.provider,
      runnerManagerId: canonical(runnerManagerId),
      creator,
      createdAt,
      updatedAt,
      status: { phase: RunnerPhase.CREATED, ...setFields(status ?? {}), updatedAt },
      ...(state.spec && { spec: state.spec }),
    });
    return { runner, organizationId: canonical(organizationId) || defaultOrganizationId };
  }
}

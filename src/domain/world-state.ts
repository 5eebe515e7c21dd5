/**
 * What a world knows, written down and read back: runners with their leases, policies and tokens, the source code
 * hosts and the gateways. A document is loaded as a whole or, where anything in it cannot be, not at all.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.ts";
import { RunnerPhase, RunnerSchema, RunnerStatusSchema } from "../gen/gitpod/v1/runner_pb.ts";
import { RunnerReportSchema, type RunnerState, RunnerStateSchema } from "../gen/runnermock/v1/runner_pb.ts";
import { ScmSchema, type State, StateSchema } from "../gen/runnermock/v1/state_pb.ts";
import { canonical, type Ids } from "../ids.ts";
import { defaultOrganizationId, defaultSubject } from "./identity.ts";
import type { Registration, RegistrationDocument } from "./lease.ts";
import type { Policies } from "./policies.ts";
import { kindOf } from "./runner-kind.ts";
import type { RunnerRecords } from "./runner-records.ts";
import type { SourceCode } from "./scm/source-code.ts";
import { setFields } from "./set-fields.ts";
import type { Tokens } from "./tokens.ts";

/** The gateways of a world. */
export interface Gateways {
  all: State["gateways"];
}

export class WorldState {
  readonly #records: RunnerRecords;
  readonly #policies: Policies;
  readonly #tokens: Tokens;
  readonly #sourceCode: SourceCode;
  readonly #gateways: Gateways;
  readonly #ids: Ids;

  constructor(
    records: RunnerRecords,
    policies: Policies,
    tokens: Tokens,
    sourceCode: SourceCode,
    gateways: Gateways,
    ids: Ids,
  ) {
    this.#records = records;
    this.#policies = policies;
    this.#tokens = tokens;
    this.#sourceCode = sourceCode;
    this.#gateways = gateways;
    this.#ids = ids;
  }

  async save(): Promise<State> {
    const documents = await this.#records.all();
    // What the system makes by itself it makes again.
    const made = documents.filter(({ value }) => !value.permanent);
    return create(StateSchema, {
      scm: create(ScmSchema, { hosts: [...this.#sourceCode.hosts] }),
      gateways: this.#gateways.all,
      runners: await Promise.all(made.map((document) => this.#saved(document))),
    });
  }

  /**
   * Adds what the document has to what there is. Hosts and gateways take the place of those of the same name.
   *
   * @throws already_exists for a runner that is there, or twice in the document; nothing is loaded then
   */
  async add({ scm, gateways, runners }: State): Promise<void> {
    const seen = new Set<string>();
    for (const { runnerId: sent } of runners) {
      const runnerId = canonical(sent);
      if (runnerId === "") continue;
      const taken = seen.has(runnerId) || (await this.#records.findAny(runnerId)) !== undefined;
      if (taken) throw errors.runnerExists({ runnerId: sent });
      seen.add(runnerId);
    }
    this.#sourceCode.add(scm?.hosts ?? []);
    const names = new Set(gateways.map(({ name }) => name));
    this.#gateways.all = [...this.#gateways.all.filter(({ name }) => !names.has(name)), ...gateways];
    for (const runner of runners) await this.#load(runner);
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
      policies: await this.#policies.ofRunner(id),
      tokens: await this.#tokens.save(id),
    });
    if (expiresAtMs !== undefined && !hidden) saved.leaseEndsAt = timestampFromMs(expiresAtMs);
    return saved;
  }

  async #load(state: RunnerState): Promise<void> {
    const { policies, tokens, lapsed, leaseEndsAt } = state;
    const registration = this.#registrationOf(state);
    const { runnerId } = registration.runner;
    await this.#records.restore(registration, leaseEndsAt && timestampMs(leaseEndsAt));
    for (const policy of policies) await this.#policies.restore(registration, policy);
    for (const token of tokens) await this.#tokens.restore(runnerId, token);
    if (lapsed) await this.#records.lapse(runnerId);
  }

  #registrationOf({ status, organizationId, ...state }: RunnerState): Registration {
    const { runnerManagerId, creator = defaultSubject } = state;
    const createdAt = state.createdAt ?? timestampFromMs(this.#records.clock.nowMs());
    const updatedAt = state.updatedAt ?? createdAt;
    const runner = create(RunnerSchema, {
      runnerId: canonical(state.runnerId) || this.#ids(),
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

/**
 * The registered runners as others see them: found by their ids, read, listed, updated, deleted, and reporting
 * what they are up to.
 */
import { clone, create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.ts";
import { RunnerKind } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import {
  type ListRunnersRequest_Filter,
  type Runner,
  RunnerCapability,
  RunnerPhase,
  RunnerSchema,
  type RunnerSpec,
  type RunnerStatus,
  RunnerStatusSchema,
  type UpdateRunnerRequest,
} from "../gen/gitpod/v1/runner_pb.ts";
import { canonical } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import { shown } from "../shown.ts";
import { anyOf } from "./any-of.ts";
import { type Caller, manages, runnerSubject } from "./caller.ts";
import { type Lease, type Registration, type RegistrationDocument, withRunner, withStatus } from "./lease.ts";
import { type Cursor, pageOf } from "./pagination.ts";
import { patched } from "./runner-patch.ts";
import type { RunnerRecords } from "./runner-records.ts";

/** What a live runner says of itself; what is not set stays as it was. */
export type RunnerReport = Omit<MessageInitShape<typeof RunnerStatusSchema>, "updatedAt" | "$typeName">;

/** An X25519 public key (DOC: the schema demands exactly this many bytes). */
const publicKeyBytes = 32;

type Matches = (registration: Registration) => boolean;

type RunnersSwitches = Pick<Switches, "unknownIds" | "metricsPassword" | "desiredPhaseOnUpdate">;

export class Runners {
  readonly #records: RunnerRecords;
  readonly #switches: RunnersSwitches;

  constructor(records: RunnerRecords, switches: RunnersSwitches) {
    this.#records = records;
    this.#switches = switches;
  }

  /**
   * The runner that a request names, if it stands in the caller's organization; undefined where unknown ids read
   * as empty.
   *
   * @throws not_found for an id that is unknown or whose registration has lapsed
   */
  async named(runnerId: string, caller: Caller): Promise<RegistrationDocument | undefined> {
    const document = await this.#records.find(runnerId, caller);
    if (document === undefined) this.#refuseUnknown();
    return document;
  }

  /** The same, for a request that gives it something: there is nothing to be given to one that is on its way out. */
  async keeping(runnerId: string, caller: Caller): Promise<RegistrationDocument | undefined> {
    const document = await this.named(runnerId, caller);
    if (document?.value.deleting) throw errors.runnerNotFound();
    return document;
  }

  async get(runnerId: string, caller: Caller): Promise<Runner> {
    const document = await this.named(runnerId, caller);
    return document === undefined ? create(RunnerSchema, { runnerId }) : this.shown(document.value.runner);
  }

  /** UpdateRunner: takes over what the request sets. */
  async update(request: UpdateRunnerRequest, caller: Caller): Promise<void> {
    const document = await this.#records.changeStanding(
      request.runnerId,
      async (found, nowMs) => {
        const { runner, deleting } = found.value;
        if (deleting) throw errors.runnerNotFound();
        if (this.#records.lease.isSelfDriven(runner) && !manages(caller, runner)) {
          throw errors.onlyManagerMayUpdate();
        }
        if (request.spec?.desiredPhase !== undefined) this.#mayUpdateDesiredPhase(runner);
        const updated = await patched(runner, request);
        if (updated === runner) return found;
        return withRunner(found, { ...updated, updatedAt: timestampFromMs(nowMs) });
      },
      caller.subject,
      caller,
    );
    if (document === undefined) this.#refuseUnknown();
  }

  /** The standing runners that the filter accepts, oldest first; a runner sees only itself. */
  async list(filter: ListRunnersRequest_Filter | undefined, cursor: Cursor, caller: Caller) {
    const matches = matcherOf(filter);
    const { items, pagination } = await pageOf(cursor, (page) =>
      caller.runnerId === undefined
        ? this.#records.list(page, caller, matches)
        : this.#listOnly(caller.runnerId, page, matches),
    );
    return { runners: items.map(({ value }) => this.shown(value.runner)), pagination };
  }

  /** Every registration, standing or lapsed: for those who look on. */
  all(): Promise<RegistrationDocument[]> {
    return this.#records.all();
  }

  /** The terms by which they stand. */
  get lease(): Pick<Lease, "lengthMs" | "endsAtMs"> {
    return this.#records.lease;
  }

  /** How many runners stand, by their phase. */
  async countByPhase(): Promise<Map<RunnerPhase, number>> {
    const counts = new Map<RunnerPhase, number>();
    for (const { value, hidden } of await this.#records.all()) {
      const phase = value.runner.status?.phase ?? RunnerPhase.UNSPECIFIED;
      if (!hidden) counts.set(phase, (counts.get(phase) ?? 0) + 1);
    }
    return counts;
  }

  /** Removes a runner, standing or lapsed, with its tokens. */
  async delete(runnerId: string, caller: Caller): Promise<void> {
    const document = await this.#records.findAny(runnerId);
    if (document?.value.organizationId !== caller.organization.id) return this.#refuseUnknown();
    if (document.value.permanent) throw errors.localConfigurationIsFixed();
    await this.#records.remove(document.id, caller.subject);
  }

  /**
   * Takes over what a live runner would report of itself. It renews nothing.
   *
   * @throws not_found for an id that is unknown or whose registration has lapsed
   * @throws RangeError for a value that a status cannot have
   */
  async report(runnerId: string, report: RunnerReport): Promise<Runner> {
    const changes = checked(report);
    const document = await this.#records.changeStanding(
      runnerId,
      (found, nowMs) => withRunner(found, withStatus(found.value.runner, changes, nowMs)),
      runnerSubject(canonical(runnerId)),
    );
    if (document === undefined) throw errors.runnerNotFound();
    return this.#copied(document.value.runner);
  }

  /**
   * Renews a lease as the runner's own call would; a lapsed registration stands again.
   *
   * @returns the runner, and when its lease ends: undefined where it never does
   * @throws not_found for a runner of which there is no record, failed_precondition for one without a lease
   */
  async renew(runnerId: string): Promise<{ runner: Runner; leaseEndsAtMs: number | undefined }> {
    const { lease } = this.#records;
    const renewed = await this.#records.change(
      runnerId,
      (found, nowMs) => {
        if (!lease.hasLease(found)) throw errors.noLease();
        return lease.renew(found, nowMs, "order");
      },
      undefined,
    );
    if (renewed === undefined) throw errors.runnerNotFound();
    return { runner: this.#copied(renewed.value.runner), leaseEndsAtMs: renewed.expiresAtMs };
  }

  /**
   * Ends a lease now, as if it had not been renewed. One that has lapsed stays so.
   *
   * @throws not_found for a runner of which there is no record, failed_precondition for one without a lease
   */
  async lapse(runnerId: string): Promise<void> {
    if ((await this.#records.lapse(runnerId)) === undefined) throw errors.runnerNotFound();
  }

  /** A runner as replies show it. */
  shown(runner: Runner): Runner {
    const { spec } = runner;
    const { configuration } = spec ?? {};
    if (this.#switches.metricsPassword === "as-sent" || !configuration?.metrics?.password) return runner;
    const metrics = { ...configuration.metrics, password: "" };
    return { ...runner, spec: { ...(spec as RunnerSpec), configuration: { ...configuration, metrics } } };
  }

  /** For callers in the same process, who may do with it what they like. */
  #copied(runner: Runner): Runner {
    return clone(RunnerSchema, this.shown(runner));
  }

  #refuseUnknown(): void {
    if (this.#switches.unknownIds === "not-found") throw errors.runnerNotFound();
  }

  #mayUpdateDesiredPhase({ kind }: Runner): void {
    const { desiredPhaseOnUpdate } = this.#switches;
    if (desiredPhaseOnUpdate === "refuse") throw errors.desiredPhaseIsDeprecated();
    if (desiredPhaseOnUpdate === "local-configuration" && kind !== RunnerKind.LOCAL_CONFIGURATION) {
      throw errors.desiredPhaseIsFixed();
    }
  }

  async #listOnly(runnerId: string, { after }: Cursor, matches: Matches) {
    if (after !== undefined && after >= runnerId) return [];
    const document = await this.#records.find(runnerId);
    return document !== undefined && matches(document.value) ? [document] : [];
  }
}

/** What a report changes: a copy of its own, with values that every protocol can carry. */
function checked(report: RunnerReport): Partial<RunnerStatus> {
  const { phase, capabilities = [], publicKey } = report;
  if (publicKey !== undefined && publicKey.length !== publicKeyBytes) {
    throw new RangeError(`a public key has ${publicKeyBytes} bytes, this one has ${publicKey.length}`);
  }
  if (phase !== undefined && RunnerPhase[phase] === undefined)
    throw new RangeError(`no phase: ${shown(phase)}`);
  for (const capability of capabilities) {
    if (RunnerCapability[capability] === undefined)
      throw new RangeError(`no capability: ${shown(capability)}`);
  }
  const status = fromBinary(
    RunnerStatusSchema,
    toBinary(RunnerStatusSchema, create(RunnerStatusSchema, report)),
  );
  return Object.fromEntries(
    Object.entries(status).filter(([name]) => report[name as keyof RunnerReport] !== undefined),
  ) as Partial<RunnerStatus>;
}

/** What all lists of the filter accept. */
function matcherOf(filter: ListRunnersRequest_Filter | undefined): Matches {
  if (filter === undefined) return () => true;
  const isCreator = anyOf(filter.creatorIds);
  const isKind = anyOf(filter.kinds);
  const isProvider = anyOf(filter.providers);
  return ({ runner }) =>
    isCreator(runner.creator?.id ?? "") && isKind(runner.kind) && isProvider(runner.provider);
}

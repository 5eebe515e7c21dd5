/**
 * The registered runners as others see them: read, listed, deleted, and reporting what they are up to.
 */
import { clone, create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { localConfigurationIsFixed, runnerNotFound } from "../errors.ts";
import {
  type ListRunnersRequest_Filter,
  type Runner,
  RunnerCapability,
  RunnerPhase,
  RunnerSchema,
  type RunnerSpec,
  type RunnerStatus,
  RunnerStatusSchema,
} from "../gen/gitpod/v1/runner_pb.ts";
import type { Switches } from "../profiles.ts";
import { shown } from "../shown.ts";
import type { Caller } from "./caller.ts";
import { type Registration, withRunner, withStatus } from "./lease.ts";
import { type Cursor, pageOf } from "./pagination.ts";
import type { RunnerRecords } from "./runner-records.ts";

/** What a live runner says of itself; what is not set stays as it was. */
export type RunnerReport = Omit<MessageInitShape<typeof RunnerStatusSchema>, "updatedAt" | "$typeName">;

/** An X25519 public key (DOC: the schema demands exactly this many bytes). */
const publicKeyBytes = 32;

type RunnersSwitches = Pick<Switches, "unknownIds" | "metricsPassword">;

export class Runners {
  readonly #records: RunnerRecords;
  readonly #switches: RunnersSwitches;

  constructor(records: RunnerRecords, switches: RunnersSwitches) {
    this.#records = records;
    this.#switches = switches;
  }

  /** @throws not_found for an id that is unknown or whose registration has lapsed */
  async get(runnerId: string): Promise<Runner> {
    const document = await this.#records.find(runnerId);
    if (document !== undefined) return this.shown(document.value.runner);
    if (this.#switches.unknownIds === "empty") return create(RunnerSchema, { runnerId });
    throw runnerNotFound();
  }

  /** The standing runners that the filter accepts, oldest first; a runner sees only itself. */
  async list(filter: ListRunnersRequest_Filter | undefined, cursor: Cursor, caller: Caller) {
    const matches = matcherOf(filter);
    const { items, pagination } = await pageOf(cursor, (page) =>
      caller.runnerId === undefined
        ? this.#records.list(page, matches)
        : this.#listOnly(caller.runnerId, page, matches),
    );
    return { runners: items.map(({ value }) => this.shown(value.runner)), pagination };
  }

  /** Removes a runner, standing or lapsed, with its tokens. */
  async delete(runnerId: string): Promise<void> {
    const document = await this.#records.findAny(runnerId);
    if (document !== undefined) {
      if (document.value.permanent) throw localConfigurationIsFixed();
      await this.#records.remove(document.id);
    } else if (this.#switches.unknownIds !== "empty") throw runnerNotFound();
  }

  /**
   * Takes over what a live runner would report of itself. It renews nothing.
   *
   * @throws not_found for an id that is unknown or whose registration has lapsed
   * @throws RangeError for a value that a status cannot have
   */
  async report(runnerId: string, report: RunnerReport): Promise<Runner> {
    const changes = checked(report);
    const document = await this.#records.changeStanding(runnerId, (found, nowMs) =>
      withRunner(found, withStatus(found.value.runner, changes, nowMs)),
    );
    if (document === undefined) throw runnerNotFound();
    return clone(RunnerSchema, this.shown(document.value.runner));
  }

  /** A runner as replies show it. */
  shown(runner: Runner): Runner {
    const { spec } = runner;
    const { configuration } = spec ?? {};
    if (this.#switches.metricsPassword === "as-sent" || !configuration?.metrics?.password) return runner;
    const metrics = { ...configuration.metrics, password: "" };
    return { ...runner, spec: { ...(spec as RunnerSpec), configuration: { ...configuration, metrics } } };
  }

  async #listOnly(
    runnerId: string,
    { after }: Cursor,
    matches: ((registration: Registration) => boolean) | undefined,
  ) {
    if (after !== undefined && after >= runnerId) return [];
    const document = await this.#records.find(runnerId);
    return document !== undefined && (matches?.(document.value) ?? true) ? [document] : [];
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

/** Or within one list of the filter, and across lists; an empty list accepts all (DOC). */
function matcherOf(filter: ListRunnersRequest_Filter | undefined) {
  if (filter === undefined) return undefined;
  const creatorIds = new Set(filter.creatorIds);
  const kinds = new Set(filter.kinds);
  const providers = new Set(filter.providers);
  if (creatorIds.size + kinds.size + providers.size === 0) return undefined;
  const accepts = <T>(set: Set<T>, value: T) => set.size === 0 || set.has(value);
  return ({ runner }: Registration) =>
    accepts(creatorIds, runner.creator?.id ?? "") &&
    accepts(kinds, runner.kind) &&
    accepts(providers, runner.provider);
}

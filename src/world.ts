/**
 * A world: everything that has state, on its own. Two worlds cannot see each other's runners, tokens or time.
 */
import { type HostTime, WorldClock } from "./clock.ts";
import { type AdversityInit, type AdversitySettings, adversityOf } from "./domain/adversity/kind.ts";
import { AuditLog } from "./domain/audit-log.ts";
import { CallLog } from "./domain/call-log.ts";
import { RunnerConfiguration } from "./domain/configuration/runner-configuration.ts";
import { Faults } from "./domain/faults.ts";
import { IdTokens } from "./domain/id-tokens.ts";
import { Lease } from "./domain/lease.ts";
import { Policies } from "./domain/policies.ts";
import { Registrar } from "./domain/registrar.ts";
import { RunnerRecords } from "./domain/runner-records.ts";
import { Runners } from "./domain/runners.ts";
import { SourceCode } from "./domain/scm/source-code.ts";
import { logsTokenTtlMs, Tokens } from "./domain/tokens.ts";
import { Watches } from "./domain/watches.ts";
import { type Gateways, WorldState } from "./domain/world-state.ts";
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { createIds } from "./ids.ts";
import type { Switches } from "./profiles.ts";
import { type Random, seedFrom } from "./random.ts";
import { MemoryStore } from "./store/memory-store.ts";

/** The world that answers where none is named. */
export const defaultWorldName = "default";

/** What a world is made with. */
export interface WorldSettings {
  readonly leaseMs: number;
  readonly exchangeTokenTtlMs: number;
  /** Undefined: access tokens work as long as their runner's record is kept. */
  readonly accessTokenTtlMs: number | undefined;
  readonly lapsedTtlMs: number;
  readonly maxLapsed: number;
  readonly maxAuditLogEntries: number;
  readonly maxWatchBacklog: number;
  readonly maxCalls: number;
  readonly maxCallBytes: number;
  /** How unkind it is from the start; undefined: not at all. */
  readonly adversity?: AdversitySettings | undefined;
  /** Without a slash at the end; undefined: the one that a request was sent to. */
  readonly publicUrl: string | undefined;
  readonly state: State;
  /** Every organization that somebody may belong to. */
  readonly organizationIds: readonly string[];
  readonly switches: Switches;
}

export class World {
  readonly name: string;
  readonly switches: Switches;
  readonly clock: WorldClock;
  readonly registrar: Registrar;
  readonly runners: Runners;
  readonly policies: Policies;
  readonly configuration: RunnerConfiguration;
  readonly sourceCode: SourceCode;
  readonly watches: Watches;
  readonly auditLog: AuditLog;
  readonly idTokens: IdTokens;
  readonly tokens: Tokens;
  readonly calls: CallLog;
  readonly faults: Faults;
  readonly state: WorldState;
  readonly gateways: Gateways = { all: [] };
  readonly #publicUrl: string | undefined;
  readonly #random: Random;

  private constructor(name: string, settings: WorldSettings, host: HostTime, random: Random) {
    const { leaseMs, lapsedTtlMs, maxLapsed, switches } = settings;
    this.name = name;
    this.switches = switches;
    this.clock = new WorldClock(host);
    this.#publicUrl = settings.publicUrl;
    this.#random = random;
    const ids = createIds(this.clock, random);
    const store = new MemoryStore(this.clock, ids, settings.maxAuditLogEntries);
    this.tokens = new Tokens(this.clock, random, store, {
      exchange: settings.exchangeTokenTtlMs,
      access: settings.accessTokenTtlMs,
      logs: logsTokenTtlMs,
    });
    const lease = new Lease({ leaseMs, lapsedTtlMs, switches });
    const records = new RunnerRecords(this.clock, store, lease, maxLapsed);
    this.runners = new Runners(records, switches);
    this.registrar = new Registrar(records, this.runners, this.tokens, ids, store, switches);
    this.policies = new Policies(this.clock, this.runners, store, switches);
    this.configuration = new RunnerConfiguration({ records, runners: this.runners, store, ids, switches });
    this.sourceCode = new SourceCode(records, this.runners, this.configuration, switches);
    this.watches = new Watches(store.feed, settings.maxWatchBacklog);
    this.faults = new Faults((event, accepts) => this.watches.feed(event, accepts));
    this.auditLog = new AuditLog(store.feed, switches);
    this.idTokens = new IdTokens(this.clock, ids);
    this.state = new WorldState({
      records,
      policies: this.policies,
      tokens: this.tokens,
      configuration: this.configuration,
      sourceCode: this.sourceCode,
      gateways: this.gateways,
      ids,
    });
    this.calls = new CallLog({
      maxEntries: settings.maxCalls,
      maxBytes: settings.maxCallBytes,
      maxWatchBacklog: settings.maxWatchBacklog,
    });
  }

  /** A new world with what the system puts into it. */
  static async open(name: string, settings: WorldSettings, host: HostTime, random: Random): Promise<World> {
    const world = new World(name, settings, host, random);
    if (settings.adversity !== undefined) await world.startAdversity(settings.adversity);
    await world.state.add(settings.state);
    if (settings.switches.localConfigurationRunner === "present") {
      for (const id of settings.organizationIds) await world.registrar.addLocalConfiguration(id);
    }
    return world;
  }

  /**
   * Is unkind to its callers from now on, in the place of any adversity of before.
   *
   * @throws invalid_argument for what no adversity can be; what there was goes on
   */
  async startAdversity(init: AdversityInit = {}): Promise<AdversitySettings> {
    const settings = adversityOf(init, () => seedFrom(this.#random));
    const { Adversity } = await import("./domain/adversity/adversity.ts");
    this.faults.adversity = new Adversity(settings);
    return settings;
  }

  /** Is kind to them again. */
  stopAdversity(): void {
    this.faults.adversity = undefined;
  }

  /** Where its clients reach it. @param origin of the request that asks */
  urlFor(origin: string): string {
    const base = this.#publicUrl ?? origin;
    return this.name === defaultWorldName ? base : `${base}/w/${this.name}`;
  }

  /** For good: its time stops, and whoever watches it is told so. */
  close(): void {
    this.clock.close();
    this.watches.close(errors.worldGone());
    this.calls.close(errors.worldGone());
  }
}

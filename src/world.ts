/**
 * A world: everything that has state, on its own. Two worlds cannot see each other's runners, tokens or time.
 */
import { type HostTime, type MovableClock, WorldClock } from "./clock.ts";
import { type AdversityInit, type AdversitySettings, adversityOf } from "./domain/adversity/kind.ts";
import { AuditLog } from "./domain/audit-log.ts";
import { CallLog } from "./domain/call-log.ts";
import { RunnerConfiguration } from "./domain/configuration/runner-configuration.ts";
import { Faults } from "./domain/faults.ts";
import { IdTokens } from "./domain/id-tokens.ts";
import { Knowledge } from "./domain/knowledge.ts";
import { Lease } from "./domain/lease.ts";
import { Policies } from "./domain/policies.ts";
import { Registrar } from "./domain/registrar.ts";
import { RunnerRecords } from "./domain/runner-records.ts";
import { Runners } from "./domain/runners.ts";
import { SourceCode } from "./domain/scm/source-code.ts";
import { logsTokenTtlMs, Tokens } from "./domain/tokens.ts";
import { Watches } from "./domain/watches.ts";
import { WorldState } from "./domain/world-state.ts";
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { createIds, type Ids } from "./ids.ts";
import type { Switches } from "./profiles.ts";
import { type Random, seedFrom } from "./random.ts";
import { MemoryStore } from "./store/memory-store.ts";
import type { Store } from "./store/store.ts";

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

/** What a world stands on. */
export interface Ground {
  readonly clock: MovableClock;
  readonly store: Store;
  readonly ids: Ids;
  readonly random: Random;
  /** Lets go of them. */
  close(): void;
}

export class World {
  readonly name: string;
  readonly switches: Switches;
  readonly clock: MovableClock;
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
  readonly knowledge: Knowledge;
  readonly #settings: WorldSettings;
  readonly #ground: Ground;

  /** A world as it is on its ground; a new one has nothing in it yet. */
  constructor(name: string, settings: WorldSettings, ground: Ground) {
    const { clock, store, ids, random } = ground;
    const { leaseMs, lapsedTtlMs, maxLapsed, switches } = settings;
    this.name = name;
    this.switches = switches;
    this.clock = clock;
    this.#settings = settings;
    this.#ground = ground;
    // First: the store looks for what owns something in the order in which its collections are made.
    const lease = new Lease({ leaseMs, lapsedTtlMs, switches });
    const records = new RunnerRecords(this.clock, store, lease, maxLapsed);
    this.knowledge = new Knowledge(store);
    this.tokens = new Tokens(this.clock, random, store, {
      exchange: settings.exchangeTokenTtlMs,
      access: settings.accessTokenTtlMs,
      logs: logsTokenTtlMs,
    });
    this.runners = new Runners(records, switches);
    this.registrar = new Registrar(records, this.runners, this.tokens, ids, store, switches);
    this.policies = new Policies(this.clock, this.runners, store, switches);
    const { schemas } = this.knowledge;
    this.configuration = new RunnerConfiguration({
      records,
      runners: this.runners,
      schemas,
      store,
      ids,
      switches,
    });
    this.sourceCode = new SourceCode(this.knowledge, records, this.runners, this.configuration, switches);
    this.watches = new Watches(store.feed, settings.maxWatchBacklog);
    this.faults = new Faults(
      store,
      (event, accepts) => this.watches.feed(event, accepts),
      async (settings) => {
        const { Adversity } = await import("./domain/adversity/adversity.ts");
        return new Adversity(settings);
      },
    );
    this.auditLog = new AuditLog(store.feed, switches);
    this.idTokens = new IdTokens(this.clock, ids, store);
    this.state = new WorldState({
      records,
      policies: this.policies,
      tokens: this.tokens,
      configuration: this.configuration,
      knowledge: this.knowledge,
      ids,
    });
    this.calls = new CallLog({
      maxEntries: settings.maxCalls,
      maxBytes: settings.maxCallBytes,
      maxWatchBacklog: settings.maxWatchBacklog,
    });
  }

  /** A new world in memory, with what the system puts into it. */
  static async open(name: string, settings: WorldSettings, host: HostTime, random: Random): Promise<World> {
    const clock = new WorldClock(host);
    const ids = createIds(clock, random);
    const store = new MemoryStore(clock, ids, settings.maxAuditLogEntries);
    const world = new World(name, settings, { clock, store, ids, random, close: () => clock.close() });
    await world.furnish();
    return world;
  }

  /** Puts into a new world what the system does. */
  async furnish(): Promise<void> {
    const { adversity, state, switches, organizationIds } = this.#settings;
    if (adversity !== undefined) await this.startAdversity(adversity);
    await this.state.add(state);
    if (switches.localConfigurationRunner !== "present") return;
    for (const id of organizationIds) await this.registrar.addLocalConfiguration(id);
  }

  /**
   * Is unkind to its callers from now on, in the place of any adversity of before.
   *
   * @throws invalid_argument for what no adversity can be; what there was goes on
   */
  async startAdversity(init: AdversityInit = {}): Promise<AdversitySettings> {
    const settings = adversityOf(init, () => seedFrom(this.#ground.random));
    await this.faults.startAdversity(settings);
    return settings;
  }

  /** Where its clients reach it. @param origin of the request that asks */
  urlFor(origin: string): string {
    const base = this.#settings.publicUrl ?? origin;
    return this.name === defaultWorldName ? base : `${base}/w/${this.name}`;
  }

  /** For good: its time stops, and whoever watches it is told so. */
  close(): void {
    this.#ground.close();
    this.watches.close(errors.worldGone());
    this.calls.close(errors.worldGone());
  }
}

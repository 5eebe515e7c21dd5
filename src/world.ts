/**
 * A world: everything that has state, on its own. Two worlds cannot see each other's runners, tokens or time.
 */
import { type HostTime, WorldClock } from "./clock.ts";
import { Lease } from "./domain/lease.ts";
import { Registrar } from "./domain/registrar.ts";
import { RunnerRecords } from "./domain/runner-records.ts";
import { Runners } from "./domain/runners.ts";
import { Tokens } from "./domain/tokens.ts";
import { createIds } from "./ids.ts";
import type { Switches } from "./profiles.ts";
import type { Random } from "./random.ts";
import { MemoryStore } from "./store/memory-store.ts";

/** What a world is made with. */
export interface WorldSettings {
  readonly leaseMs: number;
  readonly exchangeTokenTtlMs: number;
  /** Undefined: access tokens work as long as their runner's record is kept. */
  readonly accessTokenTtlMs: number | undefined;
  readonly lapsedTtlMs: number;
  readonly maxLapsed: number;
  readonly switches: Switches;
}

export class World {
  readonly name: string;
  readonly switches: Switches;
  readonly clock: WorldClock;
  readonly registrar: Registrar;
  readonly runners: Runners;

  private constructor(name: string, settings: WorldSettings, host: HostTime, random: Random) {
    const { leaseMs, lapsedTtlMs, maxLapsed, switches } = settings;
    this.name = name;
    this.switches = switches;
    this.clock = new WorldClock(host);
    const ids = createIds(this.clock, random);
    const store = new MemoryStore(this.clock);
    const tokens = new Tokens(this.clock, random, store, {
      exchange: settings.exchangeTokenTtlMs,
      access: settings.accessTokenTtlMs,
    });
    const lease = new Lease({ leaseMs, lapsedTtlMs, switches });
    const records = new RunnerRecords(this.clock, store, lease, maxLapsed);
    this.registrar = new Registrar(records, tokens, ids, store, switches);
    this.runners = new Runners(records, switches);
  }

  /** A new world with what the system puts into it. */
  static async open(name: string, settings: WorldSettings, host: HostTime, random: Random): Promise<World> {
    const world = new World(name, settings, host, random);
    if (settings.switches.localConfigurationRunner === "present")
      await world.registrar.addLocalConfiguration();
    return world;
  }

  close(): void {
    this.clock.close();
  }
}

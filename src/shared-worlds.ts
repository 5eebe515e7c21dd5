/**
 * The worlds of all processes that share a store. Where a world is, and by which clock, is asked at the beginning of each
 * call; so what one process does to a world holds for the calls that begin at the others once it is done.
 */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type HostTime, maxTimerMs } from "./clock.ts";
import { errors } from "./errors.ts";
import { type State, StateSchema } from "./gen/runnermock/v1/state_pb.ts";
import { createIds } from "./ids.ts";
import type { Random } from "./random.ts";
import type { Readiness } from "./readiness.ts";
import { Connection } from "./store/redis/connection.ts";
import { RedisStore } from "./store/redis/redis-store.ts";
import { Seal } from "./store/redis/seal.ts";
import { SharedClock } from "./store/redis/shared-clock.ts";
import { Spaces, type WorldRecord } from "./store/redis/spaces.ts";
import { defaultWorldName, World, type WorldSettings } from "./world.ts";
import { type BusyWorld, checkName, type WorldOverrides, type Worlds } from "./worlds.ts";

export interface SharedWorldsOptions {
  readonly connection: Connection;
  readonly spaces: Spaces;
  readonly seal: Seal;
  readonly settings: WorldSettings;
  readonly host: HostTime;
  readonly random: Random;
  readonly maxWorlds: number;
  readonly idleMs: number;
}

/** A world as this process knows it. */
interface Entry {
  readonly name: string;
  readonly space: string;
  readonly overrides: WorldOverrides;
  readonly world: World;
  readonly store: RedisStore;
  readonly clock: SharedClock;
  /** How many calls are under way in it here. */
  calls: number;
  lastUsedMs: number;
  /** When the store was told last that it is used. */
  toldMs: number;
}

/** How often the store is told that a world is used: so many times before it would be idle for too long. */
const tellings = 10;

export class SharedWorlds implements Worlds {
  readonly #options: SharedWorldsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #entryOf = new WeakMap<World, Entry>();
  /** Worlds that are being made here. */
  readonly #making = new Map<string, Promise<unknown>>();
  #disarm: (() => void) | undefined;
  #closed = false;

  private constructor(options: SharedWorldsOptions) {
    this.#options = options;
    this.#arm();
  }

  /**
   * @param key what is kept in the store is encrypted with
   * @throws StoreError for a store that cannot be used
   */
  static async open(
    url: string,
    key: string,
    options: Omit<SharedWorldsOptions, "connection" | "spaces" | "seal">,
  ): Promise<SharedWorlds> {
    const { host, random } = options;
    const connection = await Connection.open(url);
    try {
      const seal = new Seal(key, random);
      const spaces = new Spaces(connection, seal, host, random);
      await spaces.examine();
      return new SharedWorlds({ ...options, connection, spaces, seal });
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get readiness(): Readiness {
    return this.#options.connection;
  }

  async enter(name: string): Promise<World> {
    for (;;) {
      const world = await this.enterIfThere(name);
      if (world !== undefined) return world;
      await this.#made(name);
    }
  }

  async enterIfThere(name: string): Promise<World | undefined> {
    const entry = await this.#current(name);
    if (entry === undefined) return undefined;
    entry.calls++;
    this.#use(entry);
    return entry.world;
  }

  leave(world: World): void {
    const entry = this.#entryOf.get(world);
    if (entry === undefined) return;
    entry.calls--;
    entry.lastUsedMs = this.#options.host.nowMs();
  }

  async get(name: string): Promise<World> {
    return (await this.#there(name)).world;
  }

  known(name: string): World {
    const world = this.find(name);
    if (world === undefined) throw errors.worldNotFound({ name });
    return world;
  }

  find(name: string): World | undefined {
    return this.#entries.get(name)?.world;
  }

  all(): BusyWorld[] {
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async list(): Promise<BusyWorld[]> {
    const names = await this.#options.spaces.names();
    const entries = await Promise.all(names.map((name) => this.#current(name)));
    return entries.filter((entry) => entry !== undefined);
  }

  async count(): Promise<number> {
    return (await this.#options.spaces.names()).length;
  }

  async create(name: string, overrides: WorldOverrides): Promise<World> {
    checkName(name);
    const isNew = await this.#make(name, undefined, overrides, overrides);
    if (!isNew) throw errors.worldExists({ name });
    return this.get(name);
  }

  async reset(name: string, state?: State): Promise<World> {
    const { space, overrides } = await this.#there(name);
    // If somebody else is faster, theirs is as fresh.
    await this.#make(name, space, overrides, { ...overrides, ...(state && { state }) });
    return this.get(name);
  }

  async delete(name: string): Promise<void> {
    const { space } = await this.#there(name);
    if (name === defaultWorldName) throw errors.defaultWorldStays({ name });
    await this.#options.spaces.retire(name, space);
    this.#forget(name);
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
    for (const { world } of this.#entries.values()) world.close();
    this.#entries.clear();
    this.#options.connection.close();
  }

  async #there(name: string): Promise<Entry> {
    const entry = await this.#current(name);
    if (entry === undefined) throw errors.worldNotFound({ name });
    this.#use(entry);
    return entry;
  }

  /** The world of that name as it is now, if there is one; asking for it is no use of it. */
  async #current(name: string): Promise<Entry | undefined> {
    checkName(name);
    const record = await this.#options.spaces.find(name);
    if (record === undefined) {
      this.#forget(name);
      return undefined;
    }
    const entry = this.#known(name, record);
    entry.clock.adopt(record.clock);
    await entry.store.refresh(record.mirror, record.events);
    return entry;
  }

  #known(name: string, { space, overrides }: WorldRecord): Entry {
    const known = this.#entries.get(name);
    if (known?.space === space) return known;
    this.#forget(name);
    const entry = this.#open(name, space, readOverrides(overrides));
    this.#entries.set(name, entry);
    this.#entryOf.set(entry.world, entry);
    return entry;
  }

  /** Those who are in it here are told that it is gone. */
  #forget(name: string): void {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    entry?.world.close();
  }

  #use(entry: Entry): void {
    const { host, idleMs, spaces } = this.#options;
    entry.lastUsedMs = host.nowMs();
    if (entry.lastUsedMs - entry.toldMs < idleMs / tellings) return;
    entry.toldMs = entry.lastUsedMs;
    // It is told again soon, if not now.
    spaces.touch(entry.name).catch(() => {});
  }

  /** The world of that name, made here once for all who want it. */
  async #made(name: string): Promise<void> {
    const making = this.#making.get(name) ?? this.#make(name, undefined, {}, {});
    this.#making.set(name, making);
    await making.finally(() => this.#making.delete(name));
  }

  /**
   * Makes a fresh world in the place of what there was.
   *
   * @param kept what it is kept as, for those who open it @param own what it is made with
   * @returns whether there was what there had to be before
   */
  async #make(
    name: string,
    before: string | undefined,
    kept: WorldOverrides,
    own: WorldOverrides,
  ): Promise<boolean> {
    const { spaces, maxWorlds } = this.#options;
    if (before === undefined && (await this.count()) >= maxWorlds) {
      throw errors.tooManyWorlds({ limit: maxWorlds });
    }
    const space = spaces.fresh(name);
    const { world, store } = this.#open(name, space, own);
    try {
      await spaces.make(name, space, store.names);
      await world.furnish();
      return await spaces.settle(name, space, before, writtenOverrides(kept));
    } catch (error) {
      await spaces.retire(name, space).catch(() => {});
      throw error;
    } finally {
      world.close();
    }
  }

  #open(name: string, space: string, overrides: WorldOverrides): Entry {
    const { connection, seal, host, random } = this.#options;
    const settings = { ...this.#options.settings, ...overrides };
    const clock: SharedClock = new SharedClock(connection, space, host, () => store.settleDue());
    const { maxAuditLogEntries: maxFeedEntries } = settings;
    const store = new RedisStore({ connection, seal, space, clock, host, maxFeedEntries });
    const ids = createIds(clock, random);
    const world = new World(name, settings, { clock, store, ids, random, close: () => store.close() });
    return { name, space, overrides, world, store, clock, calls: 0, lastUsedMs: host.nowMs(), toldMs: 0 };
  }

  /** Looks after idle worlds. */
  #arm(): void {
    const { host, idleMs } = this.#options;
    this.#disarm = host.setTimer(Math.min(idleMs / tellings, maxTimerMs), async () => {
      await this.#dropIdle().catch(() => {});
      if (!this.#closed) this.#arm();
    });
  }

  async #dropIdle(): Promise<void> {
    const { host, idleMs, spaces } = this.#options;
    for (const entry of this.#entries.values()) {
      if (entry.calls > 0) this.#use(entry);
      else if (host.nowMs() - entry.lastUsedMs >= idleMs && entry.name !== defaultWorldName) {
        this.#forget(entry.name);
      }
    }
    for (const name of await spaces.idleFor(idleMs)) {
      const record = name === defaultWorldName ? undefined : await spaces.find(name);
      if (record !== undefined) await spaces.retire(name, record.space);
    }
  }
}

function writtenOverrides({ switches, state }: WorldOverrides): string {
  if (switches === undefined && state === undefined) return "";
  const written = state && Buffer.from(toBinary(StateSchema, state)).toString("base64");
  return JSON.stringify({ switches, state: written });
}

function readOverrides(written: string): WorldOverrides {
  if (written === "") return {};
  const { switches, state } = JSON.parse(written);
  return {
    ...(switches && { switches }),
    ...(state && { state: fromBinary(StateSchema, Buffer.from(state, "base64")) }),
  };
}

/** The worlds of one process, in its memory. */
import { type HostTime, maxTimerMs } from "./clock.ts";
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { alwaysReady } from "./readiness.ts";
import { defaultWorldName, type World } from "./world.ts";
import { type BusyWorld, checkName, type WorldOverrides, type Worlds } from "./worlds.ts";

export interface LocalWorldsOptions {
  readonly open: (name: string, overrides: WorldOverrides) => Promise<World>;
  readonly host: HostTime;
  readonly maxWorlds: number;
  readonly idleMs: number;
}

interface Entry {
  readonly name: string;
  readonly overrides: WorldOverrides;
  world: Promise<World>;
  opened?: World;
  /** How many calls are under way in it. */
  calls: number;
  lastUsedMs: number;
}

export class LocalWorlds implements Worlds {
  readonly readiness = alwaysReady;
  readonly #options: LocalWorldsOptions;
  /** The longest idle first: whoever is used moves to the end. */
  readonly #entries = new Map<string, Entry>();
  /** Where a world belongs, also when another one has taken its place. */
  readonly #entryOf = new WeakMap<World, Entry>();
  /** The one at the end. */
  #newest: Entry | undefined;
  #disarm: (() => void) | undefined;
  #closed = false;

  constructor(options: LocalWorldsOptions) {
    this.#options = options;
  }

  enter(name: string): Promise<World> {
    const entry = this.#entries.get(name) ?? this.#open(name, {});
    entry.calls++;
    this.#use(entry);
    return entry.world;
  }

  leave(world: World): void {
    const entry = this.#entryOf.get(world);
    if (entry === undefined) return;
    entry.calls--;
    this.#use(entry);
  }

  async enterIfThere(name: string): Promise<World | undefined> {
    checkName(name);
    return this.#entries.has(name) ? this.enter(name) : undefined;
  }

  find(name: string): World | undefined {
    return this.#entries.get(name)?.opened;
  }

  async count(): Promise<number> {
    return this.#entries.size;
  }

  async get(name: string): Promise<World> {
    return this.known(name);
  }

  known(name: string): World {
    const entry = this.#entries.get(name);
    if (entry?.opened === undefined) throw errors.worldNotFound({ name });
    this.#use(entry);
    return entry.opened;
  }

  async list(): Promise<BusyWorld[]> {
    return this.all();
  }

  all(): BusyWorld[] {
    return [...this.#entries.values()]
      .flatMap(({ opened, calls }) => (opened === undefined ? [] : [{ world: opened, calls }]))
      .sort((a, b) => (a.world.name < b.world.name ? -1 : 1));
  }

  async create(name: string, overrides: WorldOverrides): Promise<World> {
    if (this.#entries.has(name)) throw errors.worldExists({ name });
    const entry = this.#open(name, overrides);
    this.#use(entry);
    return entry.world;
  }

  async reset(name: string, state?: State): Promise<World> {
    const old = this.known(name);
    const entry = this.#entryOf.get(old);
    if (entry === undefined) throw errors.worldNotFound({ name });
    const fresh = await this.#options.open(name, { ...entry.overrides, ...(state && { state }) });
    if (entry.opened !== old || this.#entries.get(name) !== entry) {
      // Somebody else was faster.
      fresh.close();
      return this.known(name);
    }
    this.#settle(entry, fresh);
    old.close();
    return fresh;
  }

  async delete(name: string): Promise<void> {
    const world = this.known(name);
    if (name === defaultWorldName) throw errors.defaultWorldStays({ name });
    this.#entries.delete(name);
    world.close();
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
    for (const { opened } of this.#entries.values()) opened?.close();
    this.#entries.clear();
  }

  #use(entry: Entry): void {
    entry.lastUsedMs = this.#options.host.nowMs();
    if (this.#newest === entry || this.#entries.get(entry.name) !== entry) return;
    this.#newest = entry;
    this.#entries.delete(entry.name);
    this.#entries.set(entry.name, entry);
  }

  #open(name: string, overrides: WorldOverrides): Entry {
    const { open, maxWorlds } = this.#options;
    checkName(name);
    this.#dropIdle();
    if (this.#entries.size >= maxWorlds) throw errors.tooManyWorlds({ limit: maxWorlds });
    const world = open(name, overrides);
    const entry: Entry = { name, overrides, world, calls: 0, lastUsedMs: 0 };
    this.#entries.set(name, entry);
    this.#newest = entry;
    world.then(
      (opened) => {
        this.#settle(entry, opened);
        if (this.#closed) opened.close();
      },
      () => this.#entries.delete(name),
    );
    if (name !== defaultWorldName) this.#arm();
    return entry;
  }

  #settle(entry: Entry, world: World): void {
    entry.world = Promise.resolve(world);
    entry.opened = world;
    this.#entryOf.set(world, entry);
  }

  #dropIdle(): void {
    const nowMs = this.#options.host.nowMs();
    for (const [name, entry] of this.#entries) {
      if (nowMs - entry.lastUsedMs < this.#options.idleMs) return;
      if (name === defaultWorldName || !entry.opened || entry.calls > 0) continue;
      this.#entries.delete(name);
      entry.opened.close();
    }
  }

  /** Looks after idle worlds as long as there are any that may go. */
  #arm(): void {
    if (this.#disarm !== undefined || this.#closed) return;
    this.#disarm = this.#options.host.setTimer(Math.min(this.#options.idleMs, maxTimerMs), () => {
      this.#disarm = undefined;
      this.#dropIdle();
      if (this.#entries.size > (this.#entries.has(defaultWorldName) ? 1 : 0)) this.#arm();
    });
  }
}

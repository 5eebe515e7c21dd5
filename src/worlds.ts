/**
 * The worlds of a server, by name. A world comes into being on first use and goes when it has been idle for
 * long; the default one stays. Their number is bounded.
 */
import { type HostTime, maxTimerMs } from "./clock.ts";
import { errors } from "./errors.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { defaultWorldName, type World, type WorldSettings } from "./world.ts";

const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** What a world has of its own instead of the server's. */
export type WorldOverrides = Partial<Pick<WorldSettings, "switches" | "state">>;

export interface WorldsOptions {
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

export class Worlds {
  readonly #options: WorldsOptions;
  /** The longest idle first: whoever is used moves to the end. */
  readonly #entries = new Map<string, Entry>();
  /** Where a world belongs, also when another one has taken its place. */
  readonly #entryOf = new WeakMap<World, Entry>();
  /** The one at the end. */
  #newest: Entry | undefined;
  #disarm: (() => void) | undefined;
  #closed = false;

  constructor(options: WorldsOptions) {
    this.#options = options;
  }

  /**
   * The world of that name, opened if there is none. It stays until as many calls have left as have entered,
   * and for some time after that.
   *
   * @throws invalid_argument for a name that is none, resource_exhausted where there are too many worlds
   */
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

  /** Whether there is one, or will be in a moment. @throws invalid_argument for a name that is none */
  has(name: string): boolean {
    if (!namePattern.test(name)) throw errors.invalidWorldName({ name });
    return this.#entries.has(name);
  }

  /** The world of that name, if there is one. */
  find(name: string): World | undefined {
    return this.#entries.get(name)?.opened;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** The world of that name. @throws not_found where there is none */
  get(name: string): World {
    const entry = this.#entries.get(name);
    if (entry?.opened === undefined) throw errors.worldNotFound({ name });
    this.#use(entry);
    return entry.opened;
  }

  /** Those that there are, in order of name, and how many calls are under way in each. */
  list(): { readonly world: World; readonly calls: number }[] {
    return [...this.#entries.values()]
      .flatMap(({ opened, calls }) => (opened === undefined ? [] : [{ world: opened, calls }]))
      .sort((a, b) => (a.world.name < b.world.name ? -1 : 1));
  }

  /** A new world. @throws already_exists, or as `enter` does */
  create(name: string, overrides: WorldOverrides): Promise<World> {
    if (this.#entries.has(name)) throw errors.worldExists({ name });
    const entry = this.#open(name, overrides);
    this.#use(entry);
    return entry.world;
  }

  /**
   * Puts a fresh world in the place of one; the old one is let go as it is.
   *
   * @param state what the fresh one knows; undefined: what any of its kind would
   * @throws not_found
   */
  async reset(name: string, state?: State): Promise<World> {
    const old = this.get(name);
    const entry = this.#entryOf.get(old);
    if (entry === undefined) throw errors.worldNotFound({ name });
    const fresh = await this.#options.open(name, { ...entry.overrides, ...(state && { state }) });
    if (entry.opened !== old || this.#entries.get(name) !== entry) {
      // Somebody else was faster.
      fresh.close();
      return this.get(name);
    }
    this.#settle(entry, fresh);
    old.close();
    return fresh;
  }

  /** @throws not_found, invalid_argument for the default world */
  delete(name: string): void {
    const world = this.get(name);
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
    if (!namePattern.test(name)) throw errors.invalidWorldName({ name });
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

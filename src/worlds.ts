/**
 * The worlds of a server, by name. A world comes into being on first use and goes when it has been idle for
 * long; the default one stays. Their number is bounded.
 */
import { type HostTime, maxTimerMs } from "./clock.ts";
import { errors } from "./errors.ts";
import { defaultWorldName, type World } from "./world.ts";

const namePattern = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export interface WorldsOptions {
  readonly open: (name: string) => Promise<World>;
  readonly host: HostTime;
  readonly maxWorlds: number;
  readonly idleMs: number;
}

interface Entry {
  readonly world: Promise<World>;
  opened?: World;
  /** How many calls are under way in it. */
  calls: number;
  lastUsedMs: number;
}

export class Worlds {
  readonly #options: WorldsOptions;
  /** The longest idle first: whoever is used moves to the end. */
  readonly #entries = new Map<string, Entry>();
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
    const entry = this.#entries.get(name) ?? this.#open(name);
    entry.calls++;
    this.#use(name, entry);
    return entry.world;
  }

  leave(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    entry.calls--;
    this.#use(name, entry);
  }

  /** Whether it has been opened. @throws invalid_argument for a name that is none */
  has(name: string): boolean {
    if (!namePattern.test(name)) throw errors.invalidWorldName({ name });
    return this.#entries.has(name);
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.size;
  }

  close(): void {
    this.#closed = true;
    this.#disarm?.();
    for (const { opened } of this.#entries.values()) opened?.close();
    this.#entries.clear();
  }

  #use(name: string, entry: Entry): void {
    entry.lastUsedMs = this.#options.host.nowMs();
    this.#entries.delete(name);
    this.#entries.set(name, entry);
  }

  #open(name: string): Entry {
    const { open, maxWorlds } = this.#options;
    if (!namePattern.test(name)) throw errors.invalidWorldName({ name });
    this.#dropIdle();
    if (this.#entries.size >= maxWorlds) throw errors.tooManyWorlds({ limit: maxWorlds });
    const entry: Entry = { world: open(name), calls: 0, lastUsedMs: 0 };
    entry.world.then(
      (world) => {
        entry.opened = world;
        if (this.#closed) world.close();
      },
      () => this.#entries.delete(name),
    );
    if (name !== defaultWorldName) this.#arm();
    return entry;
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

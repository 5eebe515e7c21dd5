/**
 * The worlds of a server, by name. A world comes into being on first use and goes when it has been idle for
 * long; the default one stays. Their number is bounded.
 */
import type { HostTime } from "./clock.ts";
import { invalidWorldName, tooManyWorlds } from "./errors.ts";
import type { World } from "./world.ts";

/** The world that answers where none is named. */
export const defaultWorldName = "default";

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
   * The world of that name, opened if there is none.
   *
   * @throws invalid_argument for a name that is none, resource_exhausted where there are too many worlds
   */
  enter(name: string): Promise<World> {
    const nowMs = this.#options.host.nowMs();
    const entry = this.#entries.get(name) ?? this.#open(name, nowMs);
    entry.lastUsedMs = nowMs;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    return entry.world;
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

  #open(name: string, nowMs: number): Entry {
    const { open, maxWorlds } = this.#options;
    if (!namePattern.test(name)) throw invalidWorldName(name);
    this.#dropIdle(nowMs);
    if (this.#entries.size >= maxWorlds) throw tooManyWorlds(maxWorlds);
    const entry: Entry = { world: open(name), lastUsedMs: nowMs };
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

  #dropIdle(nowMs: number): void {
    for (const [name, entry] of this.#entries) {
      if (nowMs - entry.lastUsedMs < this.#options.idleMs) return;
      if (name === defaultWorldName || !entry.opened || entry.opened.openCalls > 0) continue;
      this.#entries.delete(name);
      entry.opened.close();
    }
  }

  /** Looks after idle worlds as long as there are any that may go. */
  #arm(): void {
    if (this.#disarm !== undefined || this.#closed) return;
    this.#disarm = this.#options.host.setTimer(this.#options.idleMs, () => {
      this.#disarm = undefined;
      this.#dropIdle(this.#options.host.nowMs());
      if (this.#entries.size > (this.#entries.has(defaultWorldName) ? 1 : 0)) this.#arm();
    });
  }
}

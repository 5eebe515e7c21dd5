/**
 * Where worlds are in the engine. Each has a record, which names its space: the keys that hold all that is in it. A fresh
 * world is a fresh space that the record is switched to; the old one is left to the engine to clear away.
 */
import type { HostTime } from "../../clock.ts";
import type { Random } from "../../random.ts";
import { type Connection, StoreError } from "./connection.ts";
import { makeSpaceScript, retireScript, switchScript, syncScript } from "./record-scripts.ts";
import type { Seal } from "./seal.ts";
import { untouchedClock } from "./shared-clock.ts";

/** What is written has this form. A mock of another major one does not touch it. */
const dataVersion = "1";

const formatKey = "runner-mock:format";
const registryKey = "runner-mock:worlds";
/** In a cluster all that is of a world is in one slot. */
const recordKey = (world: string) => `runner-mock:{${world}}`;

/** After so long a space that was being made will not be a world's any more: its maker was killed. */
const forgottenMs = 3_600_000;

/** Where a world is now. */
export interface WorldRecord {
  /** The key that all keys of its space begin with. */
  readonly space: string;
  readonly clock: string;
  /** Grows with any change of a document that is mirrored. */
  readonly mirror: number;
  /** How many there have been. */
  readonly events: number;
  /** What the world was made with instead of the server's settings. */
  readonly overrides: string;
}

export class Spaces {
  readonly #connection: Connection;
  readonly #seal: Seal;
  readonly #host: HostTime;
  readonly #random: Random;

  constructor(connection: Connection, seal: Seal, host: HostTime, random: Random) {
    this.#connection = connection;
    this.#seal = seal;
    this.#host = host;
    this.#random = random;
  }

  /** @throws StoreError where what is there was written by another major version, or with another key */
  async examine(): Promise<void> {
    const written = this.#seal.close(dataVersion, formatKey).toString("base64");
    const format = JSON.stringify({ version: dataVersion, check: written });
    await this.#connection.ask(formatKey, "SET", formatKey, format, "NX");
    const found = JSON.parse(String(await this.#connection.ask(formatKey, "GET", formatKey)));
    if (found.version !== dataVersion) {
      throw new StoreError(
        `the store has data of version ${found.version}, and this mock writes version ${dataVersion}: use another database, or clear it`,
      );
    }
    try {
      this.#seal.open(Buffer.from(found.check, "base64"), formatKey);
    } catch {
      throw new StoreError("the store was written with another store key: give the same to all replicas");
    }
  }

  /** Where the world of that name is; undefined: there is none. */
  async find(world: string): Promise<WorldRecord | undefined> {
    const reply = await this.#connection.run(syncScript, recordKey(world), []);
    if (reply === null) return undefined;
    const [id, clock, mirror, events, overrides] = reply as Buffer[];
    return {
      space: `${recordKey(world)}:${id}`,
      clock: String(clock),
      mirror: Number(mirror),
      events: Number(events),
      overrides: overrides?.length ? this.#seal.open(overrides, recordKey(world)) : "",
    };
  }

  /** The key of a space that nobody knows of yet. */
  fresh(world: string): string {
    return `${recordKey(world)}:${Buffer.from(this.#random(12)).toString("hex")}`;
  }

  /** @param names of all its collections */
  async make(world: string, space: string, names: string): Promise<void> {
    const args = [idOf(world, space), untouchedClock, names, this.#host.nowMs(), forgottenMs];
    await this.#connection.run(makeSpaceScript, recordKey(world), args);
  }

  /**
   * Makes a space that of the world.
   *
   * @param before what has to be that until now; undefined: the world is new
   * @returns whether it was so; if not, the space is cleared away
   */
  async settle(
    world: string,
    space: string,
    before: string | undefined,
    overrides: string,
  ): Promise<boolean> {
    const args = [
      before === undefined ? "" : idOf(world, before),
      idOf(world, space),
      overrides === "" ? "" : this.#seal.close(overrides, recordKey(world)),
    ];
    const isSettled = (await this.#connection.run(switchScript, recordKey(world), args)) === 1;
    if (isSettled) await this.touch(world);
    return isSettled;
  }

  /** Clears a space away, and the world with it if it is the world's. */
  async retire(world: string, space: string): Promise<void> {
    const wasCurrent = await this.#connection.run(retireScript, recordKey(world), [idOf(world, space)]);
    if (wasCurrent === 1) await this.#connection.ask(registryKey, "ZREM", registryKey, world);
  }

  /** Takes note that the world is used now. */
  async touch(world: string): Promise<void> {
    await this.#connection.ask(registryKey, "ZADD", registryKey, String(this.#host.nowMs()), world);
  }

  /** The names of all worlds. */
  async names(): Promise<string[]> {
    return this.#listed("-inf", "+inf");
  }

  /** The names of those that have not been used for so long. */
  async idleFor(ms: number): Promise<string[]> {
    return this.#listed("-inf", String(this.#host.nowMs() - ms));
  }

  async #listed(from: string, to: string): Promise<string[]> {
    const reply = await this.#connection.ask(registryKey, "ZRANGEBYSCORE", registryKey, from, to);
    return (reply as Buffer[]).map(String).sort();
  }
}

const idOf = (world: string, space: string) => space.slice(recordKey(world).length + 1);

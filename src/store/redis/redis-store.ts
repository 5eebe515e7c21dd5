/**
 * The store in an engine that several processes share. A change is computed here, by the rules of its collection, and
 * written there if what it was computed from is still so; otherwise again. So whoever comes first wins, wherever it is.
 */
import type { HostTime } from "../../clock.ts";
import type { Actor, Collection, CollectionRules, Document, Store } from "../store.ts";
import { Codec, writtenActor } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { type Change, type CollectionHome, RedisCollection, type Shown } from "./redis-collection.ts";
import { type FeedClock, RedisFeed } from "./redis-feed.ts";
import { dueScript, ownedByScript, removeOwnedScript, type Script } from "./scripts.ts";
import type { Seal } from "./seal.ts";

type AnyCollection = RedisCollection<unknown>;

/** What a store hangs on. */
export interface RedisStoreOptions {
  readonly connection: Connection;
  readonly seal: Seal;
  /** The key that all keys of the space begin with. */
  readonly space: string;
  readonly clock: FeedClock;
  readonly host: HostTime;
  /** How many entries its feed keeps. */
  readonly maxFeedEntries: number;
}

/** How many entries a feed keeps beyond those that are listed, for those who follow it and are a little behind. */
const toleratedLag = 10_000;

/** How many documents that are due are looked at at once. */
const maxDue = 100;

export class RedisStore implements Store, CollectionHome {
  readonly feed: RedisFeed;
  readonly #options: RedisStoreOptions;
  readonly #collections = new Map<string, AnyCollection>();
  /** Which version of itself a document is that was read or written here. */
  readonly versions = new WeakMap<Document<unknown>, string>();
  #names = "";
  #mirrorStamp = 0;
  #renewal: Promise<unknown> = Promise.resolve();

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.feed = new RedisFeed(options, () => this.settleDue());
  }

  collection<T>(name: string, rules: CollectionRules<T> = {}): Collection<T> {
    const codec = new Codec<T>(name, rules.messages, this.#options.seal);
    const collection = new RedisCollection<T>(name, rules, codec, this);
    this.#collections.set(name, collection as AnyCollection);
    this.#names = [...this.#collections.keys()].join("\n");
    return collection;
  }

  async takeOwnedBy(owner: string, by?: Actor): Promise<void> {
    await this.change(removeOwnedScript, { atMs: this.nowMs(), by }, [owner]);
  }

  /** Takes note of where the space is. @param mirrorStamp grows with any change of a document that is mirrored */
  async refresh(mirrorStamp: number, events: number): Promise<void> {
    this.feed.reached(events);
    if (mirrorStamp > this.#mirrorStamp) await this.renewMirrors(mirrorStamp);
  }

  /**
   * Applies what is to happen by now, the longest due first. It is told of in the feed.
   *
   * @returns when something falls due next; undefined: nothing will
   */
  async settleDue(): Promise<number | undefined> {
    for (;;) {
      const reply = await this.run(dueScript, [this.nowMs(), maxDue]);
      const [clock, next, found] = reply as [Buffer, Buffer | null, [Buffer, Shown][]];
      // Somebody else may have moved it meanwhile.
      if (this.#options.clock.adopt(String(clock))) continue;
      if (!(await this.#settleAll(found))) return next === null ? undefined : Number(next);
    }
  }

  /** The names of its collections, for those who have to find all its keys. */
  get names(): string {
    return this.#names;
  }

  close(): void {
    this.feed.close();
  }

  /** @internal What follows serves the collections of this store. */
  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /**
   * Reads what is mirrored anew: one reading after another, so that an older one never comes last.
   *
   * @param mirrorStamp what it is read for; undefined: for something that was written here
   */
  async renewMirrors(mirrorStamp?: number): Promise<void> {
    const renewal = this.#renewal.then(async () => {
      if (mirrorStamp !== undefined && mirrorStamp <= this.#mirrorStamp) return;
      await Promise.all([...this.#collections.values()].map((collection) => collection.refresh()));
      this.#mirrorStamp = Math.max(this.#mirrorStamp, mirrorStamp ?? 0);
    });
    this.#renewal = renewal.catch(() => {});
    await renewal;
  }

  run(script: Script, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.#options.connection.run(script, this.#options.space, args);
  }

  /** Runs a script that changes documents. */
  change(
    script: Script,
    { atMs, by }: Change,
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    const kept = this.#options.maxFeedEntries + toleratedLag;
    return this.run(script, [this.names, kept, atMs, writtenActor(by), ...args]);
  }

  /** What belongs to an owner at a moment. @param name of the collection; empty: all, by their names */
  async ownedBy(owner: string, name: string, nowMs: number): Promise<Map<string, Document<unknown>[]>> {
    const found = (await this.run(ownedByScript, [owner, name])) as [Buffer, Shown][];
    const owned = new Map<string, Document<unknown>[]>();
    for (const [itsName, shown] of found) {
      const collection = this.#collections.get(String(itsName));
      const document = await collection?.settled(collection.read(shown), nowMs);
      if (document === undefined) continue;
      const others = owned.get(String(itsName));
      if (others === undefined) owned.set(String(itsName), [document]);
      else others.push(document);
    }
    return owned;
  }

  /** @returns whether there may be more to settle */
  async #settleAll(found: readonly [Buffer, Shown][]): Promise<boolean> {
    let any = false;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [name, shown] of found) {
      const collection = this.#collections.get(String(name));
      // One that only a newer replica knows: it sees to it.
      if (collection === undefined) continue;
      const due = collection.read(shown);
      // What has been settled may be due again before this one.
      if ((due.expiresAtMs ?? 0) > nextMs) return true;
      any = true;
      const settled = await collection.settled(due, due.expiresAtMs ?? 0);
      nextMs = Math.min(nextMs, settled?.expiresAtMs ?? Number.POSITIVE_INFINITY);
    }
    return any;
  }
}

/**
 * The store in an engine that several processes share. A change is computed here, by the rules of its collection, and
 * written there if what it was computed from is still so; otherwise again. So whoever comes first wins, wherever it is.
 */
import type { HostTime } from "../../clock.ts";
import type { Actor, Collection, CollectionRules, Document, Page, Store, Write } from "../store.ts";
import { Codec, writtenActor, writtenEvent } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { type FeedClock, RedisFeed } from "./redis-feed.ts";
import {
  dueScript,
  listScript,
  ownedByScript,
  readScript,
  removeOwnedScript,
  removeScript,
  type Script,
  scanScript,
  takeScript,
  writeScript,
} from "./scripts.ts";
import type { Seal } from "./seal.ts";

type AnyCollection = RedisCollection<unknown>;

/** A document as scripts show it: id, version, expires, owner, hidden, value. */
type Shown = readonly [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

interface Change {
  readonly atMs: number;
  readonly by: Actor;
}

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

/** How many documents of a collection are kept as they were read, so that they need not be read again. */
const maxKnown = 10_000;

export class RedisStore implements Store {
  readonly feed: RedisFeed;
  readonly #options: RedisStoreOptions;
  readonly #collections = new Map<string, AnyCollection>();
  /** Which version of itself a document is that was read or written here. */
  readonly versions = new WeakMap<Document<unknown>, string>();
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
    return [...this.#collections.keys()].join("\n");
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

  /** What belongs to an owner at a moment. @param name of the collection; default: all, by their names */
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

class RedisCollection<T> implements Collection<T> {
  readonly #name: string;
  readonly #rules: CollectionRules<T>;
  readonly #codec: Codec<T>;
  readonly #store: RedisStore;
  /** What was read lately: a version never changes. */
  readonly #known = new Map<string, { readonly version: string; readonly document: Document<T> }>();
  #mirror: readonly Document<T>[] = [];

  constructor(name: string, rules: CollectionRules<T>, codec: Codec<T>, store: RedisStore) {
    this.#name = name;
    this.#rules = rules;
    this.#codec = codec;
    this.#store = store;
  }

  async get(id: string): Promise<Document<T> | undefined> {
    const nowMs = this.#store.nowMs();
    return this.settled(await this.#find(id), nowMs);
  }

  async put(document: Document<T>, { if: condition, by }: Write<T> = {}): Promise<boolean> {
    const atMs = this.#store.nowMs();
    const read = typeof condition === "object" ? condition.unchanged : undefined;
    if (read && (await this.settled(read, atMs)) !== read) return false;
    let current = read;
    for (;;) {
      const outcome = await this.#write(document, current, { atMs, by });
      if (typeof outcome === "boolean") return outcome;
      if (read !== undefined) return false;
      current = await this.settled(outcome.instead, atMs);
      if (condition === "absent" && current !== undefined) return false;
    }
  }

  async take(id: string, by?: Actor): Promise<Document<T> | undefined> {
    const atMs = this.#store.nowMs();
    for (;;) {
      const reply = await this.#store.change(takeScript, { atMs, by }, [this.#name, id, this.#mirrored]);
      if (reply === null) return undefined;
      const [taken, shown] = reply as [number, Shown];
      const document = this.read(shown);
      if (taken === 1) {
        this.#known.delete(id);
        await this.#refreshOwn();
        return document;
      }
      if ((await this.settled(document, atMs)) === undefined) return undefined;
    }
  }

  async list({ after, until, limit }: Page): Promise<Document<T>[]> {
    if (this.#rules.listed === false) throw new Error(`the collection ${this.#name} keeps no order`);
    const nowMs = this.#store.nowMs();
    const to = until === undefined ? "+" : `(${until}`;
    const page: Document<T>[] = [];
    let from = after === undefined ? "-" : `(${after}`;
    while (page.length < limit) {
      const wanted = Math.min(limit - page.length, maxPage);
      const reply = await this.#store.run(listScript, [this.#store.names, this.#name, from, to, wanted]);
      const [last, found] = reply as [Buffer | null, Shown[]];
      for (const shown of found) {
        const document = await this.settled(this.read(shown), nowMs);
        if (document !== undefined && !document.hidden) page.push(document);
      }
      if (last === null) break;
      from = `(${last}`;
    }
    return page;
  }

  async all(): Promise<Document<T>[]> {
    const nowMs = this.#store.nowMs();
    const found = new Map<string, Document<T>>();
    let cursor = "0";
    do {
      const [next, some] = (await this.#store.run(scanScript, [this.#name, cursor])) as [Buffer, Shown[]];
      for (const shown of some) {
        const document = await this.settled(this.read(shown), nowMs);
        if (document !== undefined) found.set(document.id, document);
      }
      cursor = String(next);
    } while (cursor !== "0");
    return [...found.values()];
  }

  async ownedBy(owner: string): Promise<Document<T>[]> {
    const owned = await this.#store.ownedBy(owner, this.#name, this.#store.nowMs());
    return (owned.get(this.#name) ?? []) as Document<T>[];
  }

  mirror(): readonly Document<T>[] {
    return this.#mirror;
  }

  /** @internal What follows serves its store. */
  async refresh(): Promise<void> {
    if (this.#rules.mirrored) this.#mirror = (await this.all()).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The document as it is at `nowMs`: if its time is up, the expiry rule has its say first. */
  async settled(found: Document<T> | undefined, nowMs: number): Promise<Document<T> | undefined> {
    let document = found;
    while (document?.expiresAtMs !== undefined && document.expiresAtMs <= nowMs) {
      const change = { atMs: document.expiresAtMs, by: undefined };
      const next = await this.#expired(document);
      const isDone =
        next === undefined
          ? await this.#remove(document, change)
          : (await this.#write(next, document, change)) === true;
      // Not `next`: somebody else may have been faster, or it may be one hidden document too many.
      if (isDone && next === undefined) return undefined;
      document = isDone && !next?.hidden ? next : await this.#find(document.id);
    }
    return document;
  }

  read([id, version, expires, owner, hidden, value]: Shown): Document<T> {
    const [itsId, itsVersion] = [String(id), String(version)];
    const known = this.#known.get(itsId);
    if (known?.version === itsVersion) return known.document;
    const document: Document<T> = {
      id: itsId,
      value: this.#codec.read(itsId, value),
      ...(owner.length > 0 && { owner: String(owner) }),
      ...(expires.length > 0 && { expiresAtMs: Number(expires) }),
      ...(hidden.length > 0 && { hidden: true }),
    };
    this.#remember(document, itsVersion);
    return document;
  }

  async #find(id: string): Promise<Document<T> | undefined> {
    const shown = (await this.#store.run(readScript, [this.#name, id])) as Shown | null;
    return shown === null ? undefined : this.read(shown);
  }

  async #expired(document: Document<T>): Promise<Document<T> | undefined> {
    if (this.#rules.expire === undefined) return undefined;
    const owned = await this.#store.ownedBy(document.id, "", document.expiresAtMs ?? 0);
    return this.#rules.expire(document, (name) => owned.get(name) ?? []);
  }

  /** Writes over `current`, if that is what there is. @returns false where the owner is gone */
  async #write(
    document: Document<T>,
    current: Document<T> | undefined,
    change: Change,
  ): Promise<boolean | { readonly instead: Document<T> | undefined }> {
    const { id, value, owner = "", expiresAtMs = "", hidden } = document;
    const { event, listed = true, maxHidden = "" } = this.#rules;
    const reply = await this.#store.change(writeScript, change, [
      this.#name,
      id,
      current === undefined ? "" : (this.#store.versions.get(current) ?? "unknown"),
      flag(listed),
      flag(event !== undefined),
      this.#mirrored,
      maxHidden,
      expiresAtMs,
      owner,
      flag(hidden),
      writtenEvent(event?.(undefined, document)),
      writtenEvent(event?.(document, undefined)),
      this.#codec.write(id, value),
      writtenEvent(current && event?.(current, document)),
    ]);
    const [outcome, detail] = reply as [number, (Buffer | Shown)?];
    if (outcome === 2) return false;
    if (outcome === 0) return { instead: detail ? this.read(detail as Shown) : undefined };
    this.#remember(document, String(detail));
    await this.#refreshOwn();
    return true;
  }

  async #remove(document: Document<T>, change: Change): Promise<boolean> {
    const version = this.#store.versions.get(document) ?? "unknown";
    const args = [this.#name, document.id, this.#mirrored, version];
    return (await this.#store.change(removeScript, change, args)) === 1;
  }

  #remember(document: Document<T>, version: string): void {
    this.#store.versions.set(document, version);
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(document.id, { version, document });
  }

  /** What was written here is in the copy at once. */
  async #refreshOwn(): Promise<void> {
    if (this.#rules.mirrored) await this.#store.renewMirrors();
  }

  get #mirrored(): string {
    return flag(this.#rules.mirrored);
  }
}

/** How many documents of a list are asked for at once. */
const maxPage = 500;

const flag = (is: boolean | undefined) => (is ? "1" : "");

/**
 * The store in memory. Lookups by id are a Map's, lists walk a B+ tree, and expiry is a queue of due moments
 * with one timer on the clock: nothing ever walks all documents.
 */
import sortedBTree from "sorted-btree";
import TinyQueue from "tinyqueue";
import type { Clock } from "../clock.ts";
import type { Collection, CollectionRules, Condition, Document, Store } from "./store.ts";

type AnyCollection = MemoryCollection<unknown>;

/** A promise to look at a document again. A renewed document is found not yet due and queued anew. */
interface Due {
  readonly atMs: number;
  readonly collection: AnyCollection;
  readonly id: string;
}

/** Documents due at one moment go in the order of their ids: for runners the order of creation. */
const byMoment = (a: Due, b: Due) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1);

/** Below this many, entries of documents that are gone stay in the queue until their moment comes. */
const toleratedStale = 1_000;

export class MemoryStore implements Store {
  readonly #clock: Clock;
  /** By owner and collection, the ids of what is owned. */
  readonly #owned = new Map<string, Map<AnyCollection, Set<string>>>();
  #dues = new TinyQueue<Due>([], byMoment);
  #stale = 0;
  #armedAtMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  collection<T>(name: string, rules: CollectionRules<T> = {}): Collection<T> {
    return new MemoryCollection<T>(name, rules, this);
  }

  async takeOwnedBy(owner: string): Promise<void> {
    this.removeOwnedBy(owner);
  }

  /** @internal What follows serves the collections of this store. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  removeOwnedBy(owner: string): void {
    const owned = this.#owned.get(owner);
    if (owned === undefined) return;
    this.#owned.delete(owner);
    for (const [collection, ids] of owned) for (const id of ids) collection.remove(id);
  }

  ownedBy(owner: string, collectionName: string, nowMs: number): Document<unknown>[] {
    const collections = [...(this.#owned.get(owner) ?? [])];
    return collections
      .filter(([collection]) => collection.name === collectionName)
      .flatMap(([collection, ids]) => [...ids].flatMap((id) => collection.settle(id, nowMs) ?? []));
  }

  own(owner: string, id: string, collection: AnyCollection): void {
    const owned = this.#owned.get(owner) ?? new Map<AnyCollection, Set<string>>();
    const ids = owned.get(collection);
    if (ids === undefined) owned.set(collection, new Set([id]));
    else ids.add(id);
    this.#owned.set(owner, owned);
  }

  disown(owner: string, id: string, collection: AnyCollection): void {
    const owned = this.#owned.get(owner);
    const ids = owned?.get(collection);
    if (!ids?.delete(id) || ids.size > 0) return;
    owned?.delete(collection);
    if (owned?.size === 0) this.#owned.delete(owner);
  }

  queue(due: Due): void {
    this.#dues.push(due);
    if (due.atMs < this.#armedAtMs) this.#arm();
  }

  /** Told of each document that went before its time; its entry in the queue is of no more use. */
  wentEarly(): void {
    this.#stale++;
    if (this.#stale < toleratedStale || this.#stale < this.#dues.length / 2) return;
    const useful = this.#dues.data.filter(({ collection, id }) => collection.expires(id));
    this.#dues = new TinyQueue(useful, byMoment);
    this.#stale = 0;
  }

  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    const next = this.#dues.peek();
    this.#armedAtMs = next?.atMs ?? Number.POSITIVE_INFINITY;
    if (next !== undefined) this.#disarm = this.#clock.schedule(next.atMs, (dueAtMs) => this.#sweep(dueAtMs));
  }

  #sweep(dueAtMs: number): void {
    for (let due = this.#dues.peek(); due && due.atMs <= dueAtMs; due = this.#dues.peek()) {
      this.#dues.pop();
      const expiresAtMs = due.collection.settle(due.id, dueAtMs)?.expiresAtMs;
      if (expiresAtMs !== undefined) this.#dues.push({ ...due, atMs: expiresAtMs });
    }
    this.#arm();
  }
}

class MemoryCollection<T> implements Collection<T> {
  readonly name: string;
  readonly #rules: CollectionRules<T>;
  readonly #store: MemoryStore;
  readonly #documents = new Map<string, Document<T>>();
  readonly #order: InstanceType<typeof sortedBTree.default<string, undefined>> | undefined;
  readonly #hidden = new Set<string>();

  constructor(name: string, rules: CollectionRules<T>, store: MemoryStore) {
    this.name = name;
    this.#rules = rules;
    this.#store = store;
    if (rules.listed !== false) {
      this.#order = new sortedBTree.default<string, undefined>(undefined, sortedBTree.simpleComparator);
    }
  }

  async get(id: string): Promise<Document<T> | undefined> {
    return this.settle(id, this.#store.nowMs());
  }

  async put(document: Document<T>, condition?: Condition<T>): Promise<boolean> {
    const current = this.settle(document.id, this.#store.nowMs());
    if (condition === "absent" && current !== undefined) return false;
    if (typeof condition === "object" && current !== condition.unchanged) return false;
    this.#write(document, current);
    return true;
  }

  async take(id: string): Promise<Document<T> | undefined> {
    const current = this.settle(id, this.#store.nowMs());
    if (current === undefined) return undefined;
    this.remove(id);
    return current;
  }

  async list({ after, limit }: { after?: string | undefined; limit: number }): Promise<Document<T>[]> {
    if (this.#order === undefined) throw new Error(`the collection ${this.name} keeps no order`);
    const nowMs = this.#store.nowMs();
    const page: Document<T>[] = [];
    let id = this.#order.nextHigherKey(after);
    for (; id !== undefined && page.length < limit; id = this.#order.nextHigherKey(id)) {
      const document = this.settle(id, nowMs);
      if (document !== undefined && !document.hidden) page.push(document);
    }
    return page;
  }

  /** The document as it is at `nowMs`: if its time is up, the expiry rule has its say first. */
  settle(id: string, nowMs: number): Document<T> | undefined {
    let document = this.#documents.get(id);
    while (document?.expiresAtMs !== undefined && document.expiresAtMs <= nowMs) {
      const expiredAtMs = document.expiresAtMs;
      const next = this.#rules.expire?.(document, (name) => this.#store.ownedBy(id, name, expiredAtMs));
      if (next === undefined) this.remove(id, "expired");
      else this.#write(next, document);
      // Not `next`: it may be one hidden document too many.
      document = this.#documents.get(id);
    }
    return document;
  }

  remove(id: string, cause: "expired" | "taken" = "taken"): void {
    const document = this.#documents.get(id);
    if (document === undefined) return;
    this.#documents.delete(id);
    this.#order?.delete(id);
    this.#hidden.delete(id);
    this.#setOwner(id, document.owner, undefined);
    if (document.expiresAtMs !== undefined && cause === "taken") this.#store.wentEarly();
    this.#store.removeOwnedBy(id);
  }

  expires(id: string): boolean {
    return this.#documents.get(id)?.expiresAtMs !== undefined;
  }

  #write(document: Document<T>, current: Document<T> | undefined): void {
    const { id, owner, expiresAtMs } = document;
    this.#documents.set(id, document);
    this.#setOwner(id, current?.owner, owner);
    if (document.hidden) this.#hide(id);
    else if (current === undefined || current.hidden) {
      this.#hidden.delete(id);
      this.#order?.set(id, undefined);
    }
    // A document whose time is put off already has an entry in the queue that will find this out.
    const queuedAtMs = current?.expiresAtMs ?? Number.POSITIVE_INFINITY;
    if (expiresAtMs !== undefined && expiresAtMs < queuedAtMs) {
      this.#store.queue({ atMs: expiresAtMs, collection: this as AnyCollection, id });
    }
  }

  #setOwner(id: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (before !== undefined) this.#store.disown(before, id, this as AnyCollection);
    if (after !== undefined) this.#store.own(after, id, this as AnyCollection);
  }

  #hide(id: string): void {
    this.#order?.delete(id);
    this.#hidden.add(id);
    if (this.#hidden.size <= (this.#rules.maxHidden ?? Number.POSITIVE_INFINITY)) return;
    const [longest] = this.#hidden;
    if (longest !== undefined) this.remove(longest);
  }
}

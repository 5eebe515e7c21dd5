/**
 * The store in memory. Lookups by id are a Map's, lists walk a B+ tree, and expiry is a queue of due moments
 * with one timer on the clock: nothing ever walks all documents.
 */
import sortedBTree from "sorted-btree";
import TinyQueue from "tinyqueue";
import type { Clock } from "../clock.ts";
import type { Collection, CollectionRules, Condition, Document, Store } from "./store.ts";

type AnyCollection = MemoryCollection<unknown>;

/** What is known of an id in a collection. */
interface Slot<T> {
  document: Document<T>;
  /** When its entry in the queue comes up, if it has one. An entry of another moment is of no more use. */
  queuedAtMs: number | undefined;
}

/** A promise to look at a document again. A renewed document is found not yet due and queued anew. */
interface Due {
  readonly atMs: number;
  readonly collection: AnyCollection;
  readonly slot: Slot<unknown>;
}

/** Documents due at one moment go in the order of their ids: for runners the order of creation. */
const byMoment = (a: Due, b: Due) => a.atMs - b.atMs || (a.slot.document.id < b.slot.document.id ? -1 : 1);

/** Below this many, useless entries stay in the queue until their moment comes. */
const toleratedUseless = 1_000;

export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #collections: AnyCollection[] = [];
  /** By owner and collection, the ids of what is owned. */
  readonly #owned = new Map<string, Map<AnyCollection, Set<string>>>();
  #dues = new TinyQueue<Due>([], byMoment);
  #useless = 0;
  #armedAtMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  collection<T>(name: string, rules: CollectionRules<T> = {}): Collection<T> {
    const collection = new MemoryCollection<T>(name, rules, this);
    this.#collections.push(collection as AnyCollection);
    return collection;
  }

  async takeOwnedBy(owner: string): Promise<void> {
    this.removeOwnedBy(owner);
  }

  /** @internal What follows serves the collections of this store. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Whether there is a document of that id in any collection. */
  has(id: string): boolean {
    return this.#collections.some((collection) => collection.has(id));
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

  /** Queues a document for the moment at which it expires, unless it is looked at before that anyway. */
  queue(slot: Slot<unknown>, collection: AnyCollection): void {
    const atMs = slot.document.expiresAtMs;
    if (atMs === undefined || (slot.queuedAtMs !== undefined && slot.queuedAtMs <= atMs)) return;
    this.unqueue(slot);
    slot.queuedAtMs = atMs;
    this.#dues.push({ atMs, collection, slot });
    if (atMs < this.#armedAtMs) this.#arm();
  }

  /** Makes the entry of a document useless. Once most are, they are thrown away. */
  unqueue(slot: Slot<unknown>): void {
    if (slot.queuedAtMs === undefined) return;
    slot.queuedAtMs = undefined;
    this.#useless++;
    if (this.#useless < toleratedUseless || this.#useless < this.#dues.length / 2) return;
    this.#dues = new TinyQueue(this.#dues.data.filter(isUseful), byMoment);
    this.#useless = 0;
  }

  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    let next = this.#dues.peek();
    for (; next !== undefined && !isUseful(next); next = this.#dues.peek()) {
      this.#dues.pop();
      this.#useless--;
    }
    this.#armedAtMs = next?.atMs ?? Number.POSITIVE_INFINITY;
    if (next !== undefined) this.#disarm = this.#clock.schedule(next.atMs, (dueAtMs) => this.#sweep(dueAtMs));
  }

  #sweep(dueAtMs: number): void {
    for (let due = this.#dues.peek(); due && due.atMs <= dueAtMs; due = this.#dues.peek()) {
      this.#dues.pop();
      if (!isUseful(due)) {
        this.#useless--;
        continue;
      }
      due.slot.queuedAtMs = undefined;
      due.collection.settle(due.slot.document.id, dueAtMs);
      // Renewed: it is still there, and due later.
      if (due.collection.holds(due.slot)) this.queue(due.slot, due.collection);
    }
    this.#arm();
  }
}

function isUseful({ atMs, slot }: Due): boolean {
  return slot.queuedAtMs === atMs;
}

class MemoryCollection<T> implements Collection<T> {
  readonly name: string;
  readonly #rules: CollectionRules<T>;
  readonly #store: MemoryStore;
  readonly #slots = new Map<string, Slot<T>>();
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
    if (document.owner !== undefined && !this.#store.has(document.owner)) return false;
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
    let document = this.#slots.get(id)?.document;
    while (document?.expiresAtMs !== undefined && document.expiresAtMs <= nowMs) {
      const expiredAtMs = document.expiresAtMs;
      const next = this.#rules.expire?.(document, (name) => this.#store.ownedBy(id, name, expiredAtMs));
      if (next === undefined) this.remove(id);
      else this.#write(next, document);
      // Not `next`: it may be one hidden document too many.
      document = this.#slots.get(id)?.document;
    }
    return document;
  }

  remove(id: string): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    this.#slots.delete(id);
    this.#order?.delete(id);
    this.#hidden.delete(id);
    this.#setOwner(id, slot.document.owner, undefined);
    this.#store.unqueue(slot as Slot<unknown>);
    this.#store.removeOwnedBy(id);
  }

  has(id: string): boolean {
    return this.#slots.has(id);
  }

  holds(slot: Slot<unknown>): boolean {
    return this.#slots.get(slot.document.id) === slot;
  }

  #write(document: Document<T>, current: Document<T> | undefined): void {
    const { id, owner } = document;
    const slot = this.#slots.get(id) ?? { document, queuedAtMs: undefined };
    slot.document = document;
    this.#slots.set(id, slot);
    this.#setOwner(id, current?.owner, owner);
    this.#store.queue(slot as Slot<unknown>, this as AnyCollection);
    if (document.hidden) this.#hide(id);
    else if (current === undefined || current.hidden) {
      this.#hidden.delete(id);
      this.#order?.set(id, undefined);
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

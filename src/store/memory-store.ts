/**
 * The store in memory. Lookups by id are a Map's, lists walk a B+ tree, and expiry waits in a queue of due
 * moments: nothing ever walks all documents.
 */
import sortedBTree from "sorted-btree";
import type { Clock } from "../clock.ts";
import type { Ids } from "../ids.ts";
import { DueQueue, type Slot } from "./due-queue.ts";
import { MemoryFeed } from "./memory-feed.ts";
import type { Actor, Collection, CollectionRules, Document, Page, Store, Write } from "./store.ts";

type AnyCollection = MemoryCollection<unknown>;

/** When a change happens, and who makes it. */
interface Change {
  readonly atMs: number;
  readonly by: Actor;
}

export class MemoryStore implements Store {
  readonly feed: MemoryFeed;
  readonly #clock: Clock;
  readonly #collections: AnyCollection[] = [];
  /** By owner and collection, the ids of what is owned. */
  readonly #owned = new Map<string, Map<AnyCollection, Set<string>>>();
  /** @internal What falls due in its collections. */
  readonly dues: DueQueue;

  /** @param maxFeedEntries how many entries its feed keeps */
  constructor(clock: Clock, ids: Ids, maxFeedEntries: number) {
    this.#clock = clock;
    this.feed = new MemoryFeed(ids, maxFeedEntries);
    this.dues = new DueQueue(clock);
  }

  collection<T>(name: string, rules: CollectionRules<T> = {}): Collection<T> {
    const collection = new MemoryCollection<T>(name, rules, this);
    this.#collections.push(collection as AnyCollection);
    return collection;
  }

  async takeOwnedBy(owner: string, by?: Actor): Promise<void> {
    this.removeOwnedBy(owner, { atMs: this.nowMs(), by }, this.isVisible(owner));
  }

  /** @internal What follows serves the collections of this store. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Whether there is a document of that id in any collection. */
  has(id: string): boolean {
    return this.#collections.some((collection) => collection.has(id));
  }

  /** Whether others see the document of that id. */
  isVisible(id: string): boolean {
    return this.#collections.some((collection) => collection.isVisible(id));
  }

  /** @param visible whether others saw the owner up to now */
  removeOwnedBy(owner: string, change: Change, visible: boolean): void {
    const owned = this.#owned.get(owner);
    if (owned === undefined) return;
    this.#owned.delete(owner);
    for (const [collection, ids] of owned) for (const id of ids) collection.remove(id, change, visible);
  }

  /** Tells that what belongs to an owner has come into sight with it, or gone out of it. */
  tellOwnedBy(owner: string, visible: boolean, change: Change): void {
    for (const [collection, ids] of this.#owned.get(owner) ?? []) collection.tellSight(ids, visible, change);
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

  async put(document: Document<T>, { if: condition, by }: Write<T> = {}): Promise<boolean> {
    const atMs = this.#store.nowMs();
    const current = this.settle(document.id, atMs);
    if (condition === "absent" && current !== undefined) return false;
    if (typeof condition === "object" && current !== condition.unchanged) return false;
    if (document.owner !== undefined && !this.#store.has(document.owner)) return false;
    this.#write(document, current, { atMs, by });
    return true;
  }

  async take(id: string, by?: Actor): Promise<Document<T> | undefined> {
    const atMs = this.#store.nowMs();
    const current = this.settle(id, atMs);
    if (current === undefined) return undefined;
    this.remove(id, { atMs, by });
    return current;
  }

  async list({ after, until, limit }: Page): Promise<Document<T>[]> {
    if (this.#order === undefined) throw new Error(`the collection ${this.name} keeps no order`);
    const nowMs = this.#store.nowMs();
    const page: Document<T>[] = [];
    let id = this.#order.nextHigherKey(after);
    for (; id !== undefined && page.length < limit; id = this.#order.nextHigherKey(id)) {
      if (until !== undefined && id >= until) break;
      const document = this.settle(id, nowMs);
      if (document !== undefined && this.#isSeen(document)) page.push(document);
    }
    return page;
  }

  async all(): Promise<Document<T>[]> {
    const nowMs = this.#store.nowMs();
    return [...this.#slots.keys()].flatMap((id) => this.settle(id, nowMs) ?? []);
  }

  async ownedBy(owner: string): Promise<Document<T>[]> {
    return this.#store.ownedBy(owner, this.name, this.#store.nowMs()) as Document<T>[];
  }

  /** The document as it is at `nowMs`: if its time is up, the expiry rule has its say first. */
  settle(id: string, nowMs: number): Document<T> | undefined {
    let document = this.#slots.get(id)?.document;
    while (document?.expiresAtMs !== undefined && document.expiresAtMs <= nowMs) {
      const expiredAtMs = document.expiresAtMs;
      const next = this.#rules.expire?.(document, (name) => this.#store.ownedBy(id, name, expiredAtMs));
      const change = { atMs: expiredAtMs, by: undefined };
      if (next === undefined) this.remove(id, change);
      else this.#write(next, document, change);
      // Not `next`: it may be one hidden document too many.
      document = this.#slots.get(id)?.document;
    }
    return document;
  }

  /** @param visible whether others see what it belongs to, if anything */
  remove(id: string, change: Change, visible = this.#isOwnerSeen(this.#slots.get(id)?.document)): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    const seen = visible && !slot.document.hidden;
    this.#slots.delete(id);
    this.#order?.delete(id);
    this.#hidden.delete(id);
    this.#setOwner(id, slot.document.owner, undefined);
    this.#store.dues.unqueue(slot as Slot<unknown>);
    if (seen) this.#tell(slot.document, undefined, change);
    this.#store.removeOwnedBy(id, change, seen);
  }

  has(id: string): boolean {
    return this.#slots.has(id);
  }

  isVisible(id: string): boolean {
    const slot = this.#slots.get(id);
    return slot !== undefined && this.#isSeen(slot.document);
  }

  tellSight(ids: Iterable<string>, visible: boolean, change: Change): void {
    if (this.#rules.event === undefined) return;
    for (const id of ids) {
      const document = this.#slots.get(id)?.document;
      if (document === undefined || document.hidden) continue;
      this.#tell(visible ? undefined : document, visible ? document : undefined, change);
    }
  }

  holds(slot: Slot<unknown>): boolean {
    return this.#slots.get(slot.document.id) === slot;
  }

  #write(document: Document<T>, current: Document<T> | undefined, change: Change): void {
    const { id, owner } = document;
    const slot = this.#slots.get(id) ?? { document, queuedAtMs: undefined };
    slot.document = document;
    this.#slots.set(id, slot);
    this.#setOwner(id, current?.owner, owner);
    this.#store.dues.queue(slot as Slot<unknown>, this as AnyCollection);
    if (document.hidden) this.#hide(id, change);
    else if (current === undefined || current.hidden) {
      this.#hidden.delete(id);
      this.#order?.set(id, undefined);
    }
    this.#tellWritten(document, current, change);
  }

  #tellWritten(document: Document<T>, current: Document<T> | undefined, change: Change): void {
    if (this.#rules.event === undefined || !this.#isOwnerSeen(document)) return;
    const [wasSeen, isSeen] = [current !== undefined && !current.hidden, !document.hidden];
    this.#tell(wasSeen ? current : undefined, isSeen ? document : undefined, change);
    if (current !== undefined && wasSeen !== isSeen) this.#store.tellOwnedBy(document.id, isSeen, change);
  }

  #tell(before: Document<T> | undefined, after: Document<T> | undefined, { atMs, by }: Change): void {
    if (before === undefined && after === undefined) return;
    const event = this.#rules.event?.(before, after);
    if (event !== undefined) this.#store.feed.append(event, atMs, by);
  }

  #isSeen(document: Document<T>): boolean {
    return !document.hidden && this.#isOwnerSeen(document);
  }

  #isOwnerSeen(document: Document<T> | undefined): boolean {
    return document?.owner === undefined || this.#store.isVisible(document.owner);
  }

  #setOwner(id: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (before !== undefined) this.#store.disown(before, id, this as AnyCollection);
    if (after !== undefined) this.#store.own(after, id, this as AnyCollection);
  }

  #hide(id: string, change: Change): void {
    this.#order?.delete(id);
    this.#hidden.add(id);
    if (this.#hidden.size <= (this.#rules.maxHidden ?? Number.POSITIVE_INFINITY)) return;
    const [longest] = this.#hidden;
    if (longest !== undefined) this.remove(longest, change);
  }
}

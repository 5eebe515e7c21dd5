/**
 * The store in memory. Lookups by id are a Map's, lists walk a B+ tree, and expiry waits in a queue of due
 * moments: nothing ever walks all documents.
 */
import sortedBTree from "sorted-btree";
import type { Timers } from "../clock.ts";
import type { Ids } from "../ids.ts";
import { DueQueue, type Slot } from "./due-queue.ts";
import { MemoryFeed } from "./memory-feed.ts";
import type { Actor, Collection, CollectionRules, Document, Page, Store, Write } from "./store.ts";

type AnyCollection = MemoryCollection<unknown>;

/** A document's place in its collection. */
interface MemorySlot<T> extends Slot<T> {
  readonly home: MemoryCollection<T>;
  /** Its number among the hidden, if it is one. */
  hiddenAs: number | undefined;
}

type AnySlot = MemorySlot<unknown>;

/** When a change happens, and who makes it. */
interface Change {
  readonly atMs: number;
  readonly by: Actor;
}

export class MemoryStore implements Store {
  readonly feed: MemoryFeed;
  readonly #clock: Timers;
  readonly #collections: AnyCollection[] = [];
  /** By owner, what it owns, the oldest first. */
  readonly #owned = new Map<string, Set<AnySlot>>();
  /** @internal What falls due in its collections. */
  readonly dues: DueQueue;

  /** @param maxFeedEntries how many entries its feed keeps */
  constructor(clock: Timers, ids: Ids, maxFeedEntries: number) {
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
    for (const { home, document } of owned) home.remove(document.id, change, visible);
  }

  /** Tells that what belongs to an owner has come into sight with it, or gone out of it. */
  tellOwnedBy(owner: string, visible: boolean, change: Change): void {
    for (const { home, document } of this.#owned.get(owner) ?? []) home.tellSight(document, visible, change);
  }

  ownedBy(owner: string, collectionName: string, nowMs: number): Document<unknown>[] {
    // What is settled may go out of the set.
    return [...(this.#owned.get(owner) ?? [])]
      .filter(({ home }) => home.name === collectionName)
      .flatMap(({ home, document }) => home.settle(document.id, nowMs) ?? []);
  }

  own(owner: string, slot: AnySlot): void {
    const owned = this.#owned.get(owner);
    if (owned === undefined) this.#owned.set(owner, new Set([slot]));
    else owned.add(slot);
  }

  disown(owner: string, slot: AnySlot): void {
    const owned = this.#owned.get(owner);
    if (owned?.delete(slot) && owned.size === 0) this.#owned.delete(owner);
  }
}

class MemoryCollection<T> implements Collection<T> {
  readonly name: string;
  readonly #rules: CollectionRules<T>;
  readonly #store: MemoryStore;
  readonly #slots = new Map<string, MemorySlot<T>>();
  readonly #order: InstanceType<typeof sortedBTree.default<string, undefined>> | undefined;
  /**
   * The slots of the hidden, the longest hidden first. To take the first out of a Set or Map again and again is slow: each
   * leaves a hole, which the next steps over.
   */
  readonly #hidden = new sortedBTree.default<number, MemorySlot<T>>();
  #hiddenCount = 0;
  /** What `mirror` says, once it has been asked and until something changes. */
  #mirror: Document<T>[] | undefined;

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

  mirror(): readonly Document<T>[] {
    this.#mirror ??= [...this.#slots.values()].map(({ document }) => document).sort(byId);
    return this.#mirror;
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
    this.#mirror = undefined;
    this.#slots.delete(id);
    this.#order?.delete(id);
    this.#unhide(slot);
    this.#setOwner(slot, slot.document.owner, undefined);
    this.#store.dues.unqueue(slot);
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

  tellSight(document: Document<T>, visible: boolean, change: Change): void {
    if (!document.hidden) this.#tell(visible ? undefined : document, visible ? document : undefined, change);
  }

  holds(slot: Slot<T>): boolean {
    return this.#slots.get(slot.document.id) === slot;
  }

  #write(document: Document<T>, current: Document<T> | undefined, change: Change): void {
    const { id, owner } = document;
    this.#mirror = undefined;
    let slot = this.#slots.get(id);
    if (slot === undefined) {
      slot = { document, queuedAtMs: undefined, home: this, hiddenAs: undefined };
      this.#slots.set(id, slot);
    } else slot.document = document;
    this.#setOwner(slot, current?.owner, owner);
    this.#store.dues.queue(slot);
    if (document.hidden) this.#hide(slot, change);
    else if (current === undefined || current.hidden) {
      this.#unhide(slot);
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

  #setOwner(slot: MemorySlot<T>, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (before !== undefined) this.#store.disown(before, slot as AnySlot);
    if (after !== undefined) this.#store.own(after, slot as AnySlot);
  }

  #hide(slot: MemorySlot<T>, change: Change): void {
    this.#order?.delete(slot.document.id);
    slot.hiddenAs ??= ++this.#hiddenCount;
    this.#hidden.set(slot.hiddenAs, slot);
    if (this.#hidden.size <= (this.#rules.maxHidden ?? Number.POSITIVE_INFINITY)) return;
    const longest = this.#hidden.get(this.#hidden.minKey() ?? 0);
    if (longest !== undefined) this.remove(longest.document.id, change);
  }

  #unhide(slot: MemorySlot<T>): void {
    if (slot.hiddenAs === undefined) return;
    this.#hidden.delete(slot.hiddenAs);
    slot.hiddenAs = undefined;
  }
}

const byId = (one: { readonly id: string }, other: { readonly id: string }) => (one.id < other.id ? -1 : 1);

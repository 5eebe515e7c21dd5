/**
 * The store in memory. Lookups by id are a Map's, lists walk a B+ tree, and expiry waits in a queue of due
 * moments: nothing ever walks all documents.
 */
import sortedBTree from "sorted-btree";
import type { Timers } from "../clock.ts";
import type { Ids } from "../ids.ts";
import { DueQueue, type Slot } from "./due-queue.ts";
import { MemoryFeed } from "./memory-feed.ts";
import { type AnyMemorySlot, type Change, type MemoryHome, MemorySlot } from "./memory-slot.ts";
import type { Actor, Collection, CollectionRules, Document, Page, Store, Write } from "./store.ts";

type AnyCollection = MemoryCollection<unknown>;

export class MemoryStore implements Store {
  readonly feed: MemoryFeed;
  readonly #clock: Timers;
  readonly #collections: AnyCollection[] = [];
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
    const slot = this.slotOf(owner);
    if (slot !== undefined) removeOwned(slot, { atMs: this.nowMs(), by }, slot.isSeen);
  }

  /** @internal What follows serves the collections of this store. */
  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** The place of the document of that id, in whichever collection there is one. */
  slotOf(id: string): AnyMemorySlot | undefined {
    for (const collection of this.#collections) {
      const slot = collection.slotOf(id);
      if (slot !== undefined) return slot;
    }
    return undefined;
  }
}

/** @param visible whether others saw the owner up to now */
function removeOwned(owner: AnyMemorySlot, change: Change, visible: boolean): void {
  for (const slot of owner.owned) slot.home.remove(slot, change, visible);
}

function ownedIn(owner: AnyMemorySlot, collection: string, nowMs: number): Document<unknown>[] {
  return owner.owned
    .filter(({ home }) => home.name === collection)
    .flatMap(({ home, document }) => home.settle(document.id, nowMs) ?? []);
}

class MemoryCollection<T> implements Collection<T>, MemoryHome<T> {
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
    const slot = this.#settled(document.id, atMs);
    if (condition === "absent" && slot !== undefined) return false;
    if (typeof condition === "object" && slot?.document !== condition.unchanged) return false;
    const owner = this.#ownerOf(document, slot);
    if (document.owner !== undefined && owner === undefined) return false;
    this.#write(document, slot, owner, { atMs, by });
    return true;
  }

  async take(id: string, by?: Actor): Promise<Document<T> | undefined> {
    const atMs = this.#store.nowMs();
    const slot = this.#settled(id, atMs);
    if (slot === undefined) return undefined;
    this.remove(slot, { atMs, by });
    return slot.document;
  }

  async list({ after, until, limit }: Page): Promise<Document<T>[]> {
    if (this.#order === undefined) throw new Error(`the collection ${this.name} keeps no order`);
    const nowMs = this.#store.nowMs();
    const page: Document<T>[] = [];
    let id = this.#order.nextHigherKey(after);
    for (; id !== undefined && page.length < limit; id = this.#order.nextHigherKey(id)) {
      if (until !== undefined && id >= until) break;
      const slot = this.#settled(id, nowMs);
      if (slot?.isSeen) page.push(slot.document);
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
    const slot = this.#store.slotOf(owner);
    return slot === undefined ? [] : (ownedIn(slot, this.name, this.#store.nowMs()) as Document<T>[]);
  }

  /** The document as it is at `nowMs`: if its time is up, the expiry rule has its say first. */
  settle(id: string, nowMs: number): Document<T> | undefined {
    return this.#settled(id, nowMs)?.document;
  }

  remove(slot: MemorySlot<T>, change: Change, visible = slot.isOwnerSeen): void {
    const { document } = slot;
    const seen = visible && !document.hidden;
    this.#mirror = undefined;
    this.#slots.delete(document.id);
    this.#order?.delete(document.id);
    this.#unhide(slot);
    slot.owner = undefined;
    this.#store.dues.unqueue(slot);
    if (seen) this.#tell(document, undefined, change);
    removeOwned(slot, change, seen);
  }

  slotOf(id: string): MemorySlot<T> | undefined {
    return this.#slots.get(id);
  }

  tellSight(document: Document<T>, visible: boolean, change: Change): void {
    if (!document.hidden) this.#tell(visible ? undefined : document, visible ? document : undefined, change);
  }

  holds(slot: Slot<T>): boolean {
    return this.#slots.get(slot.document.id) === slot;
  }

  #settled(id: string, nowMs: number): MemorySlot<T> | undefined {
    let slot = this.#slots.get(id);
    while (slot?.document.expiresAtMs !== undefined && slot.document.expiresAtMs <= nowMs) {
      const expired = slot;
      const expiredAtMs = slot.document.expiresAtMs;
      const next = this.#rules.expire?.(slot.document, (name) => ownedIn(expired, name, expiredAtMs));
      const change = { atMs: expiredAtMs, by: undefined };
      if (next === undefined) this.remove(slot, change);
      else this.#write(next, slot, this.#ownerOf(next, slot), change);
      // It may have been one hidden document too many.
      slot = this.#slots.get(id);
    }
    return slot;
  }

  /** @param slot the place that the document is to be in, if there is one already */
  #ownerOf({ owner }: Document<T>, slot: MemorySlot<T> | undefined): AnyMemorySlot | undefined {
    if (owner === undefined) return undefined;
    return owner === slot?.document.owner ? slot.owner : this.#store.slotOf(owner);
  }

  #write(
    document: Document<T>,
    known: MemorySlot<T> | undefined,
    owner: AnyMemorySlot | undefined,
    change: Change,
  ): void {
    this.#mirror = undefined;
    const current = known?.document;
    const slot = known ?? new MemorySlot(document, this);
    if (known === undefined) this.#slots.set(document.id, slot);
    else slot.document = document;
    slot.owner = owner;
    this.#store.dues.queue(slot);
    if (document.hidden) this.#hide(slot, change);
    else if (current === undefined || current.hidden) {
      this.#unhide(slot);
      this.#order?.set(document.id, undefined);
    }
    this.#tellWritten(slot, current, change);
  }

  #tellWritten(slot: MemorySlot<T>, current: Document<T> | undefined, change: Change): void {
    if (this.#rules.event === undefined || !slot.isOwnerSeen) return;
    const { document } = slot;
    const [wasSeen, isSeen] = [current !== undefined && !current.hidden, !document.hidden];
    this.#tell(wasSeen ? current : undefined, isSeen ? document : undefined, change);
    if (current === undefined || wasSeen === isSeen) return;
    for (const owned of slot.owned) owned.home.tellSight(owned.document, isSeen, change);
  }

  #tell(before: Document<T> | undefined, after: Document<T> | undefined, { atMs, by }: Change): void {
    if (before === undefined && after === undefined) return;
    const event = this.#rules.event?.(before, after);
    if (event !== undefined) this.#store.feed.append(event, atMs, by);
  }

  #hide(slot: MemorySlot<T>, change: Change): void {
    this.#order?.delete(slot.document.id);
    slot.hiddenAs ??= ++this.#hiddenCount;
    this.#hidden.set(slot.hiddenAs, slot);
    if (this.#hidden.size <= (this.#rules.maxHidden ?? Number.POSITIVE_INFINITY)) return;
    const longest = this.#hidden.get(this.#hidden.minKey() ?? 0);
    if (longest !== undefined) this.remove(longest, change);
  }

  #unhide(slot: MemorySlot<T>): void {
    if (slot.hiddenAs === undefined) return;
    this.#hidden.delete(slot.hiddenAs);
    slot.hiddenAs = undefined;
  }
}

const byId = (one: { readonly id: string }, other: { readonly id: string }) => (one.id < other.id ? -1 : 1);
